using System.Diagnostics;
using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Files;

/// <summary>Owners are other processes, as in life: a lock of our own process would not be seen by some of the calls.</summary>
public sealed class OwnerProbeTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void A_storage_that_nobody_has_open_is_free()
    {
        temp.File("storage/a.txt", "a"u8);

        Assert.Equal(OwnerState.Free, Look().State);
    }

    [Theory]
    [InlineData("held = open(path, 'r+b')", "open for writing")]
    [InlineData("import sqlite3; held = sqlite3.connect(path, isolation_level=None); held.execute('create table t(x)'); held.execute('begin immediate')", "")]
    [InlineData("import sqlite3; held = sqlite3.connect(path, isolation_level=None); held.execute('create table t(x)')", "open for writing")]
    [InlineData("import fcntl; held = open(path, 'rb'); fcntl.lockf(os.dup(os.open(path, os.O_RDONLY)), fcntl.LOCK_SH)", "lock")]
    [InlineData("import fcntl; held = open(path, 'r+b'); fcntl.flock(held, fcntl.LOCK_SH)", "")]
    public async Task An_owner_is_seen_and_its_file_is_named(string hold, string how)
    {
        temp.File("storage/free.txt", "free"u8);
        var path = temp.File("storage/held.db", ""u8);
        using var owner = await HolderProcess.StartAsync(path, hold);

        var report = Look();

        Assert.Equal(OwnerState.InUse, report.State);
        var user = Assert.Single(report.Users, user => user.Where == "held.db");
        Assert.Contains(how, user.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(report.Users, u => u.Where == "free.txt");
    }

    [Fact]
    public async Task A_mere_reader_of_a_plain_file_is_not_an_owner()
    {
        var path = temp.File("storage/a.txt", "a"u8);
        using var reader = await HolderProcess.StartAsync(path, "held = open(path, 'rb')");

        Assert.Equal(OwnerState.Free, Look().State);
    }

    [Fact]
    public async Task An_owner_that_opens_while_it_is_probed_notices_nothing()
    {
        var path = temp.File("storage/a.db", "a"u8);
        using var owner = await HolderProcess.StartAsync(path, "import threading\ndef spin():\n  while True:\n    try: open(path, 'r+b').close()\n    except Exception as e: print('FAILED', e, flush=True)\nthreading.Thread(target=spin, daemon=True).start()");
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromMilliseconds(300))
        {
            _ = OwnerProbe.Look(path);
        }

        Assert.Equal("", owner.StopAndReadOutput());
    }

    [Fact]
    public void A_file_that_is_gone_is_free() => Assert.Equal(OwnerState.Free, OwnerProbe.Look(temp["gone"]).State);

    private OwnerReport Look() => OwnerProbe.Look(TreeWalker.Walk(temp["storage"]), _ => true, CancellationToken.None);
}
