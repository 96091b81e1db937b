using System.Buffers;
using System.Security.Cryptography;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Files;

/// <summary>Copies files that belong together as they stood at one moment, without any lock, by proving that nobody changed them meanwhile.</summary>
/// <remarks>
/// Device, inode, size, mtime and ctime must agree before, at open and after; a file changed within <see cref="Settling"/> of the copy
/// is read a second time and must hash the same, because a time stamp may be too coarse to tell two writes apart.
/// Two equal reads prove that nobody wrote, not that a writer had finished: only formats that survive a crash at any instant may rely on this.
/// </remarks>
internal static class StableCopy
{
    /// <summary>How long after a write a time stamp is not yet trusted.</summary>
    public static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    private const int BufferBytes = 1 << 20;

    /// <summary>One try. Names that do not exist are fine, as long as they still do not exist afterwards.</summary>
    /// <returns>The facts of each file, null where there is none, in the order given; or null when something changed: the copies are then worthless.</returns>
    public static IReadOnlyList<FileStat?>? TryCopy(IReadOnlyList<(string From, string To)> unit, TimeProvider time, CancellationToken ct)
    {
        var before = unit.Select(file => Posix.FindStat(file.From)).ToList();
        var youngest = UnixTime.From(time.GetUtcNow() - Settling);
        var hashes = new byte[]?[unit.Count];
        for (var i = 0; i < unit.Count; i++)
        {
            if (before[i] is not { } stat)
            {
                continue;
            }

            // Inside the kernel where the times tell all there is to know; else the content must be known.
            var isCopied = IsYoung(stat, youngest) ? (hashes[i] = CopyOne(unit[i].From, unit[i].To, stat, ct)) is not null : CopyInKernel(unit[i].From, unit[i].To, stat, ct);
            if (!isCopied)
            {
                return null;
            }
        }

        if (!SameNow(unit, before))
        {
            return null;
        }

        for (var i = 0; i < unit.Count; i++)
        {
            if (hashes[i] is { } hash && !HashOf(unit[i].From, before[i]!.Value, ct).AsSpan().SequenceEqual(hash))
            {
                return null;
            }
        }

        return SameNow(unit, before) ? before : null;
    }

    private static bool IsYoung(FileStat stat, UnixTime youngest) => stat.Modified.CompareTo(youngest) >= 0 || stat.Changed.CompareTo(youngest) >= 0;

    private static bool SameNow(IReadOnlyList<(string From, string To)> unit, List<FileStat?> before)
    {
        for (var i = 0; i < unit.Count; i++)
        {
            if (Posix.FindStat(unit[i].From)?.Fingerprint != before[i]?.Fingerprint)
            {
                return false;
            }
        }

        return true;
    }

    private static bool CopyInKernel(string from, string to, FileStat expected, CancellationToken ct)
    {
        using var source = OpenSame(from, expected);
        return source is not null && QuietCopy.Copy(source, expected.Size, to, ct) == expected.Size;
    }

    /// <summary>SHA-256 of what was copied; null when the file was not the expected one.</summary>
    private static byte[]? CopyOne(string from, string to, FileStat expected, CancellationToken ct)
    {
        using var source = OpenSame(from, expected);
        if (source is null)
        {
            return null;
        }

        using var target = Posix.CreateNew(to);
        return Read(source, expected.Size, target, ct);
    }

    /// <summary>SHA-256 of a file that is still the expected one; empty when it is not.</summary>
    private static byte[] HashOf(string path, FileStat expected, CancellationToken ct)
    {
        using var source = OpenSame(path, expected);
        return source is null ? [] : Read(source, expected.Size, target: null, ct) ?? [];
    }

    private static SafeFileHandle? OpenSame(string path, FileStat expected)
    {
        try
        {
            var file = Posix.OpenRead(path);
            if (Posix.Stat(file, path).Fingerprint == expected.Fingerprint)
            {
                return file;
            }

            file.Dispose();
            return null;
        }
        catch (PosixException e) when (e.Errno is Errno.ENOENT or Errno.ELOOP)
        {
            return null;
        }
    }

    private static byte[]? Read(SafeFileHandle source, long size, SafeFileHandle? target, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            for (long at = 0; at < size;)
            {
                ct.ThrowIfCancellationRequested();
                var length = RandomAccess.Read(source, buffer.AsSpan(0, (int)Math.Min(BufferBytes, size - at)), at);
                if (length == 0)
                {
                    return null;
                }

                hash.AppendData(buffer, 0, length);
                if (target is not null)
                {
                    RandomAccess.Write(target, buffer.AsSpan(0, length), at);
                }

                at += length;
            }

            return hash.GetHashAndReset();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
