using System.Runtime;

namespace BackupApi.Operations;

/// <summary>Hands what a large operation used back to the system, instead of keeping it for the next one, hours later.</summary>
internal static class GiveMemoryBack
{
    /// <summary>Below this much allocated there is nothing worth a collection of some milliseconds.</summary>
    private const long WorthIt = 64L << 20;

    private static long allocatedBefore;

    /// <summary>Not on the caller's own stack, where the frames of the operation that just ended still hold all it had.</summary>
    public static void Start() => _ = Task.Run(Run);

    /// <summary>Between two phases of an operation, where the rubbish of the one would only make the peak of the next.</summary>
    public static void BetweenPhases()
    {
        var allocated = GC.GetTotalAllocatedBytes();
        if (allocated - Interlocked.Exchange(ref allocatedBefore, allocated) >= WorthIt)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        }
    }

    private static void Run()
    {
        var allocated = GC.GetTotalAllocatedBytes();
        if (allocated - Interlocked.Exchange(ref allocatedBefore, allocated) < WorthIt)
        {
            return;
        }

        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
