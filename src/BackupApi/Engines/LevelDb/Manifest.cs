using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.LevelDb;

/// <summary>A MANIFEST read from its beginning to its last whole record.</summary>
/// <param name="Length">Where that record ends: what follows is a torn tail.</param>
/// <param name="Problems">What the engine would refuse to open it for, with offsets; empty when it opens.</param>
internal sealed record Manifest(ManifestState State, long Length, bool HasTornTail, IReadOnlyList<(long Offset, string Message)> Problems)
{
    private const int MaxProblems = 20;

    public static Manifest Read(SafeFileHandle file, long length, CancellationToken ct)
    {
        var state = new ManifestState();
        var problems = new List<(long, string)>();
        var reader = new LogReader(file, length);
        while (problems.Count < MaxProblems && reader.TryRead(out var record))
        {
            ct.ThrowIfCancellationRequested();
            if (state.Apply(record) is { } problem)
            {
                problems.Add((reader.RecordStart, problem));
            }
        }

        // The engine forgives nothing in a MANIFEST but an end inside a record and zeros (VersionSet::Recover reports the rest as corruption).
        problems.AddRange(reader.Defects
            .Where(defect => defect.IsFollowed || defect.Kind is not (LogDefectKind.Cut or LogDefectKind.Zeros))
            .Select(defect => (defect.Offset, defect.Message)));
        if (!state.IsComplete)
        {
            problems.Add((0, "It holds no complete list of the database: the next file number, log number or last sequence is missing"));
        }

        return new Manifest(state, reader.RecordEnd, reader.RecordEnd < length, problems);
    }
}
