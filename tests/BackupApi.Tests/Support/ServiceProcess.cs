using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Xunit;

namespace BackupApi.Tests.Support;

/// <summary>The service as a process of its own, for what only a process has: exit codes, signals, standard error, log lines.</summary>
public sealed partial class ServiceProcess : IDisposable
{
    private readonly Process process;
    private readonly StringBuilder output = new();
    private readonly StringBuilder errors = new();

    public ServiceProcess(IEnumerable<string> arguments, params (string Name, string? Value)[] environment)
        : this(null, arguments, environment)
    {
    }

    /// <param name="user">Who runs it; null for the user of the tests.</param>
    private ServiceProcess(uint? user, IEnumerable<string> arguments, (string Name, string? Value)[] environment)
    {
        string[] program = ["dotnet", user is null ? Path.Combine(AppContext.BaseDirectory, "BackupApi.dll") : OpenPlace.Program, .. arguments];
        string[] command = user is null ? program : ["setpriv", $"--reuid={user}", $"--regid={user}", "--clear-groups", "--inh-caps=-all", .. program];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = user is null ? AppContext.BaseDirectory : Path.GetDirectoryName(OpenPlace.Program),
        };
        foreach (var name in start.Environment.Keys.Where(key => key.StartsWith("ASPNETCORE_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Keep(output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Output => Kept(output);

    public string Errors => Kept(errors);

    /// <summary>Most memory it ever held in this life (VmHWM of proc(5)).</summary>
    public long PeakMemoryBytes => 1024 * long.Parse(
        File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>One that serves on a free port over the folders below <paramref name="folder"/>, once it is ready.</summary>
    public static Task<(ServiceProcess Service, Uri Address)> ServeAsync(TempFolder folder, params (string Name, string? Value)[] environment) => ServeAsync(folder, null, environment);

    /// <summary>The same as another user, for whom the tests must run as root.</summary>
    public static async Task<(ServiceProcess Service, Uri Address)> ServeAsync(TempFolder folder, uint? user, params (string Name, string? Value)[] environment)
    {
        var service = new ServiceProcess(user, [], [.. Over(folder), ("ASPNETCORE_URLS", "http://127.0.0.1:0"), .. environment]);
        var address = new Uri(await service.WaitForAsync("http://127.0.0.1:"));
        using var client = new HttpClient { BaseAddress = address };
        while (!(await client.GetAsync(new Uri("/api/health/ready", UriKind.Relative))).IsSuccessStatusCode)
        {
            await Task.Delay(20);
        }

        return (service, address);
    }

    public static (string Name, string? Value)[] Over(TempFolder folder) =>
    [
        ("STORAGE_PATH", folder["storage"]),
        ("BACKUPS_PATH", folder["backups"]),
        ("RESTORE_PATH", folder["restore"]),
        ("AUTO_BACKUP_ENABLED", "false"),
    ];

    /// <summary>Waits for a text in the output and gives the word it begins.</summary>
    public async Task<string> WaitForAsync(string text)
    {
        for (var i = 0; i < 1500; i++)
        {
            var seen = Output;
            if (seen.IndexOf(text, StringComparison.Ordinal) is >= 0 and var at && seen.IndexOfAny(['"', '\n', ' '], at) is > 0 and var end)
            {
                return seen[at..end];
            }

            Assert.False(process.HasExited, $"exited {(process.HasExited ? process.ExitCode : 0)}: {Errors}{seen}");
            await Task.Delay(20);
        }

        throw new TimeoutException($"'{text}' was not seen in 30 s: {Output}");
    }

    public void Terminate() => Assert.Equal(0, Kill(process.Id, 15));

    /// <returns>The exit code.</returns>
    public async Task<int> ExitAsync(int seconds = 30)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        await process.WaitForExitAsync(patience.Token);
        return process.ExitCode;
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();

            // Until then it holds its folders, and a mount below them cannot go.
            process.WaitForExit();
        }

        process.Dispose();
    }

    private static void Keep(StringBuilder kept, string? line)
    {
        lock (kept)
        {
            kept.Append(line).Append(line is null ? "" : "\n");
        }
    }

    private static string Kept(StringBuilder kept)
    {
        lock (kept)
        {
            return kept.ToString();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static partial int Kill(int pid, int signal);
}
