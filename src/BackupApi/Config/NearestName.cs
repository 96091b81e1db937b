namespace BackupApi.Config;

/// <summary>Finds what somebody probably meant to type.</summary>
internal static class NearestName
{
    /// <summary>The name with the fewest single-letter edits from <paramref name="typed"/>, without regard to case; null when none is near.</summary>
    public static string? Find(string typed, IEnumerable<string> names)
    {
        var best = names
            .Select(name => (Name: name, Edits: Edits(typed.ToUpperInvariant(), name.ToUpperInvariant())))
            .OrderBy(candidate => candidate.Edits)
            .ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
            .FirstOrDefault((Name: "", Edits: int.MaxValue));
        return best.Edits <= Math.Max(2, typed.Length / 4) ? best.Name : null;
    }

    /// <summary>Levenshtein distance, one row at a time.</summary>
    private static int Edits(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var substituted = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
