using System.Diagnostics;

namespace BackupApi.Tests.Support;

/// <summary>Runs a line of shell in a folder, for tests whose subject is what other programs write.</summary>
public static class Shell
{
    /// <exception cref="InvalidOperationException">It failed; the message holds what it said.</exception>
    public static string Run(string folder, string script)
    {
        var start = new ProcessStartInfo("bash", ["-c", "set -euo pipefail; export PATH=$PATH:/usr/sbin; " + script])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{script}: {errors.GetAwaiter().GetResult()}{output}");
    }
}
