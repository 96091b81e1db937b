using System.Text;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Tests.Archive;

/// <summary>What applications and people do to the files of a folder, one thing at a time, drawn by chance.</summary>
internal sealed class RandomEdits
{
    private const string Reuse = "inode reuse";

    private readonly string folder;
    private readonly Random random;
    private readonly List<(string Kind, Func<bool> Edit)> kinds;
    private readonly List<(string Kind, Func<bool> Edit)> bag = [];

    public RandomEdits(string folder, Random random)
    {
        (this.folder, this.random) = (folder, random);
        kinds =
        [
            ("create", Create),
            ("append", () => OnFile((path, _) => File.AppendAllText(path, new string('+', random.Next(1, 5000)), Encoding.ASCII))),
            ("rewrite in place, time restored", () => OnFile(RewriteWithOldTime, filled: true)),
            ("rewrite pages in place", () => OnFile((path, before) => Times(5, () => Overwrite(path, before.Size)), filled: true)),
            ("truncate and regrow", () => OnFile(TruncateAndRegrow, filled: true)),
            ("rename", () => OnFile((path, _) => Posix.Rename(path, NewName()))),
            ("rename over another", () => OnFile((path, _) => OnFile((other, _) => Posix.Rename(path, other)))),
            (Reuse, ReuseInode),
            ("mode only", () => OnFile((path, _) => Posix.SetMode(path, 0x180 | (uint)random.Next(0x40)))),
            ("owner only", () => OnFile((path, before) => Posix.SetOwner(path, (before.Uid + 1) % 3, (uint)random.Next(3)))),
            ("delete", () => OnFile((path, _) => Posix.Unlink(path))),
            ("make a hard link", () => OnFile((path, _) => Posix.MakeHardLink(path, NewName("hard")))),
            ("break a hard link", () => OnFile(BreakHardLink, linked: true)),
            ("make a symlink", () => OnFile((path, _) => Posix.MakeSymlink(random.Next(2) == 0 ? Path.GetFileName(path) : $"nowhere/{random.Next()}", NewName("soft")))),
            ("turn a symlink", () => OnSymlink(path => Posix.MakeSymlink($"elsewhere{random.Next()}", path))),
            ("break a symlink", () => OnSymlink(path => File.WriteAllText(path, "a file where a link was"))),
            ("remove a symlink", () => OnSymlink(static _ => { })),
        ];
    }

    /// <summary>Kinds that every run of some length must have met. The inode that comes free goes to the next file only if nobody else on the disk was quicker.</summary>
    public int CertainKinds => kinds.Count - (Done.ContainsKey(Reuse) ? 0 : 1);

    /// <summary>How often each kind was really done.</summary>
    public SortedDictionary<string, int> Done { get; } = new(StringComparer.Ordinal);

    public void Add(string kind, Action edit) => kinds.Add((kind, () =>
    {
        edit();
        return true;
    }
    ));

    /// <summary>One edit. Of every kind one is drawn before any is drawn again, unless it finds nothing to be done to.</summary>
    public void Edit()
    {
        while (true)
        {
            if (bag.Count == 0)
            {
                bag.AddRange(kinds);
            }

            var drawn = random.Next(bag.Count);
            var (kind, edit) = bag[drawn];
            bag.RemoveAt(drawn);
            if (Names(FileKind.File).Count < 5)
            {
                (kind, edit) = ("create", Create);
            }

            if (edit())
            {
                Done[kind] = Done.GetValueOrDefault(kind) + 1;
                return;
            }
        }
    }

    /// <summary>Something of everything to begin with.</summary>
    public void Fill(int files)
    {
        for (var i = 0; i < files; i++)
        {
            Create();
        }

        for (var i = 0; i < 4; i++)
        {
            OnFile((path, _) => Posix.MakeHardLink(path, NewName("hard")));
            OnFile((path, _) => Posix.MakeSymlink(Path.GetFileName(path), NewName("soft")));
        }
    }

    private bool Create()
    {
        var bytes = new byte[random.Next(3) == 0 ? random.Next(300_000) : random.Next(5000)];
        random.NextBytes(bytes.AsSpan(0, bytes.Length / 2));
        File.WriteAllBytes(NewName(random.Next(3) == 0 ? "f.db" : "f"), bytes);
        return true;
    }

    private static void Times(int count, Action action)
    {
        for (var i = 0; i < count; i++)
        {
            action();
        }
    }

    private string NewName(string kind = "f")
    {
        while (true)
        {
            var (stem, ending) = kind == "f.db" ? ("f", ".db") : (kind, "");
            var path = $"{folder}/{stem}{random.Next(2000)}{ending}";
            if (Posix.FindStat(path) is null)
            {
                return path;
            }
        }
    }

    private List<string> Names(FileKind kind, bool filled = false, bool linked = false) =>
        [.. Posix.ListNames(folder).Select(name => $"{folder}/{name}").Order(StringComparer.Ordinal).Where(path => Posix.Stat(path) is var stat && stat.Kind == kind && (!filled || stat.Size > 0) && (!linked || stat.Links > 1))];

    private bool OnFile(Action<string, FileStat> edit, bool filled = false, bool linked = false)
    {
        if (Names(FileKind.File, filled, linked) is not { Count: > 0 } names)
        {
            return false;
        }

        var path = names[random.Next(names.Count)];
        edit(path, Posix.Stat(path));
        return true;
    }

    private bool OnSymlink(Action<string> putInstead)
    {
        if (Names(FileKind.Symlink) is not { Count: > 0 } names)
        {
            return false;
        }

        var path = names[random.Next(names.Count)];
        Posix.Unlink(path);
        putInstead(path);
        return true;
    }

    private void Overwrite(string path, long size)
    {
        using var handle = Posix.Open(path, OpenFlags.ReadWrite);
        RandomAccess.Write(handle, [(byte)random.Next(256), (byte)random.Next(256)], random.NextInt64(Math.Max(1, size - 1)));
    }

    /// <summary>Two bytes at the end of a file of one byte would make it longer, so the size is put back, too.</summary>
    private void RewriteWithOldTime(string path, FileStat before)
    {
        Overwrite(path, before.Size);
        using (var handle = Posix.Open(path, OpenFlags.ReadWrite))
        {
            RandomAccess.SetLength(handle, before.Size);
        }

        Posix.SetModified(path, before.Modified);
    }

    /// <summary>The same inode with other content; half of the time of the same size and under the old time.</summary>
    private void TruncateAndRegrow(string path, FileStat before)
    {
        var isHidden = random.Next(2) == 0;
        var bytes = new byte[isHidden ? before.Size : random.Next(200_000)];
        random.NextBytes(bytes.AsSpan(0, bytes.Length / 3));
        using (var handle = Posix.Open(path, OpenFlags.ReadWrite))
        {
            RandomAccess.SetLength(handle, 0);
            RandomAccess.Write(handle, bytes, 0);
        }

        if (isHidden)
        {
            Posix.SetModified(path, before.Modified);
        }
    }

    /// <summary>Another file under the inode of one that is gone, of the same size and under the same name and time: all that tells them apart is the ctime.</summary>
    private bool ReuseInode()
    {
        var isReused = false;
        OnFile(
            (path, before) =>
            {
                Posix.Unlink(path);
                for (var tries = 0; tries < 20 && !isReused; tries++)
                {
                    _ = Posix.TryUnlinkFile(path);
                    var bytes = new byte[before.Size];
                    random.NextBytes(bytes);
                    File.WriteAllBytes(path, bytes);
                    isReused = Posix.Stat(path).Inode == before.Inode;
                }

                Posix.SetMode(path, before.Mode);
                Posix.SetModified(path, before.Modified);
            },
            filled: true);
        return isReused;
    }

    private static void BreakHardLink(string path, FileStat before)
    {
        var content = File.ReadAllBytes(path);
        Posix.Unlink(path);
        File.WriteAllBytes(path, content);
    }
}
