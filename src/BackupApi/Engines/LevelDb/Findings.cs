using System.Globalization;
using BackupApi.Model;

namespace BackupApi.Engines.LevelDb;

/// <summary>What a verification saw so far, each list capped at <see cref="Verdict.MaxFindings"/>.</summary>
/// <param name="prefix">The database's folder with a trailing <c>/</c>, put before every file name; an empty place means the folder itself.</param>
internal sealed class Findings(string prefix)
{
    private readonly List<Finding> errors = [];
    private readonly List<Finding> warnings = [];
    private readonly List<Finding> notes = [];

    public bool HasErrors => errors.Count > 0;

    public void Error(string where, string message) => Add(errors, where, message);

    public void Warning(string where, string message) => Add(warnings, where, message);

    public void Note(string where, string message) => Add(notes, where, message);

    /// <summary>A place inside a file: <c>000005.ldb offset 4096</c>.</summary>
    public static string At(string file, long offset) => string.Create(CultureInfo.InvariantCulture, $"{file} offset {offset}");

    public Verdict ToVerdict(IReadOnlyDictionary<string, long> counts) =>
        HasErrors ? Verdict.Damaged(errors, counts, warnings, notes) : Verdict.Ok(counts, warnings, notes);

    private void Add(List<Finding> findings, string where, string message)
    {
        if (findings.Count < Verdict.MaxFindings)
        {
            findings.Add(new Finding(where.Length > 0 ? prefix + where : prefix.Length > 0 ? prefix[..^1] : ".", message));
        }
    }
}
