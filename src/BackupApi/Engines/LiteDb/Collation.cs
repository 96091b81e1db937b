using System.Text;

namespace BackupApi.Engines.LiteDb;

/// <summary>The order of texts that the header states: a culture by its LCID, and .NET's CompareOptions (Collation.cs, EnginePragmas.cs).</summary>
/// <remarks>
/// The engine asks the machine's ICU or NLS, or neither (InvariantGlobalization), each in its own version. So only what all of them agree on is judged:
/// the first place where two texts differ, when a digit or an ASCII letter stands there in both. Everything else counts as in order.
/// </remarks>
internal readonly record struct Collation(int Lcid, int Options)
{
    /// <summary>LCIDs are 20 bits: language, sort order.</summary>
    public const int LargestLcid = 0xFFFFF;

    private const int Invariant = 127;
    private const int LanguageBits = 0x3FF;
    private const int English = 9;

    private const int IgnoreCase = 1;
    private const int Ordinal = 0x40000000;
    private const int OrdinalIgnoreCase = 0x10000000;

    /// <summary>IgnoreCase, -NonSpace, -Symbols, -KanaType, -Width and StringSort: none of them reorders digits and ASCII letters, as NumericOrdering would.</summary>
    private const int Harmless = 0x1F | 0x20000000;

    public bool IsKnown => Lcid is > 0 and <= LargestLcid;

    /// <summary>True when <paramref name="left"/> belongs behind <paramref name="right"/> on every machine; false also where that is not certain.</summary>
    /// <param name="left">UTF-8, as is <paramref name="right"/>.</param>
    public bool IsReversed(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => Options switch
    {
        _ when !IsKnown => false,
        Ordinal => IsReversedByCodeUnits(left, right),
        OrdinalIgnoreCase => IsReversedByLetters(left, right, Letters.OfAnyCase),
        _ when (Options & ~Harmless) != 0 => false,
        _ when (Options & IgnoreCase) == 0 && left.SequenceCompareTo(right) <= 0 => false,
        _ => IsReversedByLetters(left, right, IsPlainAlphabet ? Letters.OfAnyCase : Letters.None),
    };

    /// <summary>Other alphabets have letters of two characters, others between, or two kinds of i.</summary>
    private bool IsPlainAlphabet => Lcid == Invariant || (Lcid & LanguageBits) == English;

    private enum Letters
    {
        /// <summary>Only digits are judged, behind a beginning that is the same byte for byte.</summary>
        None,
        OfAnyCase,
    }

    private static bool IsReversedByCodeUnits(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var (l, r) = (Encoding.UTF8.GetString(left), Encoding.UTF8.GetString(right));

        // Half a surrogate pair is stored as this mark: its order was another one in memory.
        return string.CompareOrdinal(l, r) > 0 && !l.Contains('\uFFFD', StringComparison.Ordinal) && !r.Contains('\uFFFD', StringComparison.Ordinal);
    }

    private static bool IsReversedByLetters(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Letters letters)
    {
        var shorter = Math.Min(left.Length, right.Length);
        for (var i = 0; i < shorter; i++)
        {
            if (left[i] == right[i])
            {
                continue;
            }

            var (l, r) = (Upper(left[i]), Upper(right[i]));
            if (l == r && letters == Letters.OfAnyCase)
            {
                continue;
            }

            var isJudged = letters == Letters.OfAnyCase
                ? char.IsAsciiLetterOrDigit((char)l) && char.IsAsciiLetterOrDigit((char)r)
                : IsDigitAmongOthers(l, r);
            return isJudged && l > r;
        }

        return left.Length > shorter && char.IsAsciiLetterOrDigit((char)left[shorter]);
    }

    private static bool IsDigitAmongOthers(byte left, byte right) =>
        (char.IsAsciiDigit((char)left) && char.IsAsciiLetterOrDigit((char)right)) || (char.IsAsciiDigit((char)right) && char.IsAsciiLetterOrDigit((char)left));

    private static byte Upper(byte letter) => letter is >= (byte)'a' and <= (byte)'z' ? (byte)(letter - 32) : letter;
}
