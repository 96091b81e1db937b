using BackupApi.Archive.Encryption;
using BackupApi.Archive.Tar;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Foreign;

/// <summary>What kind of archive a file is.</summary>
internal enum ArchiveKind
{
    TarGzip,
    Tar,
    TarBzip2,
    Zip,
}

/// <summary>Tells the kind of an archive by its first bytes; its name is not asked.</summary>
internal static class ArchiveFormat
{
    /// <summary>Kinds that people have and this service does not read, with their magic numbers.</summary>
    private static readonly (byte[] Magic, string Name)[] Unread =
    [
        ([0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z'], "an xz"),
        ([0x28, 0xB5, 0x2F, 0xFD], "a zstd"),
        ([(byte)'7', (byte)'z', 0xBC, 0xAF], "a 7z"),
        ([(byte)'R', (byte)'a', (byte)'r', (byte)'!'], "a rar"),
        ([(byte)'S', (byte)'a', (byte)'l', (byte)'t', (byte)'e', (byte)'d', (byte)'_', (byte)'_'], "an openssl-encrypted"),
        ([0x8C, 0x0D, 0x04], "a gpg-encrypted"),
    ];

    /// <exception cref="BackupException"><see cref="Fault.ArchiveDamaged"/>: no archive at all. <see cref="Fault.ArchiveIncompatible"/>: of a kind that is not read.</exception>
    public static ArchiveKind Of(IArchiveBytes bytes, string path)
    {
        Span<byte> head = stackalloc byte[TarFormat.BlockLength];
        head.Clear();
        int length;
        try
        {
            length = bytes.Read(head, 0);
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]))
        {
            return ArchiveKind.TarGzip;
        }

        if (head.StartsWith("BZh"u8))
        {
            return ArchiveKind.TarBzip2;
        }

        if (head.StartsWith("PK\x03\x04"u8) || head.StartsWith("PK\x05\x06"u8))
        {
            return ArchiveKind.Zip;
        }

        if (length == head.Length && (TarBlock.HasRightChecksum(head) || !head.ContainsAnyExcept((byte)0)))
        {
            return ArchiveKind.Tar;
        }

        foreach (var (magic, name) in Unread)
        {
            if (head.StartsWith(magic))
            {
                throw new BackupException(
                    Fault.ArchiveIncompatible,
                    $"{Name(path)} is {name} archive, which this service does not read.",
                    "Unpack it and pack its content again as .tar.gz, .tar, .tar.bz2 or .zip (encrypted: by age -p).");
            }
        }

        throw new BackupException(
            Fault.ArchiveDamaged,
            length == 0 ? $"{Name(path)} is empty." : $"{Name(path)} is no tar.gz, tar, tar.bz2 or zip archive, whatever its name says.",
            "Copy it again, or make a new one with tar from inside the folder to be restored.");
    }

    private static string Name(string path) => EntryName.Short(System.IO.Path.GetFileName(path));
}
