using BackupApi.Archive;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Archive;
using BackupApi.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Operations;

/// <summary>A storage with real databases, edited at random: after each run over what changed, the archive holds what a full run, without an archive to carry over from, puts into its own.</summary>
public sealed class EditedStorageTests(ITestOutputHelper output)
{
    /// <summary>Runs of one share, of a thousand edits; the edits before it are made without a run.</summary>
    private const int Share = 50;

    [Fact]
    public Task Runs_over_what_changed_hold_what_a_full_run_would() => RunAsync(first: 0, runs: 26, editsEach: 2, seed: 1);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(18)]
    [InlineData(19)]
    [InlineData(20)]
    public Task Runs_after_each_of_a_thousand_edits_hold_what_a_full_run_would(int share) => RunAsync((share - 1) * Share, Share, editsEach: 1, seed: 2);

    private async Task RunAsync(int first, int runs, int editsEach, int seed)
    {
        // So far ahead of the machine that every time stamp counts as settled: only equal fingerprints can spare a reading.
        var clock = new ManualClock(TimeProvider.System.GetUtcNow() + TimeSpan.FromDays(1));
        await using var service = await Service.StartAsync(settings => settings with { FullReadEvery = TimeSpan.FromDays(366) }, services => services.AddSingleton<TimeProvider>(clock));
        var random = new Random(seed);
        var edits = new RandomEdits(service.Temp.Folder("storage/files"), random);
        using var databases = new Databases(service.Storage, edits, random);
        edits.Fill(files: 20);
        for (var i = 0; i < first; i++)
        {
            edits.Edit();
        }

        long carriedOver = 0;
        var inherited = 0;
        Backup? last = null;
        for (var run = 0; run < runs; run++)
        {
            for (var i = 0; i < editsEach; i++)
            {
                edits.Edit();
            }

            clock.Advance(TimeSpan.FromMinutes(5));
            var incremental = await CreateAsync(service);
            carriedOver += incremental.BytesCarriedOver;
            inherited += incremental.Backup.Sources.Count(source => source.InheritedFrom is not null);
            if (last is not null)
            {
                await service.Manager.StartDelete(last.Name, force: true).Completion;
            }

            last = incremental.Backup;
            await AssertAsAFullRunAsync(service, clock, last, $"run {run}");
        }

        output.WriteLine($"{runs} runs, {carriedOver} bytes carried over, {inherited} captures inherited; {string.Join(", ", edits.Done.Select(done => $"{done.Value} × {done.Key}"))}");
        Assert.True(carriedOver > 0 && inherited > 0);
        Assert.Equal(edits.CertainKinds, edits.Done.Count);
    }

    /// <summary>Takes the archive out of the service's sight, has it make a full one, compares, and puts the first one back.</summary>
    private static async Task AssertAsAFullRunAsync(Service service, ManualClock clock, Backup incremental, string when)
    {
        Assert.True(incremental.IsProven, $"{when}: {string.Join("; ", incremental.Errors)}");
        Posix.Rename(incremental.Path, service.Temp["aside"]);
        await service.Manager.RefreshAsync(CancellationToken.None);

        // Under the name of the one aside, the facts that are kept beside that would go.
        clock.Advance(TimeSpan.FromMinutes(1));
        var full = await CreateAsync(service);
        Assert.Equal(0, full.BytesCarriedOver);
        Assert.Equal(await TextOfAsync(service, full.Backup.Path), await TextOfAsync(service, service.Temp["aside"]));
        Assert.Equal(full.Backup.Sources.Select(Counts), incremental.Sources.Select(Counts));
        await service.Manager.StartDelete(full.Backup.Name, force: true).Completion;
        Posix.Rename(service.Temp["aside"], incremental.Path);
        await service.Manager.RefreshAsync(CancellationToken.None);

        static string Counts(ManifestSource source) => $"{source.Name} {source.Engine} {source.Verification} {source.Total}";
    }

    /// <summary>All that an archive gives back, content by its checksum, after it was read whole.</summary>
    private static async Task<string> TextOfAsync(Service service, string path)
    {
        var reader = service.Get<ArchiveReader>();
        Assert.Empty((await reader.VerifyAsync(path, ArchiveLimits.None, new Progress(), CancellationToken.None)).Errors);
        var lines = new List<string>();
        await foreach (var entry in reader.ListAsync(path, CancellationToken.None))
        {
            lines.Add(entry.ToString());
        }

        return string.Join('\n', lines) + Tool.Run("tar", "xzOf", path, ".backup/SHA256SUMS");
    }

    private static Task<CreateResult> CreateAsync(Service service) => service.Manager.StartBackup(new CreateRequest()).Completion;

    /// <summary>Databases of every kind, and what their owners do: an SQLite in WAL mode that somebody keeps open, one with a rollback journal, a LiteDB whose log is brought in, a LevelDB.</summary>
    private sealed class Databases : IDisposable
    {
        private readonly string storage;
        private SqliteShell owner;

        public Databases(string storage, RandomEdits edits, Random random)
        {
            this.storage = storage;
            Directory.CreateDirectory($"{storage}/sql");
            owner = Open();
            owner.Run("CREATE TABLE event(id INTEGER PRIMARY KEY, body TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO event SELECT i, hex(randomblob(200)) FROM n;");
            Fixtures.CopyTo("sqlite/a-clean", $"{storage}/sql");
            Fixtures.CopyTo("litedb/b-log-committed", Directory.CreateDirectory($"{storage}/lite").FullName);
            Fixtures.CopyTo("leveldb/a-closed-with-log", Directory.CreateDirectory($"{storage}/level").FullName);
            edits.Add("WAL database: insert", () => owner.Run($"INSERT INTO event(body) SELECT hex(randomblob({random.Next(10, 2000)})) FROM event LIMIT {random.Next(1, 20)};"));
            edits.Add("WAL database: update", () => owner.Run($"UPDATE event SET body = hex(randomblob(100)) WHERE id % {random.Next(2, 90)} = 0;"));
            edits.Add("WAL database: delete", () => owner.Run($"DELETE FROM event WHERE id % {random.Next(20, 60)} = 1;"));
            edits.Add("WAL database: checkpoint", () => owner.Run($"PRAGMA wal_checkpoint({(random.Next(3) switch { 0 => "PASSIVE", 1 => "RESTART", _ => "TRUNCATE" })});"));
            edits.Add("WAL database: closed, which checkpoints, and opened", Reopen);
            edits.Add("rollback database: update", () =>
            {
                using var shell = SqliteShell.Open($"{storage}/sql/data.db");
                shell.Run($"PRAGMA user_version = {random.Next(1_000_000)};");
            });
            edits.Add("LiteDB: checkpoint or a new log", ToggleLiteDb);
            edits.Add("LevelDB: reopened", ToggleLevelDb);
        }

        public void Dispose() => owner.Dispose();

        private SqliteShell Open()
        {
            var shell = SqliteShell.Open($"{storage}/sql/live.sqlite");
            shell.Run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;");
            return shell;
        }

        private void Reopen()
        {
            owner.Dispose();
            owner = Open();
        }

        /// <summary>Written in place, as the engine does it: the same file with other pages, and a log that is full or empty.</summary>
        private void ToggleLiteDb()
        {
            var from = Fixtures.Of(new FileInfo($"{storage}/lite/data-log.db").Length > 0 ? "litedb/b-log-empty" : "litedb/b-log-committed");
            foreach (var name in new[] { "data.db", "data-log.db" })
            {
                using var handle = Posix.Open($"{storage}/lite/{name}", OpenFlags.ReadWrite);
                var bytes = File.ReadAllBytes($"{from}/{name}");
                RandomAccess.SetLength(handle, bytes.Length);
                RandomAccess.Write(handle, bytes, 0);
            }
        }

        private void ToggleLevelDb()
        {
            var isReopened = File.Exists($"{storage}/level/db/000005.ldb");
            TreeRemoval.Remove($"{storage}/level");
            Fixtures.CopyTo(isReopened ? "leveldb/a-closed-with-log" : "leveldb/n-clean", Directory.CreateDirectory($"{storage}/level").FullName);
        }
    }
}
