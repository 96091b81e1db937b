using System.Globalization;
using BackupApi.Archive;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Whether the unpacked tree fits beside storage, and the safety backup beside the others; the old files stay until the new ones were checked.</summary>
internal sealed class RestoreRoom(ServiceSettings settings, PredictRoom predict, DiskGuard guard)
{
    /// <summary>What an entry takes on the disk beyond its content: half a block, an inode, a name.</summary>
    private const long BytesEachEntry = 4096;

    /// <summary>A restore begins with that many times the room below which nothing is written at all: 500 MB where MIN_FREE_MB is 100.</summary>
    private const int ComfortFactor = 5;

    /// <summary>An archive that unpacks to more than what is free is stopped where it gets there, however small it is.</summary>
    public ArchiveLimits Limits() => new(Math.Max(0, MountFacts.Of(settings.StoragePath).FreeBytes - settings.MinFreeBytes));

    /// <summary>What an unpacked tree takes.</summary>
    public static long Needed(long contentBytes, long entries) => contentBytes + (entries * BytesEachEntry);

    /// <param name="makesRoom">Rotation may make room in the backups folder; never for a dry run.</param>
    /// <exception cref="BackupException"><see cref="Fault.NoRoom"/> with both numbers. Where it is only that little is free, <c>force</c> goes on as long as everything fits.</exception>
    public void Require(RestoreRequest request, long contentBytes, long entries, bool makesRoom = true)
    {
        LookAtStorage.RequireFolder(settings.StoragePath);
        var free = MountFacts.Of(settings.StoragePath).FreeBytes;
        if (!request.Force && free < settings.MinFreeBytes * ComfortFactor)
        {
            throw new BackupException(
                Fault.NoRoom,
                string.Create(CultureInfo.InvariantCulture, $"Only {free >> 20} MB are free on the disk of storage; a restore is not begun below {settings.MinFreeBytes * ComfortFactor >> 20} MB."),
                "Free some room there, lower MIN_FREE_MB, or ask again with 'force'.");
        }

        guard.Require("This restore", Tree(contentBytes, entries), spare: request.BackupName, makesRoom);
    }

    /// <summary>Whether the safety backup fits too, as things are. Where it does not, and rotation makes no room, the replaced files are kept as the way back, which takes no more.</summary>
    public bool HoldsSafetyBackup(StorageTree live, long contentBytes, long entries) =>
        guard.HasRoom([.. Tree(contentBytes, entries), .. predict.OfSafetyBackup(live)]);

    /// <summary>The backups folder too must be above its floor: records of what is done go there.</summary>
    private RoomNeed[] Tree(long contentBytes, long entries) => [new(settings.StoragePath, Needed(contentBytes, entries), "for what is unpacked"), new(settings.BackupsPath, 0, "")];

    /// <summary>Works while there is room above the floor, on the disk of storage and on that of the backups.</summary>
    public Task<T> WhileRoomAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken ct) =>
        guard.WhileRoomAsync("This restore", [settings.StoragePath, settings.BackupsPath], work, ct);
}
