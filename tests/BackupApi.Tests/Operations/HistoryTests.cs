using BackupApi.Catalog.History;
using BackupApi.Engines.Sqlite;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace BackupApi.Tests.Operations;

public sealed class HistoryTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2027, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TempFolder temp = new();
    private readonly ManualClock clock = new(Start);

    private string Path => temp["state/history.db"];

    public void Dispose() => temp.Dispose();

    private HistoryStore Open() => new(Path, SqliteLibrary.Use, clock, NullLogger<HistoryStore>.Instance);

    private static HistoryEntry Entry(int i, Outcome outcome = Outcome.Ok, OperationKind kind = OperationKind.Backup, double seconds = 1, DateTimeOffset? at = null) => new(
        new OperationRecord
        {
            Id = $"op-{i:D4}",
            Kind = kind,
            Trigger = i % 2 == 0 ? Trigger.Schedule : Trigger.Manual,
            State = OperationState.Ended,
            StartedAt = at ?? Start.AddHours(i),
            EndedAt = (at ?? Start.AddHours(i)).AddSeconds(seconds),
            Outcome = outcome,
            Message = "it's \"quoted\"; drop table operations --",
            BackupName = $"backup_{i}.tar.gz",
            BytesRead = i,
        },
        ArchiveBytes: 1000,
        TotalBytes: 1000L * i);

    [Fact]
    public async Task Every_operation_is_written_down_with_its_numbers_whatever_its_outcome()
    {
        await using var service = await Service.StartAsync();
        service.Temp.File("storage/a.txt", "hello"u8);
        var made = await service.Manager.StartBackup(new CreateRequest()).Completion;
        Directory.Move(service.Storage, service.Storage + ".away");
        await Assert.ThrowsAsync<BackupException>(() => service.Manager.StartBackup(new CreateRequest()).Completion);
        Directory.Move(service.Storage + ".away", service.Storage);
        service.Get<OperationLedger>().Skip(OperationKind.Backup, Trigger.Stop, "No backup at the stop: for a test.");

        var entries = service.Get<KeepHistory>().List(new HistoryFilter()).Entries;

        Assert.Equal([Outcome.Skipped, Outcome.Failed, Outcome.Ok], entries.Select(e => e.Operation.Outcome!.Value));
        Assert.Equal(Fault.StorageMissing, entries[1].Operation.Fault);
        Assert.Equal((made.Backup.Name, made.Backup.SizeBytes, 5L), (entries[2].Operation.BackupName, entries[2].ArchiveBytes, entries[2].Operation.BytesRead));
    }

    [Fact]
    public void Pages_follow_each_other_without_a_gap_and_filters_hold()
    {
        using var store = Open();
        for (var i = 0; i < 25; i++)
        {
            store.Add(Entry(i, i % 5 == 0 ? Outcome.Failed : Outcome.Ok, i % 7 == 0 ? OperationKind.Verify : OperationKind.Backup));
        }

        var ids = new List<string>();
        string? next = null;
        do
        {
            var page = store.List(new HistoryFilter { Limit = 10, Before = next });
            ids.AddRange(page.Entries.Select(e => e.Operation.Id));
            next = page.Next;
        }
        while (next is not null);

        Assert.Equal(Enumerable.Range(0, 25).Reverse().Select(i => $"op-{i:D4}"), ids);
        Assert.Equal(["op-0020", "op-0015", "op-0010", "op-0005", "op-0000"], store.List(new HistoryFilter { Outcome = Outcome.Failed }).Entries.Select(e => e.Operation.Id));
        Assert.Equal(4, store.List(new HistoryFilter { Kind = OperationKind.Verify }).Entries.Count);
        Assert.Equal("it's \"quoted\"; drop table operations --", Assert.Single(store.List(new HistoryFilter { BackupName = "backup_3.tar.gz" }).Entries).Operation.Message);
        Assert.Equal(["op-0004", "op-0003"], store.List(new HistoryFilter { From = Start.AddHours(3), To = Start.AddHours(5) }).Entries.Select(e => e.Operation.Id));
        Assert.Throws<BackupException>(() => store.List(new HistoryFilter { Before = "x" }));
    }

    [Fact]
    public void What_is_older_than_ninety_days_goes_and_the_rest_outlives_a_restart()
    {
        using (var store = Open())
        {
            store.Add(Entry(1));
        }

        clock.Advance(TimeSpan.FromDays(89));
        using (var store = Open())
        {
            store.Add(Entry(2, at: clock.GetUtcNow()));
            Assert.Equal(2, store.Newest(10).Count);
            clock.Advance(TimeSpan.FromDays(2));
            store.Add(Entry(3, at: clock.GetUtcNow()));
            Assert.Equal(["op-0003", "op-0002"], store.Newest(10).Select(e => e.Operation.Id));
        }
    }

    [Fact]
    public void A_damaged_file_is_put_away_and_history_goes_on()
    {
        using (var store = Open())
        {
            store.Add(Entry(1));
        }

        File.WriteAllText(Path, "this is no database, but long enough to be looked at as if it were one");
        using var again = Open();
        again.Add(Entry(2));

        Assert.Equal(["op-0002"], again.Newest(10).Select(e => e.Operation.Id));
    }

    [Fact]
    public void Where_nothing_can_be_written_nothing_fails()
    {
        temp.File("state", "a file where a folder should be"u8);
        using var store = Open();

        store.Add(Entry(1));

        Assert.Empty(store.Newest(10));
        Assert.Empty(store.List(new HistoryFilter()).Entries);
    }

    [Fact]
    public void Statistics_are_those_of_the_last_hundred_and_of_the_growth()
    {
        // A year of hours in which each took as many seconds as its number, and all together grew by 24,000 bytes a day.
        var entries = Enumerable.Range(0, 300).Select(i => Entry(i, i % 10 == 0 ? Outcome.Failed : Outcome.Ok, seconds: i)).Reverse().ToList();

        var stats = HistoryStats.Of(entries, Start.AddHours(299), freeBytes: 240_000);

        var backups = Assert.Single(stats.Kinds);
        Assert.Equal((300, 270, 30, 0.9), (backups.Count, backups.Ok, backups.Failed, backups.SuccessRate));
        Assert.InRange(backups.AverageMs, 240_000, 248_000);
        Assert.InRange(backups.P95Ms, 292_000, 296_000);
        Assert.Equal(24_000, stats.GrowthBytesPerDay);
        Assert.Equal(10, stats.DaysUntilFull);
        Assert.Equal("2027-03-13", stats.Days[0].Day);
        Assert.Equal(24, stats.Days[1].Backups + stats.Days[1].Failed);
    }

    [Theory]
    [InlineData(0.95, 95)]
    [InlineData(0.5, 50)]
    [InlineData(1, 100)]
    [InlineData(0, 1)]
    public void A_percentile_is_the_nearest_rank(double share, long expected) =>
        Assert.Equal(expected, HistoryStats.Percentile([.. Enumerable.Range(1, 100).Select(i => (long)i)], share));
}
