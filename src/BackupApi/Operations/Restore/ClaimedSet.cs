using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>A database and its side files that were claimed together, in a folder of their own: it is put away by one rename, whole.</summary>
internal static class ClaimedSet
{
    public const string Ending = ".set";

    /// <summary>Gathers the files, the database itself first, so that it never lies in the restore folder without them. A kill in between leaves some of them behind: <see cref="TryGiveBack"/> brings the others back to them.</summary>
    public static void Form(string folder, IReadOnlyList<string> names, string claim)
    {
        Posix.MakeFolder(claim, 0x1ED /* 0755 */);
        foreach (var name in names)
        {
            Posix.RenameNew($"{folder}/{name}", $"{claim}/{name}");
        }

        Posix.FlushFolder(claim);
    }

    /// <summary>Puts each file back where it was dropped. False when it is no set, or a name was taken meanwhile: then it goes back as a folder.</summary>
    public static bool TryGiveBack(string claim, string folder)
    {
        if (!claim.EndsWith(Ending, StringComparison.Ordinal) || Posix.FindStat(claim) is not { Kind: FileKind.Directory } || Posix.ListNames(claim) is var names && names.Exists(name => Posix.FindStat($"{folder}/{name}") is not null))
        {
            return false;
        }

        foreach (var name in names)
        {
            Posix.RenameNew($"{claim}/{name}", $"{folder}/{name}");
        }

        Posix.RemoveFolder(claim);
        return true;
    }
}
