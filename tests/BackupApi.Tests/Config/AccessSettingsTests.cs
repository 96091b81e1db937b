using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Config;

/// <summary>Who others can reach must say who may call.</summary>
public sealed class AccessSettingsTests : IDisposable
{
    private const string Key = "0123456789abcdef";

    private readonly SettingsCase settings = new();

    public void Dispose() => settings.Dispose();

    [Theory]
    [InlineData("urls", "http://127.0.0.1:5050")]
    [InlineData("urls", "http://localhost:5050;http://[::1]:5051")]
    [InlineData("urls", "http://127.8.9.10")]
    [InlineData("urls", "http://unix:/run/backupapi.sock")]
    [InlineData("Kestrel__Endpoints__Https__Url", "https://127.0.0.1:5051")]
    public void On_this_machine_alone_no_key_is_needed(string name, string value)
    {
        var (options, errors) = settings.Read((name, value));

        Assert.Empty(errors);
        Assert.Null(options.Service.Addresses.Reachable);
        Assert.True(options.Service.HasAddress);
    }

    [Theory]
    [InlineData("urls", "http://0.0.0.0:5050")]
    [InlineData("urls", "http://[::]:5050")]
    [InlineData("urls", "http://*:5050")]
    [InlineData("urls", "http://+:5050")]
    [InlineData("urls", "http://192.168.1.2:5050")]
    [InlineData("urls", "http://a-name-of-this-machine:5050")]
    [InlineData("urls", "http://localhost.example:5050")]
    [InlineData("urls", "http://127.0.0.1:5050;http://10.0.0.1:5050")]
    [InlineData("http_ports", "8080")]
    [InlineData("https_ports", "8443")]
    [InlineData("Kestrel__Endpoints__Https__Url", "https://*:8443")]
    public void Reachable_by_others_it_needs_a_key_or_the_word_that_none_is_wanted(string name, string value)
    {
        var error = Assert.Single(settings.Errors((name, value)));

        Assert.StartsWith("API_KEY: a key is needed, because ", error, StringComparison.Ordinal);
        Assert.Contains("ALLOW_ANONYMOUS=true", error, StringComparison.Ordinal);
        Assert.Empty(settings.Errors((name, value), ("API_KEY", Key)));
        Assert.Empty(settings.Errors((name, value), ("API_KEY_READ", Key)));
        Assert.Empty(settings.Errors((name, value), ("API_KEY_FILE", settings.Folder.File("key", "0123456789abcdef\n"u8))));
        Assert.Empty(settings.Errors((name, value), ("ALLOW_ANONYMOUS", "true")));
        Assert.NotEmpty(settings.Errors((name, value), ("ALLOW_ANONYMOUS", "false")));
    }

    [Theory]
    [InlineData("short")]
    [InlineData("0123456789abcdef,short")]
    [InlineData("with a space in the middle")]
    [InlineData("ümlaute-ümlaute-ümlaute")]
    public void A_key_that_can_be_guessed_or_mistyped_is_refused_and_not_shown(string key)
    {
        var error = Assert.Single(settings.Errors(("API_KEY", key)));

        Assert.StartsWith("API_KEY: allowed is up to 20 keys of 16 to 256 visible ASCII characters", error, StringComparison.Ordinal);
        Assert.DoesNotContain(key, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_file_that_cannot_be_read_is_an_error_and_opens_nothing() =>
        Assert.StartsWith("API_KEY_FILE", Assert.Single(settings.Errors(("urls", "http://*:1"), ("API_KEY_FILE", settings.Folder["none"]))), StringComparison.Ordinal);

    [Fact]
    public void Keys_and_no_keys_wanted_contradict_each_other() =>
        Assert.StartsWith("ALLOW_ANONYMOUS", Assert.Single(settings.Errors(("API_KEY", Key), ("ALLOW_ANONYMOUS", "true"))), StringComparison.Ordinal);

    [Fact]
    public void One_key_cannot_have_two_roles() =>
        Assert.Contains("given twice", Assert.Single(settings.Errors(("API_KEY", Key), ("API_KEY_READ", Key))), StringComparison.Ordinal);

    [Theory]
    [InlineData("backup.example.org", true)]
    [InlineData("*.example.org; backup", true)]
    [InlineData("*", true)]
    [InlineData("http://backup.example.org", false)]
    [InlineData("backup.example.org:5050", false)]
    [InlineData("*.*", false)]
    public void Host_names_are_names_alone(string text, bool isRight) =>
        Assert.Equal(isRight ? 0 : 1, settings.Errors(("ALLOWED_HOSTS", text)).Count);

    [Fact]
    public async Task The_process_refuses_to_listen_to_the_network_without_a_key()
    {
        using var service = new ServiceProcess([], [.. ServiceProcess.Over(settings.Folder), ("ASPNETCORE_HTTP_PORTS", "8080")]);

        Assert.Equal(78, await service.ExitAsync());
        Assert.Contains("API_KEY: a key is needed, because http://*:8080 can be reached by others", service.Errors, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(settings.Folder.Path));
    }
}
