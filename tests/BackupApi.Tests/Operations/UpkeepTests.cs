using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Model.Timing;
using BackupApi.Operations;
using BackupApi.Operations.Upkeep;
using BackupApi.Tests.Support;
using BackupApi.Triggers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>The one thing that writes to an owner's database, and when it must not.</summary>
public sealed class UpkeepTests : IDisposable
{
    private static readonly DateTimeOffset SundayThree = new(2027, 3, 7, 3, 0, 0, TimeSpan.Zero);

    private static readonly UpkeepRule Shop = new("shop.db", new ScheduleRule { Cron = "0 3 * * 0" }, new ScheduleRule { Cron = "0 3 * * *" });

    private readonly ManualClock clock = new(SundayThree.AddMinutes(-10));
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    private Task<Service> StartAsync() =>
        Service.StartAsync(settings => settings with { Upkeep = [Shop] }, services => services.AddSingleton<TimeProvider>(clock));

    private static UpkeepWatch Watch(Service service, TimeProvider clock) => new(
        service.Manager, service.Get<DecideUpkeep>(), service.Get<RunUpkeep>(), service.Get<OperationLedger>(), service.Get<ServiceSettings>(), clock, NullLogger<BackupManager>.Instance);

    /// <summary>A database of 1 MB of which three quarters were deleted again; in WAL mode a part of it lies in the log, as its owner was killed.</summary>
    private static void MakeDatabase(string folder, string mode)
    {
        Shell.Run(folder, $"""
            sqlite3 shop.db "pragma journal_mode={mode}; create table t(x, y); create index i on t(y); with recursive n(i) as (select 1 union all select i + 1 from n where i < 4000) insert into t select hex(randomblob(100)), i from n; delete from t where y > 1000;" > /dev/null
            """);
        if (mode == "wal")
        {
            Shell.Run(folder, "cp shop.db kept; printf 'pragma wal_autocheckpoint=0;\\ninsert into t values(1, 1);\\n.shell cp shop.db-wal kept-wal; cp shop.db kept\\n' | sqlite3 shop.db > /dev/null; mv kept shop.db; mv kept-wal shop.db-wal");
        }
    }

    private static string Sql(string folder, string statement) => Shell.Run(folder, $"sqlite3 shop.db \"{statement}\"").Trim();

    /// <summary>Lets minutes pass until an upkeep of this outcome ended.</summary>
    private async Task<OperationRecord> PassAsync(Service service, Outcome outcome, int count = 1)
    {
        for (var minute = 0; minute < 600; minute++)
        {
            if (service.Manager.Operations().Where(o => o.Kind == OperationKind.Upkeep && o.Outcome == outcome).ToList() is var found && found.Count >= count)
            {
                return found[0];
            }

            // Time stands still while something runs.
            if (service.Get<OperationLedger>().FindRunning() is null)
            {
                clock.Advance(TimeSpan.FromSeconds(20));
            }

            await Task.Delay(20);
        }

        throw new TimeoutException($"No upkeep ended {outcome}.");
    }

    [Theory]
    [InlineData("delete", 1000)]
    [InlineData("wal", 1001)]
    public async Task In_its_window_a_database_is_backed_up_analyzed_and_vacuumed_once(string mode, int rows)
    {
        await using var service = await StartAsync();
        MakeDatabase(service.Storage, mode);
        var (size, inode) = (new FileInfo(service.Storage + "/shop.db").Length, Posix.Stat(service.Storage + "/shop.db").Inode);
        using var watch = Watch(service, clock);
        await watch.StartAsync(CancellationToken.None);

        var done = await PassAsync(service, Outcome.Ok);

        Assert.InRange(done.StartedAt, SundayThree, SundayThree.AddHours(1));
        var figures = Assert.Single(service.Manager.History.List(new HistoryFilter { Kind = OperationKind.Upkeep }).Entries).Operation.Message!;
        var now = new FileInfo(service.Storage + "/shop.db").Length;
        Assert.Contains($"analyzed and vacuumed: {size} to {now} bytes", figures, StringComparison.Ordinal);
        Assert.Contains(" to 0 of them free", figures, StringComparison.Ordinal);
        Assert.True(now < size / 2, figures);
        Assert.Equal(inode, Posix.Stat(service.Storage + "/shop.db").Inode);
        Assert.Equal(["shop.db"], Directory.GetFiles(service.Storage).Select(Path.GetFileName));
        Assert.Equal($"{rows}|ok|{mode}|1", Sql(service.Storage, "select count(*) from t; pragma integrity_check; pragma journal_mode; select count(*) from sqlite_stat1;").Replace('\n', '|'));

        // The state before lies in a proven backup, which the shrinking does not make suspicious.
        var before = service.Manager.Get(done.BackupName!);
        Assert.True(before.Sources.Single(s => s.Name == "shop.db").IsProven);
        Assert.Equal(rows, before.Sources.Single(s => s.Name == "shop.db").Total);
        await service.Manager.StartBackup(new CreateRequest()).Completion;
        Assert.Empty(service.Manager.Alarms.Standing());

        // Its time comes once, also over a restart; the next is Monday's, without VACUUM.
        Assert.Null(new DecideUpkeep(service.Get<ServiceSettings>(), service.Get<WorkFolders>(), clock).Next());
        clock.Advance(TimeSpan.FromDays(1));
        var next = service.Get<DecideUpkeep>().Next() ?? new DecideUpkeep(service.Get<ServiceSettings>(), service.Get<WorkFolders>(), clock).Next();
        Assert.True(next is null or { Vacuum: null }, $"{next}");
        await watch.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_database_that_a_process_holds_is_left_alone_and_history_says_so_once_until_it_is_free()
    {
        await using var service = await StartAsync();
        MakeDatabase(service.Storage, "wal");
        using var watch = Watch(service, clock);
        string before;
        using (var owner = SqliteShell.Open(service.Storage + "/shop.db"))
        {
            owner.Run("select count(*) from t;");
            before = TreeImage.Of(service.Storage);
            await watch.StartAsync(CancellationToken.None);
            var refused = await PassAsync(service, Outcome.Skipped);
            Assert.Contains("shop.db was left alone", refused.Message, StringComparison.Ordinal);
            for (var minutes = 0; minutes < 12; minutes++)
            {
                clock.Advance(TimeSpan.FromMinutes(1));
                await Task.Delay(20);
            }

            Assert.Equal(before, TreeImage.Of(service.Storage));
            Assert.Equal([$"Upkeep Skipped {refused.Message}"], service.Manager.Operations().Where(o => o.Kind != OperationKind.Heal).Select(o => $"{o.Kind} {o.Outcome} {o.Message}"));
            await Assert.ThrowsAsync<BackupException>(() => service.Get<RunUpkeep>().Start(new UpkeepTask("shop.db", SundayThree, null)).Completion);
            Assert.Equal(before, TreeImage.Of(service.Storage));
        }

        await PassAsync(service, Outcome.Ok);
        Assert.Equal("0", Sql(service.Storage, "pragma freelist_count"));
        await watch.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_database_that_is_damaged_or_unknown_is_not_touched()
    {
        await using var service = await StartAsync();
        MakeDatabase(service.Storage, "delete");
        var bytes = await File.ReadAllBytesAsync(service.Storage + "/shop.db");
        bytes.AsSpan(4096 * 3, 4096 * 20).Fill(0xEE);
        await File.WriteAllBytesAsync(service.Storage + "/shop.db", bytes);

        var failure = await Assert.ThrowsAsync<BackupException>(() => service.Get<RunUpkeep>().Start(new UpkeepTask("shop.db", SundayThree, SundayThree)).Completion);
        Assert.Equal(Fault.VerificationFailed, failure.Fault);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(service.Storage + "/shop.db"));

        Assert.Equal(Fault.NotFound, (await Assert.ThrowsAsync<BackupException>(() => service.Get<RunUpkeep>().Start(new UpkeepTask("none.db", SundayThree, null)).Completion)).Fault);
    }

    [Fact]
    public async Task While_it_runs_others_are_told_to_wait_and_a_preview_of_a_restore_must_not_open_the_file()
    {
        await using var service = await StartAsync();
        MakeDatabase(service.Storage, "wal");
        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        await service.Get<OperationGate>().DrainAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
        var seen = new List<string>();
        service.Get<OperationGate>().Start(OperationKind.Upkeep, Trigger.Schedule, false, false, async context =>
        {
            seen.Add($"{(await Assert.ThrowsAsync<BackupException>(() => service.Manager.PreviewRestoreAsync(new RestoreRequest { BackupName = backup.Name }, CancellationToken.None))).Fault}");
            SqliteUpkeep.Run(service.Storage + "/shop.db", true, true, temp.Path, phase => seen.Add($"{phase} {Shell.Run(service.Storage, "sqlite3 shop.db 'select count(*) from t' 2>&1 || true").Contains("locked", StringComparison.Ordinal)}"), CancellationToken.None);
            return 0;
        });
        await service.Get<OperationGate>().DrainAsync(TimeSpan.FromSeconds(30), TimeProvider.System);

        Assert.Equal(["Busy", "checkpoint False", "analyze True", "vacuum True", "check True"], seen);
    }

    [Theory]
    [InlineData("delete", 11)]
    [InlineData("wal", 11)]
    public Task Killed_at_some_calls_the_database_is_whole_for_its_owner(string mode, int samples) => Task.Run(() => Kill(mode, samples));

    [Theory, Trait("Category", "Long")]
    [InlineData("delete")]
    [InlineData("wal")]
    public Task Killed_at_any_call_the_database_is_whole_for_its_owner(string mode) => Task.Run(() => Kill(mode, int.MaxValue));

    /// <summary>Its owner, the sqlite3 program, opens it after the kill: every row is there.</summary>
    private void Kill(string mode, int samples)
    {
        MakeDatabase(temp.Folder("made"), mode);
        var rows = Shell.Run(temp.Path, "cp -r made probe; sqlite3 probe/shop.db 'select count(*), sum(y) from t'");
        var round = 0;
        string Copy() => Shell.Run(temp.Path, $"mkdir -p {++round}; cp -r made {round}/storage") is "" ? temp[$"{round}"] : "";
        var calls = KillPoint.Run("upkeep", Copy(), 0).Calls;
        Assert.True(calls > 20, $"{calls} calls");
        for (long n = 1; n <= calls; n += Math.Max(1, calls / samples))
        {
            var root = Copy();
            Assert.True(KillPoint.Run("upkeep", root, n).WasKilled);
            Assert.Equal($"ok\n{rows}", Shell.Run($"{root}/storage", "sqlite3 shop.db 'pragma integrity_check; select count(*), sum(y) from t'"));
            Directory.Delete(root, recursive: true);
        }
    }
}
