using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace BackupApi.Engines.Sqlite;

/// <summary>The <c>.recover</c> command of the <c>sqlite3</c> shell (sqlite.org/recovery.html), as two processes: one reads the damaged file, one builds a new database from what the first says.</summary>
/// <remarks>Both run in <paramref name="folder"/> on names given there, without a start-up file; the second in safe mode, for what it is told comes out of a damaged file.</remarks>
internal sealed class RecoverShell(string folder, TimeProvider time, TimeSpan limit)
{
    private const string Program = "sqlite3";
    private const int MaxSaid = 500;

    /// <summary>Null when it went well; else why not, a sentence without its end.</summary>
    /// <param name="recovered">The database to build; must not exist.</param>
    public async Task<string?> RunAsync(string damaged, string recovered, CancellationToken ct)
    {
        using var late = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        var processes = new List<Process>();
        try
        {
            // What lies on the freelist was deleted: it must not come back.
            var reader = Start(processes, damaged, ".recover --ignore-freelist");
            var writer = Start(processes, "-safe", recovered);
            reader.StandardInput.Close();
            var drained = writer.StandardOutput.BaseStream.CopyToAsync(Stream.Null, either.Token);
            var readerSays = ReadAsync(reader.StandardError, either.Token);
            var writerSays = ReadAsync(writer.StandardError, either.Token);
            await PipeAsync(reader, writer, either.Token);
            await Task.WhenAll(reader.WaitForExitAsync(either.Token), writer.WaitForExitAsync(either.Token), drained);
            var said = $"{await readerSays}{await writerSays}".ReplaceLineEndings(" ").Trim();
            return reader.ExitCode == 0 && writer.ExitCode == 0 && said.Length == 0
                ? null
                : string.Create(CultureInfo.InvariantCulture, $"the sqlite3 shell's .recover ended with {Math.Max(reader.ExitCode, writer.ExitCode)}: {said}");
        }
        catch (Win32Exception)
        {
            return "the sqlite3 shell is not installed here";
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return $"the sqlite3 shell's .recover took longer than {limit}";
        }
        finally
        {
            foreach (var process in processes)
            {
                await EndAsync(process);
            }
        }
    }

    private Process Start(List<Process> started, params string[] arguments)
    {
        var start = new ProcessStartInfo(Program, ["-batch", "-init", "/dev/null", .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardErrorEncoding = Encoding.UTF8,
            UseShellExecute = false,
        };
        var process = Process.Start(start)!;
        started.Add(process);
        return process;
    }

    private static async Task PipeAsync(Process reader, Process writer, CancellationToken ct)
    {
        try
        {
            await reader.StandardOutput.BaseStream.CopyToAsync(writer.StandardInput.BaseStream, ct);
            writer.StandardInput.Close();
        }
        catch (IOException)
        {
            // The builder went away before the end; its exit code and words say why. The reader must not wait for it.
            reader.Kill(entireProcessTree: true);
        }
    }

    /// <summary>The beginning of what a process says; the rest is read too, so that it never waits.</summary>
    private static async Task<string> ReadAsync(StreamReader from, CancellationToken ct)
    {
        var said = new StringBuilder();
        while (await from.ReadLineAsync(ct) is { } line)
        {
            if (said.Length < MaxSaid)
            {
                said.Append(line.AsSpan(0, Math.Min(line.Length, MaxSaid))).Append(' ');
            }
        }

        return said.ToString();
    }

    private static async Task EndAsync(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }

        process.Dispose();
    }
}
