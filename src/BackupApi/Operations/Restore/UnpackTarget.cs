using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>A new folder under storage that a backup is unpacked into, instead of into place.</summary>
internal sealed class UnpackTarget
{
    private readonly string storage;
    private readonly string[] parts;

    private UnpackTarget(string storage, string[] parts)
    {
        this.storage = storage;
        this.parts = parts;
    }

    public string Path => $"{storage}/{string.Join('/', parts)}";

    /// <exception cref="BackupException"><see cref="Fault.InvalidRequest"/>: it leaves storage, is ours, exists already, or leads through a link or a mount.</exception>
    public static UnpackTarget Require(string storage, string to)
    {
        var clean = PathText.Parse(to).TrimEnd('/');
        var segments = clean.Split('/');
        if (clean.Length is 0 or > 4000 || clean.Contains('\0', StringComparison.Ordinal) || segments.Any(part => part is "" or "." or "..") || SwapFolder.IsReserved(clean))
        {
            throw Invalid(to, "is not a folder inside storage");
        }

        var target = new UnpackTarget(storage, segments);
        var mount = Posix.FindTargetStat(storage)?.MountId;
        for (var i = 1; i < segments.Length; i++)
        {
            if (Posix.FindStat($"{storage}/{string.Join('/', segments[..i])}") is { } parent && (parent.Kind != FileKind.Directory || parent.MountId != mount))
            {
                throw Invalid(to, "leads through something that is not a folder of storage itself");
            }
        }

        return Posix.FindStat(target.Path) is null ? target : throw Invalid(to, "exists already");
    }

    /// <summary>Gives a tree this name, with the folders that lead to it. One rename.</summary>
    /// <exception cref="IOException">Nothing of it is there.</exception>
    public void Take(string tree)
    {
        var made = new Stack<string>();
        try
        {
            for (var i = 1; i < parts.Length; i++)
            {
                var parent = $"{storage}/{string.Join('/', parts[..i])}";
                if (Posix.FindStat(parent) is null)
                {
                    Posix.MakeFolder(parent, 0x1ED /* 0755 */);
                    made.Push(parent);
                }
            }

            Posix.RenameNew(tree, Path);
            Posix.FlushFolder(System.IO.Path.GetDirectoryName(Path)!);
        }
        catch (IOException)
        {
            GiveBack(tree, made);
            throw;
        }
    }

    private void GiveBack(string tree, Stack<string> made)
    {
        try
        {
            if (Posix.FindStat(tree) is null)
            {
                Posix.Rename(Path, tree);
            }

            foreach (var parent in made)
            {
                Posix.RemoveFolder(parent);
            }
        }
        catch (IOException)
        {
            // A folder beside what lives is in nobody's way; what refused the first is what is told.
        }
    }

    private static BackupException Invalid(string to, string why) =>
        new(Fault.InvalidRequest, $"'to' {why}: {to}", "Name a folder that does not exist yet, relative to storage, for instance restored/2026-11-20.");
}
