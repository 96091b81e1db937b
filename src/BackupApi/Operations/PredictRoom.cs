using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Predicts what a backup will write, and refuses to begin one that would not fit.</summary>
internal sealed class PredictRoom(ServiceSettings settings, ApplyRetention retention)
{
    /// <summary>Share of the content an archive takes when no earlier backup tells.</summary>
    private const double FirstRatio = 0.5;

    /// <summary>How much larger than predicted an archive may become.</summary>
    private const double Margin = 1.1;

    /// <summary>Makes room by rotation if need be.</summary>
    /// <param name="stagedBytes">Databases, which are copied before they are compressed.</param>
    /// <exception cref="BackupException"><see cref="Fault.NoRoom"/> with both numbers.</exception>
    public void Require(long contentBytes, long stagedBytes, Backup? last)
    {
        var ratio = last is { ContentBytes: > 0 } ? (double)last.SizeBytes / last.ContentBytes : FirstRatio;
        var needed = stagedBytes + (long)(contentBytes * Math.Min(ratio, 1) * Margin) + settings.MinFreeBytes;
        if (MountFacts.Of(settings.BackupsPath).FreeBytes >= needed)
        {
            return;
        }

        retention.MakeRoom(needed);
        var free = MountFacts.Of(settings.BackupsPath).FreeBytes;
        if (free < needed)
        {
            throw new BackupException(
                Fault.NoRoom,
                string.Create(CultureInfo.InvariantCulture, $"This backup needs about {Megabytes(needed)} MB in the backups folder, and {Megabytes(free)} MB are free."),
                "Free some room there, lower MAX_BACKUPS, or move the backups folder to a larger disk.");
        }
    }

    private static long Megabytes(long bytes) => (bytes + (1 << 20) - 1) >> 20;
}
