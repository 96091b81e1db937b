namespace BackupApi.Engines.LevelDb;

/// <summary>As <see cref="IKeyCursor"/>, with the values.</summary>
internal interface IEntryCursor : IKeyCursor
{
    /// <summary>Empty for a deletion. Valid until the next move.</summary>
    ReadOnlySpan<byte> Value { get; }
}
