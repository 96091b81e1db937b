using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Encryption;

/// <summary>Opens archives, encrypted or not: told by their first bytes, not by their names.</summary>
internal static class ArchiveBytes
{
    /// <exception cref="IOException">The file cannot be opened or read.</exception>
    /// <exception cref="BackupException">It is encrypted, and <see cref="Fault.ArchiveLocked"/>, <see cref="Fault.ArchiveIncompatible"/> or <see cref="Fault.ArchiveDamaged"/>.</exception>
    public static IArchiveBytes Open(string path, ArchiveKeys keys)
    {
        var file = Posix.OpenRead(path);
        try
        {
            Span<byte> start = stackalloc byte[64];
            start = start[..RandomAccess.Read(file, start, 0)];
            var length = Posix.Stat(file, path).Size;
            var name = EntryName.Short(Path.GetFileName(path));
            if (start.StartsWith(AgeHeader.ArmorMagic))
            {
                throw new BackupException(Fault.ArchiveIncompatible, $"{name} is an age file made text (armored), which this service does not read.", "Encrypt it without --armor, or decrypt it by hand (age -d).");
            }

            return start.StartsWith(AgeHeader.Magic) ? DecryptedBytes.Open(file, length, name, keys) : new PlainBytes(file, length);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
