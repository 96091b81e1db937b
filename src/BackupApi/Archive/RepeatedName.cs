using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive;

/// <summary>What is said of an entry whose name is taken already by one before it.</summary>
internal static class RepeatedName
{
    public static BackupException Of(ArchiveEntry entry, SafeFileHandle folder, string name) =>
        EntryName.Hostile(entry.Name, (entry.Kind, Posix.FindStatAt(folder, name)?.Kind) switch
        {
            (EntryKind.Symlink, _) => "is a symlink with the name of an entry before it",
            (EntryKind.HardLink, _) => "is a hard link with the name of an entry before it",
            (EntryKind.Directory, FileKind.Symlink) => "is a folder with the name of a symlink before it, through which others would be written",
            (EntryKind.File, FileKind.Symlink) => "is a file with the name of a symlink before it, through which it would be written",
            (EntryKind.Directory, _) or (_, FileKind.Directory) => "comes twice, once as a folder",
            _ => "comes twice",
        });
}
