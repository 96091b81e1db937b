using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Tests.Archive;

/// <summary>Any tree that a storage may be: names of any bytes, sizes around the edges of chunks, links, modes, owners, sparse files, times to the nanosecond.</summary>
internal static class RandomTree
{
    private static readonly int[] Sizes = [0, 1, 511, 512, 513, 48 * 1024, (48 * 1024) + 1, (64 * 1024) - 1, 64 * 1024, (64 * 1024) + 1, 128 * 1024, (128 * 1024) + 7, (256 * 1024) - 1, 256 * 1024, (256 * 1024) + 1, 300_000, 512 * 1024];

    public static string Make(string root, Random random)
    {
        var folders = new List<string> { root };
        var files = new List<string>();
        for (var i = random.Next(5, 40); i > 0; i--)
        {
            // Databases are cut in another way than other files.
            var path = $"{folders[random.Next(folders.Count)]}/{Name(random)}{(random.Next(4) == 0 ? ".db" : "")}";
            if (Posix.FindStat(path) is not null)
            {
                continue;
            }

            switch (random.Next(10))
            {
                case 0 or 1:
                    Posix.MakeFolder(path);
                    folders.Add(path);
                    break;
                case 2:
                    Posix.MakeSymlink(random.Next(2) == 0 ? Name(random) : $"/nowhere/{new string('x', random.Next(1, 200))}", path);
                    Posix.SetModified(path, Time(random));
                    break;
                case 3 when files.Count > 0:
                    Posix.MakeHardLink(files[random.Next(files.Count)], path);
                    break;
                default:
                    Write(path, random);
                    files.Add(path);
                    break;
            }
        }

        foreach (var path in files)
        {
            Dress(path, random);
        }

        for (var i = folders.Count - 1; i > 0; i--)
        {
            Dress(folders[i], random);
        }

        return root;
    }

    private static void Write(string path, Random random)
    {
        var bytes = new byte[Sizes[random.Next(Sizes.Length)]];
        switch (random.Next(3))
        {
            case 0:
                random.NextBytes(bytes);
                break;
            case 1:
                Array.Fill(bytes, (byte)'a');
                break;
        }

        using var handle = Posix.CreateNew(path);
        RandomAccess.Write(handle, bytes, 0);
        if (random.Next(6) == 0)
        {
            // A hole of 1 MB and a byte behind it.
            RandomAccess.Write(handle, "x"u8, bytes.Length + 1_000_000);
        }
    }

    private static void Dress(string path, Random random)
    {
        Posix.SetOwner(path, (uint)random.Next(3) * 1000, random.Next(5) == 0 ? 3_000_000u : 7);
        Posix.SetMode(path, (uint)random.Next(0x1000) | 0x180);
        Posix.SetModified(path, Time(random));
    }

    /// <summary>Whole seconds before 1970: libarchive 3.6 reads the fraction of such a time with the wrong sign.</summary>
    private static UnixTime Time(Random random) =>
        random.Next(4) == 0 ? new(-random.Next(1, 100_000), 0) : new(random.Next(), (uint)random.Next(1_000_000_000));

    private static string Name(Random random)
    {
        var bytes = new byte[random.Next(8) == 0 ? random.Next(100, 253) : random.Next(1, 12)];
        random.NextBytes(bytes);
        for (var i = 0; i < bytes.Length; i++)
        {
            // Mostly letters, sometimes any byte that a name may hold; never one that ends in a slash or is all dots.
            bytes[i] = random.Next(12) != 0 || bytes[i] is 0 or (byte)'/' or (byte)'.' ? (byte)('a' + (bytes[i] % 26)) : bytes[i];
        }

        return PathText.Decode(bytes);
    }
}
