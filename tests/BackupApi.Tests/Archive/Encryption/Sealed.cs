using BackupApi.Archive;
using BackupApi.Archive.Encryption;
using BackupApi.Archive.Foreign;
using BackupApi.Archive.Writing;
using BackupApi.Files;

namespace BackupApi.Tests.Archive.Encryption;

/// <summary>Encrypted archives, with a work factor that costs nothing.</summary>
internal static class Sealed
{
    public const string Passphrase = "correct horse battery staple";

    public static ArchiveKeys Keys => With(Passphrase);

    public static ArchiveKeys With(params string[] passphrases) => new(passphrases, workFactor: 2);

    /// <summary>Opens, and encrypts nothing.</summary>
    public static ArchiveKeys ForReading(params string[] passphrases) => new(passphrases.Length > 0 ? passphrases : [Passphrase], workFactor: 2) { Encrypt = false };

    public static ArchiveWriterSettings Settings(ArchiveKeys? keys = null) => Storage.Later with { Keys = keys ?? Keys };

    public static Task<ArchiveFacts> WriteAsync(string path, string root, string? reference = null, ArchiveKeys? keys = null) =>
        Storage.WriteAsync(path, root, reference, Settings(keys));

    public static ArchiveReader Reader(ArchiveKeys? keys = null) => new(keys: keys ?? Keys);

    /// <summary>What <c>age -p</c> does, for less work.</summary>
    public static void Encrypt(string from, string to)
    {
        using var handle = Posix.CreateNew(to);
        using var sink = new EncryptingSink(handle, 0, Keys);
        sink.Append(File.ReadAllBytes(from));
        sink.Finish([]);
    }

    public static Task<ArchiveProof> VerifyAsync(string path, ArchiveKeys? keys = null) =>
        new AnyArchive(Reader(keys)).VerifyAsync(path, ArchiveLimits.None, Storage.NoProgress, CancellationToken.None);

    public static Task<UnpackResult> UnpackAsync(string path, string into, ArchiveKeys? keys = null) =>
        new AnyArchive(Reader(keys)).UnpackAsync(path, into, ArchiveLimits.None, Storage.NoProgress, CancellationToken.None);
}
