using System.Diagnostics;
using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Files;

/// <summary>Locks held by other processes: real ones, by Python's fcntl.</summary>
public sealed class LockProbeTests : IDisposable
{
    private readonly TempFolder temp = new();

    [Theory]
    [InlineData("fcntl.lockf(f, fcntl.LOCK_EX)", true)]
    [InlineData("fcntl.lockf(f, fcntl.LOCK_EX, 10, 100)", true)]
    [InlineData("fcntl.flock(f, fcntl.LOCK_EX)", false)]
    [InlineData("pass", false)]
    public void A_lock_of_fcntl_is_seen_and_no_other(string locking, bool isHeld)
    {
        var path = temp.File("LOCK", []);
        using var holder = new Holder(path, locking);

        Assert.Equal(isHeld ? LockState.Held : LockState.Free, LockProbe.Range(path));
    }

    [Fact]
    public void Only_the_range_asked_about_counts()
    {
        const long PendingByte = 0x40000000;
        var path = temp.File("x.sqlite", new byte[10]);
        using var holder = new Holder(path, $"fcntl.lockf(f, fcntl.LOCK_EX, 1, {PendingByte})");

        Assert.Equal(LockState.Held, LockProbe.Range(path, PendingByte, 1));
        Assert.Equal(LockState.Free, LockProbe.Range(path, PendingByte + 2, 510));
    }

    [Theory]
    [InlineData("fcntl.flock(f, fcntl.LOCK_EX)", true)]
    [InlineData("fcntl.flock(f, fcntl.LOCK_SH)", false)]
    [InlineData("fcntl.lockf(f, fcntl.LOCK_EX)", false)]
    public void An_exclusive_flock_is_seen_and_no_other(string locking, bool isHeld)
    {
        var path = temp.File("LOCK", []);
        using var holder = new Holder(path, locking);

        Assert.Equal(isHeld ? LockState.Held : LockState.Free, LockProbe.Flock(path));
    }

    [Theory]
    [InlineData("r+b", true)]
    [InlineData("rb", false)]
    public void Open_for_writing_is_told_from_open_for_reading(string mode, bool isHeld)
    {
        var path = temp.File("idle.db", [1]);
        using var holder = new Holder(path, "pass", mode);

        Assert.Equal(isHeld ? LockState.Held : LockState.Free, LockProbe.OpenForWriting(path));
    }

    [Fact]
    public void Asking_ten_thousand_times_stops_no_owner_that_opens_and_locks_meanwhile()
    {
        var path = temp.File("busy.db", [1]);
        using var owner = new Holder(path, "[(lambda g: (fcntl.lockf(g, fcntl.LOCK_EX | fcntl.LOCK_NB), g.close()))(open(sys.argv[1], 'r+b')) for i in range(3000)]");

        var states = Enumerable.Range(0, 10_000).Select(_ => (LockProbe.OpenForWriting(path), LockProbe.Range(path))).ToList();

        Assert.DoesNotContain(states, state => state.Item1 == LockState.Unknown || state.Item2 == LockState.Unknown);
        Assert.Equal(0, owner.End());
    }

    [Fact]
    public void Nobody_holds_what_does_not_exist_and_a_folder_is_not_judged()
    {
        Assert.Equal(LockState.Free, LockProbe.Range(temp["none"]));
        Assert.Equal(LockState.Unknown, LockProbe.Range(temp.Folder("LOCK")));
    }

    [Fact]
    public void On_proc_no_answer_is_called_free() => Assert.Equal(LockState.Unknown, LockProbe.Range("/proc/version"));

    [Theory]
    [InlineData("fcntl.lockf(f, fcntl.LOCK_EX)", true)]
    [InlineData("fcntl.flock(f, fcntl.LOCK_EX)", true)]
    [InlineData("pass", false)]
    public void A_LevelDB_folder_is_held_by_either_kind_of_lock(string locking, bool isHeld)
    {
        using var holder = new Holder(temp.File("LOCK", []), locking);

        Assert.Equal(isHeld ? LockState.Held : LockState.Free, LevelDbLock.Probe(temp.Path));
    }

    [Fact]
    public void A_lock_dies_with_its_process_though_the_file_stays()
    {
        var path = temp.File("LOCK", []);
        using (var holder = new Holder(path, "fcntl.lockf(f, fcntl.LOCK_EX)"))
        {
            Assert.Equal(LockState.Held, LevelDbLock.Probe(temp.Path));
        }

        Assert.True(File.Exists(path));
        Assert.Equal(LockState.Free, LevelDbLock.Probe(temp.Path));
    }

    public void Dispose() => temp.Dispose();

    /// <summary>A process that opens a file, does one thing with it, and holds it until it is ended.</summary>
    private sealed class Holder : IDisposable
    {
        private readonly Process process;

        public Holder(string path, string locking, string mode = "r+b")
        {
            var script = $"import fcntl, sys\nf = open(sys.argv[1], '{mode}')\nprint('open', flush=True)\n{locking}\nprint('held', flush=True)\nsys.stdin.read()";
            if (locking[0] == '[')
            {
                script = $"import fcntl, sys\nprint('held', flush=True)\n{locking}\nsys.stdin.read()";
            }

            process = Process.Start(new ProcessStartInfo("python3", ["-c", script, path]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
            while (process.StandardOutput.ReadLine() is { } line && line != "held")
            {
            }
        }

        public int End()
        {
            process.StandardInput.Close();
            process.WaitForExit();
            return process.ExitCode;
        }

        public void Dispose()
        {
            if (!process.HasExited)
            {
                process.Kill();
                process.WaitForExit();
            }

            process.Dispose();
        }
    }
}
