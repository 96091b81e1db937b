using System.Globalization;
using BackupApi.Model;

namespace BackupApi.Tests.Model;

/// <summary>Backups as the catalogue gives them, without archives.</summary>
internal static class SampleBackups
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    public static Backup Make(long sequence, DateTimeOffset createdAt, bool proven = true, long size = 1000, Trigger trigger = Trigger.Schedule, string[]? pins = null, params ManifestSource[] sources) => new()
    {
        Name = string.Create(CultureInfo.InvariantCulture, $"backup_{sequence}.tar.gz"),
        Path = "/backups/x",
        SizeBytes = size,
        Sequence = sequence,
        CreatedAt = createdAt,
        Trigger = trigger,
        Outcome = proven ? Outcome.Ok : Outcome.Partial,
        Verification = proven ? VerificationLevel.Engine : VerificationLevel.None,
        IsProven = proven,
        IsOurs = true,
        Pins = pins ?? [],
        Sources = sources,
    };

    public static ManifestSource Database(string name, bool proven) => new()
    {
        Name = name,
        Engine = "sqlite",
        CapturedAt = Noon,
        Verification = proven ? VerificationLevel.Engine : VerificationLevel.None,
        BestVerification = VerificationLevel.Engine,
        Errors = proven ? [] : [new Finding(name, "damaged")],
    };

    /// <summary>One each hour, the newest at noon.</summary>
    public static List<Backup> Hourly(int count) => [.. Enumerable.Range(1, count).Select(i => Make(i, Noon.AddHours(i - count)))];

    public static string[] NamesOf(IEnumerable<Backup> backups) => [.. backups.Select(b => b.Name[7..^7])];
}
