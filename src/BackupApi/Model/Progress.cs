namespace BackupApi.Model;

/// <summary>Counters an operation raises as it goes; read by others at any time. Thread-safe.</summary>
internal sealed class Progress
{
    private long bytesDone;
    private long filesDone;
    private volatile string phase = "";
    private long bytesTotal;
    private long filesTotal;

    public string Phase => phase;

    public long BytesDone => Interlocked.Read(ref bytesDone);

    public long BytesTotal => Interlocked.Read(ref bytesTotal);

    public long FilesDone => Interlocked.Read(ref filesDone);

    public long FilesTotal => Interlocked.Read(ref filesTotal);

    /// <summary>Told of each phase before it begins, while the figures are still those of the one before. Set by one at a time; must not throw.</summary>
    public Action<string>? Entered { get; set; }

    /// <summary>Begins a phase with its own totals; 0 where they are not known.</summary>
    public void Enter(string newPhase, long newBytesTotal = 0, long newFilesTotal = 0)
    {
        Entered?.Invoke(newPhase);
        Interlocked.Exchange(ref bytesDone, 0);
        Interlocked.Exchange(ref filesDone, 0);
        Interlocked.Exchange(ref bytesTotal, newBytesTotal);
        Interlocked.Exchange(ref filesTotal, newFilesTotal);
        phase = newPhase;
    }

    public void AddBytes(long count) => Interlocked.Add(ref bytesDone, count);

    public void AddFiles(long count = 1) => Interlocked.Add(ref filesDone, count);
}
