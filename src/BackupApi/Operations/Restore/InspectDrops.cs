using System.Collections.Concurrent;
using BackupApi.Archive.Foreign;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>While the service runs: looks at archives dropped into the restore folder, reads each finished one whole, once, and says what will become of it.</summary>
internal sealed class InspectDrops(RestoreFolder restoreFolder, AnyArchive archives, RestoreRoom room, RestoreBareDatabase bare)
{
    private readonly ConcurrentDictionary<string, (string Seen, string? Judgement)> known = new(StringComparer.Ordinal);

    /// <summary>Archives in the restore folder, each with what it waits for. Called again after some seconds: what did not change in between is finished.</summary>
    public async Task<IReadOnlyList<Finding>> RunAsync(CancellationToken ct)
    {
        var found = new List<Finding>();
        var drops = restoreFolder.List();
        foreach (var drop in drops)
        {
            found.Add(new Finding(PathText.Show(drop.Name), await JudgeAsync(drop, ct)));
        }

        foreach (var gone in known.Keys.Except(drops.Select(drop => drop.Name), StringComparer.Ordinal).ToList())
        {
            known.TryRemove(gone, out _);
        }

        return found;
    }

    private async Task<string> JudgeAsync(DroppedArchive drop, CancellationToken ct)
    {
        if (UnreadableDrop.Why(drop) is { } why)
        {
            return why;
        }

        if (!known.TryGetValue(drop.Name, out var before) || before.Seen != drop.Seen || ChooseDrop.IsBeingWritten(drop))
        {
            known[drop.Name] = (drop.Seen, null);
            return "It is still being copied.";
        }

        if (before.Judgement is not null)
        {
            return before.Judgement;
        }

        var judgement = await ReadAsync(drop, ct);
        known[drop.Name] = (drop.Seen, judgement);
        return judgement;
    }

    private async Task<string> ReadAsync(DroppedArchive drop, CancellationToken ct)
    {
        try
        {
            if (drop.Bare is not null)
            {
                return $"It replaces {PathText.Show(bare.TargetOf(drop, ct))} at the next start, if it is whole: restart the application together with this service.";
            }

            var proof = await archives.VerifyAsync(drop.Path, room.Limits(), new Progress(), ct);
            return proof.Errors.Count == 0
                ? "It is whole and is restored at the next start: restart the application together with this service."
                : $"It will be refused at the next start: {proof.Errors[0].Message}";
        }
        catch (BackupException e)
        {
            return $"It will be refused at the next start: {e.Message} {e.Hint}";
        }
        catch (IOException e)
        {
            return $"It cannot be read: {e.Message}";
        }
    }
}
