using System.Globalization;
using System.Text.RegularExpressions;
using BackupApi.Model;

namespace BackupApi.Engines.Sqlite;

/// <summary>One line of integrity_check, sorted into damage and oddity, with the place it speaks of.</summary>
internal static partial class IntegrityLine
{
    /// <param name="rootNames">Root page to table or index: newer libraries name the tree by its root.</param>
    public static void Sort(string line, string shown, Dictionary<long, string> rootNames, List<Finding> errors, List<Finding> warnings)
    {
        if (line is "ok" or "" || line.StartsWith("***", StringComparison.Ordinal))
        {
            return;
        }

        var page = Page().Match(line) is { Success: true } match ? match.Groups["number"].Value : "";
        var root = Tree().Match(line) is { Success: true } tree ? tree.Groups["number"].Value : page;
        var owner = long.TryParse(root, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && rootNames.TryGetValue(number, out var name) ? $" ({name})"
            : Index().Match(line) is { Success: true } index ? $" index {index.Groups["name"].Value}"
            : "";
        var place = (page.Length > 0 ? $"{shown} page {page}" : shown) + owner;
        var finding = new Finding(place, line.EndsWith('.') ? line : $"{line}.");
        (IsRuleOfTheOwner().IsMatch(line) ? warnings : errors).Add(finding);
    }

    /// <summary>Rules that an owner may have changed or switched off after the rows were written, and types of which versions of SQLite think differently.</summary>
    /// <remarks>On a read-only connection SQLite up to 3.40 at least does not load CHECK constraints at all (build.c, sqlite3AddCheckConstraint).</remarks>
    [GeneratedRegex("^(CHECK constraint failed|(TEXT|NUMERIC|non-[A-Z]+) value in) ", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex IsRuleOfTheOwner();

    [GeneratedRegex("[Pp]age (?<number>\\d+)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Page();

    [GeneratedRegex("^Tree (?<number>\\d+) ", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Tree();

    [GeneratedRegex(" index (?<name>.+)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Index();
}
