using BackupApi.Config;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace BackupApi.Tests.Config;

/// <summary>Settings by which the application speaks: its hooks, what it is, and what its sources are to it.</summary>
public sealed class ApplicationSettingsTests : IDisposable
{
    private readonly SettingsCase settings = new();

    public void Dispose() => settings.Dispose();

    [Fact]
    public void Values_reach_the_operations()
    {
        var good = settings.Good(
            ("Backup__Hooks__BeforeCapture", "http://user:secret@app:8080/hook?token=x"), ("Backup__Hooks__AfterRestore_FILE", settings.Folder.File("hook", "https://app/x\n"u8)),
            ("Backup__Hooks__Timeout", "3"), ("Backup__Hooks__OnFailure", "STOP"),
            ("APP_SCHEMA_HASH", "abc"), ("APP_STORAGE_FORMAT", "7"), ("APP_READS_VERSIONS", "1.*, 2.0"),
            ("Backup__Sources__0__Path", "events/*.db"), ("Backup__Sources__0__Role", "eventlog"), ("Backup__Sources__10__Path", "**"), ("Backup__Sources__10__Role", "state"), ("Backup__Sources__2__Path", "a"), ("Backup__Sources__2__Role", "State"));

        Assert.Equal("app", good.Hooks.BeforeCapture!.Host);
        Assert.Equal("https://app/x", good.Hooks.AfterRestore!.OriginalString);
        Assert.Null(good.Hooks.AfterCapture);
        Assert.Equal(TimeSpan.FromSeconds(3), good.Hooks.Timeout);
        Assert.True(good.Hooks.StopsOnFailure);
        Assert.Equal("abc", good.Application.SchemaHash);
        Assert.Equal(7, good.Application.StorageFormat);
        Assert.Equal(["1.*", "2.0"], good.Application.ReadsVersions!);
        Assert.Equal([new SourceRoleRule("events/*.db", SourceRole.Eventlog), new SourceRoleRule("a", SourceRole.State), new SourceRoleRule("**", SourceRole.State)], good.Roles);
    }

    [Theory]
    [InlineData("Backup__Hooks__BeforeCapture", "app:8080/hook", false)]
    [InlineData("Backup__Hooks__AfterCapture", "file:///etc/passwd", false)]
    [InlineData("Backup__Hooks__Timeout", "0", true)]
    [InlineData("Backup__Hooks__OnFailure", "ignore", true)]
    [InlineData("APP_STORAGE_FORMAT", "-1", true)]
    [InlineData("APP_STORAGE_FORMAT", "seven", true)]
    [InlineData("APP_SCHEMA_HASH", "a\nb", true)]
    public void A_wrong_value_is_named_and_a_secret_one_is_not_shown(string name, string value, bool isShown)
    {
        var error = Assert.Single(settings.Errors((name, value)));

        Assert.StartsWith(name, error, StringComparison.Ordinal);
        Assert.Contains("allowed is ", error, StringComparison.Ordinal);
        Assert.Equal(isShown, error.Contains(value, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("../out", "state", "Backup__Sources__0__Path")]
    [InlineData("/abs", "state", "Backup__Sources__0__Path")]
    [InlineData("", "state", "Backup__Sources__0__Path")]
    [InlineData("a.db", "", "Backup__Sources__0__Role")]
    [InlineData("a.db", "log", "Backup__Sources__0__Role")]
    public void A_source_needs_a_path_inside_storage_and_a_role(string path, string role, string named) =>
        Assert.StartsWith(named, Assert.Single(settings.Errors(("Backup__Sources__0__Path", path), ("Backup__Sources__0__Role", role))), StringComparison.Ordinal);

    [Fact]
    public void Addresses_of_hooks_are_shown_to_nobody()
    {
        var (options, errors) = settings.Read(("Backup__Hooks__BeforeCapture", "http://app/?token=x"));

        Assert.Empty(errors);
        Assert.Equal("***", options.Facts.Single(fact => fact.Name == "Backup__Hooks__BeforeCapture").Value);
    }

    [Fact]
    public void Each_is_explained_in_the_documentation()
    {
        var reader = new SettingsReader(new ConfigurationBuilder().AddInMemoryCollection([new("Backup:Sources:0:Path", "a")]).Build());
        HookOptions.Read(reader);
        ApplicationOptions.Read(reader);
        SourceOptions.Read(reader);
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "SETTINGS.md"));

        Assert.True(reader.Asked.Count > 10);
        Assert.DoesNotContain(reader.Asked, name => !name.EndsWith("_FILE", StringComparison.Ordinal) && !text.Contains($"`{name}`", StringComparison.Ordinal));
    }
}
