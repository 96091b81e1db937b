using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.LiteDb;

/// <summary>The owner's data and log file, opened for reading without any lock, for one attempt.</summary>
internal sealed class LivePair : IDisposable
{
    /// <summary>Twice the tick of the coarsest clock that stamps files, CONFIG_HZ=100.</summary>
    private static readonly TimeSpan CoarsestTick = TimeSpan.FromMilliseconds(20);

    private readonly string dataPath;
    private readonly string logPath;

    private LivePair(string dataPath, string logPath)
    {
        this.dataPath = dataPath;
        this.logPath = logPath;
        Data = Posix.OpenRead(dataPath);
        StampTick = FileLease.StampsEveryChange(Data) ? TimeSpan.Zero : CoarsestTick;
        OpenLog();
    }

    public SafeFileHandle Data { get; }

    /// <summary>After this time a file that still has its stamps cannot be changed without getting others.</summary>
    public TimeSpan StampTick { get; }

    /// <summary>Null while there is no log file.</summary>
    public SafeFileHandle? Log { get; private set; }

    /// <summary>Null when the data file is not there, as for a moment while the owner rebuilds it.</summary>
    public static LivePair? Open(string dataPath, string logPath)
    {
        try
        {
            return new LivePair(dataPath, logPath);
        }
        catch (PosixException e) when (e.Errno == Errno.ENOENT)
        {
            return null;
        }
    }

    public FileStat DataStat => Posix.Stat(Data, dataPath);

    public FileStat? LogStat => Log is null ? null : Posix.Stat(Log, logPath);

    /// <summary>Opens the log when it has appeared since.</summary>
    public void OpenLog()
    {
        try
        {
            Log ??= Posix.OpenRead(logPath);
        }
        catch (PosixException e) when (e.Errno == Errno.ENOENT)
        {
            // No log: everything is in the data file.
        }
    }

    /// <summary>Whether the two names still lead to the files that are open here.</summary>
    public bool IsInPlace() => IsSame(Posix.FindStat(dataPath), DataStat) && IsSame(Posix.FindStat(logPath), LogStat);

    public void Dispose()
    {
        Data.Dispose();
        Log?.Dispose();
    }

    private static bool IsSame(FileStat? named, FileStat? open) =>
        named is null ? open is null : open is not null && (named.Value.Device, named.Value.Inode) == (open.Value.Device, open.Value.Inode);
}
