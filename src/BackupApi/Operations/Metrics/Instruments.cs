using System.Diagnostics.Metrics;
using BackupApi.Model;

namespace BackupApi.Operations.Metrics;

/// <summary>What this service measures, as instruments of the platform: whoever listens to the meter <c>BackupApi</c> gets them. Names and units follow the semantic conventions of OpenTelemetry.</summary>
internal sealed class Instruments : IDisposable
{
    public const string MeterName = "BackupApi";

    /// <summary>Bounds of durations, in seconds: from a small backup to a very large one. Exporters that know advice take them too.</summary>
    public static readonly IReadOnlyList<double> SecondsBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];

    private readonly Meter meter = new(MeterName);
    private readonly Counter<long> operations;
    private readonly Histogram<double> duration;
    private readonly Counter<long> bytesRead;
    private readonly Counter<long> bytesCompressed;
    private readonly Counter<long> bytesCarriedOver;

    public Instruments(OperationLedger ledger, WatchHealth health, TimeProvider clock)
    {
        operations = meter.CreateCounter<long>("backupapi.operations", "{operation}", "Operations that ended, by kind, trigger and outcome.");
        duration = meter.CreateHistogram<double>("backupapi.operation.duration", "s", "Time that operations took, by kind.", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = SecondsBounds });
        bytesRead = meter.CreateCounter<long>("backupapi.backup.read", "By", "Bytes of content that backups read from storage.");
        bytesCompressed = meter.CreateCounter<long>("backupapi.backup.compressed", "By", "Bytes of content that backups compressed.");
        bytesCarriedOver = meter.CreateCounter<long>("backupapi.backup.carried_over", "By", "Bytes of content that an earlier archive already held.");

        meter.CreateObservableGauge("backupapi.health", () => (int)health.Current.Status, null, "0 healthy, 1 degraded, 2 unhealthy.");
        meter.CreateObservableGauge("backupapi.health.reasons", () => Reasons(health.Current), "{reason}", "Reasons for not being healthy, by code.");
        meter.CreateObservableGauge("backupapi.backups", () => health.Current.BackupCount, "{backup}", "Backups there are.");
        meter.CreateObservableGauge("backupapi.backups.size", () => health.Current.TotalBytes, "By", "Size of all backups together.");
        meter.CreateObservableGauge("backupapi.backup.proven.age", () => Age(health.Current, clock), "s", "Age of the newest proven backup, from its confirmation where it was confirmed.");
        meter.CreateObservableGauge("backupapi.backup.next", () => Next(health.Current, clock), "s", "Time until the next scheduled backup.");
        meter.CreateObservableGauge("backupapi.disk.free", () => Disks(health.Current, d => d.FreeBytes), "By", "Free room, by folder.");
        meter.CreateObservableGauge("backupapi.disk.size", () => Disks(health.Current, d => d.TotalBytes), "By", "Size of the disk, by folder.");
        meter.CreateObservableGauge("backupapi.database.entries", () => Databases(health.Current), "{entry}", "Rows, documents or keys, by database.");
        meter.CreateObservableGauge("backupapi.drill.duration", () => Drill(health.Current), "s", "Time the last restore drill took.");
        ledger.WhenEnded(Count);
    }

    public void Dispose() => meter.Dispose();

    private void Count(OperationRecord ended)
    {
        var kind = Tag("kind", ended.Kind.ToString());
        operations.Add(1, kind, Tag("trigger", ended.Trigger.ToString()), Tag("outcome", ended.Outcome?.ToString() ?? ""));
        if (ended is { Outcome: not Outcome.Skipped, EndedAt: { } at })
        {
            duration.Record(Math.Max(0, (at - ended.StartedAt).TotalSeconds), kind);
        }

        bytesRead.Add(ended.BytesRead);
        bytesCompressed.Add(ended.BytesCompressed);
        bytesCarriedOver.Add(ended.BytesCarriedOver);
    }

    private static IEnumerable<Measurement<int>> Reasons(HealthReport report) =>
        report.Reasons.GroupBy(r => r.Code, StringComparer.Ordinal).Select(g => new Measurement<int>(g.Count(), Tag("code", g.Key)));

    private static IEnumerable<Measurement<double>> Age(HealthReport report, TimeProvider clock) =>
        report.LatestProven is { } proven ? [new Measurement<double>((clock.GetUtcNow() - HealthOfBackups.CurrentAt(proven)).TotalSeconds)] : [];

    private static IEnumerable<Measurement<double>> Next(HealthReport report, TimeProvider clock) =>
        report.NextScheduledAt is { } next ? [new Measurement<double>((next - clock.GetUtcNow()).TotalSeconds)] : [];

    private static IEnumerable<Measurement<long>> Disks(HealthReport report, Func<DiskRoom, long> value) =>
        report.Disks.Select(d => new Measurement<long>(value(d), Tag("folder", d.Folder)));

    private static IEnumerable<Measurement<long>> Databases(HealthReport report) =>
        report.Databases.Select(d => new Measurement<long>(d.Total, Tag("database", d.Name), Tag("engine", d.Engine)));

    private static IEnumerable<Measurement<double>> Drill(HealthReport report) =>
        report.LastDrill is { } drill ? [new Measurement<double>(drill.DurationMs / 1000.0, Tag("outcome", drill.Outcome.ToString()))] : [];

    private static KeyValuePair<string, object?> Tag(string key, string value) => new(key, value.Length > 0 && char.IsUpper(value[0]) && key is "kind" or "trigger" or "outcome" ? char.ToLowerInvariant(value[0]) + value[1..] : value);
}
