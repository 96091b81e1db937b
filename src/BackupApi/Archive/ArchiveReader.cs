using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using BackupApi.Archive.Gzip;
using BackupApi.Archive.Tar;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive;

/// <summary>Reads tar.gz archives, ours and others'.</summary>
internal sealed class ArchiveReader
{
    /// <summary>Reads only what is needed of the manifest and the report; null for each that is not there, not ours, or damaged.</summary>
    public async Task<(Manifest? Manifest, Report? Report)> ReadFactsAsync(string path, CancellationToken ct)
    {
        Manifest? manifest = null;
        Report? report = null;
        try
        {
            await using var tar = OpenTar(path);
            while (await tar.NextAsync(ct) is { } entry)
            {
                if (manifest is null && entry.Name != Manifest.EntryName)
                {
                    return (null, null);
                }

                if (entry.Name == Manifest.EntryName)
                {
                    manifest = ArchiveJson.Read<Manifest>(await ReadSmallAsync(tar, entry, ct));
                }
                else if (entry.Name == Report.EntryName)
                {
                    report = ArchiveJson.Read<Report>(await ReadSmallAsync(tar, entry, ct));
                    break;
                }
            }
        }
        catch (BackupException)
        {
            // Damage of a later part: what was read before it stands.
        }

        return (manifest, report);
    }

    /// <summary>All entries but our own.</summary>
    public async IAsyncEnumerable<ArchiveEntry> ListAsync(string path, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var tar = OpenTar(path);
        while (await tar.NextAsync(ct) is { } entry)
        {
            if (!EntryName.IsOwn(entry.Name))
            {
                yield return entry;
            }
        }
    }

    /// <summary>Full proof: every byte, the gzip CRC and length, the tar's structure, every SHA-256. Damage is in the answer, not thrown.</summary>
    public async Task<ArchiveProof> VerifyAsync(string path, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        progress.Enter("read back", Posix.Stat(path).Size);
        var errors = new List<Finding>();
        Manifest? manifest = null;
        Report? report = null;
        long entries = 0, content = 0;
        var hashes = new Dictionary<string, string>(StringComparer.Ordinal);
        var hasChecksums = false;
        using var whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            await using var tar = OpenTar(path, progress, limits);
            var buffer = new byte[1 << 16];
            while (await tar.NextAsync(ct) is { } entry)
            {
                if (EntryName.IsOwn(entry.Name))
                {
                    var bytes = entry.Kind == EntryKind.File ? await ReadSmallAsync(tar, entry, ct) : [];
                    manifest ??= entry.Name == Manifest.EntryName ? ArchiveJson.Read<Manifest>(bytes) : null;
                    report ??= entry.Name == Report.EntryName ? ArchiveJson.Read<Report>(bytes) : null;
                    if (entry.Name == Writing.ChecksumList.EntryName)
                    {
                        hasChecksums = true;
                        Compare(bytes, hashes, errors);
                    }

                    continue;
                }

                entries++;
                content += entry.Size;
                if (content > limits.MaxBytes)
                {
                    throw ArchiveFaults.TooLarge(limits.MaxBytes);
                }

                if (entry.Kind == EntryKind.File)
                {
                    using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                    int length;
                    while ((length = await tar.ReadAsync(buffer, ct)) > 0)
                    {
                        hash.AppendData(buffer, 0, length);
                    }

                    hashes[entry.Name] = Convert.ToHexStringLower(hash.GetHashAndReset());
                }
            }
        }
        catch (BackupException e)
        {
            errors.Add(new Finding(Path.GetFileName(path), e.Message));
        }

        return new ArchiveProof { Manifest = manifest, Report = report, Sha256 = await HashFileAsync(path, ct), Entries = entries, ContentBytes = content, Errors = errors, HasChecksums = hasChecksums };
    }

    /// <summary>Unpacks into the existing empty folder <paramref name="into"/> what <paramref name="select"/> picks.</summary>
    public async Task<UnpackResult> UnpackAsync(string path, string into, Func<ArchiveEntry, bool> select, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        await using var tar = OpenTar(path, null, limits);
        return await Unpacker.UnpackAsync(tar, into, select, limits, progress, ct);
    }

    /// <summary>One file's content, verified, to a stream.</summary>
    public async Task<ArchiveEntry> CopyEntryAsync(string path, string name, Stream destination, CancellationToken ct)
    {
        await using var tar = OpenTar(path);
        while (await tar.NextAsync(ct) is { } entry)
        {
            if (entry.Name == name && entry.Kind == EntryKind.File)
            {
                var buffer = new byte[1 << 16];
                int length;
                while ((length = await tar.ReadAsync(buffer, ct)) > 0)
                {
                    await destination.WriteAsync(buffer.AsMemory(0, length), ct);
                }

                return entry;
            }
        }

        throw ArchiveFaults.NoSuchEntry(name);
    }

    private static TarEntryStream OpenTar(string path, Progress? progress = null, ArchiveLimits? limits = null)
    {
        _ = progress;
        return new TarEntryStream(new GzipInput(OpenFile(path)), (limits ?? ArchiveLimits.None).MaxEntries);
    }

    private static FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(Posix.OpenRead(path), FileAccess.Read, 1 << 16);
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }
    }

    private static async Task<byte[]> ReadSmallAsync(TarEntryStream tar, ArchiveEntry entry, CancellationToken ct)
    {
        var bytes = new byte[Math.Min(entry.Size, 512 << 20)];
        var total = 0;
        int length;
        while (total < bytes.Length && (length = await tar.ReadAsync(bytes.AsMemory(total), ct)) > 0)
        {
            total += length;
        }

        return bytes;
    }

    private static async Task<string> HashFileAsync(string path, CancellationToken ct)
    {
        await using var file = OpenFile(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, ct));
    }

    private static void Compare(byte[] list, Dictionary<string, string> hashes, List<Finding> errors)
    {
        var expected = new MemoryStream();
        foreach (var (name, hash) in hashes.OrderBy(pair => pair.Key, EntryOrder.Instance))
        {
            expected.Write(Writing.ChecksumList.Line(hash, name));
        }

        if (!expected.ToArray().AsSpan().SequenceEqual(list))
        {
            errors.Add(new Finding(Writing.ChecksumList.EntryName, "The contents do not match their SHA-256 sums."));
        }
    }
}
