using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Room that an operation is going to take.</summary>
/// <param name="Folder">Where; it exists.</param>
/// <param name="Bytes">About; never less than nothing.</param>
/// <param name="What">For the answer: <c>the archive</c>.</param>
internal sealed record RoomNeed(string Folder, long Bytes, string What);

/// <summary>Keeps operations from filling a disk: none begins that would not fit, none begins below the floor of MIN_FREE_MB, and one that reaches it on its way ends and clears up.</summary>
/// <remarks>Needs on one mount are added up. Where the backups folder is short, rotation goes first: it is the one thing that still runs below the floor.</remarks>
internal sealed class DiskGuard(ServiceSettings settings, ApplyRetention retention, TimeProvider clock)
{
    /// <summary>How often the floor is looked at while something is written. A disk that takes 1 GB a second passes the default floor of 100 MB by half at most.</summary>
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(50);

    /// <param name="operation">Begins the sentence: <c>This backup</c>.</param>
    /// <param name="spare">A backup that rotation must leave alone, because the operation is about it; null for none.</param>
    /// <param name="makesRoom">Whether rotation may run.</param>
    /// <exception cref="BackupException"><see cref="Fault.NoRoom"/> with both numbers, of the first mount that is too small.</exception>
    public void Require(string operation, IReadOnlyList<RoomNeed> needs, string? spare = null, bool makesRoom = true)
    {
        foreach (var mount in needs.GroupBy(need => Posix.FindTargetStat(need.Folder)?.Device))
        {
            var here = mount.ToList();
            var needed = here.Sum(need => need.Bytes) + settings.MinFreeBytes;
            if (MountFacts.Of(here[0].Folder).FreeBytes < needed && makesRoom && here.Exists(need => need.Folder == settings.BackupsPath))
            {
                retention.Run();
                retention.MakeRoom(needed, spare);
            }

            var free = MountFacts.Of(here[0].Folder).FreeBytes;
            if (free < needed)
            {
                throw TooSmall(operation, here, needed, free);
            }
        }
    }

    /// <summary>As <see cref="Require"/>, as a question: nothing is removed.</summary>
    public bool HasRoom(IReadOnlyList<RoomNeed> needs)
    {
        try
        {
            Require("", needs, makesRoom: false);
            return true;
        }
        catch (BackupException e) when (e.Fault == Fault.NoRoom)
        {
            return false;
        }
    }

    /// <summary>Works while there is room above the floor on every mount of <paramref name="folders"/>. Below it the token of the work is cancelled; what was begun is cleared up by whoever began it.</summary>
    /// <exception cref="BackupException"><see cref="Fault.NoRoom"/>: the floor was reached, and the work ended because of it.</exception>
    public async Task<T> WhileRoomAsync<T>(string operation, IReadOnlyList<string> folders, Func<CancellationToken, Task<T>> work, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        BackupException? full = null;
        await using var timer = clock.CreateTimer(_ => Look(), null, Beat, Beat);
        try
        {
            return await work(stop.Token);
        }
        catch (OperationCanceledException) when (full is not null && !ct.IsCancellationRequested)
        {
            throw full;
        }

        void Look()
        {
            if (full is null && Shortage(operation, folders) is { } shortage)
            {
                full = shortage;
                _ = stop.CancelAsync();
            }
        }
    }

    private BackupException? Shortage(string operation, IReadOnlyList<string> folders)
    {
        try
        {
            foreach (var folder in folders)
            {
                var free = MountFacts.Of(folder).FreeBytes;
                if (free < settings.MinFreeBytes)
                {
                    return new BackupException(
                        Fault.NoRoom,
                        string.Create(CultureInfo.InvariantCulture, $"{operation} was ended: {free >> 20} MB are free on the disk of {NameOf(folder)}, and {Megabytes(settings.MinFreeBytes)} MB are always kept free."),
                        "What it had written is removed, nothing was changed. Free some room there, then ask again.");
                }
            }
        }
        catch (IOException)
        {
            // A mount that cannot be asked is told by the operation itself, at its next call.
        }

        return null;
    }

    private BackupException TooSmall(string operation, List<RoomNeed> needs, long needed, long free)
    {
        var parts = needs.Where(need => need.Bytes > 0).Select(need => Part(need.Bytes, need.What)).Append(Part(settings.MinFreeBytes, "always kept free"));
        return new BackupException(
            Fault.NoRoom,
            string.Create(CultureInfo.InvariantCulture, $"{operation} needs about {Megabytes(needed)} MB on the disk of {string.Join(" and ", needs.Select(need => NameOf(need.Folder)).Distinct(StringComparer.Ordinal))} ({string.Join(", ", parts)}), and {free >> 20} MB are free."),
            needs.Exists(need => need.Folder == settings.BackupsPath)
                ? "Free some room there, lower MAX_BACKUPS, or move the backups folder to a larger disk."
                : "Free some room there: the old files stay until the new ones were checked.");
    }

    private static string Part(long bytes, string what) => string.Create(CultureInfo.InvariantCulture, $"{Megabytes(bytes)} MB {what}");

    private string NameOf(string folder) => folder == settings.BackupsPath ? "the backups folder" : folder == settings.StoragePath ? "storage" : PathText.Show(folder);

    private static long Megabytes(long bytes) => (bytes + (1 << 20) - 1) >> 20;
}
