using BackupApi.Files;

namespace BackupApi.Tests.Support;

/// <summary>Folders in folders, beyond what one path can name.</summary>
internal static class DeepTree
{
    public const string FileName = "deep.txt";

    private const int PartLength = 200;

    /// <summary>A name of exactly so many bytes, of parts of 200.</summary>
    public static string Name(int bytes)
    {
        var parts = new List<string>();
        for (var left = bytes; left > 0; left -= PartLength + 1)
        {
            // A last part of one byte would need a slash of its own.
            parts.Add(new string('d', left <= 250 ? left : PartLength));
            if (left <= 250)
            {
                break;
            }
        }

        return string.Join('/', parts);
    }

    /// <summary>Makes the folders of a name, part by part, and a file in the last of them.</summary>
    public static void Make(string root, string name, string content)
    {
        var at = Posix.OpenFolder(root);
        foreach (var part in name.Split('/'))
        {
            Posix.MakeFolderAt(at, part, 0x1ED);
            var below = Posix.OpenAt(at, part, OpenFlags.ReadOnly | OpenFlags.Directory);
            at.Dispose();
            at = below;
        }

        using (at)
        using (var file = Posix.OpenAt(at, FileName, OpenFlags.ReadWrite | OpenFlags.Create, 0x1A4))
        {
            Posix.Write(file, FileName, System.Text.Encoding.UTF8.GetBytes(content), 0);
        }
    }

    /// <summary>The content of that file; null when it is not there.</summary>
    public static string? Read(string root, string name)
    {
        var at = Posix.OpenFolder(root);
        try
        {
            foreach (var part in name.Split('/'))
            {
                var below = Posix.OpenAt(at, part, OpenFlags.ReadOnly | OpenFlags.Directory);
                at.Dispose();
                at = below;
            }

            using var stream = new FileStream(Posix.OpenAt(at, FileName, OpenFlags.ReadOnly), FileAccess.Read);
            using var reader = new StreamReader(stream);
            return reader.ReadToEnd();
        }
        catch (PosixException e) when (e.Errno == Errno.ENOENT)
        {
            return null;
        }
        finally
        {
            at.Dispose();
        }
    }
}
