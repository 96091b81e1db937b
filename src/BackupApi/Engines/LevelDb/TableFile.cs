using System.Text;
using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.LevelDb;

/// <summary>An open table whose footer, index block and filter were found sound (table/format.cc).</summary>
internal sealed record TableFile(string Name, SafeFileHandle Handle, long Length, BlockHandle Index, ReadOnlyMemory<byte> IndexBlock, long DataEnd, BloomFilter? Filter) : IDisposable
{
    public const int FooterBytes = 48;
    public static ReadOnlySpan<byte> Magic => [0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB];

    private const int HandlesBytes = 40;

    /// <summary>Opens a table and checks all but its data blocks; reports and gives null when it cannot be read at all.</summary>
    public static TableFile? Open(Verification verification, string name, ulong expectedSize)
    {
        SafeFileHandle? file = null;
        try
        {
            var path = verification.PathOf(name);
            file = Posix.OpenRead(path);
            var stat = Posix.Stat(file, path);
            if (stat.Kind != FileKind.File || (ulong)stat.Size != expectedSize)
            {
                verification.Findings.Error(name, $"The table has {stat.Size} bytes, the MANIFEST says {expectedSize}.");
                if (stat.Kind != FileKind.File)
                {
                    return null;
                }
            }

            var table = ReadFooter(verification, name, file, stat.Size);
            file = table is null ? file : null;
            return table;
        }
        catch (PosixException e) when (e.Errno == Errno.ENOENT)
        {
            verification.Findings.Error(name, "The table is missing, though the MANIFEST lists it.");
            return null;
        }
        catch (IOException e)
        {
            verification.Findings.Error(name, $"The table cannot be read: {e.Message}.");
            return null;
        }
        finally
        {
            file?.Dispose();
        }
    }

    public void Dispose() => Handle.Dispose();

    private static TableFile? ReadFooter(Verification verification, string name, SafeFileHandle file, long length)
    {
        var findings = verification.Findings;
        var footer = new byte[FooterBytes];
        var footerAt = length - FooterBytes;
        if (footerAt < 0 || QuietCopy.ReadFully(file, footer, footerAt) < FooterBytes || !footer.AsSpan(HandlesBytes).SequenceEqual(Magic))
        {
            findings.Error(Findings.At(name, Math.Max(0, footerAt)), "The table's end is not a footer of LevelDB: it is cut or overwritten.");
            return null;
        }

        var cursor = new ByteCursor(footer.AsSpan(0, HandlesBytes));
        if (!BlockHandle.TryRead(ref cursor, footerAt, out var metaindex) || !BlockHandle.TryRead(ref cursor, footerAt, out var index)
            || metaindex.End > index.Offset)
        {
            findings.Error(Findings.At(name, footerAt), "The footer's block handles lead out of the table or into each other.");
            return null;
        }

        if (footer.AsSpan(cursor.Position, HandlesBytes - cursor.Position).ContainsAnyExcept((byte)0))
        {
            findings.Warning(Findings.At(name, footerAt), "The footer's padding is not zero.");
        }

        var dataEnd = metaindex.Offset;
        var filter = ReadFilter(verification, name, file, metaindex, ref dataEnd);
        var state = verification.Blocks.Read(file, index, out var contents);
        if (state != BlockState.Sound)
        {
            Report(findings, state, Findings.At(name, index.Offset), $"Index block: {verification.Blocks.Message}.");
            verification.GiveUpCountingIf(state == BlockState.Opaque);
            return null;
        }

        return new TableFile(name, file, length, index, contents.ToArray(), dataEnd, filter);
    }

    private static BloomFilter? ReadFilter(Verification verification, string name, SafeFileHandle file, BlockHandle metaindex, ref long dataEnd)
    {
        var findings = verification.Findings;
        var where = Findings.At(name, metaindex.Offset);
        var state = verification.Blocks.Read(file, metaindex, out var contents);
        if (state != BlockState.Sound)
        {
            Report(findings, state, where, $"Metaindex block: {verification.Blocks.Message}.");
            return null;
        }

        BlockHandle? bloom = null;
        var walker = new BlockWalker();
        walker.Start(contents, hasInternalKeys: false, isOrdered: false);
        while (walker.MoveNext())
        {
            var value = new ByteCursor(walker.Value);
            if (!BlockHandle.TryRead(ref value, metaindex.Offset, out var handle))
            {
                findings.Error(where, "Metaindex block: a handle leads out of the table.");
                return null;
            }

            dataEnd = Math.Min(dataEnd, handle.Offset);
            if (bloom is null && walker.Key.SequenceEqual(Encoding.ASCII.GetBytes(BloomFilter.PolicyName)))
            {
                bloom = handle;
            }
        }

        if (walker.Problem is { } problem)
        {
            findings.Error(where, $"Metaindex block: {problem}.");
            return null;
        }

        if (bloom is not { } found)
        {
            return null;
        }

        state = verification.Blocks.Read(file, found, out contents);
        if (state != BlockState.Sound)
        {
            Report(findings, state, Findings.At(name, found.Offset), $"Filter block: {verification.Blocks.Message}.");
            return null;
        }

        var filter = BloomFilter.Parse(contents.Span);
        if (filter is null)
        {
            findings.Warning(Findings.At(name, found.Offset), "The filter block has not the form of one; the engine does without it.");
        }

        return filter;
    }

    private static void Report(Findings findings, BlockState state, string where, string message)
    {
        if (state == BlockState.Damaged)
        {
            findings.Error(where, message);
        }
        else
        {
            findings.Warning(where, message);
        }
    }
}
