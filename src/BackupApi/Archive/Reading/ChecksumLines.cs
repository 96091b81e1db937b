using System.Text;
using BackupApi.Archive.Format;

namespace BackupApi.Archive.Reading;

/// <summary>The lines of a list of checksums, their bytes as Latin-1. One that is longer than any name can make it is cut, so that it matches nothing and takes no memory.</summary>
internal sealed class ChecksumLines(Func<Memory<byte>, CancellationToken, ValueTask<int>> read)
{
    /// <summary>A hash, two separators, and a name of which every byte is escaped.</summary>
    private const int MaxLength = 70 + (2 * EntryName.MaxBytes);

    private readonly byte[] buffer = new byte[ArchiveLayout.ChunkLength];
    private readonly StringBuilder line = new();
    private int at;
    private int end;

    /// <summary>Without its line feed; null behind the last one.</summary>
    public async ValueTask<string?> NextAsync(CancellationToken ct)
    {
        line.Clear();
        var isCut = false;
        while (true)
        {
            if (at == end)
            {
                (at, end) = (0, await read(buffer, ct));
                if (end == 0)
                {
                    return line.Length == 0 ? null : Finish(isCut);
                }
            }

            var rest = buffer.AsMemory(at, end - at);
            var feed = rest.Span.IndexOf((byte)'\n');
            var piece = feed < 0 ? rest : rest[..feed];
            var fits = Math.Min(piece.Length, MaxLength - line.Length);
            line.Append(Encoding.Latin1.GetString(piece.Span[..fits]));
            isCut |= fits < piece.Length;
            at += piece.Length + (feed < 0 ? 0 : 1);
            if (feed >= 0)
            {
                return Finish(isCut);
            }
        }
    }

    private string Finish(bool isCut) => isCut ? $"?{line}" : line.ToString();
}
