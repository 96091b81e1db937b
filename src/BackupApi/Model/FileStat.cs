namespace BackupApi.Model;

/// <summary>What a name in a folder is. <see cref="Other"/> (socket, pipe, device) is never captured.</summary>
internal enum FileKind
{
    File,
    Directory,
    Symlink,
    Other,
}

/// <summary>An instant of a file system: seconds since 1970-01-01 UTC (may be negative) and nanoseconds 0 to 999,999,999.</summary>
internal readonly record struct UnixTime(long Seconds, uint Nanoseconds) : IComparable<UnixTime>
{
    public int CompareTo(UnixTime other) =>
        Seconds != other.Seconds ? Seconds.CompareTo(other.Seconds) : Nanoseconds.CompareTo(other.Nanoseconds);

    /// <summary>The same instant in ticks of 100 ns; clamped to the years 1 to 9999.</summary>
    public DateTimeOffset ToDateTimeOffset()
    {
        var seconds = Math.Clamp(Seconds, DateTimeOffset.MinValue.ToUnixTimeSeconds(), DateTimeOffset.MaxValue.ToUnixTimeSeconds());
        return DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(seconds == Seconds ? Nanoseconds / 100 : 0);
    }

    public static UnixTime From(DateTimeOffset instant)
    {
        var ticks = instant.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        var seconds = Math.DivRem(ticks, TimeSpan.TicksPerSecond, out var rest);
        return rest < 0
            ? new UnixTime(seconds - 1, (uint)((rest + TimeSpan.TicksPerSecond) * 100))
            : new UnixTime(seconds, (uint)(rest * 100));
    }
}

/// <summary>The facts of one name, as statx(2) gives them; a symlink is not followed.</summary>
/// <param name="Mode">Permission bits with setuid, setgid and sticky: 0 to 0xFFF.</param>
/// <param name="Device">Major in the upper, minor in the lower 32 bits.</param>
/// <param name="MountId">Tells two mounts of one device apart; 0 where the kernel does not say.</param>
internal readonly record struct FileStat(
    FileKind Kind,
    uint Mode,
    uint Uid,
    uint Gid,
    long Size,
    uint Links,
    ulong Device,
    ulong Inode,
    UnixTime Modified,
    UnixTime Changed,
    ulong MountId)
{
    /// <summary>What must not differ between two looks for the content to be called unchanged.</summary>
    public Fingerprint Fingerprint => new(Device, Inode, Size, Modified, Changed);
}

/// <summary>Identity and times of a file's content: equal fingerprints mean equal content, within the bounds that docs/DESIGN.md states.</summary>
internal readonly record struct Fingerprint(ulong Device, ulong Inode, long Size, UnixTime Modified, UnixTime Changed);
