using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>A quiet copy as a backup takes it; where the damage prevents that, the files as they lie.</summary>
internal static class CopyDamaged
{
    /// <param name="staging">An existing, empty folder.</param>
    /// <returns>Null, or what is to be said of a copy that was taken as the files lie.</returns>
    public static async Task<Finding?> RunAsync(FoundSource found, StorageTree tree, string staging, CancellationToken ct)
    {
        try
        {
            await found.Engine.CaptureAsync(found.Source, tree, staging, ct);
            return null;
        }
        catch (BackupException e) when (e.Fault is not (Fault.Cancelled or Fault.NoRoom or Fault.NotFound))
        {
            AsItLies(found, tree, staging, ct);
            return new Finding(PathText.Show(found.Source.Name), $"It was copied as it lies, without regard to who writes in it: {e.Message}");
        }
    }

    /// <summary>What lies in <paramref name="staging"/> goes first.</summary>
    public static void AsItLies(FoundSource found, StorageTree tree, string staging, CancellationToken ct)
    {
        foreach (var left in Posix.ListNames(staging))
        {
            TreeRemoval.Remove($"{staging}/{left}");
        }

        foreach (var file in found.Source.Files.Where(file => tree.Find(file) is { Stat.Kind: FileKind.File }))
        {
            MakeFolders(staging, file);
            using var from = Posix.OpenRead(tree.FullPath(file));
            QuietCopy.Copy(from, RandomAccess.GetLength(from), $"{staging}/{file}", ct);
        }
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
