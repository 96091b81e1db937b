using System.Diagnostics;

namespace BackupApi.Tests.Engines.Sqlite;

/// <summary>A process that opens a database with Python's sqlite3, runs the statements it is given and keeps the connection open.</summary>
internal sealed class SqliteOwner : IDisposable
{
    private const string Script = """
        import sqlite3, sys
        db = sqlite3.connect(sys.argv[1], timeout=float(sys.argv[2]), isolation_level=None)
        print("open", flush=True)
        for line in sys.stdin:
            try:
                print(repr(db.execute(line).fetchall()), flush=True)
            except sqlite3.Error as e:
                print("error: " + str(e), flush=True)
        """;

    private readonly Process process;

    public bool IsOpen { get; private set; }

    private SqliteOwner(Process started) => process = started;

    /// <param name="uid">Runs as this user; 0 as ourselves.</param>
    public static async Task<SqliteOwner> OpenAsync(string database, double busyTimeoutSeconds = 5, int uid = 0)
    {
        // Another user may not reach a Python that lies in our home.
        string[] python = [uid == 0 ? "python3" : "/usr/bin/python3", "-c", Script, database, $"{busyTimeoutSeconds}"];
        string[] command = uid == 0 ? python : ["setpriv", $"--reuid={uid}", $"--regid={uid}", "--clear-groups", .. python];
        var owner = new SqliteOwner(Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!);
        owner.IsOpen = await owner.process.StandardOutput.ReadLineAsync() == "open";
        return owner;
    }

    /// <summary>Runs one statement and gives its rows as Python prints them, or <c>error: …</c>.</summary>
    public async Task<string> RunAsync(string sql)
    {
        await process.StandardInput.WriteLineAsync(sql);
        await process.StandardInput.FlushAsync();
        return await process.StandardOutput.ReadLineAsync() ?? "gone";
    }

    /// <summary>Dies as in a crash: nothing is rolled back, checkpointed or removed.</summary>
    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    public async Task CloseAsync()
    {
        process.StandardInput.Close();
        await process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            Kill();
        }

        process.Dispose();
    }
}
