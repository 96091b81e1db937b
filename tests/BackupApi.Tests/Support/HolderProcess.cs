using System.Diagnostics;

namespace BackupApi.Tests.Support;

/// <summary>Another process that does something with a file and then sits on it, by a few lines of Python.</summary>
public sealed class HolderProcess : IDisposable
{
    private readonly Process holder;

    private HolderProcess(Process process) => holder = process;

    /// <param name="hold">Statements; <c>path</c> is the file, <c>os</c> is imported. What must stay alive is kept in a name.</param>
    public static async Task<HolderProcess> StartAsync(string path, string hold)
    {
        var start = new ProcessStartInfo("python3", ["-c", $"import os, sys\npath = sys.argv[1]\n{hold.Replace("; ", "\n", StringComparison.Ordinal)}\nprint('ready', flush=True)\nsys.stdin.read()", path])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        var process = Process.Start(start)!;
        var line = await process.StandardOutput.ReadLineAsync();
        return line == "ready" ? new HolderProcess(process) : throw new InvalidOperationException($"The holder of {path} said '{line}'.");
    }

    /// <summary>Ends it, as a crash would, and gives what it printed since it was ready.</summary>
    public string StopAndReadOutput()
    {
        holder.Kill();
        holder.WaitForExit();
        return holder.StandardOutput.ReadToEnd();
    }

    public void Dispose()
    {
        if (!holder.HasExited)
        {
            holder.Kill();
            holder.WaitForExit();
        }

        holder.Dispose();
    }
}
