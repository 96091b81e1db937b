namespace BackupApi.Archive.Writing;

/// <summary>Holds reading down to so many bytes in a second, averaged over the whole run.</summary>
internal sealed class Pace(long bytesPerSecond, TimeProvider clock)
{
    private static readonly TimeSpan WorthWaiting = TimeSpan.FromMilliseconds(20);

    private readonly long start = clock.GetTimestamp();
    private long spent;

    public async ValueTask SpendAsync(long bytes, CancellationToken ct)
    {
        if (bytesPerSecond <= 0)
        {
            return;
        }

        spent += bytes;
        var ahead = TimeSpan.FromSeconds((double)spent / bytesPerSecond) - clock.GetElapsedTime(start);
        if (ahead > WorthWaiting)
        {
            await Task.Delay(ahead, clock, ct);
        }
    }
}
