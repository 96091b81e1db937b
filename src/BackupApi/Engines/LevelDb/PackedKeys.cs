using System.Runtime.CompilerServices;

namespace BackupApi.Engines.LevelDb;

/// <summary>The keys of one block without their values, still prefix-compressed: never larger than the block, and small when the values are large.</summary>
internal sealed class PackedKeys
{
    private byte[] packed = [];
    private byte[] key = new byte[64];
    private int length;
    private int position;
    private int keyLength;

    public ReadOnlySpan<byte> Key => key.AsSpan(0, keyLength);

    /// <summary>Bytes of memory held.</summary>
    public long HeldBytes => packed.Length + key.Length;

    public void Clear() => (length, position, keyLength) = (0, 0, 0);

    /// <summary>Gives the memory back.</summary>
    public void Drop()
    {
        Clear();
        (packed, key) = ([], []);
    }

    /// <summary>Adds a key that shares its first <paramref name="shared"/> bytes with the one added before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(int shared, ReadOnlySpan<byte> suffix)
    {
        if (packed.Length - length < suffix.Length + 10)
        {
            Array.Resize(ref packed, (int)Math.Min(Array.MaxLength, Math.Max(1024, 2L * (length + suffix.Length + 10))));
        }

        Write((uint)shared);
        Write((uint)suffix.Length);
        suffix.CopyTo(packed.AsSpan(length));
        length += suffix.Length;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool MoveNext()
    {
        if (position >= length)
        {
            return false;
        }

        var cursor = new ByteCursor(packed.AsSpan(position, length - position));
        cursor.TryVarint32(out var shared);
        cursor.TryString(out var suffix);
        position += cursor.Position;
        keyLength = (int)shared + suffix.Length;
        if (key.Length < keyLength)
        {
            Array.Resize(ref key, keyLength * 2);
        }

        suffix.CopyTo(key.AsSpan((int)shared));
        return true;
    }

    private void Write(uint value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            packed[length++] = (byte)(value | 0x80);
        }

        packed[length++] = (byte)value;
    }
}
