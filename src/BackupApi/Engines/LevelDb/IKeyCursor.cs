namespace BackupApi.Engines.LevelDb;

/// <summary>Keys in ascending order with the tag of each version, newest first within one key.</summary>
internal interface IKeyCursor : IDisposable
{
    /// <summary>False at the end; what is damaged on the way is reported and passed over.</summary>
    bool MoveNext();

    /// <summary>Valid until the next <see cref="MoveNext"/>.</summary>
    ReadOnlySpan<byte> UserKey { get; }

    /// <summary>Sequence number in the upper 56 bits, type in the lower 8.</summary>
    ulong Tag { get; }
}
