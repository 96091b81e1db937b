using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

public sealed class RepairLevelDbLockTests : IDisposable
{
    private readonly RestoreWorld world = new();
    private readonly string lockPath;

    public RepairLevelDbLockTests()
    {
        world.AddDatabase("leveldb/n-clean", "level");
        lockPath = $"{world.Storage}/level/db/LOCK";
        Shell.Run(world.Storage, "chown -R 1000:1000 level; chmod 644 level/db/LOCK");
    }

    public void Dispose() => world.Dispose();

    [Fact]
    public void A_lock_that_merely_lies_there_after_a_crash_is_left_alone()
    {
        var before = Posix.Stat(lockPath);

        Assert.Empty(Run());

        Assert.Equal(before, Posix.Stat(lockPath));
    }

    [Theory]
    [InlineData("chown root:root level/db/LOCK")]
    [InlineData("chmod 0 level/db/LOCK")]
    [InlineData("chown 5:5 level/db/LOCK; chmod 444 level/db/LOCK")]
    public void A_lock_that_the_application_could_not_open_gets_the_owner_of_its_database(string harm)
    {
        Shell.Run(world.Storage, harm);
        var inode = Posix.Stat(lockPath).Inode;

        var told = Assert.Single(Run());

        Assert.Equal("level/db/LOCK", told.Where);
        Assert.Equal((1000u, 1000u, inode), (Posix.Stat(lockPath).Uid, Posix.Stat(lockPath).Gid, Posix.Stat(lockPath).Inode));
        Shell.Run(world.Storage, "setpriv --reuid 1000 --regid 1000 --clear-groups bash -c 'exec 3<>level/db/LOCK'");
        Assert.Empty(Run());
    }

    [Theory]
    [InlineData("mkdir LOCK")]
    [InlineData("ln -s /nowhere LOCK")]
    [InlineData("mkfifo LOCK")]
    public void A_lock_that_is_no_file_is_removed(string make)
    {
        File.Delete(lockPath);
        Shell.Run($"{world.Storage}/level/db", make);

        Assert.Contains("removed", Assert.Single(Run()).Message, StringComparison.Ordinal);

        Assert.Null(Posix.FindStat(lockPath));
    }

    [Fact]
    public void A_folder_with_something_in_it_is_only_reported()
    {
        File.Delete(lockPath);
        Shell.Run($"{world.Storage}/level/db", "mkdir LOCK; touch LOCK/x");

        Assert.Contains("move it away", Assert.Single(Run()).Message, StringComparison.Ordinal);

        Assert.True(File.Exists($"{lockPath}/x"));
    }

    [Fact]
    public async Task A_lock_that_a_process_holds_is_left_alone_even_with_the_wrong_owner()
    {
        Shell.Run(world.Storage, "chown root:root level/db/LOCK");
        var before = Posix.Stat(lockPath);
        using var holder = await HolderProcess.StartAsync(lockPath, "import fcntl; held = open(path, 'r+b'); fcntl.lockf(held, fcntl.LOCK_EX)");

        Assert.Contains("holds it", Assert.Single(Run()).Message, StringComparison.Ordinal);

        Assert.Equal(before, Posix.Stat(lockPath));
    }

    private IReadOnlyList<Finding> Run() => world.Get<RepairLevelDbLock>().Run(CancellationToken.None);
}
