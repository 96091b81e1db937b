using System.Text;

namespace BackupApi.Files;

/// <summary>Names between the kernel's bytes and .NET's strings, without loss.</summary>
/// <remarks>
/// A Linux name is any bytes but NUL and <c>/</c>. A byte that is not part of valid UTF-8 becomes one lone low surrogate
/// U+DC80 to U+DCFF (PEP 383), which no valid UTF-8 can produce, so decoding and encoding are inverse.
/// </remarks>
internal static class PathText
{
    private const char FirstEscape = '\uDC80';
    private const char LastEscape = '\uDCFF';

    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
        {
            return Encoding.UTF8.GetString(bytes);
        }

        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var used) == System.Buffers.OperationStatus.Done)
            {
                text.Append(rune.ToString());
                bytes = bytes[used..];
            }
            else
            {
                text.Append((char)(0xDC00 + bytes[0]));
                bytes = bytes[1..];
            }
        }

        return text.ToString();
    }

    /// <summary>The bytes of <paramref name="name"/>, without a terminating NUL.</summary>
    public static byte[] Encode(string name)
    {
        if (!name.AsSpan().ContainsAnyInRange(FirstEscape, LastEscape))
        {
            return Encoding.UTF8.GetBytes(name);
        }

        var bytes = new MemoryStream(name.Length + 8);
        Span<byte> utf8 = stackalloc byte[4];
        for (var i = 0; i < name.Length; i++)
        {
            if (Rune.TryGetRuneAt(name, i, out var rune))
            {
                bytes.Write(utf8[..rune.EncodeToUtf8(utf8)]);
                i += rune.Utf16SequenceLength - 1;
            }
            else if (name[i] is >= FirstEscape and <= LastEscape)
            {
                bytes.WriteByte((byte)(name[i] - 0xDC00));
            }
            else
            {
                bytes.Write("\uFFFD"u8);
            }
        }

        return bytes.ToArray();
    }

    /// <summary>The bytes of a path for a system call: encoded and NUL-terminated; of one that is too long for it, another way to the same place.</summary>
    /// <exception cref="ArgumentException">The path holds a NUL, which would cut it short.</exception>
    internal static byte[] ForSystemCall(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException("A path cannot hold a NUL.", nameof(path));
        }

        if (!path.AsSpan().ContainsAnyInRange(FirstEscape, LastEscape))
        {
            var terminated = new byte[Encoding.UTF8.GetByteCount(path) + 1];
            Encoding.UTF8.GetBytes(path, terminated);
            return DeepPath.Reach(terminated);
        }

        var bytes = Encode(path);
        Array.Resize(ref bytes, bytes.Length + 1);
        return DeepPath.Reach(bytes);
    }

    /// <summary>For JSON, logs and people: bytes that are not UTF-8 as <c>\xNN</c>, a backslash as <c>\\</c>; everything else as it is.</summary>
    public static string Show(string name)
    {
        if (!name.Contains('\\', StringComparison.Ordinal) && !name.AsSpan().ContainsAnyInRange(FirstEscape, LastEscape))
        {
            return name;
        }

        var text = new StringBuilder(name.Length + 8);
        for (var i = 0; i < name.Length; i++)
        {
            var c = name[i];
            var isEscape = c is >= FirstEscape and <= LastEscape && (i == 0 || !char.IsHighSurrogate(name[i - 1]));
            _ = isEscape ? text.Append("\\x").Append((c - 0xDC00).ToString("X2", System.Globalization.CultureInfo.InvariantCulture))
                : c == '\\' ? text.Append("\\\\")
                : text.Append(c);
        }

        return text.ToString();
    }

    /// <summary>The inverse of <see cref="Show"/>; text that is no escape stands for itself.</summary>
    public static string Parse(string shown)
    {
        var text = new StringBuilder(shown.Length);
        for (var i = 0; i < shown.Length; i++)
        {
            if (shown[i] == '\\' && i + 1 < shown.Length && shown[i + 1] == '\\')
            {
                text.Append('\\');
                i++;
            }
            else if (shown[i] == '\\' && i + 3 < shown.Length && shown[i + 1] == 'x'
                && byte.TryParse(shown.AsSpan(i + 2, 2), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out var value)
                && value >= 0x80)
            {
                text.Append((char)(0xDC00 + value));
                i += 3;
            }
            else
            {
                text.Append(shown[i]);
            }
        }

        return text.ToString();
    }

    /// <summary>Order of a walk: part by part, each by its bytes, so that a folder is followed by all it holds.</summary>
    public static int ComparePaths(string left, string right)
    {
        var common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
        {
            return left.Length.CompareTo(right.Length);
        }

        // No name holds a NUL or a slash, so the end of a part sorts before everything that may follow in it.
        return left[common] == '/' ? -1
            : right[common] == '/' ? 1
            : left[common] < 0x80 && right[common] < 0x80 ? left[common].CompareTo(right[common])
            : Encode(left).AsSpan().SequenceCompareTo(Encode(right));
    }

    /// <summary>Order of names by their bytes, the same on every machine and in every culture.</summary>
    public static int CompareBytes(string left, string right)
    {
        var length = Math.Min(left.Length, right.Length);
        for (var i = 0; i < length; i++)
        {
            if (left[i] != right[i])
            {
                return left[i] < 0x80 && right[i] < 0x80
                    ? left[i].CompareTo(right[i])
                    : Encode(left).AsSpan().SequenceCompareTo(Encode(right));
            }
        }

        return left.Length.CompareTo(right.Length);
    }
}
