using BackupApi.Archive.Foreign;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>What has to be unpacked of an archive for a restore of some paths: what was asked for, all of each database that a path leads into, and the folders on the way.</summary>
/// <remarks>By names alone, so rather too much than too little: which files make up a database is told from the unpacked tree, and what nobody asked for is left out then.</remarks>
internal sealed class NeededEntries
{
    private readonly RestoreScope scope;
    private readonly Dictionary<string, string> databaseOf = new(StringComparer.Ordinal);
    private readonly HashSet<string> wholeDatabases = new(StringComparer.Ordinal);
    private readonly HashSet<string> foldersOnTheWay = new(StringComparer.Ordinal);

    private NeededEntries(RestoreScope scope, Manifest manifest, IReadOnlyList<FoundSource> live)
    {
        this.scope = scope;
        foreach (var source in live.Select(found => found.Source).Where(source => source.Engine != Source.PlainFiles))
        {
            foreach (var file in source.Files)
            {
                databaseOf[file] = source.Name;
            }

            databaseOf[source.Name] = source.Name;
        }

        foreach (var name in manifest.Sources.Where(source => source.Engine != Source.PlainFiles).Select(source => PathText.Parse(source.Name)))
        {
            databaseOf[name] = name;
        }
    }

    /// <summary>Content, in bytes, and number of what is needed.</summary>
    public long ContentBytes { get; private set; }

    public long Entries { get; private set; }

    /// <summary>Goes over the archive's list twice; its contents are not read.</summary>
    /// <param name="live">What lies in storage now: what is one database there is not divided either.</param>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveDamaged"/>: the list cannot be read.</exception>
    public static async Task<NeededEntries> FindAsync(AnyArchive archives, string archivePath, RestoreScope scope, Manifest manifest, IReadOnlyList<FoundSource> live, CancellationToken ct)
    {
        var needed = new NeededEntries(scope, manifest, live);

        // A side file that only storage has stands for its database, too.
        needed.wholeDatabases.UnionWith(needed.databaseOf.Where(file => scope.Asks(file.Key, file.Value)).Select(file => file.Value));
        await foreach (var entry in archives.ListAsync(archivePath, ct))
        {
            if (needed.FindDatabase(entry.Name) is { } database && scope.Asks(entry.Name, database))
            {
                needed.wholeDatabases.Add(database);
            }
        }

        await foreach (var entry in archives.ListAsync(archivePath, ct))
        {
            if (needed.IsWanted(entry.Name))
            {
                needed.Entries++;
                needed.ContentBytes += entry.Size;
                for (var end = entry.Name.LastIndexOf('/'); end > 0 && needed.foldersOnTheWay.Add(entry.Name[..end]); end = entry.Name.LastIndexOf('/', end - 1))
                {
                    needed.Entries++;
                }
            }
        }

        return needed;
    }

    public bool Contains(ArchiveEntry entry) => IsWanted(entry.Name) || foldersOnTheWay.Contains(entry.Name);

    private bool IsWanted(string path) => FindDatabase(path) is { } database ? wholeDatabases.Contains(database) || scope.Asks(path, database) : scope.Asks(path, null);

    /// <summary>The database that a file belongs to: itself, the one whose side file it is called like, or a folder it lies in.</summary>
    private string? FindDatabase(string path)
    {
        var ending = path.LastIndexOf('.') is var dot && dot > path.LastIndexOf('/') ? dot : path.Length;
        foreach (var suffix in new[] { "-log", "-tmp" })
        {
            if (path.AsSpan(0, ending).EndsWith(suffix, StringComparison.Ordinal) && databaseOf.TryGetValue(path[..(ending - suffix.Length)] + path[ending..], out var owner))
            {
                return owner;
            }
        }

        for (var end = path.Length; end > 0; end = path.LastIndexOfAny(['/', '-'], end - 1))
        {
            if (databaseOf.TryGetValue(path[..end], out var owner))
            {
                return owner;
            }
        }

        return null;
    }
}
