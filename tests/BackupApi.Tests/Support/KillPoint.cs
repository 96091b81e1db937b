using System.Diagnostics;
using System.Globalization;

namespace BackupApi.Tests.Support;

/// <summary>How a run under the preloaded library ended.</summary>
/// <param name="ExitCode">137 when it was killed.</param>
/// <param name="Calls">Counted calls; only known when the process ended by itself.</param>
internal sealed record KillPointEnd(int ExitCode, long Calls, string Errors)
{
    public bool WasKilled => ExitCode == 137;
}

/// <summary>Runs <see cref="KillHost"/> under tests/native/killpoint.c: killed, or given an error, at the N-th call that changes something in the folder of the test.</summary>
internal static class KillPoint
{
    private static readonly Lazy<string> Library = new(() =>
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "native");
        Shell.Run(folder, "gcc -O2 -shared -fPIC -o killpoint.$$ killpoint.c -ldl && mv killpoint.$$ killpoint.so");
        return Path.Combine(folder, "killpoint.so");
    });

    /// <summary>The numbers of the calls that flush or rename, and of the calls right after them.</summary>
    public static IEnumerable<long> FlushesAndRenames(string what, string root) =>
        Run(what, root, 0, trace: true).Errors.Split('\n').Select(line => line.Split(' '))
            .Where(words => words.Length > 2 && (words[1].Contains("sync", StringComparison.Ordinal) || words[1].StartsWith("rename", StringComparison.Ordinal)))
            .Select(words => long.Parse(words[0], CultureInfo.InvariantCulture))
            .SelectMany(n => new[] { n, n + 1 }).Distinct();

    /// <param name="at">N, from 1; 0 counts only.</param>
    /// <param name="errno">0: SIGKILL; else the error of the call.</param>
    /// <param name="sticky">Every call from N on fails.</param>
    /// <param name="cut">A mount that loses its power at N: nothing that was not flushed is there afterwards.</param>
    /// <param name="trace">Each counted call is named in the errors.</param>
    public static KillPointEnd Run(string what, string root, long at, int errno = 0, bool sticky = false, string? cut = null, bool trace = false)
    {
        // Beside the binaries: the folder of the test may lie on a file system that loses its power.
        var count = Path.Combine(AppContext.BaseDirectory, $"killpoint-{Environment.ProcessId}-{Environment.CurrentManagedThreadId}.count");
        File.Delete(count);
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(KillHost).Assembly.Location, what, root])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment["LD_PRELOAD"] = Library.Value;
        start.Environment["KILLPOINT_UNDER"] = root;
        start.Environment["KILLPOINT_AT"] = at.ToString(CultureInfo.InvariantCulture);
        start.Environment["KILLPOINT_ERRNO"] = errno.ToString(CultureInfo.InvariantCulture);
        start.Environment["KILLPOINT_STICKY"] = sticky ? "1" : "0";
        start.Environment["KILLPOINT_COUNT"] = count;
        start.Environment["KILLPOINT_TRACE"] = trace ? "1" : "0";
        start.Environment["KILLPOINT_CUT"] = cut ?? "";
        start.Environment["DOTNET_TieredPGO"] = "0";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        _ = output.GetAwaiter().GetResult();
        var calls = File.Exists(count) ? long.Parse(File.ReadAllText(count), CultureInfo.InvariantCulture) : 0;
        File.Delete(count);
        return new KillPointEnd(process.ExitCode, calls, errors);
    }
}
