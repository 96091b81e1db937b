using BackupApi.Archive.Foreign;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Which of the dropped archives is taken, and which must wait.</summary>
/// <param name="Chosen">Null when there is none that is finished.</param>
/// <param name="Waiting">The others, each with why.</param>
internal sealed record DropChoice(DroppedArchive? Chosen, IReadOnlyList<Finding> Waiting);

/// <summary>Chooses the newest finished archive of the restore folder: by the sequence number of its manifest, else by the date in its name, else by its time.</summary>
internal sealed class ChooseDrop(RestoreFolder restoreFolder, AnyArchive archives, ServiceSettings settings, TimeProvider clock)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>Waits for archives that are still being copied, up to the patience of the settings; those that still grow then are left for later.</summary>
    public async Task<DropChoice> RunAsync(CancellationToken ct)
    {
        var (finished, growing) = await WaitAsync(ct);
        var ranked = new List<(DroppedArchive Drop, long Sequence, DateTimeOffset Date)>();
        var unread = new List<Finding>();
        foreach (var drop in finished.Where(drop => UnreadableDrop.Why(drop) is null))
        {
            Manifest? manifest = null;
            try
            {
                manifest = drop.Bare is null ? (await archives.ReadFactsAsync(drop.Path, ct)).Manifest : null;
            }
            catch (IOException e)
            {
                // One that the disk does not give out keeps no other one waiting.
                unread.Add(new Finding(PathText.Show(drop.Name), $"It could not be read: {e.Message}"));
                continue;
            }

            ranked.Add((drop, manifest?.Sequence ?? 0, manifest?.CreatedAt ?? BackupName.FindDate(drop.Name) ?? drop.Stat.Modified.ToDateTimeOffset()));
        }

        var order = ranked.OrderByDescending(r => r.Sequence).ThenByDescending(r => r.Date).ThenByDescending(r => r.Drop.Name, StringComparer.Ordinal).Select(r => r.Drop).ToList();
        var waiting = growing.Select(drop => new Finding(PathText.Show(drop.Name), "It is still being copied; it is looked at again at the next start."))
            .Concat(finished.Select(drop => (drop, Why: UnreadableDrop.Why(drop))).Where(each => each.Why is not null).Select(each => new Finding(PathText.Show(each.drop.Name), each.Why!)))
            .Concat(order.Skip(1).Select(drop => new Finding(PathText.Show(drop.Name), $"{PathText.Show(order[0].Name)} is newer and goes first; this one stays where it is.")));
        return new DropChoice(order.FirstOrDefault(), [.. unread, .. waiting]);
    }

    /// <summary>Whether somebody has it open for writing: it is still being copied, however slowly.</summary>
    public static bool IsBeingWritten(DroppedArchive drop) => drop.Files.Any(file => OwnerProbe.Look(file).State == OwnerState.InUse);

    private async Task<(List<DroppedArchive> Finished, List<DroppedArchive> Growing)> WaitAsync(CancellationToken ct)
    {
        var began = clock.GetTimestamp();
        var before = restoreFolder.List();
        while (before.Count > 0)
        {
            await Task.Delay(LookEvery, clock, ct);
            var now = restoreFolder.List();
            var finished = now.Where(drop => before.Any(b => b.Name == drop.Name && b.Seen == drop.Seen) && !IsBeingWritten(drop)).ToList();
            if (finished.Count == now.Count || clock.GetElapsedTime(began) >= settings.DropPatience)
            {
                return (finished, [.. now.Except(finished)]);
            }

            before = now;
        }

        return ([], []);
    }
}
