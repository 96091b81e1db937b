using System.Diagnostics;
using BackupApi.Engines.LiteDb;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>What an owner and his files notice of a capture: nothing but, with a lease, a short wait.</summary>
public sealed class LiteDbOwnerTests : IDisposable
{
    private readonly TempFolder folder = new();

    [Theory]
    [InlineData("b-log-committed")]
    [InlineData("b-log-empty")]
    [InlineData("d-encrypted")]
    public async Task Nothing_in_the_source_folder_changes(string name)
    {
        var storage = Fixtures.CopyTo($"litedb/{name}", folder.Folder("storage"));
        var before = Facts(storage);

        await Capture(new LiteDbSettings());
        await Capture(new LiteDbSettings { AllowLease = false });

        Assert.Equal(before, Facts(storage));
    }

    [Fact]
    public async Task An_owner_that_opens_exclusively_during_captures_never_fails()
    {
        var storage = Fixtures.CopyTo("litedb/a-clean", folder.Folder("storage"));
        using var stop = new CancellationTokenSource();
        var done = 0;
        var capturing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await Capture(new LiteDbSettings { AllowLease = done % 2 == 0 });
                Interlocked.Increment(ref done);
            }
        });

        for (var i = 0; i < 300 || Volatile.Read(ref done) < 4; i++)
        {
            // FileShare.None is flock(LOCK_EX | LOCK_NB): it fails at once where anybody holds any flock.
            using var owner = new FileStream(Path.Combine(storage, "data.db"), FileMode.Open, FileAccess.ReadWrite, FileShare.None, 0);
            Assert.Equal(0, owner.ReadByte());
        }

        await stop.CancelAsync();
        await capturing;
    }

    [Fact]
    public async Task Another_process_that_locks_exclusively_during_captures_never_fails()
    {
        var storage = Fixtures.CopyTo("litedb/a-clean", folder.Folder("storage"));
        using var owner = Process.Start(new ProcessStartInfo("bash", ["-c", $"for i in $(seq 100); do flock -n -x '{storage}/data.db' true || exit 1; done"]))!;
        while (!owner.HasExited)
        {
            await Capture(new LiteDbSettings());
        }

        Assert.Equal(0, owner.ExitCode);
    }

    [Fact]
    public async Task An_opener_waits_for_a_lease_and_the_wait_is_measured()
    {
        var path = folder.File("x.db", new byte[8192]);
        using var file = Posix.OpenRead(path);
        Assert.Equal(LeaseAnswer.Granted, FileLease.TryTake(file, TimeProvider.System, out var lease));

        var opened = Stopwatch.StartNew();
        var opening = Task.Run(() =>
        {
            using var owner = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
            return opened.Elapsed;
        });
        for (var i = 0; i < 500 && !lease!.HasWaiter; i++)
        {
            await Task.Delay(10);
        }

        Assert.False(opening.IsCompleted);
        lease!.Dispose();

        Assert.True(await opening > TimeSpan.Zero);
        Assert.True(lease.HasWaiter);
        Assert.True(lease.Held > TimeSpan.Zero);
    }

    [Fact]
    public void A_file_open_for_writing_gives_no_lease()
    {
        var path = folder.File("x.db", new byte[8192]);
        using var owner = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
        using var file = Posix.OpenRead(path);

        Assert.Equal(LeaseAnswer.OpenForWriting, FileLease.TryTake(file, TimeProvider.System, out _));
    }

    [Fact]
    public void A_file_system_without_leases_gives_none()
    {
        using var file = Posix.OpenRead("/proc/self/status");

        Assert.Equal(LeaseAnswer.NotPossible, FileLease.TryTake(file, TimeProvider.System, out _));
    }

    [Fact]
    public void Where_every_change_is_said_to_be_stamped_it_is()
    {
        var path = folder.File("x.db", [0]);
        using var owner = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        using var file = Posix.OpenRead(path);
        for (var i = 0; i < 2000 && FileLease.StampsEveryChange(file); i++)
        {
            var before = Posix.Stat(file, path).Fingerprint;
            RandomAccess.Write(owner, [(byte)i], 0);
            Assert.NotEqual(before, Posix.Stat(file, path).Fingerprint);
        }
    }

    [Fact]
    public async Task A_database_that_is_gone_is_reported_as_such()
    {
        Fixtures.CopyTo("litedb/a-clean", folder.Folder("storage"));
        var tree = TreeWalker.Walk(folder["storage"]);
        var engine = new LiteDbEngine(new LiteDbSettings { Patience = TimeSpan.FromMilliseconds(50) }, TimeProvider.System);
        var source = Assert.Single(engine.Recognise(tree, _ => true));
        File.Delete(folder["storage/data.db"]);

        var gone = await Assert.ThrowsAsync<BackupException>(() => engine.CaptureAsync(source, tree, folder.Folder("staged"), CancellationToken.None));

        Assert.Equal(Fault.NotFound, gone.Fault);
    }

    [Fact]
    public async Task A_database_on_a_read_only_mount_is_captured()
    {
        Fixtures.CopyTo("litedb/b-log-committed", folder.Folder("storage"));
        folder.Folder("mount");
        if (!Run("mount", "--bind", folder["storage"], folder["mount"]))
        {
            // Only root may mount; the suite runs as root where images are built.
            return;
        }

        try
        {
            Assert.True(Run("mount", "-o", "remount,ro,bind", folder["mount"]));
            await Capture(new LiteDbSettings(), "mount");
        }
        finally
        {
            Run("umount", folder["mount"]);
        }
    }

    public void Dispose() => folder.Dispose();

    private int captures;

    private async Task Capture(LiteDbSettings settings, string storage = "storage")
    {
        var tree = TreeWalker.Walk(folder[storage]);
        var engine = new LiteDbEngine(settings, TimeProvider.System);
        var source = Assert.Single(engine.Recognise(tree, _ => true));
        var staged = folder.Folder($"staged-{++captures}");
        await engine.CaptureAsync(source, tree, staged, CancellationToken.None);
        TreeRemoval.Remove(staged);
    }

    private static List<string> Facts(string path) =>
        [.. TreeWalker.Walk(path).Nodes.Select(node => $"{node.Path} {node.Stat.Fingerprint} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(path, node.Path))))}").Append(Posix.Stat(path).Fingerprint.ToString())];

    private static bool Run(string command, params string[] arguments)
    {
        using var process = Process.Start(command, arguments);
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
