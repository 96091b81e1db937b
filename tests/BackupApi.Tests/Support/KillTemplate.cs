using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Operations.Restore;

namespace BackupApi.Tests.Support;

/// <summary>Storage, backups and restore folder as one operation of <see cref="KillHost"/> finds them: three engines with side files, fifty files, links, three owners, odd names, an earlier restore and its undo.</summary>
/// <param name="folder">Where the folders are made; a round works on a copy.</param>
/// <param name="what">As <see cref="KillHost"/> calls it.</param>
internal sealed class KillTemplate(string folder, string what)
{
    /// <summary>What happened to storage after the backup that the restores bring back.</summary>
    private const string Today = "rm -rf lite goes.txt; echo today > changed.txt; echo today > whole/two; echo today > many/7; sqlite3 sql/data.db 'create table today(x)'; mkdir -p new/folder; echo new > new/folder/file";

    /// <summary>What <see cref="KillHost"/> is told: a database that was dropped as it is is restored by a start too.</summary>
    public string Call => what == "bare" ? "start" : what;

    /// <summary>Storage before the operation.</summary>
    public string OldImage { get; private set; } = "";

    /// <summary>Storage after it.</summary>
    public string NewImage { get; private set; } = "";

    public async Task PrepareAsync(string spare)
    {
        using (var world = new RestoreWorld(root: folder))
        {
            SampleTrees.WriteOld(world.Storage);
            TreeRemoval.Remove($"{world.Storage}/db");
            world.AddDatabase("sqlite/a-clean", "sql");
            if (what != "bare")
            {
                // A database that is dropped as it is needs one name it fits, and no second one.
                world.AddDatabase("sqlite/b-wal-committed", "walled");
            }

            world.AddDatabase("leveldb/n-killed-with-log", "level");
            world.AddDatabase("litedb/b-log-committed", "lite");
            Shell.Run(world.Storage, "mkdir many; for i in $(seq 30); do echo $i > many/$i; done; touch -d @1700000000.5 many/*");
            var backup = await world.BackUpAsync();
            Shell.Run(world.Storage, Today);
            if (what != "rotation")
            {
                await world.RestoreAsync(backup.Name);
                await world.RestoreAsync(world.Get<UndoRestore>().Request(force: false));
            }

            switch (what)
            {
                case "undo":
                    await world.RestoreAsync(backup.Name);
                    break;
                case "undo-kept":
                    await world.RestoreWithoutRoomAsync(backup.Name);
                    break;
                case "start":
                    File.Copy(backup.Path, $"{world.Restore}/drop.tar.gz");
                    break;
                case "bare":
                    Fixtures.CopyTo("sqlite/b-wal-committed", world.Restore);
                    break;
                case "rotation":
                    await world.BackUpAsync();
                    Shell.Run(world.Storage, "echo later > changed.txt");
                    await world.BackUpAsync();
                    break;
                case "heal":
                    await world.BackUpAsync();
                    break;
            }
        }

        CopyTo(spare);
        OldImage = ImageOf(spare);
        Xunit.Assert.Equal(0, KillPoint.Run(Call, spare, 0).ExitCode);
        NewImage = ImageOf(spare);
        TreeRemoval.Remove(spare);
    }

    /// <summary>Storage as lines that compare. A database that is healed or dropped is exchanged within its folder, whose time is then that moment's.</summary>
    public string ImageOf(string root) => what == "bare" ? TreeImage.ContentOf($"{root}/storage") :
        string.Join('\n', TreeImage.Of($"{root}/storage").Split('\n').Select(line => what == "heal" && line.StartsWith("sql Directory ", StringComparison.Ordinal) ? "sql Directory" : line));

    /// <summary>A fresh copy in a folder that does not exist yet, or is an empty mount.</summary>
    public void CopyTo(string root)
    {
        Shell.Run(folder, $"mkdir -p '{root}'; cp -a storage backups restore '{root}'");
        if (what == "heal")
        {
            Harm(root);
        }
    }

    /// <summary>What is healed is told from the folder it was in at the last run, so each copy has its own last run; then a database is damaged, at a moment that compares.</summary>
    private static void Harm(string root)
    {
        using (var world = new RestoreWorld(root: root))
        {
            world.Get<BackupCatalog>().RefreshAsync(CancellationToken.None).GetAwaiter().GetResult();
            var before = world.HealAsync().GetAwaiter().GetResult();
            Xunit.Assert.True(before.Healed.Count == 0 && before.Undecided.Count == 0, "The template is not well by itself.");
        }

        Shell.Run($"{root}/storage", "dd if=/dev/zero of=sql/data.db bs=1024 seek=4 count=16 conv=notrunc status=none; echo stale > sql/data.db-wal; touch -d @1700000100 sql/data.db sql/data.db-wal sql");
    }
}
