using System.Security.Cryptography;
using BackupApi.Engines;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines;

/// <summary>What every engine keeps, whatever its kind. A new engine inherits this and says how one healthy source of its kind is made.</summary>
public abstract class EngineContract : IDisposable
{
    private readonly TempFolder temp = new();

    protected EngineContract() => Storage = temp.Folder("storage");

    private string Storage { get; }

    public void Dispose()
    {
        temp.Dispose();
        GC.SuppressFinalize(this);
    }

    internal abstract IEngine NewEngine();

    /// <summary>Puts one healthy source at rest, of some kilobytes, into an empty storage folder.</summary>
    protected abstract void MakeSource(string storage);

    [Fact]
    public void A_source_is_recognised_once_and_claims_files_that_exist_in_the_order_of_their_bytes()
    {
        var (_, source) = Recognise(NewEngine());
        Assert.Equal(NewEngine().Kind, source.Engine);
        Assert.NotEmpty(source.Files);
        Assert.Equal(source.Files.Distinct(StringComparer.Ordinal).Order(Comparer<string>.Create(PathText.CompareBytes)), source.Files, StringComparer.Ordinal);
        Assert.All(source.Files, file => Assert.NotNull(Posix.FindStat($"{Storage}/{file}")));
    }

    [Fact]
    public void What_an_earlier_engine_claimed_is_left_to_it()
    {
        MakeSource(Storage);
        Assert.Empty(NewEngine().Recognise(TreeWalker.Walk(Storage), _ => false));
    }

    [Fact]
    public async Task Recognition_and_capture_leave_the_source_untouched()
    {
        MakeSource(Storage);
        var before = Look(Storage);
        await CaptureAsync();
        Assert.Equal(before, Look(Storage));
    }

    [Fact]
    public async Task A_captured_copy_is_proven()
    {
        var (engine, capture, folder) = await CaptureAsync();
        var verdict = await engine.VerifyAsync(capture.Source, folder, CancellationToken.None);
        Assert.Empty(verdict.Errors);
        Assert.True(verdict.IsProven);
        Assert.All(verdict.Counts.Values, count => Assert.True(count >= 0));
    }

    [Fact]
    public async Task A_copy_survives_being_verified_and_nothing_is_left_beside_it()
    {
        var (engine, capture, folder) = await CaptureAsync();
        var before = Look(folder);
        await engine.VerifyAsync(capture.Source, folder, CancellationToken.None);
        Assert.Equal(before, Look(folder));
        Assert.Equal(2, Directory.EnumerateFileSystemEntries(temp.Path).Count());
    }

    [Fact]
    public async Task Entries_have_unique_relative_names_and_their_bytes_lie_where_the_name_says()
    {
        var (_, capture, folder) = await CaptureAsync();
        Assert.Equal(capture.Files.Count, capture.Files.Select(file => file.Name).Distinct(StringComparer.Ordinal).Count());
        Assert.All(capture.Files, file =>
        {
            Assert.False(file.Name.StartsWith('/') || file.Name.EndsWith('/') || file.Name.Split('/').Any(part => part is "" or "." or ".."), file.Name);
            if (file.ContentPath is not null)
            {
                Assert.Equal(file.IsQuiet ? $"{folder}/{file.Name}" : $"{Storage}/{file.Name}", file.ContentPath);
                Assert.True(!file.IsQuiet || file.Stat.Size == Posix.Stat(file.ContentPath).Size, $"{file.Name}: the size of a quiet copy is the copy's own");
            }
        });
    }

    [Fact]
    public async Task Owner_mode_and_time_of_the_live_files_are_kept()
    {
        MakeSource(Storage);
        foreach (var file in Directory.EnumerateFiles(Storage, "*", SearchOption.AllDirectories))
        {
            Posix.SetMode(file, 0x1A0 /* 0640 */);
            Posix.SetModified(file, new UnixTime(1_500_000_000, 123_456_789));
        }

        var (_, capture, _) = await CaptureAsync(make: false);
        Assert.All(capture.Files.Where(file => file.Stat.Kind == FileKind.File), file =>
        {
            var live = Posix.Stat($"{Storage}/{file.Name}");
            Assert.Equal((live.Mode, live.Uid, live.Gid, live.Modified), (file.Stat.Mode, file.Stat.Uid, file.Stat.Gid, file.Stat.Modified));
        });
    }

    [Fact]
    public async Task A_capture_says_when_how_and_how_often()
    {
        var before = TimeProvider.System.GetUtcNow();
        var (_, capture, _) = await CaptureAsync();
        Assert.InRange(capture.CapturedAt, before, TimeProvider.System.GetUtcNow());
        Assert.NotEmpty(capture.Method);
        Assert.True(capture.Attempts >= 1);
        Assert.True(capture.OwnerHeld >= TimeSpan.Zero);
    }

    [Fact]
    public async Task A_cancelled_capture_or_verification_ends_as_cancelled_and_holds_nothing_open()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        var (engine, capture, folder) = await CaptureAsync();
        var tree = TreeWalker.Walk(Storage);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.CaptureAsync(capture.Source, tree, temp.Folder("second"), cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => engine.VerifyAsync(capture.Source, folder, cancelled.Token));
        Assert.Empty(OpenFilesBelow(temp.Path));
    }

    [Fact]
    public async Task After_a_capture_and_a_verification_no_file_is_held_open()
    {
        var (engine, capture, folder) = await CaptureAsync();
        await engine.VerifyAsync(capture.Source, folder, CancellationToken.None);
        Assert.Empty(OpenFilesBelow(temp.Path));
    }

    [Fact]
    public async Task Random_bytes_in_place_of_a_file_give_a_verdict()
    {
        var (engine, capture, folder) = await CaptureAsync();
        var random = new Random(20261120);
        foreach (var file in Regular(folder))
        {
            var whole = await File.ReadAllBytesAsync(file);
            foreach (var length in new[] { 0, 1, 100, 5000, whole.Length })
            {
                var noise = new byte[length];
                random.NextBytes(noise);
                await File.WriteAllBytesAsync(file, noise);
                Assert.NotNull(await engine.VerifyAsync(capture.Source, folder, CancellationToken.None));
            }

            await File.WriteAllBytesAsync(file, whole);
        }
    }

    [Fact]
    public async Task A_missing_file_or_an_empty_folder_gives_a_verdict()
    {
        var (engine, capture, folder) = await CaptureAsync();
        foreach (var file in Regular(folder))
        {
            Posix.Rename(file, temp["away"]);
            Assert.NotNull(await engine.VerifyAsync(capture.Source, folder, CancellationToken.None));
            Posix.Rename(temp["away"], file);
        }

        Assert.NotNull(await engine.VerifyAsync(capture.Source, temp.Folder("nothing"), CancellationToken.None));
    }

    [Fact]
    public async Task A_changed_byte_anywhere_gives_a_verdict()
    {
        var (engine, capture, folder) = await CaptureAsync();
        var random = new Random(20261121);
        foreach (var file in Regular(folder).Where(file => new FileInfo(file).Length > 0))
        {
            using var handle = Posix.Open(file, OpenFlags.ReadWrite);
            for (var i = 0; i < 60; i++)
            {
                var at = random.NextInt64(RandomAccess.GetLength(handle));
                var original = new byte[1];
                RandomAccess.Read(handle, original, at);
                RandomAccess.Write(handle, [(byte)(original[0] ^ (1 << random.Next(8)))], at);
                Assert.NotNull(await engine.VerifyAsync(capture.Source, folder, CancellationToken.None));
                RandomAccess.Write(handle, original, at);
            }
        }
    }

    private static List<string> Regular(string folder) =>
        [.. TreeWalker.Walk(folder).Nodes.Where(node => node.Stat.Kind == FileKind.File).Select(node => $"{folder}/{node.Path}")];

    private static IEnumerable<string> OpenFilesBelow(string folder) =>
        Directory.EnumerateFiles("/proc/self/fd").Select(fd => new FileInfo(fd).LinkTarget ?? "").Where(target => target.StartsWith(folder + "/", StringComparison.Ordinal));

    /// <summary>Every name with its facts and bytes; the scratch memory of SQLite may change.</summary>
    private static List<string> Look(string folder) =>
    [
        .. TreeWalker.Walk(folder).Nodes.Select(node =>
        {
            var s = node.Stat;
            var content = s.Kind == FileKind.File ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes($"{folder}/{node.Path}"))) : node.LinkTarget;
            return node.Path.EndsWith("-shm", StringComparison.Ordinal) ? node.Path : $"{node.Path} {s.Kind} {s.Mode} {s.Uid} {s.Gid} {s.Inode} {s.Size} {s.Modified} {content}";
        }),
    ];

    private (StorageTree Tree, Source Source) Recognise(IEngine engine, bool make = true)
    {
        if (make)
        {
            MakeSource(Storage);
        }

        var tree = TreeWalker.Walk(Storage);
        return (tree, Assert.Single(engine.Recognise(tree, _ => true)));
    }

    /// <summary>Captures the one source; live files are copied beside the quiet ones, as an archive would hold them.</summary>
    private async Task<(IEngine Engine, Capture Capture, string Folder)> CaptureAsync(bool make = true)
    {
        var engine = NewEngine();
        var (tree, source) = Recognise(engine, make && !Directory.EnumerateFileSystemEntries(Storage).Any());
        var folder = temp.Folder("copy");
        var capture = await engine.CaptureAsync(source, tree, folder, CancellationToken.None);
        foreach (var file in capture.Files.Where(file => file is { ContentPath: not null, IsQuiet: false }))
        {
            Directory.CreateDirectory(Path.GetDirectoryName($"{folder}/{file.Name}")!);
            File.Copy(file.ContentPath!, $"{folder}/{file.Name}");
        }

        return (engine, capture, folder);
    }
}
