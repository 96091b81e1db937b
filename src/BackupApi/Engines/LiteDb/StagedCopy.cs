using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.LiteDb;

/// <summary>A copy in staging that is brought up to its live file piece by piece: only what differs is written.</summary>
internal sealed class StagedCopy : IDisposable
{
    private const int PieceLength = 1 << 20;

    private readonly SafeFileHandle staged;
    private readonly byte[] theirs;
    private readonly byte[] ours;

    public StagedCopy(string path)
    {
        Path = path;
        staged = Posix.CreateNew(path);
        theirs = GC.AllocateUninitializedArray<byte>(PieceLength);
        ours = GC.AllocateUninitializedArray<byte>(PieceLength);
    }

    public string Path { get; }

    public long Length { get; private set; }

    /// <summary>Makes the bytes from <paramref name="from"/> to <paramref name="to"/> those of the live file, and cuts off what lies beyond.</summary>
    /// <param name="mayGoOn">Asked before each piece of 1 MiB; false ends the work.</param>
    /// <returns>How many pieces differed; null when the work was ended or the live file became shorter.</returns>
    public long? Patch(SafeFileHandle live, long from, long to, Func<bool> mayGoOn, CancellationToken ct)
    {
        long changed = 0;
        for (var at = from; at < to; at += PieceLength)
        {
            ct.ThrowIfCancellationRequested();
            var piece = theirs.AsSpan(0, (int)Math.Min(PieceLength, to - at));
            if (!mayGoOn() || !TryFill(live, piece, at))
            {
                return null;
            }

            if (!IsSame(piece, at))
            {
                changed++;
                Write(piece, at);
            }
        }

        if (Length != to)
        {
            changed++;
            RandomAccess.SetLength(staged, to);
            Length = to;
        }

        return changed;
    }

    public void Clear()
    {
        RandomAccess.SetLength(staged, 0);
        Length = 0;
    }

    /// <summary>Whether the whole copy still is the beginning of the live file.</summary>
    public bool IsPrefixOf(SafeFileHandle live, CancellationToken ct)
    {
        for (long at = 0; at < Length; at += PieceLength)
        {
            ct.ThrowIfCancellationRequested();
            var piece = theirs.AsSpan(0, (int)Math.Min(PieceLength, Length - at));
            if (!TryFill(live, piece, at) || !IsSame(piece, at))
            {
                return false;
            }
        }

        return true;
    }

    public void Dispose() => staged.Dispose();

    private bool IsSame(ReadOnlySpan<byte> piece, long at) =>
        at + piece.Length <= Length && TryFill(staged, ours.AsSpan(0, piece.Length), at) && piece.SequenceEqual(ours.AsSpan(0, piece.Length));

    private void Write(ReadOnlySpan<byte> piece, long at)
    {
        // New room of zeros is left as a hole: databases with an initial size are mostly that.
        if (at < Length || piece.IndexOfAnyExcept((byte)0) >= 0)
        {
            RandomAccess.Write(staged, piece, at);
            Length = Math.Max(Length, at + piece.Length);
        }
    }

    private static bool TryFill(SafeFileHandle file, Span<byte> into, long at)
    {
        while (!into.IsEmpty)
        {
            var read = RandomAccess.Read(file, into, at);
            if (read == 0)
            {
                return false;
            }

            into = into[read..];
            at += read;
        }

        return true;
    }
}
