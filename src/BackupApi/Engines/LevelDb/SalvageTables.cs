namespace BackupApi.Engines.LevelDb;

/// <summary>The entries of tables that follow each other, block by block, as far as the blocks stand; what does not is reported and passed over.</summary>
/// <param name="tables">In the order of their keys; a single one where tables overlap. One is open at a time.</param>
internal sealed class SalvageTables(Verification verification, IReadOnlyList<(string Name, ulong Size)> tables) : IEntryCursor
{
    private readonly BlockWalker walker = new();
    private BlockWalker index = new();
    private TableFile? table;
    private byte[] block = [];
    private byte[]? last;
    private int next;
    private bool isInBlock;

    public ReadOnlySpan<byte> UserKey => InternalKey.UserKey(walker.Key);

    public ulong Tag => InternalKey.Tag(walker.Key);

    public ReadOnlySpan<byte> Value => walker.Value;

    public bool MoveNext()
    {
        while (true)
        {
            if (isInBlock && walker.MoveNext())
            {
                return true;
            }

            isInBlock = false;
            if (!NextBlock())
            {
                return false;
            }
        }
    }

    public void Dispose() => table?.Dispose();

    private bool NextBlock()
    {
        while (true)
        {
            verification.Cancellation.ThrowIfCancellationRequested();
            if (table is null)
            {
                if (next == tables.Count)
                {
                    return false;
                }

                table = TableFile.Open(verification, tables[next].Name, tables[next].Size);
                next++;
                index = new BlockWalker();
                index.Start(table?.IndexBlock ?? ReadOnlyMemory<byte>.Empty, hasInternalKeys: true, isOrdered: false);
            }

            if (table is null || !index.MoveNext())
            {
                Leave();
                continue;
            }

            if (Take(table, index.Value))
            {
                isInBlock = true;
                return true;
            }
        }
    }

    private void Leave()
    {
        if (table is not null && index.Problem is { } problem)
        {
            verification.Findings.Error(Findings.At(table.Name, table.Index.Offset), $"Index block: {problem}. What it leads to is not brought out.");
        }

        table?.Dispose();
        table = null;
    }

    /// <summary>Looks at a block whole before any entry of it is given: half a block would stand for a whole one.</summary>
    private bool Take(TableFile from, ReadOnlySpan<byte> value)
    {
        var cursor = new ByteCursor(value);
        if (!BlockHandle.TryRead(ref cursor, from.DataEnd, out var handle))
        {
            verification.Findings.Error(Findings.At(from.Name, from.Index.Offset), "An index entry leads out of the table's data.");
            return false;
        }

        var where = Findings.At(from.Name, handle.Offset);
        if (verification.Blocks.Read(from.Handle, handle, out var contents) != BlockState.Sound)
        {
            verification.Findings.Error(where, $"{verification.Blocks.Message}. Its entries are lost.");
            return false;
        }

        if (block.Length < contents.Length)
        {
            block = new byte[contents.Length];
        }

        contents.CopyTo(block);
        var kept = block.AsMemory(0, contents.Length);
        var isFirst = true;
        walker.Start(kept, hasInternalKeys: true, verification.IsOrdered);
        while (walker.MoveNext())
        {
            if (isFirst && verification.IsOrdered && last is not null && InternalKey.Compare(last, walker.Key) >= 0)
            {
                verification.Findings.Error(where, "The block's keys do not come after those before it. Its entries are lost.");
                return false;
            }

            isFirst = false;
        }

        if (walker.Problem is { } problem)
        {
            verification.Findings.Error(where, $"{problem}. Its entries are lost.");
            return false;
        }

        if (isFirst)
        {
            return false;
        }

        last = walker.Key.ToArray();
        walker.Start(kept, hasInternalKeys: true, verification.IsOrdered);
        return true;
    }
}
