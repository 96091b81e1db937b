using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Which database of storage a bare one in the restore folder is meant for: the only one of its name. Pure.</summary>
internal static class BareTarget
{
    private const int MaxNamed = 10;

    /// <param name="name">File or folder name of the bare database.</param>
    /// <param name="engine">Its kind.</param>
    /// <param name="live">The sources of storage.</param>
    /// <param name="isThere">Whether storage has anything under a path.</param>
    /// <param name="newest">The newest backup: it knows a database that is no longer recognised, and, where storage has none of the name, one that is gone. Null when there is none.</param>
    /// <returns>The path that it replaces, relative to storage.</returns>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveIncompatible"/>: there is none, there are several, or it is of another kind. The message names the candidates.</exception>
    public static string Require(string name, string engine, IReadOnlyList<FoundSource> live, Func<string, bool> isThere, Backup? newest)
    {
        var archived = Archived(newest);
        var known = Distinct(live.Where(found => found.Source.Engine != Source.PlainFiles).Select(found => (found.Source.Name, found.Source.Engine)).Concat(archived.Where(source => isThere(source.Name))));
        var candidates = known.FindAll(source => NameOf(source.Name) == name);
        if (candidates.Count == 0)
        {
            candidates = archived.FindAll(source => NameOf(source.Name) == name);
        }

        if (candidates is not [var (path, kind)])
        {
            var shown = (candidates.Count == 0 ? Distinct(known.Concat(archived)) : candidates).Select(source => PathText.Show(source.Name)).Take(MaxNamed).ToList();
            throw Refused(candidates.Count > 1
                ? $"{PathText.Show(name)} may be meant for any of these: {string.Join(", ", shown)}."
                : $"No database of storage is called {PathText.Show(name)}. {(shown.Count == 0 ? "There are none." : $"There are: {string.Join(", ", shown)}.")}");
        }

        return kind == engine ? path : throw Refused($"{PathText.Show(name)} is a database of the kind {engine}, and {PathText.Show(path)} of storage is one of the kind {kind}.");
    }

    /// <summary>Whether the newest backup has a database of this name.</summary>
    public static bool IsName(string name, Backup? newest) => Archived(newest).Exists(source => NameOf(source.Name) == name);

    public static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];

    public static BackupException Refused(string message) => new(
        Fault.ArchiveIncompatible,
        message,
        "Name it as the one database that it replaces; or stop the application, copy it there by hand, and start again; or drop an archive.");

    private static List<(string Name, string Engine)> Archived(Backup? newest) =>
        [.. (newest?.Sources ?? []).Where(source => source.Engine != Source.PlainFiles).Select(source => (PathText.Parse(source.Name), source.Engine))];

    private static List<(string Name, string Engine)> Distinct(IEnumerable<(string Name, string Engine)> sources) =>
        [.. sources.DistinctBy(source => source.Name, StringComparer.Ordinal).OrderBy(source => source.Name, StringComparer.Ordinal)];
}
