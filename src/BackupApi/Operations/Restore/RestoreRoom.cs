using System.Globalization;
using BackupApi.Archive;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Whether the unpacked tree fits beside storage; the old files stay until the new ones were checked.</summary>
internal sealed class RestoreRoom(ServiceSettings settings)
{
    /// <summary>What an entry takes on the disk beyond its content: half a block, an inode, a name.</summary>
    private const long BytesEachEntry = 4096;

    /// <summary>A restore begins with that many times the room below which nothing is written at all: 500 MB where MIN_FREE_MB is 100.</summary>
    private const int ComfortFactor = 5;

    /// <summary>An archive that unpacks to more than what is free is stopped where it gets there, however small it is.</summary>
    public ArchiveLimits Limits() => new(Math.Max(0, MountFacts.Of(settings.StoragePath).FreeBytes - settings.MinFreeBytes));

    /// <summary>What an unpacked tree takes.</summary>
    public static long Needed(long contentBytes, long entries) => contentBytes + (entries * BytesEachEntry);

    /// <exception cref="BackupException"><see cref="Fault.NoRoom"/> with both numbers.</exception>
    /// <param name="force">Goes on although little is free, as long as the tree fits.</param>
    public void Require(long contentBytes, long entries, bool force)
    {
        var needed = Needed(contentBytes, entries) + settings.MinFreeBytes;
        var free = MountFacts.Of(settings.StoragePath).FreeBytes;
        if (!force && free < settings.MinFreeBytes * ComfortFactor)
        {
            throw new BackupException(
                Fault.NoRoom,
                string.Create(CultureInfo.InvariantCulture, $"Only {Megabytes(free)} MB are free on the disk of storage; a restore is not begun below {Megabytes(settings.MinFreeBytes * ComfortFactor)} MB."),
                "Free some room there, lower MIN_FREE_MB, or ask again with 'force'.");
        }

        if (free < needed)
        {
            throw new BackupException(
                Fault.NoRoom,
                string.Create(CultureInfo.InvariantCulture, $"This restore needs about {Megabytes(needed)} MB on the disk of storage, and {Megabytes(free)} MB are free."),
                "Free some room there: the old files stay until the new ones were checked.");
        }
    }

    private static long Megabytes(long bytes) => (bytes + (1 << 20) - 1) >> 20;
}
