using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive;

/// <summary>The guard at the door: turns a stored name into one that cannot leave the folder it is unpacked into, or refuses it.</summary>
/// <remarks>
/// Linux rules: a backslash and a colon are letters of a name. Names that differ in case only are two names.
/// What cannot be judged by the name alone (a parent that is a symlink, a name that comes twice) is refused by <see cref="Unpacker"/>.
/// </remarks>
internal static class EntryName
{
    /// <summary>PATH_MAX of Linux less the NUL: other tools put down no longer name, so none is captured.</summary>
    public const int MaxBytes = 4095;

    /// <summary>NAME_MAX of Linux.</summary>
    public const int MaxSegmentBytes = 255;

    /// <summary>Folder of our own entries at the root of an archive; never captured, never unpacked.</summary>
    public const string OwnFolder = ".backup";

    /// <summary>Whether a cleaned name is one of our own entries.</summary>
    public static bool IsOwn(string name) =>
        name.StartsWith(OwnFolder, StringComparison.Ordinal) && (name.Length == OwnFolder.Length || name[OwnFolder.Length] == '/');

    /// <summary>The name without <c>.</c> segments, doubled and trailing slashes; empty for the root itself.</summary>
    /// <param name="isForeign">Also refuse a drive letter (<c>C:\</c>, <c>C:/</c>): in an archive that was not written by us it stands for an absolute path.</param>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveHostile"/>.</exception>
    public static string Clean(string stored, bool isForeign) => WhyNot(stored, isForeign, out var clean) is { } why ? throw Hostile(stored, why) : clean;

    /// <summary>As <see cref="Clean"/>, as a question: null, or what is wrong with the name.</summary>
    public static string? WhyNot(string stored, bool isForeign, out string clean)
    {
        clean = stored;
        if (stored.Contains('\0', StringComparison.Ordinal))
        {
            return "holds a NUL";
        }

        if (stored.StartsWith('/'))
        {
            return "is absolute";
        }

        if (isForeign && stored is [(>= 'a' and <= 'z') or (>= 'A' and <= 'Z'), ':', '\\' or '/', ..])
        {
            return "begins with a drive letter";
        }

        if (IsClean(stored))
        {
            return null;
        }

        var segments = stored.Split('/').Where(segment => segment is not ("" or ".")).ToArray();
        if (segments.Contains("..", StringComparer.Ordinal))
        {
            return "climbs out by '..'";
        }

        if (Array.Exists(segments, segment => PathText.Encode(segment).Length > MaxSegmentBytes))
        {
            return $"has a part longer than {MaxSegmentBytes} bytes";
        }

        clean = string.Join('/', segments);
        return PathText.Encode(clean).Length <= MaxBytes ? null : $"is longer than {MaxBytes} bytes";
    }

    public static BackupException Hostile(string name, string why) => new(
        Fault.ArchiveHostile,
        $"The entry '{Short(name)}' {why}, so the archive was refused.",
        "Do not use this archive unless you know who made it; make a new one with tar from inside the folder to be restored.");

    /// <summary>A name for a message: escaped, and cut where it is too long to read.</summary>
    public static string Short(string name)
    {
        var shown = PathText.Show(name).Replace("\0", "\\0", StringComparison.Ordinal).ReplaceLineEndings("\\n");
        return shown.Length <= 200 ? shown : $"{shown[..200]}…";
    }

    /// <summary>True for the names nearly all entries have, without an allocation: ASCII, short, no segment that needs a look.</summary>
    private static bool IsClean(string name)
    {
        var start = 0;
        for (var i = 0; i <= name.Length; i++)
        {
            if (i < name.Length && name[i] >= 0x80)
            {
                return false;
            }

            if (i == name.Length || name[i] == '/')
            {
                var segment = name.AsSpan(start, i - start);
                if (segment.Length is 0 or > MaxSegmentBytes || segment is "." or "..")
                {
                    return false;
                }

                start = i + 1;
            }
        }

        return name.Length <= MaxBytes;
    }
}
