namespace BackupApi.Model;

/// <summary>What the application says of itself by settings; null where they say nothing.</summary>
internal sealed record ApplicationDeclaration
{
    public string? SchemaHash { get; init; }

    public long? StorageFormat { get; init; }

    /// <summary><c>2.*</c> for all that begin with <c>2.</c></summary>
    public IReadOnlyList<string>? ReadsVersions { get; init; }
}
