using System.Globalization;
using System.Runtime.CompilerServices;

namespace BackupApi.Engines.LevelDb;

/// <summary>The keys of one table, every block of it read, checked and compared with what index and MANIFEST say about it.</summary>
internal sealed class TableCursor : IKeyCursor
{
    private readonly Verification verification;
    private readonly LiveTable table;
    private readonly TableFile file;
    private readonly BlockWalker index = new();
    private readonly PackedKeys keys = new();
    private long held;
    private long nextOffset;
    private int blockNumber;
    private byte[]? lastKey, lastIndexKey;
    private bool isWhole = true, saidSequence, saidFilter;

    private TableCursor(Verification verification, LiveTable table, TableFile file)
    {
        (this.verification, this.table, this.file) = (verification, table, file);
        index.Start(file.IndexBlock, hasInternalKeys: true, verification.IsOrdered);
        Account();
    }

    public ReadOnlySpan<byte> UserKey => InternalKey.UserKey(keys.Key);

    public ulong Tag => InternalKey.Tag(keys.Key);

    /// <summary>Null when the table cannot be read at all; that is reported then.</summary>
    public static TableCursor? Open(Verification verification, LiveTable table, string name) =>
        TableFile.Open(verification, name, table.Size) is { } file ? new TableCursor(verification, table, file) : null;

    public bool MoveNext()
    {
        while (!keys.MoveNext())
        {
            verification.Cancellation.ThrowIfCancellationRequested();
            keys.Clear();
            if (!index.MoveNext())
            {
                Finish();
                return false;
            }

            ReadBlock();
            Account();
        }

        return true;
    }

    public void Dispose()
    {
        verification.Hold(-held);
        held = 0;
        file.Dispose();
    }

    private void ReadBlock()
    {
        blockNumber++;
        var value = new ByteCursor(index.Value);
        if (!BlockHandle.TryRead(ref value, file.DataEnd, out var handle) || handle.Offset < nextOffset)
        {
            isWhole = false;
            verification.Findings.Error(Findings.At(file.Name, file.Index.Offset), $"Index entry {blockNumber} leads out of the table's data or into another block.");
            return;
        }

        if (handle.Offset > nextOffset)
        {
            verification.Findings.Warning(Findings.At(file.Name, nextOffset), "Bytes that belong to no block lie between two blocks.");
        }

        nextOffset = handle.End;
        var state = verification.Blocks.Read(file.Handle, handle, out var contents);
        if (state == BlockState.Sound)
        {
            TakeKeys(contents, handle);
        }
        else
        {
            Report(handle, verification.Blocks.Message, isCertain: state == BlockState.Damaged);
        }

        lastIndexKey = index.Key.ToArray();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TakeKeys(ReadOnlyMemory<byte> contents, BlockHandle handle)
    {
        var walker = verification.Walker;
        walker.Start(contents, hasInternalKeys: true, verification.IsOrdered);
        var isFirst = true;
        string? outOfBounds = null;
        while (walker.MoveNext())
        {
            var key = walker.Key;
            if (isFirst)
            {
                outOfBounds = CheckFirst(key);
            }

            keys.Add(isFirst ? 0 : walker.Shared, isFirst ? key : key[walker.Shared..]);
            isFirst = false;
            CheckEntry(key, handle);
        }

        if (walker.Problem is { } problem)
        {
            keys.Clear();
            Report(handle, problem, isCertain: !walker.IsTooMuch);
            return;
        }

        if (isFirst)
        {
            return;
        }

        lastKey = walker.Key.ToArray();
        if (verification.IsOrdered && InternalKey.Compare(lastKey, index.Key) > 0)
        {
            outOfBounds ??= "The block holds keys behind its index key";
        }

        if (outOfBounds is not null)
        {
            Report(handle, outOfBounds, isCertain: true);
        }

        if (verification.NotCounted is not null)
        {
            keys.Drop();
        }
    }

    private string? CheckFirst(ReadOnlySpan<byte> key)
    {
        if (lastKey is null && isWhole && !key.SequenceEqual(table.Smallest))
        {
            verification.Findings.Error(file.Name, "The table's first key is not the smallest key that the MANIFEST gives it.");
        }

        return verification.IsOrdered && lastIndexKey is not null && InternalKey.Compare(lastIndexKey, key) >= 0
            ? "The block's first key does not come after the index key of the block before"
            : null;
    }

    private void CheckEntry(ReadOnlySpan<byte> key, BlockHandle handle)
    {
        if (!saidSequence && InternalKey.Tag(key) >> 8 > verification.LastSequence)
        {
            saidSequence = true;
            Report(handle, "A sequence number is higher than the last one that the MANIFEST knows", isCertain: true, losesKeys: false);
        }

        if (!saidFilter && file.Filter is not null && !file.Filter.MayHold(handle.Offset, InternalKey.UserKey(key)))
        {
            saidFilter = true;
            Report(handle, "The table's filter denies a key that is there: reads of it find nothing", isCertain: false, losesKeys: false);
        }
    }

    private void Finish()
    {
        if (index.Problem is { } problem)
        {
            isWhole = false;
            verification.Findings.Error(Findings.At(file.Name, file.Index.Offset), $"Index block: {problem}.");
        }
        else if (isWhole && (lastKey is null || !lastKey.AsSpan().SequenceEqual(table.Largest)))
        {
            verification.Findings.Error(file.Name, "The table's last key is not the largest key that the MANIFEST gives it.");
        }
    }

    private void Report(BlockHandle handle, string problem, bool isCertain, bool losesKeys = true)
    {
        var where = string.Create(CultureInfo.InvariantCulture, $"{file.Name} block {blockNumber} offset {handle.Offset}");
        isWhole &= !losesKeys;
        if (isCertain)
        {
            verification.Findings.Error(where, $"{problem}.");
        }
        else
        {
            verification.Findings.Warning(where, $"{problem}.");
            verification.GiveUpCountingIf(losesKeys);
        }
    }

    private void Account()
    {
        var now = keys.HeldBytes + file.IndexBlock.Length + (file.Filter?.HeldBytes ?? 0);
        verification.Hold(now - held);
        held = now;
    }
}
