namespace BackupApi.Files;

/// <summary>Makes the folders on the way to a name, whatever bytes it is made of.</summary>
internal static class FolderPath
{
    /// <summary>Makes each folder of <paramref name="name"/> below <paramref name="root"/> that is not there yet; with <paramref name="inclusive"/> also the last part.</summary>
    public static void Make(string root, string name, bool inclusive)
    {
        for (var slash = name.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = name.IndexOf('/', slash + 1))
        {
            MakeOne($"{root}/{name[..slash]}");
        }

        if (inclusive)
        {
            MakeOne($"{root}/{name}");
        }
    }

    private static void MakeOne(string path)
    {
        if (Posix.FindStat(path) is null)
        {
            Posix.MakeFolder(path);
        }
    }
}
