using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>A process that writes to a LevelDB folder by the real engine, as fast as it can, with a small write buffer so that compactions never end.</summary>
internal sealed class LiveWriter : IDisposable
{
    private readonly Process process;
    private readonly string counter;

    /// <param name="fillMegabytes">Quiet data written first.</param>
    /// <param name="reopenEvery">Closes and opens the database after so many batches; 0 for never.</param>
    public LiveWriter(string folder, string counter, int fillMegabytes, int reopenEvery = 0, int pauseMicroseconds = 0, int bufferKilobytes = 128)
    {
        this.counter = counter;
        string[] arguments = ["write", folder, counter, Text(fillMegabytes), Text(pauseMicroseconds), Text(bufferKilobytes), "7200", Text(reopenEvery)];
        process = Process.Start(new ProcessStartInfo(RealLevelDb.Program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        if (process.StandardOutput.ReadLine() != "ready")
        {
            throw new InvalidOperationException("the writer did not start");
        }
    }

    /// <summary>Number of the last batch that the engine acknowledged.</summary>
    public long Written => BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(counter));

    public bool HasEnded => process.HasExited;

    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromSeconds(20)))
        {
            Kill();
        }

        process.Dispose();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
