using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Restore;

namespace BackupApi.Tests.Support;

/// <summary>Storage, backups and restore folder as one operation of <see cref="KillHost"/> finds them: three engines with side files, fifty files, links, three owners, odd names, an earlier restore and its undo.</summary>
/// <param name="folder">Where the folders are made; a round works on a copy.</param>
/// <param name="what">As <see cref="KillHost"/> calls it.</param>
internal sealed class KillTemplate(string folder, string what)
{
    /// <summary>What happened to storage after the backup that the restores bring back.</summary>
    private const string Today = "rm -rf lite goes.txt; echo today > changed.txt; echo today > whole/two; echo today > many/7; sqlite3 sql/data.db 'create table today(x)'; mkdir -p new/folder; echo new > new/folder/file";

    public string What => what;

    /// <summary>What <see cref="KillHost"/> is told: what was dropped or staged is put in place by a start.</summary>
    public string Call => what is "bare" or "staged" ? "start" : what;

    /// <summary>What <see cref="KillHost"/> is told for the start after a kill.</summary>
    public string NextCall => what == "heal" ? "life-heal" : "life";

    /// <summary>Whether it is put right at every start until it is done: an operation that ended in between, by a kill or by a fault, comes true at the next start.</summary>
    public bool WaitsForAStart => what is "start" or "bare" or "staged" or "heal";

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
                case "staged":
                    using (new FileStream($"{world.Storage}/changed.txt", FileMode.Open, FileAccess.ReadWrite))
                    {
                        Xunit.Assert.False((await world.RestoreAsync(backup.Name)).Applied);
                    }

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
                    var before = await world.HealAsync();
                    Xunit.Assert.True(before.Healed.Count == 0 && before.Undecided.Count == 0, "The template is not well by itself.");
                    break;
            }
        }

        CopyTo(spare);
        OldImage = ImageOf(spare);
        Xunit.Assert.Equal(0, KillPoint.Run(Call, spare, 0).ExitCode);
        if (what == "stage")
        {
            Xunit.Assert.Equal(OldImage, ImageOf(spare));
            Xunit.Assert.Equal(0, KillPoint.Run("start", spare, 0).ExitCode);
        }

        NewImage = ImageOf(spare);
        TreeRemoval.Remove(spare);
    }

    /// <summary>Storage as lines that compare. A database that is healed or dropped is exchanged within its folder, whose time is then that moment's.</summary>
    public string ImageOf(string root) => what == "bare" ? TreeImage.ContentOf($"{root}/storage") :
        string.Join('\n', TreeImage.Of($"{root}/storage").Split('\n').Select(line => what == "heal" && line.StartsWith("sql Directory ", StringComparison.Ordinal) ? "sql Directory" : line));

    /// <summary>For messages: where an image is neither old nor new, or not what it should be.</summary>
    public string Differences(string image)
    {
        return $"against old: {Against(OldImage)}\nagainst new: {Against(NewImage)}";

        string Against(string other) => string.Join(" | ", image.Split('\n').Except(other.Split('\n')).Select(line => "+" + line).Concat(other.Split('\n').Except(image.Split('\n')).Select(line => "-" + line)).Take(8));
    }

    /// <summary>A fresh copy in a folder that does not exist yet, or is an empty mount.</summary>
    public void CopyTo(string root)
    {
        Directory.CreateDirectory(root);
        TestMount.Run("cp", "-a", $"{folder}/storage", $"{folder}/backups", $"{folder}/restore", root);
        if (what == "staged")
        {
            // It names the archive by its path.
            var origin = Directory.GetFiles($"{root}/storage/.backup", "origin.json", SearchOption.AllDirectories).Single();
            File.WriteAllText(origin, File.ReadAllText(origin).Replace($"\"{folder}/", $"\"{root}/", StringComparison.Ordinal));
        }

        if (what == "heal")
        {
            Harm(root);
        }
    }

    /// <summary>What is healed is told from the folder it was in at the last run, so each copy has its own last run; then a database is damaged, at a moment that compares.</summary>
    private static void Harm(string root)
    {
        var storage = $"{root}/storage";
        using (var world = new RestoreWorld(root: root))
        {
            world.Get<HealMemory>().RememberPlace(Posix.Stat(storage));
        }

        using (var database = File.OpenHandle($"{storage}/sql/data.db", FileMode.Open, FileAccess.Write))
        {
            RandomAccess.Write(database, new byte[16384], 4096);
        }

        File.WriteAllText($"{storage}/sql/data.db-wal", "stale\n");
        foreach (var path in new[] { "sql/data.db", "sql/data.db-wal", "sql" })
        {
            Posix.SetModified($"{storage}/{path}", new UnixTime(1_700_000_100, 0));
        }
    }
}
