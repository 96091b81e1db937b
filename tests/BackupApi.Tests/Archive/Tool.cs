using System.Diagnostics;
using Xunit;

namespace BackupApi.Tests.Archive;

/// <summary>Runs a tool that must succeed.</summary>
internal static class Tool
{
    public static string Run(string tool, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{tool} {string.Join(' ', arguments)} gave {process.ExitCode}: {error.GetAwaiter().GetResult()}");
        return output;
    }
}
