using BackupApi.Model;

namespace BackupApi.Engines.LiteDb;

/// <summary>What a verification saw; keeps the first <see cref="Verdict.MaxFindings"/> of each kind and counts the rest.</summary>
internal sealed class Findings
{
    private readonly Shelf errors = new();
    private readonly Shelf warnings = new();
    private readonly Shelf notes = new();

    public bool HasErrors => errors.Total > 0;

    public IReadOnlyList<Finding> Errors => errors.List();

    public IReadOnlyList<Finding> Warnings => warnings.List();

    public IReadOnlyList<Finding> Notes => notes.List();

    public void Error(string where, string message) => errors.Add(where, message);

    public void Warn(string where, string message) => warnings.Add(where, message);

    public void Note(string where, string message) => notes.Add(where, message);

    private sealed class Shelf
    {
        private readonly List<Finding> kept = [];

        public long Total { get; private set; }

        public void Add(string where, string message)
        {
            Total++;
            if (kept.Count < Verdict.MaxFindings)
            {
                kept.Add(new Finding(where, message));
            }
        }

        public List<Finding> List()
        {
            if (Total <= Verdict.MaxFindings)
            {
                return kept;
            }

            var last = kept[Verdict.MaxFindings - 1];
            return [.. kept.Take(Verdict.MaxFindings - 1), new Finding(last.Where, $"{last.Message} And {Total - Verdict.MaxFindings} more.")];
        }
    }
}
