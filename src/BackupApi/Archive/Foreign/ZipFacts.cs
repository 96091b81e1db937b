using System.Buffers.Binary;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Foreign;

/// <summary>What a zip's item says of its file, as facts of ours: name, kind, mode, owner, time.</summary>
internal static class ZipFacts
{
    private const ushort Utf8Flag = 0x800;
    private const ushort UnicodePathExtra = 0x7075;
    private const ushort UnixTimeExtra = 0x5455;
    private const ushort NtfsExtra = 0x000a;
    private const ushort UnixOwnerExtra = 0x7875;
    private const int HostUnix = 3;
    private const int HostMacOs = 19;

    /// <summary>Hosts whose programs have written <c>\</c> between folders, against the standard: FAT, NTFS, VFAT.</summary>
    private static readonly int[] BackslashHosts = [0, 10, 11, 14];

    public static ArchiveEntry ToEntry(ZipItem item)
    {
        var stored = NameOf(item);
        var isUnix = item.Host is HostUnix or HostMacOs;
        var type = isUnix ? item.Attributes >> 28 : 0;
        var isFolder = stored.EndsWith('/') || type == 4 || (!isUnix && (item.Attributes & 0x10) != 0);
        if (type is not (0 or 4 or 8 or 10))
        {
            throw EntryName.Hostile(stored, "is a device, a pipe or a socket");
        }

        var mode = isUnix ? (item.Attributes >> 16) & 0xFFF : 0;
        var (uid, gid) = OwnerOf(item);
        return new ArchiveEntry(
            EntryName.Clean(stored, isForeign: true),
            isFolder ? EntryKind.Directory : type == 10 ? EntryKind.Symlink : EntryKind.File,
            isFolder || type == 10 ? 0 : item.Size,
            mode != 0 ? mode : isFolder ? 0x1EDu /* 0755 */ : 0x1A4u /* 0644 */,
            uid,
            gid,
            ModifiedOf(item));
    }

    /// <summary>UTF-8 where the zip says so; else the bytes as they are, as the name of a Linux file would be.</summary>
    private static string NameOf(ZipItem item)
    {
        var unicode = ZipDirectory.FindExtra(item.Extra, UnicodePathExtra);
        var name = PathText.Decode((item.Flags & Utf8Flag) == 0 && unicode.Length > 5 && unicode[0] == 1 ? unicode[5..] : item.NameBytes);
        return BackslashHosts.Contains(item.Host) ? name.Replace('\\', '/') : name;
    }

    /// <summary>Info-ZIP's <c>ux</c> field: version 1, then each id with its length.</summary>
    private static (uint? Uid, uint? Gid) OwnerOf(ZipItem item)
    {
        var field = ZipDirectory.FindExtra(item.Extra, UnixOwnerExtra);
        return field.Length == 11 && field[0] == 1 && field[1] == 4 && field[6] == 4
            ? (BinaryPrimitives.ReadUInt32LittleEndian(field[2..]), BinaryPrimitives.ReadUInt32LittleEndian(field[7..]))
            : (null, null);
    }

    private static UnixTime ModifiedOf(ZipItem item)
    {
        var unix = ZipDirectory.FindExtra(item.Extra, UnixTimeExtra);
        if (unix.Length >= 5 && (unix[0] & 1) != 0)
        {
            return new UnixTime(BinaryPrimitives.ReadInt32LittleEndian(unix[1..]), 0);
        }

        // NTFS: four reserved bytes, tag 1, length 24, then modification time in 100 ns since 1601.
        var ntfs = ZipDirectory.FindExtra(item.Extra, NtfsExtra);
        if (ntfs.Length >= 32 && BinaryPrimitives.ReadUInt16LittleEndian(ntfs[4..]) == 1
            && BinaryPrimitives.ReadInt64LittleEndian(ntfs[8..]) is var ticks and > 0 && ticks < DateTimeOffset.MaxValue.UtcTicks - new DateTime(1601, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks)
        {
            return UnixTime.From(new DateTimeOffset(new DateTime(1601, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks + ticks, TimeSpan.Zero));
        }

        return DosTime(item.DosDate, item.DosTime);
    }

    /// <summary>Two-second steps in a zone that is not told: taken as UTC, so that the same archive restores alike everywhere.</summary>
    private static UnixTime DosTime(ushort date, ushort time)
    {
        var (year, month, day) = (1980 + (date >> 9), (date >> 5) & 15, date & 31);
        var (hour, minute, second) = (time >> 11, (time >> 5) & 63, (time & 31) * 2);
        var isReal = month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, Math.Clamp(month, 1, 12)) && hour < 24 && minute < 60 && second < 60;
        return isReal ? UnixTime.From(new DateTimeOffset(year, month, day, hour, minute, second, TimeSpan.Zero)) : new UnixTime(315532800, 0);
    }
}
