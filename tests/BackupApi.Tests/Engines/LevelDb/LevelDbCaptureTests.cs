using System.Diagnostics;
using BackupApi.Engines.LevelDb;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>What a capture takes, leaves out, and never does to its source.</summary>
public sealed class LevelDbCaptureTests
{
    [Theory]
    [InlineData("c-multi-level-small")]
    [InlineData("h-manifest-torn")]
    public async Task Nothing_in_the_source_differs_after_a_capture(string fixture)
    {
        using var db = new LevelDbCase(fixture);
        var before = Look(db.Storage);

        await db.CaptureAsync();

        Assert.Equal(before, Look(db.Storage));
    }

    [Fact]
    public async Task A_storage_mounted_read_only_is_captured()
    {
        using var db = new LevelDbCase("b-log-uncompacted");
        using var mount = new ReadOnlyMount(db.Storage);
        Assert.Throws<PosixException>(() => Posix.CreateNew(db["probe"]).Dispose());

        var (capture, into) = await db.CaptureAsync();

        Assert.True((await db.Engine.VerifyAsync(capture.Source, into, CancellationToken.None)).IsProven);
    }

    [Fact]
    public async Task Owner_mode_and_time_of_the_originals_are_recorded()
    {
        using var db = new LevelDbCase("a-clean");
        var path = db.Only("*.ldb");
        Posix.SetMode(path, 0x1A0 /* 0640 */);
        Posix.SetModified(path, new UnixTime(1_600_000_000, 123_456_789));

        var (capture, _) = await db.CaptureAsync();

        var table = capture.Files.Single(file => file.Name == "db/000005.ldb");
        Assert.Equal(0x1A0u, table.Stat.Mode);
        Assert.Equal(new UnixTime(1_600_000_000, 123_456_789), table.Stat.Modified);
        Assert.Equal(new FileInfo(path).Length, table.Stat.Size);
    }

    [Fact]
    public async Task Foreign_files_stay_free_and_a_database_at_the_root_is_a_source_too()
    {
        using var temp = new TempFolder();
        var root = Fixtures.CopyTo("leveldb/a-clean/db", temp.Folder("storage"));
        temp.File("storage/notes.txt", "mine"u8);
        temp.File("storage/1.log", "mine too"u8);
        var engine = new LevelDbEngine(TimeProvider.System);
        var tree = TreeWalker.Walk(root);

        var source = engine.Recognise(tree, static _ => true).Single();
        var into = temp.Folder("into");
        var capture = await engine.CaptureAsync(source, tree, into, CancellationToken.None);

        Assert.Equal(".", source.Name);
        Assert.DoesNotContain(source.Files, file => file is "notes.txt" or "1.log");
        Assert.Contains(capture.Files, file => file.Name == "CURRENT");
        var verdict = await engine.VerifyAsync(source, into, CancellationToken.None);
        Assert.Equal(2286, verdict.Counts.Values.Sum());
    }

    [Fact]
    public async Task A_database_below_folders_whose_names_are_no_UTF8_is_captured_like_any_other()
    {
        using var db = new LevelDbCase("b-log-uncompacted");
        var (outer, inner) = (PathText.Decode([0xE4]), PathText.Decode([(byte)'d', 0xFF]));
        Posix.MakeFolder($"{db.Storage}/{outer}");
        Posix.Rename(db.Db, $"{db.Storage}/{outer}/{inner}");

        var (capture, into) = await db.CaptureAsync();

        Assert.Equal($"{outer}/{inner}", capture.Source.Name);
        Assert.Equal(1, capture.Attempts);
        Assert.True((await db.Engine.VerifyAsync(capture.Source, into, CancellationToken.None)).IsProven);
    }

    [Fact]
    public void Files_that_another_engine_claimed_are_left_alone()
    {
        using var db = new LevelDbCase("a-clean");

        Assert.Empty(db.Engine.Recognise(db.Walk(), static _ => false));
    }

    [Fact]
    public void Folders_with_similar_names_are_not_databases()
    {
        using var temp = new TempFolder();
        temp.File("storage/logs/000001.log", "2026-11-20 started"u8);
        temp.File("storage/logs/000002.log", "2026-11-20 stopped"u8);
        temp.File("storage/versions/CURRENT", "v12\n"u8);
        temp.File("storage/versions/LOG", "text"u8);
        temp.File("storage/tables/000001.ldb", "not one"u8);
        temp.File("storage/tables/000002.sst", "not one"u8);

        Assert.Empty(new LevelDbEngine(TimeProvider.System).Recognise(TreeWalker.Walk(temp["storage"]), static _ => true));
    }

    [Fact]
    public void What_a_repair_laid_aside_is_no_database_of_its_own()
    {
        using var db = new LevelDbCase("a-clean");
        Directory.CreateDirectory(db["lost"]);
        File.Copy(db["000005.ldb"], db["lost/000005.ldb"]);
        File.Copy(db["MANIFEST-000002"], db["lost/MANIFEST-000002"]);

        Assert.Equal("db", db.Source.Name);
    }

    [Fact]
    public async Task A_source_that_is_gone_is_not_found()
    {
        using var db = new LevelDbCase("a-clean");
        var (source, tree) = (db.Source, db.Walk());
        Directory.Delete(db.Db, recursive: true);

        var failure = await Assert.ThrowsAsync<BackupException>(() => db.Engine.CaptureAsync(source, tree, db.NewFolder(), CancellationToken.None));

        Assert.Equal(Fault.NotFound, failure.Fault);
    }

    [Fact]
    public async Task An_owner_that_never_holds_still_makes_the_capture_fail_in_bounded_time_with_a_hint()
    {
        using var db = new LevelDbCase("a-clean");
        var source = db.Source;
        var capture = new FolderCapture(source, db.Storage, db.NewFolder(), TimeProvider.System, TimeSpan.FromMilliseconds(300));
        var attempts = 0;

        var started = Stopwatch.GetTimestamp();
        var failure = await Assert.ThrowsAsync<BackupException>(() => capture.RunAsync(
            (_, _) =>
            {
                attempts++;
                return null;
            },
            CancellationToken.None));

        Assert.Equal(Fault.SourceBusy, failure.Fault);
        Assert.NotEmpty(failure.Hint);
        Assert.InRange(attempts, 2, 40);
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 20);
    }

    [Fact]
    public void A_stable_copy_is_refused_when_a_file_changes_between_the_looks()
    {
        using var db = new LevelDbCase("a-clean");
        var clock = new Interruption(() => File.AppendAllText(db["000004.log"], "more"));
        var capture = new FolderCapture(db.Source, db.Storage, db.NewFolder(), clock, TimeSpan.Zero);
        Directory.CreateDirectory(capture.To);

        Assert.Null(BackupApi.Engines.LevelDb.StableCopy.TryTake(capture, CancellationToken.None));
    }

    [Fact]
    public void A_live_copy_is_refused_when_the_owner_opened_the_database_anew_meanwhile()
    {
        using var db = new LevelDbCase("a-clean");
        var clock = new Interruption(() =>
        {
            File.WriteAllText(db["000006.dbtmp"], "MANIFEST-000002\n");
            Posix.Rename(db["000006.dbtmp"], db["CURRENT"]);
        });
        var capture = new FolderCapture(db.Source, db.Storage, db.NewFolder(), clock, TimeSpan.Zero);
        Directory.CreateDirectory(capture.To);

        Assert.Null(LiveCopy.TryTake(capture, CancellationToken.None));
    }

    [Fact]
    public async Task A_capture_can_be_cancelled()
    {
        using var db = new LevelDbCase("a-clean");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => db.CaptureAsync(new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task A_table_missing_under_a_live_owner_is_captured_without_it_and_the_verdict_says_so()
    {
        using var db = new LevelDbCase("h-missing-table");

        var (capture, into) = await db.CaptureAsync();
        var verdict = await db.Engine.VerifyAsync(capture.Source, into, CancellationToken.None);

        Assert.Equal(LiveCopy.Method, capture.Method);
        Assert.Equal("db/000005.ldb", Assert.Single(verdict.Errors).Where);
    }

    [Fact]
    public async Task A_log_that_the_MANIFEST_wants_and_that_is_truly_gone_does_not_make_the_capture_wait()
    {
        using var db = new LevelDbCase("b-log-uncompacted");
        Posix.Rename(db["000007.log"], db["000009.log"]);

        var (capture, _) = await db.CaptureAsync();

        Assert.Equal(1, capture.Attempts);
    }

    [Fact]
    public async Task A_capture_taken_after_the_owner_was_killed_opens_and_holds_all_it_had_acknowledged()
    {
        using var db = new LevelDbCase();
        using var writer = new LiveWriter(db.Db, Path.Combine(db.NewFolder(), "counter"), fillMegabytes: 2);
        await Task.Delay(300);
        writer.Kill();
        var written = writer.Written;

        var (capture, into) = await db.CaptureAsync();
        var verdict = await db.Engine.VerifyAsync(capture.Source, into, CancellationToken.None);
        var (exitCode, said) = RealLevelDb.Run("check", Path.Combine(into, "db"));

        Assert.Empty(verdict.Errors);
        Assert.True(exitCode == 0, said);
        Assert.InRange(RealLevelDb.Number(said, "seq"), written, written + 1);
        Assert.Equal(LockState.Free, LevelDbLock.Probe(db.Db));
    }

    [Fact]
    public async Task A_RocksDB_folder_is_kept_as_it_is_and_says_why_it_is_not_looked_into()
    {
        using var temp = new TempFolder();
        temp.File("storage/rocks/CURRENT", "MANIFEST-000005\n"u8);
        temp.File("storage/rocks/MANIFEST-000005", LevelDbBuilder.LogFile([[1, 3, (byte)'a', (byte)'b', (byte)'c', 0xC9, 1, 0]]));
        temp.File("storage/rocks/IDENTITY", "3d2c"u8);
        temp.File("storage/rocks/OPTIONS-000007", "[Version]"u8);
        temp.File("storage/rocks/000004.log", "wal"u8);
        temp.File("storage/rocks/000012.sst", "table"u8);
        temp.File("storage/rocks/LOCK", []);
        var tree = TreeWalker.Walk(temp["storage"]);
        var engine = new RocksDbEngine(TimeProvider.System);

        var source = engine.Recognise(tree, static _ => true).Single();
        var into = temp.Folder("into");
        var capture = await engine.CaptureAsync(source, tree, into, CancellationToken.None);
        var verdict = await engine.VerifyAsync(source, into, CancellationToken.None);

        Assert.Empty(new LevelDbEngine(TimeProvider.System).Recognise(tree, static _ => true));
        Assert.Equal("rocksdb", source.Engine);
        Assert.Equal(6, capture.Files.Count);
        Assert.True(verdict.IsProven);
        Assert.Equal(VerificationLevel.Archive, verdict.BestLevel);
        Assert.NotNull(verdict.Reason);
    }

    [Fact]
    public void A_RocksDB_folder_is_told_from_LevelDB_by_its_MANIFEST_alone()
    {
        using var temp = new TempFolder();
        temp.File("storage/rocks/CURRENT", "MANIFEST-000005\n"u8);
        temp.File("storage/rocks/MANIFEST-000005", LevelDbBuilder.LogFile([[1, 3, (byte)'a', (byte)'b', (byte)'c', 0xC9, 1, 0]]));
        var tree = TreeWalker.Walk(temp["storage"]);

        Assert.Single(new RocksDbEngine(TimeProvider.System).Recognise(tree, static _ => true));
        Assert.Empty(new LevelDbEngine(TimeProvider.System).Recognise(tree, static _ => true));
    }

    [Fact]
    public async Task A_LOCK_that_is_a_folder_or_a_pipe_is_left_alone()
    {
        using var db = new LevelDbCase("a-clean");
        File.Delete(db["LOCK"]);
        Directory.CreateDirectory(db["LOCK"]);

        var (capture, into) = await db.CaptureAsync();

        Assert.True((await db.Engine.VerifyAsync(capture.Source, into, CancellationToken.None)).IsProven);
        Assert.Equal(LockState.Unknown, LevelDbLock.Probe(db.Db));
    }

    [Fact]
    public async Task A_copy_reads_past_no_length_and_ends_where_the_file_ends()
    {
        using var temp = new TempFolder();
        var content = Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * 7)).ToArray();
        using var file = Posix.OpenRead(temp.File("from", content));

        Assert.Equal(2_500_001, QuietCopy.Copy(file, 2_500_001, temp["part"], CancellationToken.None));
        Assert.Equal(content.Length, QuietCopy.Copy(file, 9_000_000, temp["all"], CancellationToken.None));
        Assert.Equal(content[..2_500_001], await File.ReadAllBytesAsync(temp["part"]));
        Assert.Equal(content, await File.ReadAllBytesAsync(temp["all"]));
    }

    /// <summary>A clock that lets the owner do something when the capture notes its instant.</summary>
    private sealed class Interruption(Action act) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow()
        {
            act();
            return DateTimeOffset.UnixEpoch;
        }
    }

    /// <summary>Everything a capture must not change: names, modes, sizes, modification and change times, content.</summary>
    private static List<string> Look(string folder) =>
        [.. TreeWalker.Walk(folder).Nodes.Select(node => $"{node.Path} {node.Stat.Mode:x} {node.Stat.Fingerprint} {(node.Stat.Kind == FileKind.File ? Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, node.Path)))) : "")}")];

    /// <summary>A read-only bind mount over the folder itself; where that is not allowed, the write permission taken away.</summary>
    private sealed class ReadOnlyMount : IDisposable
    {
        private readonly string folder;
        private readonly bool isMounted;

        public ReadOnlyMount(string folder)
        {
            this.folder = folder;
            isMounted = Run("mount", "--bind", folder, folder) && Run("mount", "-o", "remount,bind,ro", folder);
            if (!isMounted)
            {
                Run("chmod", "-R", "a-w", folder);
            }
        }

        public void Dispose() => _ = isMounted ? Run("umount", folder) : Run("chmod", "-R", "u+w", folder);

        private static bool Run(string program, params string[] arguments)
        {
            using var process = Process.Start(program, arguments);
            process.WaitForExit();
            return process.ExitCode == 0;
        }
    }
}
