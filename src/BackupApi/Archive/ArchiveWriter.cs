using System.IO.Compression;
using System.Security.Cryptography;
using BackupApi.Archive.Tar;
using BackupApi.Archive.Writing;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive;

/// <summary>Writes one archive as docs/ARCHIVE_FORMAT.md describes it.</summary>
internal sealed class ArchiveWriter(ArchiveWriterSettings settings)
{
    private const int BufferedFile = 1 << 20;

    /// <summary>Writes a finished archive, read back and flushed to the disk, at <paramref name="partialPath"/>, which must not exist; the caller publishes it by rename, or removes it.</summary>
    /// <exception cref="BackupException"><see cref="Fault.VerificationFailed"/>: what was read back differed, three times over. Or the disk's own fault.</exception>
    public async Task<ArchiveFacts> WriteAsync(string partialPath, ArchiveRequest request, Progress progress, CancellationToken ct)
    {
        try
        {
            return await WriteOnceAsync(partialPath, request, progress, ct);
        }
        catch (PosixException e)
        {
            throw Errno.ToFault(e);
        }
    }

    private async Task<ArchiveFacts> WriteOnceAsync(string partialPath, ArchiveRequest request, Progress progress, CancellationToken ct)
    {
        var plan = EntryPlan.Order(request.Files);
        progress.Enter("write", plan.Sum(file => file.ContentPath is null ? 0 : file.Stat.Size), plan.Count);
        var manifest = await request.Manifest(ct);
        var seen = new Observations();
        var sums = new MemoryStream();
        long entries = 0, content = 0;
        using (var handle = Posix.CreateNew(partialPath))
        {
            await using (var file = new FileStream(handle, FileAccess.ReadWrite, 1 << 16))
            {
                await using (var gzip = new GZipStream(file, settings.Level, leaveOpen: true))
                {
                    await WriteOwnAsync(gzip, Manifest.EntryName, ArchiveJson.Write(manifest), manifest.CreatedAt, ct);
                    var lost = new HashSet<string>(StringComparer.Ordinal);
                    foreach (var captured in plan)
                    {
                        var entry = await WriteEntryAsync(gzip, captured, seen, lost, progress, ct);
                        progress.AddFiles();
                        if (entry is null)
                        {
                            continue;
                        }

                        entries++;
                        content += entry.Size;
                        if (entry.Sha256 is { } sha256)
                        {
                            sums.Write(ChecksumList.Line(sha256, entry.Name));
                        }
                    }

                    var report = await request.Report(seen.ToRecord(entries, content), ct);
                    await WriteOwnAsync(gzip, Report.EntryName, ArchiveJson.Write(report), manifest.CreatedAt, ct);
                    await WriteOwnAsync(gzip, ChecksumList.EntryName, sums.ToArray(), manifest.CreatedAt, ct);
                    await gzip.WriteAsync(new byte[2 * TarFormat.BlockLength], ct);
                }

                await file.FlushAsync(ct);
                Posix.Flush(handle, partialPath);
            }
        }

        var proof = await new ArchiveReader().VerifyAsync(partialPath, ArchiveLimits.None, progress, ct);
        if (proof.Errors.Count > 0)
        {
            throw new BackupException(Fault.VerificationFailed, $"The archive did not read back as it was written: {proof.Errors[0].Message}", "Check the disk and the memory of this machine.");
        }

        return new ArchiveFacts(Posix.Stat(partialPath).Size, proof.Sha256, manifest, proof.Report!, seen.ToRecord(entries, content), content, content, 0);
    }

    private async Task<ArchiveEntry?> WriteEntryAsync(Stream tar, CapturedFile captured, Observations seen, HashSet<string> lost, Progress progress, CancellationToken ct)
    {
        if (captured.ContentPath is null || captured.HardLinkTo is not null)
        {
            if (captured.HardLinkTo is { } target && lost.Contains(target))
            {
                seen.LostLink(captured.Name, target);
                return null;
            }

            var kind = captured.HardLinkTo is not null ? EntryKind.HardLink
                : captured.LinkTarget is not null ? EntryKind.Symlink
                : captured.Stat.Kind == FileKind.Directory ? EntryKind.Directory : EntryKind.File;
            var stat = captured.Stat;
            var plain = new ArchiveEntry(captured.Name, kind, 0, kind == EntryKind.Symlink ? 0x1FF : stat.Mode, stat.Uid, stat.Gid, stat.Modified, captured.HardLinkTo ?? captured.LinkTarget);
            await tar.WriteAsync(TarHeader.Write(plain), ct);
            return kind == EntryKind.File ? plain with { Sha256 = Convert.ToHexStringLower(SHA256.HashData([])) } : plain;
        }

        try
        {
            for (var tries = 1; ; tries++)
            {
                using var source = SourceFile.Open(captured);
                if (source.Before.Size <= BufferedFile)
                {
                    var bytes = new byte[source.Before.Size];
                    var length = source.Read(bytes, 0);
                    var stable = length == bytes.Length && source.IsUnchanged();
                    if (stable && source.IsDoubtful(settings.Clock))
                    {
                        var again = new byte[bytes.Length];
                        stable = source.Read(again, 0) == bytes.Length && bytes.AsSpan().SequenceEqual(again) && source.IsUnchanged();
                    }

                    if (!stable && tries < settings.Tries)
                    {
                        continue;
                    }

                    if (!stable)
                    {
                        seen.Changed(captured.Name, tries);
                    }

                    var small = source.ToEntry() with { Sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)) };
                    await tar.WriteAsync(TarHeader.Write(small), ct);
                    await tar.WriteAsync(bytes, ct);
                    await tar.WriteAsync(new byte[TarFormat.Padding(bytes.Length)], ct);
                    progress.AddBytes(bytes.Length);
                    return small;
                }

                return await WriteLargeAsync(tar, captured, source, seen, progress, ct);
            }
        }
        catch (PosixException e) when (e.Errno == Errno.ENOENT || e.Errno == Errno.ELOOP)
        {
            seen.Vanished(captured.Name);
        }
        catch (IOException e) when (e.HResult is not Errno.ENOSPC)
        {
            seen.Unreadable(captured.Name, e);
        }

        lost.Add(captured.Name);
        return null;
    }

    private static async Task<ArchiveEntry> WriteLargeAsync(Stream tar, CapturedFile captured, SourceFile source, Observations seen, Progress progress, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var entry = source.ToEntry();
        await tar.WriteAsync(TarHeader.Write(entry), ct);
        var buffer = new byte[1 << 17];
        var isShort = false;
        for (long offset = 0; offset < entry.Size;)
        {
            var want = (int)Math.Min(buffer.Length, entry.Size - offset);
            var length = source.Read(buffer.AsSpan(0, want), offset);
            if (length < want)
            {
                isShort = true;
                buffer.AsSpan(length, want - length).Clear();
            }

            hash.AppendData(buffer, 0, want);
            await tar.WriteAsync(buffer.AsMemory(0, want), ct);
            progress.AddBytes(want);
            offset += want;
        }

        if (isShort || !source.IsUnchanged())
        {
            seen.Changed(captured.Name, 1);
        }

        await tar.WriteAsync(new byte[TarFormat.Padding(entry.Size)], ct);
        return entry with { Sha256 = Convert.ToHexStringLower(hash.GetHashAndReset()) };
    }

    private static async Task WriteOwnAsync(Stream tar, string name, byte[] content, DateTimeOffset at, CancellationToken ct)
    {
        await tar.WriteAsync(TarHeader.Write(new ArchiveEntry(name, EntryKind.File, content.Length, 0x1A4 /* 0644 */, 0, 0, UnixTime.From(at))), ct);
        await tar.WriteAsync(content, ct);
        await tar.WriteAsync(new byte[TarFormat.Padding(content.Length)], ct);
    }
}
