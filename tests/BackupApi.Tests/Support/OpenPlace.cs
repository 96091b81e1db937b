using BackupApi.Files;

namespace BackupApi.Tests.Support;

/// <summary>Where tests may be that run the service as another user: beside the test binaries, or, where the clone lies in a folder that others may not enter, below <c>/var/tmp</c>.</summary>
internal static class OpenPlace
{
    private const string Prefix = "backupapi-tests-";

    private static readonly Lazy<string> Folder = new(Find);

    private static readonly Lazy<string> Copy = new(CopyProgram);

    /// <summary>A folder that everybody may enter, on a real disk.</summary>
    public static string Root => Folder.Value;

    /// <summary>The service's program, where everybody may read it.</summary>
    public static string Program => Copy.Value;

    private static string Find()
    {
        if (MayBeEntered(AppContext.BaseDirectory))
        {
            return AppContext.BaseDirectory;
        }

        foreach (var left in Directory.GetDirectories("/var/tmp", Prefix + "*").Where(left => !Directory.Exists($"/proc/{Path.GetFileName(left)[Prefix.Length..]}")))
        {
            // The host of the tests is killed at its end as often as not, so each run clears up behind the one before.
            TreeRemoval.Remove(left);
        }

        var root = Directory.CreateDirectory($"/var/tmp/{Prefix}{Environment.ProcessId}").FullName;
        Posix.SetMode(root, 0x1ED /* 0755 */);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => TreeRemoval.Remove(root);
        return root;
    }

    private static string CopyProgram()
    {
        var from = AppContext.BaseDirectory.TrimEnd('/');
        if (Root.TrimEnd('/') == from)
        {
            return $"{from}/BackupApi.dll";
        }

        var to = Directory.CreateDirectory($"{Root}/program").FullName;
        Shell.Run(to, $"cp -r '{from}'/*.dll '{from}'/*.json '{from}'/runtimes . && if [ -d '{from}/wwwroot' ]; then cp -r '{from}/wwwroot' .; fi && chmod -R a+rX .");
        return $"{to}/BackupApi.dll";
    }

    private static bool MayBeEntered(string? path)
    {
        for (; path is not null; path = Path.GetDirectoryName(path))
        {
            if ((Posix.FindTargetStat(path)?.Mode & 1) != 1)
            {
                return false;
            }
        }

        return true;
    }
}
