using System.Security.Cryptography;
using BackupApi.Archive.Format;
using BackupApi.Archive.Tar;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>Reads one file in chunks of its own: the header first, then the content at fixed steps, so that pages rewritten in place leave the other chunks as they were.</summary>
internal sealed class SingleReader(ArchiveWriterSettings settings, StepQueue queue, Pace pace, Progress progress)
{
    /// <returns>Whether the file stood still; null when it did not and everything was taken back for another try.</returns>
    public async Task<bool?> ReadAsync(SourceFile source, Fingerprint? fingerprint, ReferenceSegment? known, bool isLastTry, CancellationToken ct)
    {
        var entry = source.ToEntry();
        await queue.BeginAsync([new IndexedEntry(entry, fingerprint)]);
        var place = 0;
        var header = queue.RentChunk();
        var headerBytes = TarHeader.Write(entry);
        headerBytes.CopyTo(header.Content, 0);
        await AddAsync(header, headerBytes.Length);

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var isWhole = true;
        for (long offset = 0; offset < entry.Size;)
        {
            var step = queue.RentChunk();
            var length = (int)Math.Min(source.ChunkLength, entry.Size - offset);
            var padding = offset + length == entry.Size ? TarFormat.Padding(entry.Size) : 0;
            isWhole &= Fill(source, step.Content, length, padding, offset);
            hash.AppendData(step.Content, 0, length);
            await AddAsync(step, length + padding);
            offset += length;
            queue.CountRead(length);
            progress.AddBytes(length);
            await pace.SpendAsync(length, ct);
        }

        var sha256 = hash.GetHashAndReset();
        var isStable = isWhole && source.IsUnchanged() && (!source.IsDoubtful(settings.Clock) || await ReadsTheSameAsync(source, sha256, ct));
        if (!isStable && !isLastTry)
        {
            await queue.AbortAsync();
            progress.AddBytes(-entry.Size);
            return null;
        }

        await queue.EndAsync([Sha256Value.From(sha256)]);
        return isStable;

        ValueTask AddAsync(WriteStep step, int length)
        {
            step.ContentLength = length;
            step.Reference = known;
            step.Place = place++;
            step.EntryName = entry.Name;
            return queue.AddAsync(step);
        }
    }

    /// <summary>False when the file has become shorter: the rest of what the header promised is zeros then.</summary>
    private static bool Fill(SourceFile source, byte[] content, int length, int padding, long offset)
    {
        var read = source.Read(content.AsSpan(0, length), offset);
        content.AsSpan(read, length - read + padding).Clear();
        return read == length;
    }

    private async Task<bool> ReadsTheSameAsync(SourceFile source, byte[] sha256, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[ArchiveLayout.ChunkLength];
        int length;
        for (long offset = 0; (length = source.Read(buffer, offset)) > 0; offset += length)
        {
            hash.AppendData(buffer, 0, length);
            await pace.SpendAsync(length, ct);
            ct.ThrowIfCancellationRequested();
        }

        return hash.GetHashAndReset().AsSpan().SequenceEqual(sha256) && source.IsUnchanged();
    }
}
