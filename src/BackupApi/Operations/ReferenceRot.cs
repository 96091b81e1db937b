using BackupApi.Catalog;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Damage of the last archive that a backup met while it carried over from it, over all its tries. That archive is proven no longer, from the moment of the finding.</summary>
/// <param name="reference">The backup whose archive is carried over from; null for none.</param>
internal sealed partial class ReferenceRot(BackupCatalog catalog, Backup? reference, TimeProvider clock, ILogger log)
{
    private readonly Lock gate = new();
    private readonly List<Finding> findings = [];

    /// <summary>Each once, in the order they were met.</summary>
    public IReadOnlyList<Finding> Findings
    {
        get
        {
            lock (gate)
            {
                return [.. findings];
            }
        }
    }

    /// <summary>On any thread; never throws.</summary>
    public void Add(Finding finding)
    {
        lock (gate)
        {
            if (findings.Contains(finding))
            {
                return;
            }

            findings.Add(finding);
            if (findings.Count > 1 || reference is null)
            {
                return;
            }
        }

        LogRot(log, reference.Name, finding.Message);
        try
        {
            catalog.Record(reference.Name, state => state with { Damage = state.Damage ?? finding.Message, DamagedAt = state.DamagedAt ?? clock.GetUtcNow() });
        }
        catch (IOException e)
        {
            LogNotRecorded(log, e, reference.Name);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Backup} is damaged, and is not relied on any more: {Finding}")]
    private static partial void LogRot(ILogger logger, string backup, string finding);

    [LoggerMessage(Level = LogLevel.Error, Message = "That {Backup} is damaged could not be written beside it")]
    private static partial void LogNotRecorded(ILogger logger, Exception exception, string backup);
}
