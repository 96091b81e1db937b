using System.Text;
using BackupApi.Files;

namespace BackupApi.Archive.Writing;

/// <summary>Lines of <c>.backup/SHA256SUMS</c>, as <c>sha256sum -c</c> reads them (GNU coreutils, "cksum output modes").</summary>
internal static class ChecksumList
{
    public const string EntryName = ".backup/SHA256SUMS";

    /// <summary>Hash, two spaces, name, LF. A name with a backslash, LF or CR is escaped and its line begins with a backslash.</summary>
    public static byte[] Line(string sha256, string name)
    {
        var isEscaped = name.AsSpan().ContainsAny('\\', '\n', '\r');
        var text = isEscaped
            ? name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal)
            : name;
        return [.. Encoding.ASCII.GetBytes($"{(isEscaped ? "\\" : "")}{sha256}  "), .. PathText.Encode(text), (byte)'\n'];
    }
}
