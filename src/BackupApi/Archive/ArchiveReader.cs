using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using BackupApi.Archive.Encryption;
using BackupApi.Archive.Gzip;
using BackupApi.Archive.Reading;
using BackupApi.Archive.Tar;
using BackupApi.Archive.Writing;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive;

/// <summary>Reads tar.gz archives: ours by their index, in parallel, and any other as a stream. Every byte is untrusted.</summary>
/// <param name="threads">That inflate at once; 0 for one for each core.</param>
/// <param name="keys">What opens encrypted archives; null for none.</param>
internal sealed class ArchiveReader(int threads = 0, ArchiveKeys? keys = null)
{
    private readonly int threads = threads > 0 ? threads : Math.Clamp(Environment.ProcessorCount, 1, 64);

    public ArchiveKeys Keys { get; } = keys ?? ArchiveKeys.None;

    /// <summary>Reads only what is needed of the manifest and the report; null for each that is not there, not ours, or damaged.</summary>
    /// <remarks>Of an archive that lost its end, or was compressed anew by others, only the manifest: the report would need all of it to be read.</remarks>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveLocked"/>: it is encrypted, and no passphrase opens it.</exception>
    public async Task<(Manifest? Manifest, Report? Report)> ReadFactsAsync(string path, CancellationToken ct)
    {
        ArchiveFile file;
        try
        {
            file = Open(path);
        }
        catch (BackupException e) when (e.Fault is Fault.ArchiveDamaged or Fault.ArchiveIncompatible)
        {
            return (null, null);
        }

        using (file)
        {
            return await FactsReading.ReadAsync(file, ct);
        }
    }

    /// <summary>All entries but our own, in the order of the archive; from the index alone where there is one.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveDamaged"/> or <see cref="Fault.ArchiveHostile"/>, possibly after some entries.</exception>
    public async IAsyncEnumerable<ArchiveEntry> ListAsync(string path, [EnumeratorCancellation] CancellationToken ct)
    {
        using var file = Open(path);
        if (IndexCursor.Open(file) is { } cursor)
        {
            foreach (var entry in IndexListing.Of(cursor))
            {
                ct.ThrowIfCancellationRequested();
                yield return entry;
            }

            yield break;
        }

        await using var tar = OpenStream(file, ArchiveLimits.None);
        while (await tar.NextAsync(ct) is { } entry)
        {
            if (!EntryName.IsOwn(entry.Name))
            {
                yield return entry;
            }
        }
    }

    /// <summary>Full proof: every byte is read; gzip's CRC and length, the tar's structure, every SHA-256 and, where there is one, the index must all agree. Damage is in the answer, not thrown.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveLocked"/>, or the disk's.</exception>
    public async Task<ArchiveProof> VerifyAsync(string path, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        ArchiveFile opened;
        try
        {
            opened = Open(path);
        }
        catch (BackupException e) when (e.Fault is Fault.ArchiveDamaged)
        {
            return new ArchiveProof { Sha256 = await HashAsync(path, ct), Entries = 0, ContentBytes = 0, Errors = [new Finding(Path.GetFileName(path), e.Message)], HasChecksums = false };
        }

        using var file = opened;
        progress.Enter("verify", file.Locator?.ContentBytes ?? 0, file.Locator?.Entries ?? 0);
        var hashing = Task.Run(() => SHA256.HashData(file.OpenStored()), ct);
        try
        {
            if (file.Locator is not null && await new IndexedVerification(file, threads, limits, progress).RunAsync(ct) is { } proof)
            {
                return await FinishAsync(proof);
            }

            await using var tar = OpenStream(file, limits);
            proof = await new StreamVerification(limits, progress).RunAsync(tar, Path.GetFileName(path), ct);
            if (file.Locator is not null && proof.Errors.Count == 0)
            {
                proof = proof with { Errors = [new Finding(Format.ArchiveLayout.IndexName, string.Create(CultureInfo.InvariantCulture, $"The index cannot be read, or it counts more than is allowed here, though the rest of the archive is whole (its directory: archive offset {file.Locator.DirectoryOffset})."))] };
            }

            return await FinishAsync(proof);
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }
        finally
        {
            // Its failure, if any, was met above or does not matter any more; the file must not be closed under it.
            await hashing.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        async Task<ArchiveProof> FinishAsync(ArchiveProof found) => found with
        {
            Sha256 = Convert.ToHexStringLower(await hashing),
            Errors = [.. found.Errors, .. file.Damaged.Take(Verdict.MaxFindings).Select(offset => new Finding(Path.GetFileName(path), ArchiveFaults.NotAuthentic(offset)))],
        };
    }

    /// <summary>SHA-256 of the file as it lies on the disk, encrypted or not.</summary>
    public static async Task<string> HashAsync(string path, CancellationToken ct)
    {
        try
        {
            await using var file = new FileStream(Posix.OpenRead(path), FileAccess.Read, 0);
            return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, ct));
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }
    }

    /// <summary>Unpacks everything into the existing empty folder <paramref name="into"/> and proves the archive in the same reading: what <see cref="VerifyAsync"/> demands but the SHA-256 of the file as a whole, up to the first error.</summary>
    /// <returns>Null where that takes more than one reading, because there is no index that can be used. No result beside the proof when there are errors in it. The folder is then half filled.</returns>
    /// <exception cref="BackupException">The disk's own fault.</exception>
    public async Task<(ArchiveProof Proof, UnpackResult? Unpacked)?> UnpackProvenAsync(string path, string into, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        using var file = Open(path);
        if (file.Locator is not { } locator)
        {
            return null;
        }

        progress.Enter("unpack", locator.ContentBytes, locator.Entries);
        await using var unpacker = new Unpacker(into, limits, progress, threads);
        try
        {
            return await new IndexedVerification(file, threads, limits, progress, unpacker).RunAsync(ct) is { } proof
                ? (proof, proof.Errors.Count == 0 ? await unpacker.FinishAsync() : null)
                : null;
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }
    }

    /// <summary>Unpacks what <paramref name="select"/> picks into the existing empty folder <paramref name="into"/>: owners, modes, times, links and empty folders as they were; each content is compared with its SHA-256.</summary>
    /// <remarks>Links are never followed. Our own entries are never unpacked. Nothing is flushed: the caller does one syncfs.</remarks>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveDamaged"/>, <see cref="Fault.ArchiveHostile"/>, or the disk's: the folder is then half filled, and the caller removes it.</exception>
    public Task<UnpackResult> UnpackAsync(string path, string into, Func<ArchiveEntry, bool> select, ArchiveLimits limits, Progress progress, CancellationToken ct) =>
        UnpackAsync(path, into, select, limits, progress, passOver: false, ct);

    /// <summary>The same for what <paramref name="select"/> picks by its name, reading nothing of the archive but its index and the chunks of that; null where there is no index to go by.</summary>
    /// <remarks>Tar and index must agree on what is unpacked. Damage anywhere else is not noticed.</remarks>
    public async Task<UnpackResult?> UnpackSomeAsync(string path, string into, Func<ArchiveEntry, bool> select, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        using var file = Open(path);
        return file.FindPages() is null ? null : await new IndexedUnpacking(file, threads, limits, progress).UnpackSomeAsync(into, select, passOver: false, ct);
    }

    /// <summary>The same for a damaged archive: gives every file whose chunks still verify, and lists the others. Without a usable index, all that comes before the damage, and says so.</summary>
    public Task<UnpackResult> SalvageAsync(string path, string into, Func<ArchiveEntry, bool> select, ArchiveLimits limits, Progress progress, CancellationToken ct) =>
        UnpackAsync(path, into, select, limits, progress, passOver: true, ct);

    /// <summary>One file's content to a stream, with its SHA-256 in the answer; a hard link gives the content of its file.</summary>
    /// <remarks>With an index, each chunk is proven before its bytes are written. Without one nothing vouches for a byte but gzip's checksum at the end: the whole archive is read before the first byte is written.</remarks>
    /// <exception cref="BackupException"><see cref="Fault.NotFound"/>: no such file. <see cref="Fault.ArchiveDamaged"/>: with an index possibly after bytes were written, which the caller must throw away.</exception>
    public async Task<ArchiveEntry> CopyEntryAsync(string path, string name, Stream destination, CancellationToken ct)
    {
        using var file = Open(path);
        if (file.FindPages() is not null)
        {
            return await EntryFetch.CopyAsync(file, threads, name, destination, ct);
        }

        return await StreamFetch.CopyAsync(() => OpenStream(file, ArchiveLimits.None), name, destination, ct);
    }

    /// <summary>Whether an archive holds exactly these names, each under an unchanged fingerprint that may be trusted: nothing changed since. False on any doubt, never a fault.</summary>
    /// <remarks>A file <see cref="CapturedFile.FromReference"/> counts as unchanged when the archive holds it; a quiet copy never does.</remarks>
    public Task<bool> MatchesAsync(string path, IReadOnlyList<CapturedFile> files, CancellationToken ct) => Task.Run(() => Unchanged.Matches(path, Keys, files, ct), ct);

    private ArchiveFile Open(string path)
    {
        try
        {
            return ArchiveFile.Open(path, Keys);
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }
    }

    private static TarEntryStream OpenStream(ArchiveFile file, ArchiveLimits limits) =>
        new(new GzipInput(file.OpenFrom(0), limits.MaxRatio), limits.MaxEntries);

    private async Task<UnpackResult> UnpackAsync(string path, string into, Func<ArchiveEntry, bool> select, ArchiveLimits limits, Progress progress, bool passOver, CancellationToken ct)
    {
        using var file = Open(path);
        if (file.FindPages() is not null && await new IndexedUnpacking(file, threads, limits, progress).UnpackAsync(into, select, passOver, ct) is { } result)
        {
            return result;
        }

        progress.Enter("unpack");
        await using var tar = OpenStream(file, limits);
        return passOver
            ? await StreamUnpacking.SalvageAsync(tar, into, select, limits, progress, ct)
            : await StreamUnpacking.UnpackAsync(tar, into, select, limits, progress, ct);
    }
}
