using BackupApi.Catalog;
using BackupApi.Engines;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>Salvage of what neither a look nor a backup recognises, and what a salvage leaves while it is under way.</summary>
public sealed class SalvageUnknownTests : IDisposable
{
    private readonly RestoreWorld world = new();

    public void Dispose() => world.Dispose();

    [Theory]
    [InlineData("sqlite", "sqlite/a-clean", "x/data.db", "dd if=/dev/zero of=x/data.db bs=100 count=1 conv=notrunc status=none")]
    [InlineData("litedb", "litedb/a-clean", "x/data.db", "dd if=/dev/zero of=x/data.db bs=8192 count=1 conv=notrunc status=none")]
    [InlineData("leveldb", "leveldb/n-clean", "x/db", "rm x/db/CURRENT x/db/MANIFEST* x/db/*.log; for f in x/db/*.ldb; do mv $f ${f%.ldb}.sst; done")]
    public async Task What_is_no_longer_recognised_and_in_no_backup_is_salvaged_when_it_is_said_what_it_was(string engine, string fixture, string name, string harm)
    {
        world.AddDatabase(fixture, "x");
        var healthy = (await SalvageAsync(name)).Salvaged.Counts.Values.Sum();
        Shell.Run(world.Storage, harm);
        var before = TreeImage.Of(world.Storage);

        var result = await SalvageAsync(name, engine);

        Assert.True(result.Salvaged.Counts.Values.Sum() >= healthy / 2, string.Join('\n', result.Salvaged.NotReadable.Concat(result.Salvaged.Notes)));
        Assert.Equal(before, TreeImage.Of(world.Storage));
    }

    [Theory]
    [InlineData("sqlite/a-clean", "data.db", 20480, 28672)]
    [InlineData("litedb/a-clean", "data.db", 98304, 262144)]
    public async Task What_the_disk_does_not_give_of_a_database_is_told_and_the_rest_is_salvaged(string fixture, string file, long from, long to)
    {
        world.AddDatabase(fixture, "whole");
        var whole = (await SalvageAsync($"whole/{file}")).Salvaged.Counts.Values.Sum();
        Directory.CreateDirectory($"{world.Storage}/bad");
        using var disk = await FuseFolder.MountBadAsync($"{world.Storage}/bad", $"{world.Storage}/whole/{file}", from, to);
        await Assert.ThrowsAnyAsync<IOException>(() => File.ReadAllBytesAsync($"{world.Storage}/bad/{file}"));

        var result = await SalvageAsync($"bad/{file}");

        Assert.Contains(result.Salvaged.NotReadable, finding => finding.Message == $"The disk does not give its bytes {from} to {to - 1}: they are taken for zeros.");
        Assert.InRange(result.Salvaged.Counts.Values.Sum(), whole / 4, whole - 1);
    }

    [Fact]
    public async Task A_leveldb_that_is_storage_itself_is_salvaged_too()
    {
        world.AddDatabase("leveldb/n-clean", "x");
        Shell.Run(world.Storage, "mv x/db/* . && rm -r x");
        var healthy = (await SalvageAsync(".")).Salvaged.Counts.Values.Sum();
        Shell.Run(world.Storage, "for f in *; do case $f in *.ldb) mv $f ${f%.ldb}.sst;; *) rm $f;; esac; done");

        Assert.Equal(Fault.NotFound, (await Assert.ThrowsAsync<BackupException>(() => SalvageAsync("."))).Fault);
        Assert.Equal(Fault.InvalidRequest, (await Assert.ThrowsAsync<BackupException>(() => SalvageAsync(".", "sqlite"))).Fault);
        var result = await SalvageAsync(".", "leveldb");

        Assert.InRange(result.Salvaged.Counts.Values.Sum(), healthy / 2, healthy);
    }

    [Fact]
    public async Task A_copy_that_the_disk_does_not_give_back_is_taken_anew_as_the_files_lie()
    {
        world.AddDatabase("sqlite/a-clean", "x");
        var engine = world.Get<IReadOnlyList<IEngine>>().First(engine => engine.Kind == "sqlite");
        var torn = new Torn(engine);
        var salvage = new SalvageDatabase(world.Get<WorkFolders>(), new FindSources([torn]), [torn], world.Get<BackupCatalog>(), world.Get<PredictRoom>(), world.Get<DiskGuard>(), TimeProvider.System);
        using var stop = new CancellationTokenSource();

        var result = await salvage.RunAsync("x/data.db", "sqlite", new OperationContext("20261120T120000Z-torn", OperationKind.Salvage, Trigger.Manual, stop));

        Assert.Equal(2, torn.Readings);
        Assert.Equal("copied", result.Salvaged.Method);
        Assert.Contains(result.Salvaged.Notes, note => note.Message.StartsWith("It was copied as it lies", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_that_the_answer_says_so_and_another_kind_is_refused()
    {
        File.WriteAllText($"{world.Storage}/notes.txt", "notes");

        Assert.Contains("'engine'", (await Assert.ThrowsAsync<BackupException>(() => SalvageAsync("notes.txt"))).Hint, StringComparison.Ordinal);
        Assert.Equal(Fault.InvalidRequest, (await Assert.ThrowsAsync<BackupException>(() => SalvageAsync("notes.txt", "rocksdb"))).Fault);
        Assert.Equal(Fault.InvalidRequest, (await Assert.ThrowsAsync<BackupException>(() => SalvageAsync("notes.txt", "leveldb"))).Fault);
        Assert.Equal(Fault.NotFound, (await Assert.ThrowsAsync<BackupException>(() => SalvageAsync("../notes.txt", "sqlite"))).Fault);
        foreach (var engine in new[] { "sqlite", "litedb" })
        {
            var nothing = await SalvageAsync("notes.txt", engine);
            Assert.Equal(0, nothing.Salvaged.Counts.Values.Sum());
            Assert.NotEmpty(nothing.Salvaged.NotReadable);
        }
    }

    [Fact]
    public async Task A_salvage_that_is_under_way_lies_where_the_next_start_clears_up_behind_a_kill()
    {
        world.AddDatabase("leveldb/f-corrupt-block", "level");
        var place = $"{world.Settings.BackupsPath}/.backupapi/salvage";
        using var done = new CancellationTokenSource();
        var halves = Task.Run(() =>
        {
            var seen = 0;
            while (!done.IsCancellationRequested)
            {
                seen += Directory.Exists(place) && Directory.GetDirectories(place).Any(folder => !File.Exists($"{folder}/report.json")) ? 1 : 0;
            }

            return seen;
        });

        var result = await SalvageAsync("level/db");
        await done.CancelAsync();

        Assert.Equal(0, await halves);
        Assert.True(File.Exists($"{result.Folder}/report.json"));
        Assert.Empty(Directory.GetFileSystemEntries($"{world.Settings.BackupsPath}/.staging"));
    }

    private async Task<SalvageResult> SalvageAsync(string name, string? engine = null)
    {
        using var stop = new CancellationTokenSource();
        return await world.Get<SalvageDatabase>().RunAsync(name, engine, new OperationContext($"20261120T120000Z-{Guid.NewGuid():N}", OperationKind.Salvage, Trigger.Manual, stop));
    }

    /// <summary>What it reads first is not given, as where a copy shares its blocks with a file on a failing disk.</summary>
    private sealed class Torn(IEngine engine) : IEngine, ISalvage
    {
        public int Readings { get; private set; }

        public string Kind => engine.Kind;

        public bool MayOwn(TreeNode node, ReadOnlySpan<byte> head) => engine.MayOwn(node, head);

        public IEnumerable<Source> Recognise(StorageTree tree, Func<string, bool> isFree) => engine.Recognise(tree, isFree);

        public Task<Capture> CaptureAsync(Source source, StorageTree tree, string into, CancellationToken ct) => engine.CaptureAsync(source, tree, into, ct);

        public Task<Verdict> VerifyAsync(Source source, string folder, CancellationToken ct) => engine.VerifyAsync(source, folder, ct);

        public Task<Salvaged> SalvageAsync(Source source, string folder, string into, CancellationToken ct)
        {
            if (++Readings == 1)
            {
                File.WriteAllText($"{into}/half", "");
                throw new PosixException("read", folder, Errno.EIO);
            }

            return ((ISalvage)engine).SalvageAsync(source, folder, into, ct);
        }
    }
}
