using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>Copies a file that lies on a failing disk: what cannot be read there becomes zeros, and is told.</summary>
/// <remarks>For looking at a copy of something damaged, never for a backup. Takes no lock on the source and changes nothing of it. A disk may try for seconds over each piece.</remarks>
internal static class RescueCopy
{
    private const int BufferBytes = 1 << 20;

    /// <summary>The unit in which a disk fails: a page of the kernel's cache.</summary>
    private const int PieceBytes = 4096;

    /// <param name="to">Must not exist yet.</param>
    /// <returns>Bytes from and to (exclusive) of each stretch that could not be read, in order.</returns>
    /// <exception cref="IOException">The copy cannot be written, or the source cannot be read for another reason than EIO.</exception>
    public static IReadOnlyList<(long From, long To)> Run(string from, string to, CancellationToken ct)
    {
        using var source = Posix.OpenRead(from);
        using var target = Posix.CreateNew(to);
        var length = RandomAccess.GetLength(source);
        var buffer = new byte[BufferBytes];
        var lost = new List<(long From, long To)>();
        for (long at = 0; at < length; at += BufferBytes)
        {
            ct.ThrowIfCancellationRequested();
            var wanted = (int)Math.Min(BufferBytes, length - at);
            if (!TryCopy(source, target, buffer.AsSpan(0, wanted), at))
            {
                for (var piece = 0; piece < wanted; piece += PieceBytes)
                {
                    ct.ThrowIfCancellationRequested();
                    var (start, end) = (at + piece, at + Math.Min(wanted, piece + PieceBytes));
                    if (!TryCopy(source, target, buffer.AsSpan(0, (int)(end - start)), start))
                    {
                        if (lost.Count > 0 && lost[^1].To == start)
                        {
                            lost[^1] = (lost[^1].From, end);
                        }
                        else
                        {
                            lost.Add((start, end));
                        }
                    }
                }
            }
        }

        RandomAccess.SetLength(target, length);
        return lost;
    }

    /// <summary>False when the disk does not give these bytes. What lies behind the end of a file that became shorter is zeros.</summary>
    private static bool TryCopy(SafeFileHandle source, SafeFileHandle target, Span<byte> bytes, long at)
    {
        int read;
        try
        {
            read = QuietCopy.ReadFully(source, bytes, at);
        }
        catch (IOException e) when (e.HResult == Errno.EIO)
        {
            return false;
        }

        RandomAccess.Write(target, bytes[..read], at);
        return true;
    }
}
