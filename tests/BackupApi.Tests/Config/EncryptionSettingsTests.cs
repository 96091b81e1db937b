using System.Text;
using Xunit;

namespace BackupApi.Tests.Config;

/// <summary>Asked to encrypt, the service encrypts or does not start.</summary>
public sealed class EncryptionSettingsTests : IDisposable
{
    private readonly SettingsCase settings = new();

    public void Dispose() => settings.Dispose();

    [Fact]
    public void The_first_line_encrypts_and_further_ones_only_open()
    {
        var (options, errors) = settings.Read(("BACKUP_PASSPHRASE_FILE", File("the new passphrase  \r\n\nthe one before\n")));
        Assert.Empty(errors);
        Assert.Equal(["the new passphrase", "the one before"], options.Encryption.Passphrases);
        Assert.True(options.Encryption.Encrypt);
        Assert.Empty(settings.Read().Options.Encryption.Passphrases);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("too short\n")]
    [InlineData("a good passphrase\nshort\n")]
    [InlineData("with a \u0001 control character\n")]
    public void A_file_that_holds_no_passphrase_stops_the_start_and_is_not_taken_for_none(string content)
    {
        var error = Assert.Single(settings.Errors(("BACKUP_PASSPHRASE_FILE", File(content))));
        Assert.StartsWith("BACKUP_PASSPHRASE_FILE", error, StringComparison.Ordinal);
        Assert.DoesNotContain("a good passphrase", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_stops_the_start() =>
        Assert.Contains(settings.Errors(("BACKUP_PASSPHRASE_FILE", settings.Folder["missing"])), error => error.StartsWith("BACKUP_PASSPHRASE_FILE", StringComparison.Ordinal));

    [Fact]
    public void A_passphrase_in_the_environment_is_refused_and_not_shown()
    {
        var error = Assert.Single(settings.Errors(("BACKUP_PASSPHRASE", "a good passphrase")));
        Assert.Contains("BACKUP_PASSPHRASE_FILE", error, StringComparison.Ordinal);
        Assert.DoesNotContain("a good passphrase", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Encryption_that_is_asked_for_without_a_passphrase_stops_the_start()
    {
        Assert.StartsWith("Backup__Encrypt", Assert.Single(settings.Errors(("Backup__Encrypt", "true"))), StringComparison.Ordinal);
        Assert.False(settings.Read(("Backup__Encrypt", "false"), ("BACKUP_PASSPHRASE_FILE", File("a good passphrase"))).Options.Encryption.Encrypt);
    }

    [Fact]
    public void The_settings_in_force_tell_where_it_came_from_and_never_what_it_is()
    {
        var facts = settings.Read(("BACKUP_PASSPHRASE_FILE", File("a good passphrase"))).Options.Facts;
        var fact = Assert.Single(facts, fact => fact.Name == "BACKUP_PASSPHRASE");
        Assert.Equal("***", fact.Value);
        Assert.StartsWith("file ", fact.From, StringComparison.Ordinal);
    }

    private string File(string content) => settings.Folder.File("passphrase", Encoding.UTF8.GetBytes(content));
}
