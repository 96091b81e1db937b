using System.Diagnostics;
using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines.Sqlite;

/// <summary>A storage folder with SQLite databases in it, and the steps every test of this engine takes.</summary>
internal sealed class SqliteStorage : IDisposable
{
    private readonly TempFolder temp = new();
    private int captures;

    public SqliteStorage(SqliteSettings? settings = null, TimeProvider? time = null)
    {
        Root = temp.Folder("storage");
        Engine = new SqliteEngine(time ?? TimeProvider.System, settings);
    }

    public string Root { get; }

    public SqliteEngine Engine { get; }

    public string this[string relative] => $"{Root}/{relative}";

    public static SqliteStorage Of(string fixture)
    {
        var storage = new SqliteStorage();
        Fixtures.CopyTo($"sqlite/{fixture}", storage.Root);
        return storage;
    }

    public IReadOnlyList<Source> Recognise() => [.. Engine.Recognise(TreeWalker.Walk(Root), _ => true)];

    public async Task<(Capture Capture, string Folder)> CaptureAsync(string? root = null, CancellationToken ct = default)
    {
        var tree = TreeWalker.Walk(root ?? Root, ct: ct);
        var source = Assert.Single(Engine.Recognise(tree, _ => true));
        var into = temp.Folder($"staging-{++captures}");
        return (await Engine.CaptureAsync(source, tree, into, ct), into);
    }

    public async Task<(Capture Capture, Verdict Verdict, string Folder)> CaptureAndVerifyAsync(string? root = null)
    {
        var (capture, folder) = await CaptureAsync(root);
        return (capture, await Engine.VerifyAsync(capture.Source, folder, CancellationToken.None), folder);
    }

    /// <summary>Runs SQL through the sqlite3 shell and gives what it prints.</summary>
    public string Sql(string database, string sql) => Shell("sqlite3", [database, sql]);

    public static string Shell(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output.Trim() : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error.GetAwaiter().GetResult()}");
    }

    public string Scratch(string name) => temp[name];

    public void Dispose() => temp.Dispose();
}
