using BackupApi.Files;

namespace BackupApi.Archive;

/// <summary>The order of entries: by the bytes of the names, with <c>/</c> before every other byte, so that a folder is followed by all it holds and by nothing else until its end.</summary>
/// <remarks>Plain byte order would put <c>a-b</c> between <c>a</c> and <c>a/b</c>; GNU tar then restores the time of <c>a</c> too early, before it unpacks <c>a/b</c>.</remarks>
internal sealed class EntryOrder : IComparer<string>
{
    public static EntryOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        var common = x.AsSpan().CommonPrefixLength(y);
        if (common == x.Length || common == y.Length)
        {
            return x.Length.CompareTo(y.Length);
        }

        if (x[common] < 0x80 && y[common] < 0x80)
        {
            return Weight((byte)x[common]).CompareTo(Weight((byte)y[common]));
        }

        var (left, right) = (PathText.Encode(x), PathText.Encode(y));
        var at = left.AsSpan().CommonPrefixLength(right);
        return at == left.Length || at == right.Length ? left.Length.CompareTo(right.Length) : Weight(left[at]).CompareTo(Weight(right[at]));
    }

    private static int Weight(byte b) => b == '/' ? 0 : b;
}
