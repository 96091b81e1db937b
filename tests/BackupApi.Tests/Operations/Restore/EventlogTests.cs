using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>Sources with a role, and the restore of the event logs alone.</summary>
public sealed class EventlogTests
{
    private static readonly SourceRoleRule[] Rules =
    [
        new("events/keep.txt", SourceRole.State), new("events/**", SourceRole.Eventlog), new("sql", SourceRole.State), new("*.log", SourceRole.Eventlog),
    ];

    [Fact]
    public async Task Only_the_event_logs_come_back_whole_databases_and_plain_files_alike()
    {
        using var world = World();
        var backup = await world.BackUpAsync();
        foreach (var file in new[] { "events/level/db/CURRENT", "events/a.jsonl", "events/keep.txt", "sql/data.db", "app.log", "plain.txt" })
        {
            File.WriteAllText($"{world.Storage}/{file}", "later");
        }

        File.WriteAllText($"{world.Storage}/events/new.jsonl", "later");
        var result = await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Mode = RestoreMode.Eventlog });

        Assert.Equal(RestoreMode.Eventlog, result.Mode);
        Assert.Contains("event logs only", result.Summary, StringComparison.Ordinal);
        Assert.Equal("first", File.ReadAllText($"{world.Storage}/events/a.jsonl"));
        Assert.Equal("first", File.ReadAllText($"{world.Storage}/app.log"));
        Assert.StartsWith("MANIFEST", File.ReadAllText($"{world.Storage}/events/level/db/CURRENT"), StringComparison.Ordinal);
        Assert.All(["events/keep.txt", "sql/data.db", "plain.txt", "events/new.jsonl"], file => Assert.Equal("later", File.ReadAllText($"{world.Storage}/{file}")));
        Assert.NotNull(result.SafetyBackup);
    }

    [Fact]
    public async Task Manifest_and_the_list_of_databases_show_the_role()
    {
        using var world = World();
        var backup = await world.BackUpAsync();

        Assert.Equal(SourceRole.Eventlog, backup.Sources.Single(source => source.Name == "events/level/db").Role);
        Assert.Equal(SourceRole.State, backup.Sources.Single(source => source.Name == "sql/data.db").Role);
        Assert.Null(backup.Sources.Single(source => source.Engine == Source.PlainFiles).Role);
        Assert.Equal([SourceRole.Eventlog, SourceRole.State], world.Get<DatabaseChecks>().List().Select(database => database.Role));
    }

    [Fact]
    public async Task Without_settings_the_roles_of_the_backup_count_and_without_both_it_is_said_so()
    {
        using var world = World();
        var backup = await world.BackUpAsync();
        using var elsewhere = new RestoreWorld();
        File.Copy(backup.Path, $"{elsewhere.Settings.BackupsPath}/{backup.Name}");
        var request = new RestoreRequest { BackupName = backup.Name, Mode = RestoreMode.Eventlog };

        Assert.True((await elsewhere.RestoreAsync(request)).Applied);

        Assert.Equal(["events"], Directory.GetDirectories(elsewhere.Storage).Select(Path.GetFileName));
        File.WriteAllText($"{elsewhere.Storage}/plain.txt", "later");
        Directory.Delete($"{elsewhere.Storage}/events", recursive: true);
        var without = await elsewhere.BackUpAsync();
        var failure = await Assert.ThrowsAsync<BackupException>(() => elsewhere.RestoreAsync(request with { BackupName = without.Name }));
        Assert.Equal(Fault.InvalidRequest, failure.Fault);
        Assert.Contains("Backup__Sources__0__Role=eventlog", failure.Hint, StringComparison.Ordinal);
        Assert.Equal(Fault.InvalidRequest, (await Assert.ThrowsAsync<BackupException>(() => elsewhere.Get<PlanRestore>().RunAsync(request with { BackupName = without.Name }, without, CancellationToken.None))).Fault);
    }

    [Fact]
    public async Task A_backup_without_an_event_log_is_refused_and_nothing_is_touched()
    {
        using var world = World();
        Directory.Delete($"{world.Storage}/events", recursive: true);
        File.Delete($"{world.Storage}/app.log");
        var backup = await world.BackUpAsync();
        var before = TreeImage.Of(world.Storage);

        var failure = await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Mode = RestoreMode.Eventlog }));

        Assert.Equal(Fault.ArchiveIncompatible, failure.Fault);
        Assert.Equal(before, TreeImage.Of(world.Storage));
        Assert.Equal(failure.Message, (await world.Get<PlanRestore>().RunAsync(new RestoreRequest { BackupName = backup.Name, Mode = RestoreMode.Eventlog }, backup, CancellationToken.None)).Refusal?.Message);
    }

    [Fact]
    public async Task Of_an_archive_of_another_tool_the_event_logs_come_back_by_todays_settings()
    {
        using var world = World();
        var name = "other_2026-11-20_120000.tar";
        TestMount.Run("tar", "cf", $"{world.Settings.BackupsPath}/{name}", "-C", world.Storage, ".");
        foreach (var file in new[] { "events/level/db/CURRENT", "events/a.jsonl", "sql/data.db", "plain.txt" })
        {
            File.WriteAllText($"{world.Storage}/{file}", "later");
        }

        var result = await world.RestoreAsync(new RestoreRequest { BackupName = name, Mode = RestoreMode.Eventlog, Paths = ["events", "plain.txt"] });

        Assert.Equal("plain.txt", Assert.Single(result.Warnings, warning => warning.Where != "storage").Where);
        Assert.StartsWith("MANIFEST", File.ReadAllText($"{world.Storage}/events/level/db/CURRENT"), StringComparison.Ordinal);
        Assert.Equal("first", File.ReadAllText($"{world.Storage}/events/a.jsonl"));
        Assert.All(["sql/data.db", "plain.txt"], file => Assert.Equal("later", File.ReadAllText($"{world.Storage}/{file}")));
    }

    [Fact]
    public async Task A_restore_of_event_logs_that_waits_for_a_start_stays_one()
    {
        using var world = World();
        var backup = await world.BackUpAsync();
        File.WriteAllText($"{world.Storage}/events/a.jsonl", "later");
        File.WriteAllText($"{world.Storage}/plain.txt", "later");
        using (await HolderProcess.StartAsync($"{world.Storage}/events/a.jsonl", "held = open(path, 'r+b')"))
        {
            Assert.False((await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Mode = RestoreMode.Eventlog })).Applied);
        }

        var start = await world.StartAsync();

        Assert.Equal(RestoreMode.Eventlog, start.Restored!.Mode);
        Assert.Equal("first", File.ReadAllText($"{world.Storage}/events/a.jsonl"));
        Assert.Equal("later", File.ReadAllText($"{world.Storage}/plain.txt"));
    }

    private static RestoreWorld World()
    {
        var world = new RestoreWorld(settings => settings with { Roles = Rules });
        world.AddDatabase("sqlite/a-clean", "sql");
        world.AddDatabase("leveldb/n-clean", "events/level");
        foreach (var file in new[] { "events/a.jsonl", "events/keep.txt", "app.log", "plain.txt" })
        {
            File.WriteAllText($"{world.Storage}/{file}", "first");
        }

        return world;
    }
}
