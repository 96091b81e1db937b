using System.Runtime.CompilerServices;

namespace BackupApi.Tests.Support;

/// <summary>The files of this project, for tests that read them.</summary>
public static class Repository
{
    /// <summary>Absolute path of the folder that holds the solution.</summary>
    public static string Root { get; } = Find();

    public static string Source => Path.Combine(Root, "src", "BackupApi");

    /// <summary>C# files below a folder, without what the build makes.</summary>
    public static IEnumerable<string> Code(string folder) =>
        Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    public static string Shown(string file) => Path.GetRelativePath(Root, file);

    private static string Find([CallerFilePath] string here = "")
    {
        foreach (var start in new[] { AppContext.BaseDirectory, Path.GetDirectoryName(here)! })
        {
            for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "BackupApi.sln")))
                {
                    return folder.FullName;
                }
            }
        }

        throw new InvalidOperationException("These tests run inside the repository.");
    }
}
