using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What self-healing may do.</summary>
internal enum HealMode
{
    /// <summary>Brings back what is missing or damaged, where that is certainly right.</summary>
    On,

    /// <summary>Only says what it would do.</summary>
    Report,

    Off,
}

/// <summary>What self-healing found at a start.</summary>
/// <param name="Healed">Databases that were brought back, with from where and where the old one lies.</param>
/// <param name="Undecided">Databases that a person must decide about, with the call that does it.</param>
internal sealed record HealResult(IReadOnlyList<Finding> Healed, IReadOnlyList<Finding> Undecided)
{
    /// <summary>A healing whose journal could be brought to no end; nothing more was healed. Null when there is none.</summary>
    public BackupException? Open { get; init; }

    /// <summary>The first healing that something outside of the backups refused: the disk, or an application by its hook. Null when there is none.</summary>
    public BackupException? Refused { get; init; }

    public static HealResult Nothing { get; } = new([], []);
}
