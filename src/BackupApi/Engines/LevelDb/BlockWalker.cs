using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace BackupApi.Engines.LevelDb;

/// <summary>Walks the entries of one block and checks each on the way: lengths, restart points, and for internal keys their order and tags (table/block_builder.cc).</summary>
/// <remarks>
/// An entry is: varint32 bytes shared with the key before, varint32 bytes not shared, varint32 value length, rest of key, value.
/// After the entries come the restart points, u32 each, and their count, u32; the entry at a restart point shares nothing.
/// </remarks>
internal sealed class BlockWalker
{
    /// <summary>Bytes of keys put together in one block: prefix compression lets a small block stand for any number.</summary>
    private const long MaxKeyBytes = 1L << 30;

    private ReadOnlyMemory<byte> block;
    private byte[] key = new byte[256];
    private byte[] previous = new byte[256];
    private int keyLength, previousLength;
    private int restartsAt, restartCount, nextRestart, position;
    private long keyBytes;
    private bool hasInternalKeys, isOrdered;

    /// <summary>What is wrong with the block, once <see cref="MoveNext"/> gave false; null when it ended well.</summary>
    public string? Problem { get; private set; }

    /// <summary>True when the keys of the block are too much to be put together here: it may be sound.</summary>
    public bool IsTooMuch { get; private set; }

    public ReadOnlySpan<byte> Key => key.AsSpan(0, keyLength);

    public ReadOnlySpan<byte> Value { get => block.Span.Slice(ValueAt, ValueLength); }

    /// <summary>How many first bytes of <see cref="Key"/> are those of the key before.</summary>
    public int Shared { get; private set; }

    private int ValueAt { get; set; }

    private int ValueLength { get; set; }

    /// <param name="isOrdered">False for a comparator this service does not know: only tags are checked then.</param>
    public void Start(ReadOnlyMemory<byte> contents, bool hasInternalKeys, bool isOrdered)
    {
        block = contents;
        (this.hasInternalKeys, this.isOrdered) = (hasInternalKeys, isOrdered);
        (keyLength, previousLength, nextRestart, position, keyBytes) = (0, 0, 0, 0, 0);
        (Problem, IsTooMuch) = (null, false);
        var bytes = contents.Span;
        var count = bytes.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[^4..]) : 0;
        if (count == 0 || count > (uint)(bytes.Length - 4) / 4)
        {
            restartsAt = 0;
            Problem = "The block's list of restart points does not fit it";
            return;
        }

        restartCount = (int)count;
        restartsAt = bytes.Length - 4 - (4 * restartCount);
        if (RestartAt(0) != 0)
        {
            Problem = "The block's first restart point is not its beginning";
        }
    }

    public bool MoveNext()
    {
        if (Problem is not null)
        {
            return false;
        }

        if (position >= restartsAt)
        {
            Problem = nextRestart < restartCount && restartsAt > 0 ? "A restart point lies outside of the block's entries" : null;
            return false;
        }

        Problem = Advance();
        return Problem is null;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private string? Advance()
    {
        var cursor = new ByteCursor(block.Span[position..restartsAt]);
        if (!cursor.TryVarint32(out var shared) || !cursor.TryVarint32(out var rest) || !cursor.TryVarint32(out var valueLength)
            || !cursor.TryTake(rest, out var suffix) || !cursor.TryTake(valueLength, out _) || shared > keyLength)
        {
            return "An entry leads out of the block";
        }

        if (nextRestart < restartCount && RestartAt(nextRestart) <= position)
        {
            if (RestartAt(nextRestart) != position || shared != 0)
            {
                return "A restart point is not the beginning of a whole key";
            }

            nextRestart++;
        }

        Shared = (int)shared;
        BuildKey(suffix);
        ValueLength = (int)valueLength;
        position += cursor.Position;
        ValueAt = position - ValueLength;
        keyBytes += keyLength;
        IsTooMuch = keyBytes > MaxKeyBytes;
        return IsTooMuch ? "The block's keys are too long to be put together" : hasInternalKeys ? CheckKey() : null;
    }

    private void BuildKey(ReadOnlySpan<byte> suffix)
    {
        var length = Shared + suffix.Length;
        (key, previous) = (previous, key);
        (previousLength, keyLength) = (keyLength, length);
        if (key.Length < length)
        {
            key = new byte[length * 2L > Array.MaxLength ? length : length * 2];
        }

        previous.AsSpan(0, Shared).CopyTo(key);
        suffix.CopyTo(key.AsSpan(Shared));
    }

    private string? CheckKey()
    {
        if (keyLength < InternalKey.TagBytes)
        {
            return "A key is shorter than its own tag";
        }

        if ((byte)InternalKey.Tag(Key) > InternalKey.Value)
        {
            return "A key has an unknown type";
        }

        return isOrdered && previousLength > 0 && InternalKey.Compare(previous.AsSpan(0, previousLength), Key) >= 0
            ? "Keys are not in ascending order"
            : null;
    }

    private uint RestartAt(int index) => BinaryPrimitives.ReadUInt32LittleEndian(block.Span[(restartsAt + (4 * index))..]);
}
