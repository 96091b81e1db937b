using BackupApi.Archive.Format;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>Takes the steps in order: appends chunks to the file, keeps the sums that span them, records them in the index and in the list of checksums.</summary>
internal sealed class ContentAssembly : IDisposable
{
    /// <summary>Hexadecimal digits shrink to half at any level.</summary>
    private const int FastLevel = 1;

    private readonly ArchiveOutput output;
    private readonly List<byte> sumLines = new(ArchiveLayout.ChunkLength + 8192);
    private IReadOnlyList<IndexedEntry> open = [];
    private State state;
    private State before;
    private ArchiveOutput.Mark outputBefore;
    private IndexWriter.Mark indexBefore;

    public ContentAssembly(ArchiveOutput output, int level)
    {
        this.output = output;
        Index = new IndexWriter($"{output.Path}.index.partial", level);
        Sums = new SpooledChunks($"{output.Path}.sums.partial", FastLevel);
    }

    public IndexWriter Index { get; }

    public SpooledChunks Sums { get; }

    public State Totals => state;

    public void Take(WriteStep step)
    {
        switch (step.Kind)
        {
            case StepKind.Begin:
                open = step.Entries;
                (before, outputBefore, indexBefore) = (state, output.MarkHere(), Index.MarkHere());
                Index.Begin(open);
                break;
            case StepKind.Chunk:
                AddChunks(step);
                break;
            case StepKind.End:
                Index.End(step.Hashes);
                AddSums(step.Hashes);
                break;
            default:
                state = before with { BytesCompressed = state.BytesCompressed };
                output.Return(outputBefore);
                Index.Return(indexBefore);
                break;
        }
    }

    /// <summary>Puts the last lines into the list of checksums.</summary>
    public void Finish()
    {
        if (sumLines.Count > 0)
        {
            Sums.Add(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(sumLines));
            sumLines.Clear();
        }
    }

    public void Dispose()
    {
        Index.Dispose();
        Sums.Dispose();
    }

    private void AddChunks(WriteStep step)
    {
        var length = 0;
        foreach (var chunk in step.Records)
        {
            Index.Chunk(chunk);
            length += chunk.CompressedLength;
            state = state with
            {
                TarLength = state.TarLength + chunk.Length,
                Crc32 = Crc32Combination.Combine(state.Crc32, chunk.Crc32, chunk.Length),
                BytesCompressed = state.BytesCompressed + (step.IsCarriedOver ? 0 : chunk.Length),
                BytesCarriedOver = state.BytesCarriedOver + (step.IsCarriedOver ? chunk.CompressedLength : 0),
            };
        }

        output.Append(step.Compressed.AsSpan(0, length));
    }

    private void AddSums(IReadOnlyList<Sha256Value> hashes)
    {
        var file = 0;
        foreach (var (entry, _) in open)
        {
            state = state with { Entries = state.Entries + 1, ContentBytes = state.ContentBytes + entry.Size };
            if (entry.Kind == EntryKind.File)
            {
                sumLines.AddRange(ChecksumList.Line(hashes[file++].ToString(), entry.Name));
                if (sumLines.Count >= ArchiveLayout.ChunkLength)
                {
                    Finish();
                }
            }
        }
    }

    /// <summary>What spans the chunks.</summary>
    /// <param name="Crc32">Of the tar from the first content chunk on.</param>
    internal readonly record struct State(long TarLength, uint Crc32, long Entries, long ContentBytes, long BytesCompressed, long BytesCarriedOver);
}
