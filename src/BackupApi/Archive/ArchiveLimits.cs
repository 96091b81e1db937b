namespace BackupApi.Archive;

/// <summary>What an archive may ask of this machine before it is called a bomb.</summary>
/// <param name="MaxBytes">Most content it may unpack to; usually the free room less a floor.</param>
/// <param name="MaxEntries">Most entries.</param>
/// <param name="MaxRatio">Most bytes of content for each compressed byte, judged once 16 MiB came out. Deflate itself ends at 1032.</param>
internal sealed record ArchiveLimits(long MaxBytes, long MaxEntries = 2_000_000, int MaxRatio = 1100)
{
    public static ArchiveLimits None { get; } = new(long.MaxValue);
}
