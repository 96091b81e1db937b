using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace BackupApi.Tests.Support;

/// <summary>How a run under the preloaded library ended.</summary>
/// <param name="ExitCode">137 when it was killed.</param>
/// <param name="Calls">Counted calls; only known when the process ended by itself.</param>
/// <param name="Errors">Of a fault: its name, its message and its hint, a line each.</param>
internal sealed record KillPointEnd(int ExitCode, long Calls, string Errors)
{
    public bool WasKilled => ExitCode == 137;
}

/// <summary>What <see cref="KillHost"/> is told when it serves.</summary>
internal sealed record KillOrder(string What, string Root, long At, int Errno, bool Sticky);

/// <summary>Runs <see cref="KillHost"/> under tests/native/killpoint.c: killed at the N-th call that changes something in the folder of the test.</summary>
internal static class KillPoint
{
    private static readonly Lazy<string> Library = new(() =>
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "native");
        Shell.Run(folder, "gcc -O2 -shared -fPIC -o killpoint.$$ killpoint.c -ldl -lpthread && mv killpoint.$$ killpoint.so");
        return Path.Combine(folder, "killpoint.so");
    });

    /// <param name="at">N, from 1; 0 counts only.</param>
    /// <param name="errno">0: SIGKILL; else the error of the call. For many of them there is <see cref="KillServer"/>.</param>
    /// <param name="sticky">Every call from N on fails.</param>
    /// <param name="trace">Each counted call is named in the errors.</param>
    /// <param name="cut">A mount that loses its power at N: nothing that was not flushed is there afterwards.</param>
    public static KillPointEnd Run(string what, string root, long at, int errno = 0, bool sticky = false, string? cut = null, bool trace = false)
    {
        // Beside the binaries: the folder of the test may lie on a file system that loses its power.
        var count = Path.Combine(AppContext.BaseDirectory, $"killpoint-{Environment.ProcessId}-{Environment.CurrentManagedThreadId}.count");
        File.Delete(count);
        var start = Program([what, root], root);
        start.Environment["KILLPOINT_AT"] = at.ToString(CultureInfo.InvariantCulture);
        start.Environment["KILLPOINT_ERRNO"] = errno.ToString(CultureInfo.InvariantCulture);
        start.Environment["KILLPOINT_STICKY"] = sticky ? "1" : "0";
        start.Environment["KILLPOINT_TRACE"] = trace ? "1" : "0";
        start.Environment["KILLPOINT_COUNT"] = count;
        start.Environment["KILLPOINT_CUT"] = cut ?? "";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        _ = output.GetAwaiter().GetResult();
        var calls = File.Exists(count) ? long.Parse(File.ReadAllText(count), CultureInfo.InvariantCulture) : 0;
        File.Delete(count);
        return new KillPointEnd(process.ExitCode, calls, errors);
    }

    /// <summary>The program under the library.</summary>
    /// <param name="under">Calls elsewhere are not counted.</param>
    /// <param name="before">Shell that is run first, by a shell that becomes the program; null for none.</param>
    public static ProcessStartInfo Program(IReadOnlyList<string> arguments, string under, string? before = null)
    {
        string[] command = ["dotnet", "exec", typeof(KillHost).Assembly.Location, .. arguments];
        var start = before is null
            ? new ProcessStartInfo(command[0], command[1..])
            : new ProcessStartInfo("unshare", ["--mount", "bash", "-c", $"set -e; {before}; exec env LD_PRELOAD={Library.Value} \"$@\"", "bash", .. command]);
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        if (before is null)
        {
            start.Environment["LD_PRELOAD"] = Library.Value;
        }

        start.Environment["KILLPOINT_UNDER"] = under;
        start.Environment["DOTNET_TieredPGO"] = "0";
        return start;
    }
}

/// <summary><see cref="KillHost"/> as one process for many runs, each with an error at a call: no process is needed for each, for none is killed.</summary>
internal sealed class KillServer : IDisposable
{
    private readonly Process process;
    private readonly Task<string> errors;

    /// <param name="under">The folder that all runs lie in.</param>
    public KillServer(string under)
    {
        process = Process.Start(KillPoint.Program(["serve"], under))!;
        errors = process.StandardError.ReadToEndAsync();
    }

    /// <param name="at">N, from 1; 0 counts only.</param>
    /// <param name="sticky">Every call from N on fails.</param>
    public KillPointEnd Run(string what, string root, long at, int errno, bool sticky)
    {
        process.StandardInput.WriteLine(JsonSerializer.Serialize(new KillOrder(what, root, at, errno, sticky)));
        return process.StandardOutput.ReadLine() is { } line
            ? JsonSerializer.Deserialize<KillPointEnd>(line)!
            : throw new InvalidOperationException($"The server ended at call {at} of {what}: {errors.GetAwaiter().GetResult()}");
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}
