using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>What happened to live files while they were read, gathered from all workers.</summary>
/// <param name="onReferenceRot">See <see cref="ArchiveRequest.OnReferenceRot"/>.</param>
internal sealed class Observations(Action<Finding>? onReferenceRot = null)
{
    private readonly Lock gate = new();
    private readonly List<Finding> changed = [];
    private readonly List<Finding> unreadable = [];
    private readonly List<Finding> vanished = [];
    private readonly List<Finding> rotten = [];

    public void Changed(string name, int tries) =>
        Add(changed, name, $"It changed while it was read, at each of {tries} tries; the archive holds the last reading, which may be torn.");

    public void Unreadable(string name, IOException failure) => Add(unreadable, name, failure.Message);

    public void Vanished(string name) => Add(vanished, name, "It was gone, or no longer a file, when its turn came.");

    public void LostLink(string name, string target) => Add(unreadable, name, $"It is a hard link to {PathText.Show(target)}, which could not be read.");

    /// <summary>Damage of the reference archive.</summary>
    public void Rotten(string path, string message)
    {
        Unusable(path, message);
        onReferenceRot?.Invoke(new Finding(PathText.Show(Path.GetFileName(path)), message));
    }

    /// <summary>The reference archive is of no use, though nothing says that it is damaged.</summary>
    public void Unusable(string path, string message) => Add(rotten, Path.GetFileName(path), message);

    /// <summary>Sorted by name, so that the order of the workers does not show.</summary>
    public WriterObservations ToRecord(long entries, long contentBytes)
    {
        lock (gate)
        {
            return new WriterObservations(Sorted(changed), Sorted(unreadable), Sorted(vanished), entries, contentBytes) { ReferenceRot = Sorted(rotten) };
        }
    }

    private static List<Finding> Sorted(List<Finding> findings) => [.. findings.OrderBy(finding => finding.Where, StringComparer.Ordinal)];

    private void Add(List<Finding> list, string name, string message)
    {
        lock (gate)
        {
            list.Add(new Finding(PathText.Show(name), message));
        }
    }
}
