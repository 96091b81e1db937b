using System.Runtime.CompilerServices;
using BackupApi.Archive.Encryption;
using BackupApi.Archive.Tar;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Foreign;

/// <summary>Archives of every kind that is read, whoever made them: our own tar.gz by its reader, the others as streams of entries.</summary>
internal sealed class AnyArchive(ArchiveReader reader)
{
    /// <summary>Reads all of an archive. Damage and hostile entries are in the answer, not thrown.</summary>
    public async Task<ArchiveProof> VerifyAsync(string path, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        ArchiveKind kind;
        try
        {
            kind = KindOf(path);
        }
        catch (BackupException e) when (e.Fault == Fault.ArchiveDamaged)
        {
            return await ProofAsync(path, 0, 0, [new Finding(Path.GetFileName(path), e.Message)], ct);
        }

        return kind == ArchiveKind.TarGzip ? await reader.VerifyAsync(path, limits, progress, ct) : await ReadThroughAsync(path, kind, limits, progress, ct);
    }

    /// <summary>See <see cref="ArchiveReader.UnpackProvenAsync"/>; null for archives of other kinds.</summary>
    public async Task<(ArchiveProof Proof, UnpackResult? Unpacked)?> UnpackProvenAsync(string path, string into, ArchiveLimits limits, Progress progress, CancellationToken ct) =>
        IsTarGzip(path) ? await reader.UnpackProvenAsync(path, into, limits, progress, ct) : null;

    /// <summary>See <see cref="ArchiveReader.UnpackSomeAsync"/>; null for archives of other kinds.</summary>
    public async Task<UnpackResult?> UnpackSomeAsync(string path, string into, Func<ArchiveEntry, bool> select, ArchiveLimits limits, Progress progress, CancellationToken ct) =>
        IsTarGzip(path) ? await reader.UnpackSomeAsync(path, into, select, limits, progress, ct) : null;

    /// <summary>Unpacks everything but our own entries into the existing empty folder <paramref name="into"/>.</summary>
    public async Task<UnpackResult> UnpackAsync(string path, string into, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        var kind = KindOf(path);
        if (kind == ArchiveKind.TarGzip)
        {
            return await reader.UnpackAsync(path, into, static _ => true, limits, progress, ct);
        }

        await using var entries = Open(path, kind, limits);
        return await StreamUnpacking.UnpackAsync(entries, into, static _ => true, limits, progress, ct);
    }

    /// <summary>The same for a damaged archive: what still verifies; of one without checksums, what comes before the damage. The answer lists what was left out.</summary>
    public async Task<UnpackResult> SalvageAsync(string path, string into, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        var kind = KindOf(path);
        if (kind == ArchiveKind.TarGzip)
        {
            return await reader.SalvageAsync(path, into, static _ => true, limits, progress, ct);
        }

        await using var entries = Open(path, kind, limits);
        return await StreamUnpacking.SalvageAsync(entries, into, static _ => true, limits, progress, ct);
    }

    /// <summary>All entries but our own.</summary>
    public async IAsyncEnumerable<ArchiveEntry> ListAsync(string path, [EnumeratorCancellation] CancellationToken ct)
    {
        var kind = KindOf(path);
        if (kind == ArchiveKind.TarGzip)
        {
            await foreach (var entry in reader.ListAsync(path, ct))
            {
                yield return entry;
            }

            yield break;
        }

        await using var entries = Open(path, kind, ArchiveLimits.None);
        while (await entries.NextAsync(ct) is { } entry)
        {
            if (!EntryName.IsOwn(entry.Name))
            {
                yield return entry;
            }
        }
    }

    /// <summary>Manifest and report; nulls for an archive that carries none of ours, or is none.</summary>
    public async Task<(Manifest? Manifest, Report? Report)> ReadFactsAsync(string path, CancellationToken ct)
    {
        try
        {
            return KindOf(path) == ArchiveKind.TarGzip ? await reader.ReadFactsAsync(path, ct) : (null, null);
        }
        catch (BackupException)
        {
            return (null, null);
        }
    }

    private bool IsTarGzip(string path)
    {
        try
        {
            return KindOf(path) == ArchiveKind.TarGzip;
        }
        catch (BackupException e) when (e.Fault == Fault.ArchiveDamaged)
        {
            return false;
        }
    }

    private async Task<ArchiveProof> ReadThroughAsync(string path, ArchiveKind kind, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        long count = 0, content = 0;
        var errors = new List<Finding>();
        var buffer = new byte[1 << 17];
        try
        {
            await using var entries = Open(path, kind, limits);
            while (await entries.NextAsync(ct) is { } entry)
            {
                count++;
                progress.AddFiles();
                for (int length; entry.Kind == EntryKind.File && (length = await entries.ReadAsync(buffer, ct)) > 0;)
                {
                    content += length;
                    progress.AddBytes(length);
                    if (content > limits.MaxBytes)
                    {
                        throw ArchiveFaults.TooLarge(limits.MaxBytes, entry.Name);
                    }
                }
            }
        }
        catch (BackupException e) when (e.Fault is not Fault.Cancelled)
        {
            errors.Add(new Finding(Path.GetFileName(path), e.Message));
            return await ProofAsync(path, count, content, errors, ct) with { Fault = e.Fault };
        }

        return await ProofAsync(path, count, content, errors, ct);
    }

    private static async Task<ArchiveProof> ProofAsync(string path, long entries, long content, IReadOnlyList<Finding> errors, CancellationToken ct)
    {
        var sha256 = await ArchiveReader.HashAsync(path, ct);
        return new ArchiveProof { Sha256 = sha256, Entries = entries, ContentBytes = content, Errors = errors, HasChecksums = false };
    }

    private ArchiveKind KindOf(string path)
    {
        using var bytes = OpenBytes(path);
        return ArchiveFormat.Of(bytes, path);
    }

    private IEntryStream Open(string path, ArchiveKind kind, ArchiveLimits limits)
    {
        var bytes = OpenBytes(path);
        Stream Whole() => new BufferedStream(new BytesSlice(bytes, 0, bytes.Length, owned: bytes), 1 << 16);
        return kind switch
        {
            ArchiveKind.Tar => new TarEntryStream(Whole(), limits.MaxEntries),
            ArchiveKind.TarBzip2 => new TarEntryStream(new Bzip2Input(Whole()), limits.MaxEntries),
            ArchiveKind.Zip => ZipEntryStream.Open(bytes, limits),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Only streams of entries are opened here."),
        };
    }

    private IArchiveBytes OpenBytes(string path)
    {
        try
        {
            return ArchiveBytes.Open(path, reader.Keys);
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }
    }
}
