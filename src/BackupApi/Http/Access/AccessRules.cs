namespace BackupApi.Http.Access;

/// <summary>Who may call this service.</summary>
internal sealed record AccessRules
{
    /// <summary>Keys with what they allow; empty where none is needed.</summary>
    public required IReadOnlyList<(string Key, Role Role)> Keys { get; init; }

    /// <summary>Without keys: callers of other machines are served too.</summary>
    public required bool ServesAnybody { get; init; }

    /// <summary>Only addresses of this machine are listened on.</summary>
    public required bool IsLocal { get; init; }

    /// <summary>Names that callers may use beside those that always hold; <c>*.x</c> and <c>*</c> as patterns.</summary>
    public required IReadOnlyList<string> Hosts { get; init; }

    /// <summary>Downloads that run at the same time.</summary>
    public required int MaxDownloads { get; init; }

    /// <summary>Never shows a key, whoever logs it.</summary>
    public override string ToString() => nameof(AccessRules);
}
