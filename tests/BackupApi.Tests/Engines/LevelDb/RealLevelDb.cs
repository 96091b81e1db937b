using System.Diagnostics;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>The real engine, by tests/native/leveldb_writer.cc: compiled when missing or older than its source.</summary>
internal static class RealLevelDb
{
    private static readonly Lazy<string> Compiled = new(Compile);

    public static string Program => Compiled.Value;

    /// <summary>Runs a verb to its end; gives the exit code and what it printed.</summary>
    public static (int ExitCode, string Output) Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    /// <summary>The number behind a word of <c>seq 12 first 1 keys 99</c>.</summary>
    public static long Number(string output, string word)
    {
        var words = output.Split(' ');
        return long.Parse(words[Array.IndexOf(words, word) + 1]);
    }

    /// <summary>How many keys the engine's own iterator finds, opened with paranoid checks. The folder is changed by it.</summary>
    public static long Count(string folder)
    {
        var (exitCode, output) = Run("count", folder);
        return exitCode == 0 ? Number(output, "keys") : throw new InvalidOperationException(output);
    }

    /// <summary>Every key and value as <c>KEY TAB VALUE</c> in hexadecimal, in the engine's order. A copy is opened, so the folder stays as it is.</summary>
    public static List<string> Dump(string folder)
    {
        using var copy = new Support.TempFolder();
        Support.Shell.Run(copy.Path, $"cp -a '{folder}' db");
        var (exitCode, output) = Run("dump", copy["db"]);
        return exitCode == 0 ? [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)] : throw new InvalidOperationException(output);
    }

    private static string Compile()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "BackupApi.sln")))
        {
            root = root.Parent ?? throw new InvalidOperationException("the repository is not above the test binaries");
        }

        var source = Path.Combine(root.FullName, "tests", "native", "leveldb_writer.cc");
        var program = Path.Combine(AppContext.BaseDirectory, "leveldb_writer");
        if (File.Exists(program) && File.GetLastWriteTimeUtc(program) >= File.GetLastWriteTimeUtc(source))
        {
            return program;
        }

        using var compiler = Process.Start("g++", ["-O2", "-std=c++17", "-o", program, source, "-lleveldb", "-lpthread"]);
        compiler.WaitForExit();
        return compiler.ExitCode == 0 ? program : throw new InvalidOperationException("g++ could not compile leveldb_writer.cc: is libleveldb-dev installed (tests/install-tools.sh)?");
    }
}
