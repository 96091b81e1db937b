using BackupApi.Archive.Format;
using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive.Writing;

/// <summary>One file being read into an archive: a live one that its owner may change at any moment, or a quiet copy.</summary>
internal sealed class SourceFile : IDisposable
{
    /// <summary>A change within this time before the reading began may share its timestamp with a change during it (kernel ticks; two seconds on FAT).</summary>
    private static readonly TimeSpan TimestampDoubt = TimeSpan.FromSeconds(2);

    private readonly SafeFileHandle handle;
    private readonly CapturedFile file;

    private SourceFile(SafeFileHandle handle, CapturedFile file, string path, FileStat before)
    {
        this.handle = handle;
        this.file = file;
        Path = path;
        Before = before;
    }

    /// <summary>As it stood before the first byte was read.</summary>
    public FileStat Before { get; }

    public string Path { get; }

    /// <summary>Length of its chunks.</summary>
    public int ChunkLength => file.IsQuiet ? ArchiveLayout.ChunkLength : ArchiveLayout.PlainChunkLength;

    /// <summary>Opens without following a link, without a lock.</summary>
    /// <exception cref="PosixException">ENOENT: vanished. Anything else: unreadable.</exception>
    public static SourceFile Open(CapturedFile file)
    {
        var path = file.ContentPath!;
        var opened = Posix.OpenRead(path);
        try
        {
            var stat = Posix.Stat(opened, path);
            return stat.Kind == FileKind.File
                ? new SourceFile(opened, file, path, stat)
                : throw new PosixException("read", path, Errno.ENOENT);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>What tells it unchanged later on; null where an equal fingerprint would not mean equal content.</summary>
    public Fingerprint? FindFingerprint(FingerprintTrust trust) => !file.IsQuiet && trust.IsTrusted(Before, Path) ? Before.Fingerprint : null;

    /// <summary>What the archive says of it: a live file's own facts of this moment; a copy keeps those of its original, but for the size.</summary>
    public ArchiveEntry ToEntry()
    {
        var facts = file.IsQuiet ? file.Stat : Before;
        return new ArchiveEntry(file.Name, EntryKind.File, Before.Size, facts.Mode, facts.Uid, facts.Gid, facts.Modified);
    }

    /// <summary>Fills <paramref name="buffer"/> from <paramref name="offset"/>; fewer bytes only where the file ends.</summary>
    public int Read(Span<byte> buffer, long offset)
    {
        var total = 0;
        int length;
        while (total < buffer.Length && (length = Posix.Read(handle, Path, buffer[total..], offset + total)) > 0)
        {
            total += length;
        }

        return total;
    }

    /// <summary>Whether nothing about it changed since it was opened: neither the open file nor what its name leads to.</summary>
    public bool IsUnchanged() =>
        file.IsQuiet
        || (Posix.Stat(handle, Path).Fingerprint == Before.Fingerprint && Posix.FindStat(Path) is { Kind: FileKind.File } now && now.Fingerprint == Before.Fingerprint);

    /// <summary>Whether its times are too young to tell a change during the reading from the one before: then only a second, equal reading proves it stood still.</summary>
    public bool IsDoubtful(TimeProvider clock) =>
        !file.IsQuiet && Before.Changed.ToDateTimeOffset() > clock.GetUtcNow() - TimestampDoubt;

    public void Dispose() => handle.Dispose();
}
