using System.Globalization;

namespace BackupApi.Model;

/// <summary>Compares a backup with those before it. Pure.</summary>
internal static class SuspiciousChange
{
    /// <summary>How many of the backups before are looked at; their median is what is usual.</summary>
    public const int Remembered = 5;

    /// <summary>Below these, ups and downs mean nothing.</summary>
    private const long LeastBytes = 64 * 1024;
    private const long LeastFiles = 10;
    private const long LeastRows = 10;

    /// <summary>What is encrypted does not compress: an archive that comes this much closer to its content than before, in parts of the content.</summary>
    private const double RatioJump = 0.3;

    /// <param name="earlier">Newest first; only whole ones of ours, that subject by subject were not acknowledged away.</param>
    /// <param name="dropPercent">A fall by more than this is suspicious; from 1 to 100, 100 switches falls off.</param>
    public static IEnumerable<Suspicion> Find(Backup now, Func<string, IReadOnlyList<Backup>> earlier, int dropPercent) =>
    [
        .. Fall("bytes", "The content", "bytes", now, earlier("bytes"), b => b.ContentBytes, LeastBytes, dropPercent),
        .. Fall("files", "Storage", "files", now, earlier("files"), b => b.Sources.Sum(s => s.Files), LeastFiles, dropPercent),
        .. now.Sources.Where(s => s.Engine != Source.PlainFiles && s.IsProven)
            .SelectMany(s => Fall(s.Name, s.Name, "entries", now, earlier(s.Name), b => CountOf(b, s.Name), LeastRows, dropPercent)),
        .. Gone(now, earlier),
        .. Incompressible(now, earlier("compression")),
    ];

    private static IEnumerable<Suspicion> Fall(string subject, string what, string unit, Backup now, IReadOnlyList<Backup> earlier, Func<Backup, long?> measure, long least, int dropPercent)
    {
        var usual = Median([.. earlier.Select(measure).OfType<long>().Take(Remembered)]);
        if (measure(now) is { } value && usual >= least && value < usual * (100 - dropPercent) / 100.0)
        {
            yield return new Suspicion(subject, string.Create(CultureInfo.InvariantCulture, $"{what} fell from {usual} to {value} {unit}, by {100 - (100.0 * value / usual.Value):F0} %."));
        }
    }

    private static IEnumerable<Suspicion> Gone(Backup now, Func<string, IReadOnlyList<Backup>> earlier) =>
        from name in earlier("").Take(1).SelectMany(b => b.Sources).Where(s => s.Engine != Source.PlainFiles).Select(s => s.Name)
        where now.Sources.All(s => s.Name != name) && earlier(name).Count > 0
        select new Suspicion(name, $"The database {name} is gone: it was in {earlier("")[0].Name} and is no longer in storage.");

    private static IEnumerable<Suspicion> Incompressible(Backup now, IReadOnlyList<Backup> earlier)
    {
        static double Ratio(Backup backup) => (double)backup.SizeBytes / Math.Max(1, backup.ContentBytes);
        var usual = Median([.. earlier.Where(b => b.ContentBytes >= LeastBytes).Take(Remembered).Select(b => (long)(Ratio(b) * 1000))]) / 1000.0;
        if (usual is not null && now.ContentBytes >= LeastBytes && Ratio(now) - usual > RatioJump)
        {
            yield return new Suspicion("compression", string.Create(
                CultureInfo.InvariantCulture,
                $"What compressed to {usual.Value:P0} of its size now compresses to {Ratio(now):P0} only: files may have been encrypted by somebody else."));
        }
    }

    private static long? CountOf(Backup backup, string database) => backup.Sources.FirstOrDefault(s => s.Name == database && s.IsProven)?.Total;

    private static long? Median(List<long> values)
    {
        values.Sort();
        return values.Count == 0 ? null : values[values.Count / 2];
    }
}
