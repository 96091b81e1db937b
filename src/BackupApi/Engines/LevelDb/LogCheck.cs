using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LevelDb;

/// <summary>Checks the logs that recovery would replay, more strictly than the engine does: it skips what is bad in the middle, and so loses it in silence.</summary>
/// <param name="names">In ascending order of their numbers.</param>
internal sealed class LogCheck(Verification verification, IReadOnlyList<string> names)
{
    private ulong nextSequence;
    private (string Where, string Message)? tornBefore;

    public void Run()
    {
        foreach (var name in names)
        {
            try
            {
                Check(name);
            }
            catch (IOException e)
            {
                verification.Findings.Error(name, $"The log cannot be read: {e.Message}.");
            }
        }
    }

    private void Check(string name)
    {
        var path = verification.PathOf(name);
        using var file = Posix.OpenRead(path);
        var stat = Posix.Stat(file, path);
        if (stat.Kind != FileKind.File)
        {
            verification.Findings.Error(name, "The log is not a regular file.");
            return;
        }

        var reader = new LogReader(file, stat.Size);
        while (reader.TryRead(out var record))
        {
            verification.Cancellation.ThrowIfCancellationRequested();
            if (tornBefore is { } torn)
            {
                // A log is complete once the next one exists: a later one with content means that a middle part is gone.
                verification.Findings.Error(torn.Where, torn.Message);
                tornBefore = null;
            }

            CheckBatch(name, reader.RecordStart, record);
        }

        foreach (var defect in reader.Defects)
        {
            var isLast = ReferenceEquals(defect, reader.Defects[^1]);
            Judge(name, defect, defect.IsFollowed || (isLast && LogResync.FindsBatchBehind(file, stat.Size, defect.Offset, nextSequence)));
        }
    }

    private void CheckBatch(string name, long start, ReadOnlySpan<byte> record)
    {
        var where = Findings.At(name, start);
        var batch = new WriteBatch(record);
        while (batch.MoveNext())
        {
        }

        if (batch.Problem is { } problem)
        {
            verification.Findings.Error(where, $"{problem}.");
        }
        else if (batch.Sequence < nextSequence)
        {
            verification.Findings.Error(where, $"The sequence number goes back from {nextSequence} to {batch.Sequence}.");
        }
        else
        {
            nextSequence = batch.Sequence + batch.Count;
        }
    }

    private void Judge(string name, LogDefect defect, bool isFollowed)
    {
        var where = Findings.At(name, defect.Offset);
        if (defect.Kind == LogDefectKind.TooLarge)
        {
            verification.GiveUpCountingIf(isOpaque: true);
            verification.Findings.Warning(where, $"{defect.Message}: its checksums are right, its content was not.");
            return;
        }

        if (isFollowed)
        {
            verification.Findings.Error(where, $"{defect.Message}, and sound records follow: writes in the middle of the log are lost.");
            return;
        }

        tornBefore ??= (where, $"{defect.Message}, and a later log goes on: writes between them are lost.");
        if (defect.Kind is LogDefectKind.Cut)
        {
            verification.Findings.Note(where, $"{defect.Message}, as a crash leaves it: that last write was never complete and is dropped.");
        }
        else
        {
            verification.Findings.Warning(where, $"{defect.Message}, and nothing sound follows: what was written there is dropped.");
        }
    }
}
