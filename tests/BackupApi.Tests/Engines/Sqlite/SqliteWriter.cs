using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using BackupApi.Files;

namespace BackupApi.Tests.Engines.Sqlite;

/// <summary>An owner in a process of its own: TestData/sqlite_writer.py.</summary>
internal sealed class SqliteWriter : IDisposable
{
    private readonly Process process;
    private readonly string progress;

    private SqliteWriter(Process process, string progress)
    {
        this.process = process;
        this.progress = progress;
    }

    /// <summary>Number of the last transaction known to be committed.</summary>
    public long Committed => Read()[0];

    /// <summary>Number of the last transaction begun; it may be committed.</summary>
    public long Begun => Read()[1];

    public TimeSpan LongestWait => TimeSpan.FromMicroseconds(Read()[2]);

    /// <summary>How often the WAL began anew, as far as the writer noticed.</summary>
    public long Checkpoints => Read()[4];

    public bool IsAlive => !process.HasExited;

    public static async Task<SqliteWriter> StartAsync(string database, string progress, string mode, int pageSize = 4096, int fillerMiB = 4, int rate = 0, int checkpointPages = 200, string synchronous = "OFF")
    {
        var script = Path.Combine(AppContext.BaseDirectory, "TestData", "sqlite_writer.py");
        string[] numbers = [.. new[] { pageSize, fillerMiB, rate, checkpointPages }.Select(number => number.ToString(CultureInfo.InvariantCulture))];
        var started = Process.Start(new ProcessStartInfo("python3", [script, database, progress, mode, .. numbers, synchronous])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var line = await started.StandardOutput.ReadLineAsync();
        return line == "ready" ? new SqliteWriter(started, progress) : throw new InvalidOperationException("the writer did not start");
    }

    /// <summary>Forgets the longest wait at the writer's next transaction.</summary>
    public void ResetLongestWait()
    {
        using var file = Posix.Open(progress, OpenFlags.ReadWrite);
        RandomAccess.Write(file, [1, 0, 0, 0, 0, 0, 0, 0], 24);
    }

    /// <summary>Lets the writer end as an application does.</summary>
    public async Task StopAsync()
    {
        process.StandardInput.Close();
        await process.WaitForExitAsync();
    }

    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            Kill();
        }

        process.Dispose();
    }

    private long[] Read()
    {
        var bytes = File.ReadAllBytes(progress);
        return [.. Enumerable.Range(0, 5).Select(i => BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(i * 8)))];
    }
}
