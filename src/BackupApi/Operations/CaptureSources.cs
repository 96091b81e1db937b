using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Captures the sources of one tree close together, and verifies the copies. Made for one operation.</summary>
/// <param name="staging">An existing folder; each source gets one of its own below it.</param>
/// <param name="inherit">Spares sources that did not change; null to capture all.</param>
internal sealed class CaptureSources(IReadOnlyList<FoundSource> sources, StorageTree tree, string staging, InheritCaptures? inherit = null)
{
    /// <summary>How often a copy that does not stand its verification is taken anew before the source itself is called damaged.</summary>
    public const int MaxTries = 3;

    private readonly CapturedSource[] captured = new CapturedSource[sources.Count];

    /// <summary>Each source as it is known so far, in the order of the tree. One that could not be captured is among them.</summary>
    public IReadOnlyList<CapturedSource> Results => captured;

    public async Task CaptureAsync(Progress progress, CancellationToken ct)
    {
        progress.Enter("capture", newFilesTotal: sources.Count);
        for (var i = 0; i < sources.Count; i++)
        {
            captured[i] = inherit?.Find(sources[i].Source) ?? await CaptureAsync(i, ct);
            progress.AddFiles();
        }
    }

    /// <summary>Verifies what was not verified yet, until a copy does not stand.</summary>
    /// <returns>True when every copy stands; false when one does not, and must be settled.</returns>
    public async Task<bool> VerifyAsync(CancellationToken ct)
    {
        for (var i = 0; i < sources.Count; i++)
        {
            if (captured[i].Verdict is null)
            {
                var verdict = await VerifyAsync(i, ct);
                if (verdict.IsDamaged)
                {
                    return false;
                }

                captured[i] = captured[i] with { Verdict = verdict };
            }
        }

        return true;
    }

    /// <summary>Verifies what was not verified yet; a copy that does not stand is taken anew, at most <see cref="MaxTries"/> times in all. Afterwards every source has its verdict.</summary>
    /// <param name="isWanted">Which sources; null for all.</param>
    public async Task SettleAsync(Progress progress, CancellationToken ct, Func<Source, bool>? isWanted = null)
    {
        progress.Enter("verify", newFilesTotal: sources.Count);
        for (var i = 0; i < sources.Count; i++)
        {
            if (captured[i].Verdict is null && isWanted?.Invoke(sources[i].Source) != false)
            {
                await SettleAsync(i, ct);
            }

            progress.AddFiles();
        }
    }

    private async Task SettleAsync(int i, CancellationToken ct)
    {
        for (var attempt = 1; captured[i].Verdict is null; attempt++)
        {
            var verdict = await VerifyAsync(i, ct);
            if (!verdict.IsDamaged || attempt == MaxTries)
            {
                captured[i] = captured[i] with { Verdict = verdict };
                return;
            }

            TreeRemoval.Remove(FolderOf(i));
            var again = await CaptureAsync(i, ct);
            captured[i] = again.Capture is { } capture ? again with { Capture = capture with { Attempts = attempt + 1 } } : again;
        }
    }

    private string FolderOf(int i) => string.Create(CultureInfo.InvariantCulture, $"{staging}/{i}");

    private Task<Verdict> VerifyAsync(int i, CancellationToken ct) => sources[i].Engine.VerifyAsync(sources[i].Source, FolderOf(i), ct);

    private async Task<CapturedSource> CaptureAsync(int i, CancellationToken ct)
    {
        var source = sources[i].Source;
        Posix.MakeFolder(FolderOf(i));
        try
        {
            return new CapturedSource(source, await sources[i].Engine.CaptureAsync(source, tree, FolderOf(i), ct), null);
        }
        catch (BackupException e) when (e.Fault is not (Fault.Cancelled or Fault.NoRoom))
        {
            return CapturedSource.Missing(source, $"{e.Message} {e.Hint}");
        }
        catch (IOException e) when (e.HResult is not (Errno.ENOSPC or Errno.EDQUOT))
        {
            return CapturedSource.Missing(source, e.Message);
        }
    }
}
