namespace BackupApi.Config;

/// <summary>Which folders make sense together. Looks at the disk, changes nothing on it.</summary>
internal static class FolderRules
{
    /// <summary>As many links as the kernel itself follows in one path.</summary>
    private const int MostLinks = 40;

    public static string ReadFolder(SettingsReader settings, string name, string byDefault)
    {
        var given = settings.Text(name, byDefault, 4000);
        var path = Resolve(Path.GetFullPath(given));
        if (path == "/")
        {
            settings.Add(name, given, "a folder below the root of the file system");
        }
        else if (File.Exists(path))
        {
            settings.Add(name, given, "a folder, or a path where one can be made; there is a file");
        }

        return path;
    }

    public static void RefuseOverlaps(SettingsReader settings, string storage, string backups, string restore)
    {
        if (storage == backups)
        {
            settings.Add("BACKUPS_PATH", backups, "another folder than STORAGE_PATH");
        }
        else if (Holds(backups, storage))
        {
            settings.Add("STORAGE_PATH", storage, "a folder outside BACKUPS_PATH (the other way round is fine)");
        }

        if (storage == restore || backups == restore)
        {
            settings.Add("RESTORE_PATH", restore, $"another folder than {(storage == restore ? "STORAGE_PATH" : "BACKUPS_PATH")}");
            return;
        }

        if (Holds(restore, storage))
        {
            settings.Add("STORAGE_PATH", storage, "a folder outside RESTORE_PATH");
        }

        if (Holds(restore, backups))
        {
            settings.Add("BACKUPS_PATH", backups, "a folder outside RESTORE_PATH");
        }
    }

    private static bool Holds(string outer, string inner) => inner.StartsWith(outer + "/", StringComparison.Ordinal);

    /// <summary>The path with every link in it followed, as far as it exists.</summary>
    private static string Resolve(string path)
    {
        var pending = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var resolved = "";
        for (var links = 0; pending.TryPop(out var name);)
        {
            var next = $"{resolved}/{name}";
            if (LinkTarget(next) is { } target && links++ < MostLinks)
            {
                // A target may hold links and ".." of its own, so its parts are looked at one by one too.
                foreach (var part in Path.GetFullPath(target, resolved.Length == 0 ? "/" : resolved).Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                {
                    pending.Push(part);
                }

                resolved = "";
            }
            else
            {
                resolved = next;
            }
        }

        return resolved.Length == 0 ? "/" : resolved;
    }

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
