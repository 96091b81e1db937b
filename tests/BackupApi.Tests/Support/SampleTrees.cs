using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Tests.Support;

/// <summary>Two states of a storage that differ in every way a swap must master: names that come, go, change kind, change deep inside, stay; links, owners, odd names.</summary>
public static class SampleTrees
{
    private static readonly UnixTime Moment = new(1_700_000_000, 123_456_789);

    public static void WriteOld(string root)
    {
        File(root, "same.txt", "the same");
        File(root, "changed.txt", "old");
        File(root, "goes.txt", "goes");
        File(root, "app.sqlite", "old database");
        File(root, "app.sqlite-wal", "stale side file");
        File(root, "db/CURRENT", "MANIFEST-000001\n");
        File(root, "db/LOCK", "");
        File(root, "db/000003.log", "old log");
        File(root, "deep/a/b/changed", "old");
        File(root, "deep/a/b/same", "the same");
        File(root, "deep/gone/x", "x");
        File(root, "was-file", "file");
        File(root, "was-folder/inside", "inside");
        File(root, "whole/one", "old one");
        File(root, "whole/two", "old two");
        Folder(root, "empty");
        Posix.MakeSymlink("changed.txt", $"{root}/link");
        File(root, "hard-1", "hard");
        Posix.MakeHardLink($"{root}/hard-1", $"{root}/hard-2");
        File(root, PathText.Decode([.. "odd-"u8, 0xFF, 0xFE]), "old odd name");
        Settle(root, 0);
    }

    public static void WriteNew(string root)
    {
        File(root, "same.txt", "the same");
        File(root, "changed.txt", "new!");
        File(root, "comes.txt", "comes");
        File(root, "app.sqlite", "new database");
        File(root, "db/CURRENT", "MANIFEST-000002\n");
        File(root, "db/000005.log", "new log");
        File(root, "deep/a/b/changed", "new");
        File(root, "deep/a/b/same", "the same");
        File(root, "deep/fresh/y/z", "z");
        File(root, "was-file/inside", "now a folder");
        File(root, "was-folder", "now a file");
        File(root, "whole/one", "new one");
        File(root, "whole/three", "new three");
        Folder(root, "empty");
        Posix.MakeSymlink("same.txt", $"{root}/link");
        File(root, "hard-1", "hard");
        File(root, "hard-2", "hard");
        File(root, PathText.Decode([.. "odd-"u8, 0xFF, 0xFE]), "new odd name");
        File(root, ".backup/manifest.json", "never restored into place");
        Settle(root, 0);
    }

    /// <summary>Many small files in many folders, for figures.</summary>
    public static void WriteMany(string root, int topLevelNames, string content)
    {
        for (var i = 0; i < topLevelNames; i++)
        {
            File(root, string.Create(CultureInfo.InvariantCulture, $"name-{i:D5}"), content + i);
        }
    }

    private static void File(string root, string path, string content)
    {
        Folder(root, path[..Math.Max(path.LastIndexOf('/'), 0)]);
        using var file = Posix.CreateNew($"{root}/{path}", 0x1A4);
        RandomAccess.Write(file, System.Text.Encoding.UTF8.GetBytes(content), 0);
    }

    private static void Folder(string root, string path)
    {
        var made = root;
        foreach (var segment in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            made += "/" + segment;
            if (Posix.FindStat(made) is null)
            {
                Posix.MakeFolder(made, 0x1ED);
            }
        }
    }

    /// <summary>Three owners, several modes, one time with nanoseconds everywhere.</summary>
    private static void Settle(string root, int salt)
    {
        var nodes = TreeWalker.Walk(root).Nodes;
        for (var i = nodes.Count - 1; i >= 0; i--)
        {
            var path = $"{root}/{nodes[i].Path}";
            if (Posix.EffectiveUserId == 0)
            {
                var owner = (uint)(1000 + ((nodes[i].Path.Length + salt) % 3));
                Posix.SetOwner(path, owner, owner);
            }

            if (nodes[i].Stat.Kind == FileKind.Directory)
            {
                Posix.SetMode(path, nodes[i].Path.Length % 2 == 0 ? 0x5EDu /* 02755 */ : 0x1EDu);
            }

            Posix.SetModified(path, Moment);
        }
    }
}
