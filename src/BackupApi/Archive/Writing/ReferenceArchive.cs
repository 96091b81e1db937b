using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using BackupApi.Archive.Encryption;
using BackupApi.Archive.Format;
using BackupApi.Archive.Reading;
using BackupApi.Archive.Tar;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>A segment of the previous archive: what may be carried over of it.</summary>
/// <param name="Chunks">At most <see cref="ReferenceArchive.MaxChunks"/>.</param>
internal sealed record ReferenceSegment(IReadOnlyList<IndexedEntry> Entries, IReadOnlyList<ChunkRecord> Chunks, IReadOnlyList<Sha256Value> Hashes)
{
    private readonly Lazy<Dictionary<Sha256Value, int>> byHash = new(() =>
    {
        var places = new Dictionary<Sha256Value, int>(Chunks.Count);
        for (var i = 0; i < Chunks.Count; i++)
        {
            places.TryAdd(Chunks[i].Sha256, i);
        }

        return places;
    });

    /// <summary>A chunk with that content: the one at the same place, or any other of this segment.</summary>
    public ChunkRecord? Find(int place, Sha256Value sha256, int length)
    {
        var found = place < Chunks.Count && Chunks[place].Sha256 == sha256 ? Chunks[place]
            : byHash.Value.TryGetValue(sha256, out var other) ? Chunks[other]
            : (ChunkRecord?)null;
        return found?.Length == length ? found : null;
    }
}

/// <summary>The previous archive, walked beside the new one in the same order, so that its index is never in memory as a whole.</summary>
/// <remarks>Damage of it is never a failure of the new archive: from there on nothing is carried over.</remarks>
internal sealed class ReferenceArchive : IDisposable
{
    /// <summary>Chunks of one file that are remembered: 64 GB of content in 60 MB of memory. What a larger file holds behind them is compressed anew each time.</summary>
    public const int MaxChunks = 1 << 20;

    /// <summary>Chunks that are read at once, however small they are: what remembers them stays small.</summary>
    private const int MaxRow = 128;

    private readonly ArchiveFile file;
    private readonly Observations seen;
    private readonly ConcurrentDictionary<long, bool> rotten = new();
    private IndexCursor? cursor;
    private ReferenceSegment? current;

    private ReferenceArchive(ArchiveFile file, IndexCursor cursor, Observations seen)
    {
        this.file = file;
        this.cursor = cursor;
        this.seen = seen;
    }

    /// <summary>Null when there is none, or none that can be used: then everything is read and compressed.</summary>
    public static ReferenceArchive? Open(string? path, ArchiveKeys keys, Observations seen)
    {
        if (path is null)
        {
            return null;
        }

        ArchiveFile? opened = null;
        try
        {
            opened = ArchiveFile.Open(path, keys);
            if (IndexCursor.Open(opened) is { } start)
            {
                var reference = new ReferenceArchive(opened, start, seen);
                opened = null;
                return reference;
            }

            NoteMissingIndex(opened, seen);
        }
        catch (BackupException e) when (e.Fault == Fault.ArchiveDamaged)
        {
            seen.Rotten(path, e.Message);
        }
        catch (Exception e) when (e is BackupException or IOException)
        {
            seen.Unusable(path, e.Message);
        }
        finally
        {
            opened?.Dispose();
        }

        return null;
    }

    /// <summary>The manifest in stored blocks at the head shows an archive as it left our hands: it had an index.</summary>
    private static void NoteMissingIndex(ArchiveFile file, Observations seen)
    {
        var name = new byte[Manifest.EntryName.Length];
        var locator = new byte[TarFormat.BlockLength];
        if (file.Locator is null && file.Length > ArchiveLayout.TailLength && file.TryRead(locator, file.Length - ArchiveLayout.TrailerLength - (3 * TarFormat.BlockLength)) && Locator.IsOfLaterVersion(locator))
        {
            seen.Unusable(file.Path, "Its index is of a later version than this service knows, so nothing was carried over.");
        }
        else if (file.TryRead(name, ArchiveLayout.GzipHeader.Length + ArchiveLayout.StoredBlockHeader) && Encoding.ASCII.GetString(name) == Manifest.EntryName)
        {
            var offset = file.Locator?.DirectoryOffset ?? Math.Max(0, file.Length - ArchiveLayout.TrailerLength - ArchiveLayout.TailLength);
            seen.Rotten(file.Path, string.Create(CultureInfo.InvariantCulture, $"{(file.Locator is null ? "Its end, which leads to the index," : "The directory of its index")} is damaged or missing, so nothing was carried over ({PathText.Show(file.Locator is null ? ArchiveLayout.LocatorName : ArchiveLayout.IndexName)}, archive offset {offset})."));
        }
    }

    /// <summary>The segment that begins with that name, or null. Names must be asked in ascending order.</summary>
    public ReferenceSegment? Find(string firstName)
    {
        try
        {
            while (cursor is not null && (current is null || EntryOrder.Instance.Compare(current.Entries[0].Entry.Name, firstName) < 0))
            {
                current = Load(cursor);
                cursor = current is null ? null : cursor;
            }
        }
        catch (Exception e) when (e is BackupException or IOException)
        {
            seen.Rotten(file.Path, e.Message);
            (cursor, current) = (null, null);
        }

        return current?.Entries[0].Entry.Name == firstName ? current : null;
    }

    /// <summary>Reads as many chunks of the segment, from that place on, as lie in a row in the archive and fit into the step: at least one. False, and noted once, when one of them rotted.</summary>
    public bool TryReadRow(ReferenceSegment segment, int place, WriteStep step)
    {
        var row = step.Records;
        var length = 0;
        for (var i = place; i < segment.Chunks.Count && row.Count < MaxRow && (row.Count == 0 || (segment.Chunks[i].Offset == row[0].Offset + length && segment.Chunks[i].CompressedLength <= step.Compressed.Length - length)); i++)
        {
            row.Add(segment.Chunks[i]);
            length += segment.Chunks[i].CompressedLength;
        }

        var isRead = TryRead(step.Compressed.AsSpan(0, length), file.Locator!.ContentOffset + row[0].Offset);
        var from = 0;
        foreach (var chunk in row)
        {
            var bytes = step.Compressed.AsSpan(from, chunk.CompressedLength);
            from += bytes.Length;
            if (!(isRead && Crc32C.Of(bytes) == chunk.Crc32C) && !TryRead(chunk, bytes, segment))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Reads a chunk's compressed bytes and compares their CRC-32C; false, and noted once, when they rotted.</summary>
    /// <param name="bytes">As long as they are.</param>
    public bool TryRead(in ChunkRecord chunk, Span<byte> bytes, ReferenceSegment segment)
    {
        var offset = file.Locator!.ContentOffset + chunk.Offset;
        if (rotten.ContainsKey(offset))
        {
            return false;
        }

        string what;
        try
        {
            if (file.TryRead(bytes, offset) && Crc32C.Of(bytes) == chunk.Crc32C)
            {
                return true;
            }

            what = "does not match its checksum.";
        }
        catch (BackupException e)
        {
            what = $"cannot be read: {e.Message}";
        }

        if (rotten.TryAdd(offset, true))
        {
            seen.Rotten(file.Path, string.Create(CultureInfo.InvariantCulture, $"The chunk at archive offset {offset}, of '{SegmentEntries.Describe(segment.Entries)}', {what}"));
        }

        return false;
    }

    public void Dispose() => file.Dispose();

    /// <summary>False also where the disk fails: chunk by chunk it is told which.</summary>
    private bool TryRead(Span<byte> bytes, long offset)
    {
        try
        {
            return file.TryRead(bytes, offset);
        }
        catch (BackupException)
        {
            return false;
        }
    }

    private static ReferenceSegment? Load(IndexCursor cursor)
    {
        if (cursor.NextSegment() is not { Count: > 0 } entries)
        {
            return null;
        }

        var chunks = new List<ChunkRecord>();
        while (cursor.NextChunk() is { } chunk)
        {
            if (chunks.Count < MaxChunks)
            {
                chunks.Add(chunk);
            }
        }

        return new ReferenceSegment(entries, chunks, cursor.EndSegment());
    }
}
