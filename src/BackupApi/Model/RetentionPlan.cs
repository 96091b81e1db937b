namespace BackupApi.Model;

/// <summary>One backup and why it stays or goes.</summary>
/// <param name="Slots">The places in the calendar it fills: <c>daily 2026-11-20</c>. Empty without a calendar.</param>
internal sealed record RetentionDecision(Backup Backup, bool Keep, IReadOnlyList<string> Reasons, IReadOnlyList<string> Slots);

/// <summary>What rotation would do now, newest first. Nothing is touched by making it.</summary>
internal sealed record RetentionPlan(IReadOnlyList<RetentionDecision> Decisions)
{
    public IEnumerable<Backup> Keep => Decisions.Where(d => d.Keep).Select(d => d.Backup);

    public IEnumerable<Backup> Remove => Decisions.Where(d => !d.Keep).Select(d => d.Backup);
}

/// <summary>The plan while it is being made: each backup with what speaks for it and against it.</summary>
internal sealed class RetentionDraft
{
    private readonly Dictionary<Backup, Notes> notes;

    public RetentionDraft(IEnumerable<Backup> backups)
    {
        NewestFirst = [.. backups.OrderByDescending(b => b.Sequence).ThenByDescending(b => b.CreatedAt).ThenByDescending(b => b.Name, StringComparer.Ordinal)];
        notes = NewestFirst.ToDictionary(b => b, _ => new Notes(), ReferenceEqualityComparer.Instance as IEqualityComparer<Backup>);
    }

    public IReadOnlyList<Backup> NewestFirst { get; }

    /// <summary>Stays whatever another rule says.</summary>
    public void Protect(Backup backup, string reason) => notes[backup].Protection.Add(reason);

    /// <summary>Stays unless a bound of age or size takes it.</summary>
    public void Keep(Backup backup, string reason) => notes[backup].Reasons.Add(reason);

    public void Fill(Backup backup, string slot) => notes[backup].Slots.Add(slot);

    /// <summary>Goes, unless it is protected.</summary>
    public void Drop(Backup backup, string reason) => notes[backup].Dropped ??= reason;

    public bool IsProtected(Backup backup) => notes[backup].Protection.Count > 0;

    public bool IsKept(Backup backup) => notes[backup].IsKept;

    /// <param name="whyNot">What is said of a backup that nothing spoke for.</param>
    public RetentionPlan Finish(Func<Backup, string> whyNot) => new([.. NewestFirst.Select(b =>
    {
        var (kept, note) = (notes[b].IsKept, notes[b]);
        IReadOnlyList<string> reasons = kept ? [.. note.Protection, .. note.Dropped is null ? [.. note.Slots, .. note.Reasons] : Array.Empty<string>()] : [note.Dropped ?? whyNot(b)];
        return new RetentionDecision(b, kept, reasons, kept ? note.Slots : []);
    })]);

    private sealed class Notes
    {
        public List<string> Protection { get; } = [];

        public List<string> Reasons { get; } = [];

        public List<string> Slots { get; } = [];

        public string? Dropped { get; set; }

        public bool IsKept => Protection.Count > 0 || (Dropped is null && Reasons.Count + Slots.Count > 0);
    }
}
