using BackupApi.Archive.Chunks;
using BackupApi.Archive.Format;

namespace BackupApi.Archive.Writing;

internal enum StepKind
{
    /// <summary>A segment begins.</summary>
    Begin,

    /// <summary>A chunk of it, or several that are carried over.</summary>
    Chunk,

    /// <summary>It ends well.</summary>
    End,

    /// <summary>It is taken back to its beginning: the file changed while it was read, or what was carried over had rotted.</summary>
    Abort,
}

/// <summary>One step on the way from the reader over the workers to the file. Used again and again: its buffers are the memory of the writer.</summary>
internal sealed class WriteStep
{
    /// <summary>Content of a run and of any chunk ends here.</summary>
    public const int ContentCapacity = 288 * 1024;

    private byte[]? content;
    private byte[]? compressed;

    public required StepKind Kind { get; init; }

    /// <summary>Of <see cref="StepKind.Begin"/>.</summary>
    public IReadOnlyList<IndexedEntry> Entries { get; init; } = [];

    /// <summary>Of <see cref="StepKind.End"/>: one for each file of the segment.</summary>
    public IReadOnlyList<Sha256Value> Hashes { get; init; } = [];

    public byte[] Content => content ??= new byte[ContentCapacity];

    public int ContentLength { get; set; }

    public byte[] Compressed => compressed ??= new byte[ChunkCodec.MaxCompressedLength(ContentCapacity)];

    /// <summary>The chunks that lie in <see cref="Compressed"/>, one behind the other: the one that the worker made, or several that are carried over unread. Their offsets are not known yet.</summary>
    public List<ChunkRecord> Records { get; } = new(1);

    /// <summary>The compressed bytes are the reference archive's.</summary>
    public bool IsCarriedOver { get; set; }

    /// <summary>Where the chunk may be found in the reference archive, and at which place of it first.</summary>
    public ReferenceSegment? Reference { get; set; }

    public int Place { get; set; }

    /// <summary>For messages.</summary>
    public string EntryName { get; set; } = "";
}
