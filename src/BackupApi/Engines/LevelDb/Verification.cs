namespace BackupApi.Engines.LevelDb;

/// <summary>What the parts of one verification share. Used by one thread.</summary>
internal sealed class Verification(string folder, Findings findings, CancellationToken ct)
{
    /// <summary>Keys, indexes and filters held at one time by all cursors together, in bytes.</summary>
    private const long MaxHeldBytes = 96L << 20;

    private long heldBytes;

    public Findings Findings { get; } = findings;

    public CancellationToken Cancellation { get; } = ct;

    public BlockReader Blocks { get; } = new();

    /// <summary>For data blocks, which are taken in whole; index blocks have walkers of their own.</summary>
    public BlockWalker Walker { get; } = new();

    public bool IsOrdered { get; init; } = true;

    public ulong LastSequence { get; init; } = InternalKey.MaxSequence;

    /// <summary>Why keys are not counted any more; null while they are. Checks go on without.</summary>
    public string? NotCounted { get; private set; }

    public string PathOf(string file) => $"{folder}/{file}";

    public void GiveUpCounting(string reason) => NotCounted ??= reason;

    public void GiveUpCountingIf(bool isOpaque)
    {
        if (isOpaque)
        {
            GiveUpCounting("a part of it cannot be looked into here");
        }
    }

    /// <summary>Accounts for memory taken, or with a negative number given back.</summary>
    public void Hold(long bytes)
    {
        heldBytes += bytes;
        if (heldBytes > MaxHeldBytes)
        {
            GiveUpCounting("the keys that must be held side by side are larger than the memory set aside for it");
        }
    }
}
