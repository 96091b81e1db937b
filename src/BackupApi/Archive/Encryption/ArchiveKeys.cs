using System.Text;
using BackupApi.Model;

namespace BackupApi.Archive.Encryption;

/// <summary>The passphrases of the archives: the first encrypts, all of them are tried on reading. Safe for several threads.</summary>
/// <param name="passphrases">Newest first; none for archives that are not encrypted.</param>
/// <param name="workFactor">Of scrypt, for what is encrypted anew.</param>
internal sealed class ArchiveKeys(IReadOnlyList<string> passphrases, int workFactor = ArchiveKeys.WorkFactor)
{
    /// <summary>32 MiB and about a tenth of a second for each try. Passphrases are long and lie in a file, so guessing is hopeless anyway; and each archive costs this once at every start.</summary>
    public const int WorkFactor = 15;

    /// <summary>Archives whose key, or whose refusal, is remembered.</summary>
    private const int MaxRemembered = 10_000;

    private readonly Dictionary<string, byte[]?> known = new(StringComparer.Ordinal);

    /// <summary>One at a time, so that a hundred archives do not take a hundred tables of memory.</summary>
    private readonly Lock deriving = new();

    public static ArchiveKeys None { get; } = new([]);

    /// <summary>Whether new archives are encrypted.</summary>
    public bool Encrypt { get; init; } = passphrases.Count > 0;

    /// <summary>A new header and the key of the file it begins.</summary>
    public (AgeHeader Header, byte[] FileKey) MakeHeader()
    {
        lock (deriving)
        {
            var made = AgeHeader.Make(Encoding.UTF8.GetBytes(passphrases[0]), workFactor);
            Remember(made.Header, made.FileKey);
            return made;
        }
    }

    /// <exception cref="BackupException"><see cref="Fault.ArchiveLocked"/>: no passphrase, or none that fits. <see cref="Fault.ArchiveDamaged"/>: one fits, and the header was changed all the same.</exception>
    public byte[] GetFileKey(AgeHeader header, string name)
    {
        if (Find(header) is not { } fileKey)
        {
            throw passphrases.Count == 0
                ? new BackupException(Fault.ArchiveLocked, $"{name} is encrypted, and this service has no passphrase.", "Put its passphrase into a file and name that in BACKUP_PASSPHRASE_FILE, then start again.")
                : new BackupException(Fault.ArchiveLocked, $"{name} is encrypted, and none of the passphrases in BACKUP_PASSPHRASE_FILE opens it.", "Add the passphrase it was made with as a further line of that file, then start again. Where the passphrase is right, its first bytes are damaged.");
        }

        return header.IsGenuine(fileKey) ? fileKey : throw ArchiveFaults.Damaged("The age header was changed.", $"{name}, file offset 0");
    }

    private byte[]? Find(AgeHeader header)
    {
        var id = Encoding.Latin1.GetString(header.Bytes);
        lock (deriving)
        {
            if (known.TryGetValue(id, out var fileKey))
            {
                return fileKey;
            }

            fileKey = passphrases.Select(passphrase => header.FindFileKey(Encoding.UTF8.GetBytes(passphrase))).FirstOrDefault(found => found is not null);
            Remember(header, fileKey);
            return fileKey;
        }
    }

    private void Remember(AgeHeader header, byte[]? fileKey)
    {
        if (known.Count >= MaxRemembered)
        {
            known.Clear();
        }

        known[Encoding.Latin1.GetString(header.Bytes)] = fileKey;
    }
}
