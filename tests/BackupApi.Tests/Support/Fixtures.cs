using System.Diagnostics;

namespace BackupApi.Tests.Support;

/// <summary>The real databases of TestData/databases.tar.gz, unpacked once for each run; a test works on a copy of its own.</summary>
public static class Fixtures
{
    /// <summary>Password of <c>litedb/d-encrypted</c>.</summary>
    public const string Password = "fixture-Pa55 word";

    private static readonly Lazy<string> Unpacked = new(() =>
    {
        var target = Path.Combine(AppContext.BaseDirectory, "fixtures");
        Directory.CreateDirectory(target);
        var archive = Path.Combine(AppContext.BaseDirectory, "TestData", "databases.tar.gz");
        using var tar = Process.Start("tar", ["xzf", archive, "-C", target, "--no-same-owner"]);
        tar.WaitForExit();
        return tar.ExitCode == 0 ? Path.Combine(target, "databases") : throw new InvalidOperationException($"tar could not unpack {archive}");
    });

    /// <summary>Folder of a case, for reading only: <c>Of("litedb/a-clean")</c>.</summary>
    public static string Of(string name) => Path.Combine(Unpacked.Value, name);

    /// <summary>Copies a case into an existing folder and gives that folder.</summary>
    public static string CopyTo(string name, string folder)
    {
        var from = Of(name);
        foreach (var directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(folder, Path.GetRelativePath(from, directory)));
        }

        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(folder, Path.GetRelativePath(from, file)));
        }

        return folder;
    }
}
