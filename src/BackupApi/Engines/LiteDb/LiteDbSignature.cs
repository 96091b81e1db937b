namespace BackupApi.Engines.LiteDb;

/// <summary>What a file's first bytes say.</summary>
internal enum LiteDbKind
{
    None,
    V5,
    V5Encrypted,
    V4,
}

/// <summary>Recognises LiteDB by the content of its first page, also when that page is damaged or the file is cut.</summary>
internal static class LiteDbSignature
{
    public const int MagicAt = 32;
    public const int VersionAt = 59;
    public const int V4MagicAt = 25;
    public const int V4VersionAt = 52;
    public const byte FileVersion = 8;

    /// <summary>How many of the 27 bytes must stand: a database whose magic lost a few bits is a damaged database, not a plain file.</summary>
    private const int MagicBytesNeeded = 20;

    public static ReadOnlySpan<byte> Magic => "** This is a LiteDB file **"u8;

    public static LiteDbKind Of(ReadOnlySpan<byte> head, long fileLength) =>
        LooksLikeMagic(head, MagicAt) ? LiteDbKind.V5
        : LooksLikeMagic(head, V4MagicAt) ? LiteDbKind.V4
        : LooksEncrypted(head, fileLength) ? LiteDbKind.V5Encrypted
        : LiteDbKind.None;

    /// <summary>The first page of a log may be an image of page 0; it is then the confirming page of its transaction, which a data file's page 0 never is.</summary>
    public static bool IsLogImage(ReadOnlySpan<byte> head) => head.Length > PageFormat.IsConfirmed && head[PageFormat.IsConfirmed] == 1;

    private static bool LooksLikeMagic(ReadOnlySpan<byte> head, int at)
    {
        if (head.Length < at + Magic.Length)
        {
            return false;
        }

        var equal = 0;
        for (var i = 0; i < Magic.Length; i++)
        {
            equal += head[at + i] == Magic[i] ? 1 : 0;
        }

        return equal >= MagicBytesNeeded;
    }

    /// <summary>The clear first page of an encrypted file (AesStream.cs): 1, salt, zeros, 32 bytes of check, zeros.</summary>
    /// <remarks>
    /// The check is one plaintext block encrypted twice in ECB mode, so its halves are equal: no other format is taken for it by chance.
    /// A check of zeros (never written, the engine writes it later) leaves a shape that any binary file might have;
    /// then the length must also be two or more whole pages.
    /// </remarks>
    private static bool LooksEncrypted(ReadOnlySpan<byte> head, long fileLength)
    {
        if (head.Length < 64 || head[0] != 1 || head[17..32].IndexOfAnyExcept((byte)0) >= 0 || head[1..17].IndexOfAnyExcept((byte)0) < 0
            || head[64..].IndexOfAnyExcept((byte)0) >= 0 || !head[32..48].SequenceEqual(head[48..64]))
        {
            return false;
        }

        var isCheckWritten = head[32..48].IndexOfAnyExcept((byte)0) >= 0;
        return isCheckWritten || (fileLength >= 2 * PageFormat.Size && fileLength % PageFormat.Size == 0);
    }
}
