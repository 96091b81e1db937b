using BackupApi.Engines.LiteDb;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>An owner who checkpoints exactly between the copy of the data file and the copy of the log: no accepted capture mixes the two generations.</summary>
/// <remarks>
/// Nothing here depends on speed: the owner acts when the capture asks its clock for the instant of a state that it is about to accept,
/// which is after the last pass over the data file and before the log is read for the last time.
/// </remarks>
public sealed class LiteDbGenerationTests : IDisposable
{
    private readonly TempFolder folder = new();
    private readonly TinyOwner owner;

    public LiteDbGenerationTests()
    {
        owner = new TinyOwner(Path.Combine(folder.Folder("storage"), "bank.db"), OwnerMode.Direct, accounts: 300, padding: 3000, checkpointPages: int.MaxValue);
        Steps(20);
    }

    /// <summary>What the owner does in the gap: each leaves a log that would go with another data file.</summary>
    public static TheoryData<string> Gaps => new("a checkpoint", "a checkpoint and as long a log", "a checkpoint and a longer log", "a checkpoint and a shorter log", "a rebuild");

    [Theory]
    [MemberData(nameof(Gaps))]
    public async Task A_checkpoint_between_data_and_log_is_never_accepted(string gap)
    {
        var refused = 0;
        for (var times = 1; times <= 3; times++)
        {
            // The owner gets in the way of the first so many states that would have been accepted.
            var clock = new ActingClock(times, () => Act(gap));
            var earliest = owner.Committed;

            var (capture, staged) = await CaptureAsync(clock);

            Assert.Equal("compare and patch", capture.Method);
            Assert.Equal(times + 1, clock.Asked);
            refused += clock.Asked - 1;
            Assert.InRange(Audit(staged), earliest, owner.Committed);
        }

        Assert.Equal(6, refused);
    }

    [Fact]
    public async Task What_is_appended_between_data_and_log_is_accepted_and_whole()
    {
        var clock = new ActingClock(1, () => Steps(7));
        var earliest = owner.Committed;

        var (capture, staged) = await CaptureAsync(clock);

        Assert.Equal(1, clock.Asked);
        Assert.Equal(1, capture.Attempts);
        Assert.InRange(Audit(staged), earliest, owner.Committed);
    }

    [Theory]
    [MemberData(nameof(Gaps))]
    public void A_mix_of_both_generations_would_be_seen(string gap)
    {
        // The copy that the rule refuses: data from before, log from after.
        File.Copy(owner.Path, folder["mixed.db"]);
        Act(gap);
        Steps(5);
        File.Copy(owner.LogPath, folder["mixed-log.db"]);

        Assert.Throws<InvalidDataException>(() => owner.Audit(folder["mixed.db"], folder["mixed-log.db"]));
    }

    [Fact]
    public async Task An_owner_who_opens_during_a_lease_waits_and_writes_after_the_copy()
    {
        owner.CheckpointNow();
        owner.Release();
        var last = owner.Committed;
        Task? writing = null;
        var clock = new LeaseClock(path: owner.Path, act: () => writing ??= Task.Run(() => Steps(3)));

        var (capture, staged) = await CaptureAsync(clock, allowLease: true);
        await writing!;

        Assert.Equal("lease", capture.Method);
        Assert.Equal(last, Audit(staged));
        Assert.Equal(last + 3, owner.Committed);
    }

    [Fact]
    public async Task A_copy_that_held_its_owner_longer_than_the_bound_is_given_up()
    {
        owner.CheckpointNow();
        owner.Release();

        // By this clock a second passes at every look while the lease is held.
        var clock = new HurryingClock(owner.Path);
        var (capture, staged) = await CaptureAsync(clock, allowLease: true);

        Assert.True(clock.HasHurried);

        Assert.Equal("compare and patch", capture.Method);
        Assert.Equal(owner.Committed, Audit(staged));
    }

    public void Dispose()
    {
        owner.Dispose();
        folder.Dispose();
    }

    private void Act(string gap)
    {
        owner.Step();
        var pages = new FileInfo(owner.LogPath).Length;
        owner.CheckpointNow();
        switch (gap)
        {
            case "a checkpoint and as long a log":
                while (new FileInfo(owner.LogPath).Length < pages)
                {
                    owner.Step();
                }

                break;
            case "a checkpoint and a longer log":
                Steps(40);
                break;
            case "a checkpoint and a shorter log":
                Steps(2);
                break;
            case "a rebuild":
                owner.Release();
                File.Copy(owner.Path, folder["storage/bank-temp.db"]);
                Posix.Rename(owner.Path, folder["storage/bank-backup.db"]);
                Posix.Rename(folder["storage/bank-temp.db"], owner.Path);
                File.Delete(folder["storage/bank-backup.db"]);
                Steps(20);
                break;
            default:
                break;
        }
    }

    private void Steps(int count)
    {
        for (var i = 0; i < count; i++)
        {
            owner.Step();
        }
    }

    private long Audit(string staged)
    {
        var log = $"{staged}/bank-log.db";
        return owner.Audit($"{staged}/bank.db", File.Exists(log) ? log : null);
    }

    private async Task<(Capture Capture, string Staged)> CaptureAsync(TimeProvider clock, bool allowLease = false)
    {
        var tree = TreeWalker.Walk(folder["storage"]);
        var engine = new LiteDbEngine(new LiteDbSettings { AllowLease = allowLease, Patience = TimeSpan.FromMinutes(1) }, clock);
        var source = Assert.Single(engine.Recognise(tree, _ => true), found => found.Name == "bank.db");
        var staged = folder.Folder($"staged-{Guid.NewGuid():N}");
        return (await engine.CaptureAsync(source, tree, staged, CancellationToken.None), staged);
    }

    /// <summary>Acts the first so many times it is asked for the instant.</summary>
    private sealed class ActingClock(int times, Action act) : TimeProvider
    {
        public int Asked { get; private set; }

        public override DateTimeOffset GetUtcNow()
        {
            if (++Asked <= times)
            {
                act();
            }

            return base.GetUtcNow();
        }
    }

    /// <summary>Acts at each look while a lease on the file is in force.</summary>
    private sealed class LeaseClock(string path, Action act) : TimeProvider
    {
        public override long GetTimestamp()
        {
            if (IsLeased(path))
            {
                act();
            }

            return base.GetTimestamp();
        }
    }

    /// <summary>A second passes at each look while a lease on the file is in force.</summary>
    private sealed class HurryingClock(string path) : TimeProvider
    {
        private long ahead;

        public bool HasHurried => ahead > 0;

        public override long GetTimestamp() =>
            base.GetTimestamp() + (IsLeased(path) ? Interlocked.Add(ref ahead, TimestampFrequency) : Interlocked.Read(ref ahead));
    }

    private static bool IsLeased(string path) => File.ReadAllText("/proc/locks").Contains($":{Posix.Stat(path).Inode} ", StringComparison.Ordinal);
}
