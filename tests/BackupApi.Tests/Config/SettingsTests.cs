using BackupApi.Config;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace BackupApi.Tests.Config;

public sealed class SettingsTests : IDisposable
{
    private readonly SettingsCase settings = new();

    public void Dispose() => settings.Dispose();

    [Fact]
    public void Without_any_variable_everything_has_a_default_that_works()
    {
        var (options, errors) = BackupApiOptions.Read(new ConfigurationBuilder().Build());

        Assert.Empty(errors);
        var good = Wiring.SettingsFrom(options);
        Assert.EndsWith("/storage", good.StoragePath, StringComparison.Ordinal);
        Assert.EndsWith("/backups", good.BackupsPath, StringComparison.Ordinal);
        Assert.EndsWith("/restore", good.RestorePath, StringComparison.Ordinal);
        Assert.True(good.AutoBackupEnabled);
        Assert.True(good.AutoRestoreEnabled);
        Assert.Equal(TimeSpan.FromHours(1), good.Interval);
        Assert.Equal(10, good.MaxBackups);
        Assert.Equal(StartBackup.Stale, good.OnStart);
        Assert.Equal(StopBackup.Changed, good.OnStop);
        Assert.Equal("docker-compose restart app worker", good.RestartCommand);
        Assert.Equal(TimeSpan.FromSeconds(25), good.ShutdownTimeout);
        Assert.Equal(100L * 1024 * 1024, good.MinFreeBytes);
        Assert.False(options.Service.HasAddress);
        Assert.Equal(Wiring.SettingsFrom(options), new ServiceSettings
        {
            StoragePath = good.StoragePath,
            BackupsPath = good.BackupsPath,
            RestorePath = good.RestorePath,
            TimeZone = good.TimeZone,
        });
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("1", true)]
    [InlineData("Yes", true)]
    [InlineData("ON", true)]
    [InlineData("false", false)]
    [InlineData("0", false)]
    [InlineData("no", false)]
    [InlineData(" off ", false)]
    public void Switches_are_read_in_every_usual_spelling(string text, bool expected) =>
        Assert.Equal(expected, settings.Good(("AUTO_BACKUP_ENABLED", text)).AutoBackupEnabled);

    [Fact]
    public void Values_reach_the_operations_in_their_units()
    {
        var good = settings.Good(
            ("AUTO_BACKUP_INTERVAL", "90000"), ("MAX_BACKUPS", "3"), ("BACKUP_ON_START", "Always"), ("BACKUP_ON_STOP", "never"), ("RESTART_COMMAND", "systemctl restart app"),
            ("TZ", ":Europe/Berlin"), ("SHUTDOWN_TIMEOUT", "00:01:30"), ("MIN_FREE_MB", "5"), ("Backup__Threads", "3"), ("Backup__MaxMBPerSecond", "7"),
            ("Backup__FullReadEvery", "1.00:00:00"), ("Backup__AlwaysWrite", "yes"), ("Backup__CapturePatience", "12.5"));

        Assert.Equal(TimeSpan.FromSeconds(90), good.Interval);
        Assert.Equal(3, good.MaxBackups);
        Assert.Equal(StartBackup.Always, good.OnStart);
        Assert.Equal(StopBackup.Never, good.OnStop);
        Assert.Equal("systemctl restart app", good.RestartCommand);
        Assert.Equal("Europe/Berlin", good.TimeZone.Id);
        Assert.Equal(TimeSpan.FromSeconds(90), good.ShutdownTimeout);
        Assert.Equal(5 * 1024 * 1024, good.MinFreeBytes);
        Assert.Equal(3, good.Threads);
        Assert.Equal(7 * 1024 * 1024, good.BytesPerSecond);
        Assert.Equal(TimeSpan.FromDays(1), good.FullReadEvery);
        Assert.True(good.AlwaysWrite);
        Assert.Equal(TimeSpan.FromSeconds(12.5), good.CapturePatience);
    }

    [Theory]
    [InlineData("MAX_BACKUPS", "0")]
    [InlineData("MAX_BACKUPS", "many")]
    [InlineData("MAX_BACKUPS", "3.5")]
    [InlineData("AUTO_BACKUP_INTERVAL", "999")]
    [InlineData("AUTO_BACKUP_INTERVAL", "99999999999999")]
    [InlineData("AUTO_BACKUP_ENABLED", "maybe")]
    [InlineData("AUTO_RESTORE_ENABLED", "2")]
    [InlineData("BACKUP_ON_START", "sometimes")]
    [InlineData("BACKUP_ON_START", "1")]
    [InlineData("BACKUP_ON_STOP", "always")]
    [InlineData("TZ", "Mars/Olympus")]
    [InlineData("SHUTDOWN_TIMEOUT", "0")]
    [InlineData("SHUTDOWN_TIMEOUT", "2 minutes")]
    [InlineData("SHUTDOWN_TIMEOUT", "1e99")]
    [InlineData("MIN_FREE_MB", "-1")]
    [InlineData("LOG_LEVEL", "loud")]
    [InlineData("RESTART_COMMAND", "one\ntwo")]
    [InlineData("Backup__Threads", "65")]
    [InlineData("STORAGE_PATH", "/")]
    public void A_wrong_value_is_named_with_its_variable_and_what_is_allowed(string name, string value)
    {
        var error = Assert.Single(settings.Errors((name, value)));

        Assert.StartsWith(name, error, StringComparison.Ordinal);
        Assert.Contains($"\"{value}\"", error, StringComparison.Ordinal);
        Assert.Contains("allowed is ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void All_errors_are_listed_at_once() =>
        Assert.Equal(4, settings.Errors(("MAX_BACKUPS", "0"), ("TZ", "x"), ("LOG_LEVEL", "x"), ("Backup__Treads", "1")).Count);

    [Theory]
    [InlineData("ASPNETCORE_URLS", "urls", "localhost:5050")]
    [InlineData("ASPNETCORE_HTTP_PORTS", "http_ports", "http")]
    [InlineData("ASPNETCORE_HTTP_PORTS", "http_ports", "70000")]
    public void A_wrong_address_is_an_error_before_anything_listens(string name, string key, string value) =>
        Assert.StartsWith(name, Assert.Single(settings.Errors((key, value))), StringComparison.Ordinal);

    [Fact]
    public void An_unknown_name_is_an_error_that_suggests_the_nearest()
    {
        Assert.Equal("Backup__Treads: there is no such setting; did you mean Backup__Threads.", Assert.Single(settings.Errors(("Backup__Treads", "1"))));
        Assert.Equal("Backup__LiteDb__1__Pasword: there is no such setting; did you mean Backup__LiteDb__1__Password.",
            Assert.Single(settings.Errors(("Backup__LiteDb__1__Path", "a.db"), ("Backup__LiteDb__1__Password", "x"), ("Backup__LiteDb__1__Pasword", "x"))));
        Assert.Equal("Backup__Whatever__Else: there is no such setting.", Assert.Single(settings.Errors(("Backup__Whatever__Else", "1"))));
    }

    [Fact]
    public void An_empty_value_means_not_set() => Assert.Equal(10, settings.Good(("MAX_BACKUPS", ""), ("MAX_BACKUPS_FILE", "  ")).MaxBackups);

    [Fact]
    public void A_value_may_come_from_a_file()
    {
        var file = settings.Folder.File("secret", "12\n"u8);

        Assert.Equal(12, settings.Good(("MAX_BACKUPS_FILE", file)).MaxBackups);
    }

    [Fact]
    public void A_value_and_a_file_for_it_exclude_each_other() =>
        Assert.Contains("set one of the two", Assert.Single(settings.Errors(("MAX_BACKUPS", "3"), ("MAX_BACKUPS_FILE", settings.Folder.File("secret", "12"u8)))), StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_missing_or_far_too_large_is_an_error()
    {
        Assert.StartsWith("MAX_BACKUPS_FILE is ", Assert.Single(settings.Errors(("MAX_BACKUPS_FILE", settings.Folder["none"]))), StringComparison.Ordinal);
        Assert.Contains("larger than 64 KB", Assert.Single(settings.Errors(("LITEDB_PASSWORD_FILE", settings.Folder.File("big", new byte[70_000])))), StringComparison.Ordinal);
    }

    [Fact]
    public void Passwords_are_found_by_path_and_never_shown()
    {
        var file = settings.Folder.File("secret", "from file\n"u8);
        var (options, errors) = settings.Read(
            ("LITEDB_PASSWORD", "for all"), ("Backup__LiteDb__0__Path", "/data/one.db"), ("Backup__LiteDb__0__Password", "for one"),
            ("Backup__LiteDb__x__Path", "two.db"), ("Backup__LiteDb__x__Password_FILE", file));

        Assert.Empty(errors);
        Assert.Equal("for one", options.LiteDb.PasswordOf("data/one.db"));
        Assert.Equal("from file", options.LiteDb.PasswordOf("two.db"));
        Assert.Equal("for all", options.LiteDb.PasswordOf("three.db"));
        Assert.DoesNotContain("for all", options.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("for one", options.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../out.db", "x")]
    [InlineData("", "x")]
    [InlineData("a.db", "")]
    public void A_password_needs_a_path_inside_storage_and_the_other_way_round(string path, string password) =>
        Assert.NotEmpty(settings.Errors(("Backup__LiteDb__0__Path", path), ("Backup__LiteDb__0__Password", password)));

    [Fact]
    public void Reading_settings_makes_no_folder()
    {
        settings.Good(("STORAGE_PATH", settings.Folder["s"]), ("BACKUPS_PATH", settings.Folder["b"]), ("RESTORE_PATH", settings.Folder["r"]));

        Assert.Empty(Directory.GetFileSystemEntries(settings.Folder.Path));
    }

    [Fact]
    public void Every_setting_is_explained_in_the_documentation()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Backup:LiteDb:0:Path", "a"), new("Backup:Alerts:0:Url", "a"), new("Backup:Schedule:0:Cron", "a"), new("Backup:Upkeep:0:Database", "a")]).Build();
        var reader = new SettingsReader(configuration);
        BackupApiOptions.Read(reader, configuration);
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "SETTINGS.md"));

        Assert.True(reader.Asked.Count > 80);
        var missing = reader.Asked.Where(name => !name.EndsWith("_FILE", StringComparison.Ordinal) && !text.Contains($"`{name}`", StringComparison.Ordinal)).ToList();
        Assert.Empty(missing);
    }
}
