using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>A quiet copy as a backup takes it; where the damage prevents that, or the disk does, the files as they lie and as far as they can be read.</summary>
internal static class CopyDamaged
{
    /// <summary>Stretches told one by one: what an engine then misses is to be told too.</summary>
    private const int MostStretches = Verdict.MaxFindings / 2;

    /// <param name="staging">An existing, empty folder.</param>
    /// <returns>What is to be said of a copy that was taken as the files lie, and what of them could not be read; both empty for a quiet one.</returns>
    public static async Task<(IReadOnlyList<Finding> Notes, IReadOnlyList<Finding> NotReadable)> RunAsync(FoundSource found, StorageTree tree, string staging, CancellationToken ct)
    {
        try
        {
            await found.Engine.CaptureAsync(found.Source, tree, staging, ct);
            return ([], []);
        }
        catch (Exception e) when (e is BackupException { Fault: not (Fault.Cancelled or Fault.NoRoom or Fault.NotFound) } or IOException { HResult: Errno.EIO })
        {
            return AsItLies(found, tree, staging, e, ct);
        }
    }

    /// <summary>True when the disk did not give what was asked of it. A copy that shares its blocks with the original is taken without one look at them, and fails where it is read.</summary>
    public static bool IsOfTheDisk(Exception e) => e is BackupException { Fault: Fault.DiskError } or IOException { HResult: Errno.EIO };

    /// <param name="why">What prevented a quiet copy.</param>
    /// <returns>As that of <see cref="RunAsync"/>.</returns>
    public static (IReadOnlyList<Finding> Notes, IReadOnlyList<Finding> NotReadable) AsItLies(FoundSource found, StorageTree tree, string staging, Exception why, CancellationToken ct)
    {
        var notReadable = AsItLies(found, tree, staging, ct);
        return ([new Finding(PathText.Show(found.Source.Name), $"It was copied as it lies, without regard to who writes in it: {why.Message}")], notReadable);
    }

    /// <summary>What lies in <paramref name="staging"/> goes first.</summary>
    /// <returns>What of the files the disk did not give: zeros stand for it.</returns>
    public static IReadOnlyList<Finding> AsItLies(FoundSource found, StorageTree tree, string staging, CancellationToken ct)
    {
        foreach (var left in Posix.ListNames(staging))
        {
            TreeRemoval.Remove($"{staging}/{left}");
        }

        var notReadable = new List<Finding>();
        var (more, bytes) = (0L, 0L);
        foreach (var file in found.Source.Files.Where(file => tree.Find(file) is { Stat.Kind: FileKind.File }))
        {
            MakeFolders(staging, file);
            var lost = RescueCopy.Run(tree.FullPath(file), $"{staging}/{file}", ct);
            var told = lost.Take(MostStretches - notReadable.Count).Select(stretch => new Finding(
                PathText.Show(file),
                string.Create(CultureInfo.InvariantCulture, $"The disk does not give its bytes {stretch.From} to {stretch.To - 1}: they are taken for zeros."))).ToList();
            notReadable.AddRange(told);
            more += lost.Count - told.Count;
            bytes += lost.Sum(stretch => stretch.To - stretch.From);
        }

        if (more > 0)
        {
            notReadable.Add(new Finding(PathText.Show(found.Source.Name), string.Create(CultureInfo.InvariantCulture, $"The disk does not give {more} more such stretches, {bytes} bytes in all.")));
        }

        return notReadable;
    }

    private static void MakeFolders(string staging, string file)
    {
        for (var slash = file.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = file.IndexOf('/', slash + 1))
        {
            if (Posix.FindStat($"{staging}/{file[..slash]}") is null)
            {
                Posix.MakeFolder($"{staging}/{file[..slash]}");
            }
        }
    }
}
