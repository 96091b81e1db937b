using BackupApi.Model;

namespace BackupApi.Engines;

/// <summary>An engine that can bring out of a damaged database what is still readable. Optional: whoever wants it asks whether an <see cref="IEngine"/> is one.</summary>
internal interface ISalvage
{
    /// <summary>Reads a quiet copy under <paramref name="folder"/> (same relative paths as in storage) and writes what still verifies into the empty folder <paramref name="into"/>.</summary>
    /// <remarks>
    /// Writes nowhere else; the copy stays as it was. Never throws for what the copy holds, never hangs, memory bounded. May be cancelled at any point: the caller deletes <paramref name="into"/>.
    /// A copy that is whole comes out whole.
    /// </remarks>
    Task<Salvaged> SalvageAsync(Source source, string folder, string into, CancellationToken ct);
}
