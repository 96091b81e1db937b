using System.Globalization;
using System.Security.Cryptography;
using BackupApi.Archive.Chunks;
using BackupApi.Archive.Format;
using BackupApi.Archive.Gzip;
using BackupApi.Archive.Tar;
using BackupApi.Archive.Writing;
using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>Reads every byte of an archive with an index, in parallel, and demands that gzip, tar, index and checksums all agree.</summary>
/// <param name="into">Gets every entry while it is read, so that an archive is unpacked and proven in one reading; that ends with the first error. Null to prove only.</param>
internal sealed class IndexedVerification(ArchiveFile file, int threads, ArchiveLimits limits, Progress progress, Unpacker? into = null)
{
    private readonly List<Finding> errors = [];
    private readonly IncrementalHash expectedSums = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] buffer = new byte[ArchiveLayout.ChunkLength];
    private readonly Locator at = file.Locator!;
    private Manifest? manifest;
    private Report? report;
    private Fault fault = Fault.ArchiveDamaged;
    private long entries;
    private long contentBytes;
    private uint crc32;
    private long tarLength;

    /// <summary>Null when the index itself cannot be used: the archive must then be read as a stream.</summary>
    public async Task<ArchiveProof?> RunAsync(CancellationToken ct)
    {
        if (at.ContentBytes > limits.MaxBytes || at.Entries > limits.MaxEntries || IndexCursor.Open(file) is not { } cursor)
        {
            return null;
        }

        VerifyHead();
        try
        {
            await VerifyContentAsync(cursor, ct);
        }
        catch (BackupException e) when (e.Fault == Fault.ArchiveDamaged)
        {
            return null;
        }

        if (contentBytes != at.ContentBytes || entries != at.Entries)
        {
            Add(ArchiveLayout.LocatorName, "The locator counts other entries or bytes than the index.");
        }

        if (into is null || errors.Count == 0)
        {
            await VerifyEndAsync(ct);
        }

        return new ArchiveProof { Fault = fault, Manifest = manifest, Report = report, Sha256 = "", Entries = entries, ContentBytes = contentBytes, Errors = errors, HasChecksums = true };
    }

    /// <summary>The head can only look one way: stored blocks around a header and the manifest.</summary>
    private void VerifyHead()
    {
        var stored = new byte[Math.Max(0, at.ContentOffset)];
        var content = new byte[TarFormat.BlockLength + at.ManifestLength];
        if (ManifestHead.Length(at.ManifestLength) != at.ContentOffset || !file.TryRead(stored, 0))
        {
            Add(Manifest.EntryName, "The head of the archive does not have the length that the locator says.");
            return;
        }

        if (!ManifestHead.TryRead(stored, content))
        {
            Add(Manifest.EntryName, "The gzip header or a stored block of the manifest is damaged (archive offset 0).");
        }

        crc32 = ChunkCodec.Crc32Of(content);
        tarLength = content.Length;
        if (crc32 != at.HeadCrc32)
        {
            Add(Manifest.EntryName, $"The manifest does not match its checksum (archive offset {ArchiveLayout.GzipHeader.Length}).");
            return;
        }

        manifest = ArchiveJson.Read<Manifest>(content.AsSpan(TarFormat.BlockLength));
        if (manifest is null)
        {
            Add(Manifest.EntryName, "The manifest cannot be read.");
        }
    }

    private async Task VerifyContentAsync(IndexCursor cursor, CancellationToken ct)
    {
        var sums = new CrcOfChunks();
        await using var reader = new SegmentReader(file, cursor, threads, withSha256: into is null, static _ => true, static _ => false, ct) { OnChunk = sums.Add };
        while (await reader.NextAsync() is { } segment)
        {
            entries += segment.Count;
            contentBytes += segment.Sum(static entry => entry.Entry.Size);
            progress.AddFiles(into is null ? segment.Count : 0);
            try
            {
                await SegmentEntries.VisitAsync(reader, segment, into is null ? HashAsync : into.AddAsync, ct);
            }
            catch (BackupException e) when (e.Fault is Fault.ArchiveDamaged or Fault.ArchiveHostile)
            {
                fault = errors.Count == 0 ? e.Fault : fault;
                Add(SegmentEntries.Describe(segment), e.Message);
            }

            if (into is not null && errors.Count > 0)
            {
                return;
            }

            // What the list of checksums must say, also of a file that is damaged.
            var hashes = await reader.HashesAsync();
            var number = 0;
            foreach (var (entry, _) in segment)
            {
                if (entry.Kind == EntryKind.File)
                {
                    expectedSums.AppendData(ChecksumList.Line(hashes[number++].ToString(), entry.Name));
                }
            }
        }

        if (cursor.NextChunkOffset != at.ContentEnd - at.ContentOffset)
        {
            Add(ArchiveLayout.IndexName, "The chunks of the index do not fill the content of the archive.");
        }

        crc32 = Crc32Combination.Combine(crc32, sums.Crc32, sums.Length);
        tarLength += sums.Length;
    }

    private async Task<string?> HashAsync(ArchiveEntry entry, Func<Memory<byte>, CancellationToken, ValueTask<int>> read, CancellationToken ct)
    {
        if (entry.Kind != EntryKind.File)
        {
            return null;
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int length;
        while ((length = await read(buffer, ct)) > 0)
        {
            hash.AppendData(buffer, 0, length);
            progress.AddBytes(length);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Our own last entries, the end of the tar, and gzip's CRC-32 and length over everything.</summary>
    private async Task VerifyEndAsync(CancellationToken ct)
    {
        if (!EndBytes.AreRight(file))
        {
            Add(Path.GetFileName(file.Path), $"The bytes of report, checksums and index do not match their checksum (archive offset {at.ContentEnd.ToString(CultureInfo.InvariantCulture)}).");
        }

        try
        {
            await using var tar = new TarEntryStream(GzipInput.Resume(file.OpenFrom(at.ContentEnd), at.ContentEnd, crc32, tarLength), isOurs: true);
            await ExpectAsync(tar, Report.EntryName, ct);
            report = ArchiveJson.Read<Report>(await SmallEntry.ReadAsync(tar, at.ReportLength, ct));
            if (report is null)
            {
                Add(Report.EntryName, "The report cannot be read.");
            }

            await ExpectAsync(tar, ChecksumList.EntryName, ct);
            await CompareAsync(tar, expectedSums.GetHashAndReset(), ChecksumList.EntryName, "The list of checksums says other than the index.", ct);
            await ExpectAsync(tar, ArchiveLayout.IndexName, ct);
            await CompareAsync(tar, HashOfIndex(), ArchiveLayout.IndexName, "The index in the tar is not the one the locator leads to.", ct);
            await ExpectAsync(tar, ArchiveLayout.LocatorName, ct);
            await CompareAsync(tar, SHA256.HashData(at.Write()), ArchiveLayout.LocatorName, "The locator in the tar is not the one at the end of the archive.", ct);
            if (await tar.NextAsync(ct) is { } more)
            {
                throw ArchiveFaults.Damaged($"There is an entry '{EntryName.Short(more.Name)}' behind the last one.", $"archive offset {at.ContentEnd}");
            }

            if (tarLength + tar.Position != at.TarLength)
            {
                Add(ArchiveLayout.LocatorName, "The locator says another length of the tar.");
            }
        }
        catch (BackupException e)
        {
            Add(Path.GetFileName(file.Path), e.Message);
        }
    }

    private static async Task ExpectAsync(TarEntryStream tar, string name, CancellationToken ct)
    {
        if (await tar.NextAsync(ct) is not { } entry || entry.Name != name)
        {
            throw ArchiveFaults.Damaged($"The entry '{name}' is not where it must be.", string.Create(CultureInfo.InvariantCulture, $"tar offset {tar.HeaderOffset} behind the content"));
        }
    }

    private async Task CompareAsync(TarEntryStream tar, byte[] expected, string name, string message, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int length;
        while ((length = await tar.ReadAsync(buffer, ct)) > 0)
        {
            hash.AppendData(buffer, 0, length);
        }

        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(expected))
        {
            Add(name, message);
        }
    }

    private byte[] HashOfIndex()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in file.IndexContent())
        {
            hash.AppendData(part);
        }

        return hash.GetHashAndReset();
    }

    private void Add(string where, string message)
    {
        if (errors.Count < Verdict.MaxFindings)
        {
            errors.Add(new Finding(where, message));
        }
    }

    /// <summary>The CRC-32 of all chunks in a row, as the index gives them: a chunk that does not match its own is an error already.</summary>
    private sealed class CrcOfChunks
    {
        public uint Crc32 { get; private set; }

        public long Length { get; private set; }

        public void Add(ChunkRecord chunk)
        {
            Crc32 = Crc32Combination.Combine(Crc32, chunk.Crc32, chunk.Length);
            Length += chunk.Length;
        }
    }
}
