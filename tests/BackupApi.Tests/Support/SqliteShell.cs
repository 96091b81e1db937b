using System.Diagnostics;

namespace BackupApi.Tests.Support;

/// <summary>The sqlite3 program as an owner that keeps its database open.</summary>
internal sealed class SqliteShell : IDisposable
{
    private readonly Process process;

    private SqliteShell(Process process) => this.process = process;

    public static SqliteShell Open(string path) => new(Process.Start(new ProcessStartInfo("sqlite3", ["-batch", path])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        UseShellExecute = false,
    })!);

    /// <summary>Runs statements and waits until they are done.</summary>
    public void Run(string statements)
    {
        process.StandardInput.WriteLine(statements);
        process.StandardInput.WriteLine(".print done");
        process.StandardInput.Flush();
        while (process.StandardOutput.ReadLine() is { } line && line != "done")
        {
        }
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}
