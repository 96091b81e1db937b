using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.PlainFiles;

/// <summary>Everything that no database claimed: files, folders (also those that hold databases) and symlinks, as one source.</summary>
/// <remarks>
/// The one instant of <see cref="IEngine.CaptureAsync"/> cannot be promised here: files are not copied, they are named,
/// and the archive's writer reads each under the stability check and says so where one kept changing. Asked last, after the databases.
/// </remarks>
internal sealed class PlainFilesEngine(TimeProvider time) : IEngine
{
    public const string SourceName = "(files)";

    public string Kind => "files";

    /// <summary>No content makes a plain file: what nobody else owns is one.</summary>
    public bool MayOwn(TreeNode node, ReadOnlySpan<byte> head) => false;

    /// <summary>One source with every free path; none when nothing is free.</summary>
    public IEnumerable<Source> Recognise(StorageTree tree, Func<string, bool> isFree)
    {
        var free = new List<int>();
        for (var i = 0; i < tree.Nodes.Count; i++)
        {
            if (isFree(tree.Nodes.PathAt(i)))
            {
                free.Add(i);
            }
        }

        return free.Count == 0 ? [] : [new Source(SourceName, Kind, new NodePaths(tree.Nodes, free))];
    }

    public Task<Capture> CaptureAsync(Source source, StorageTree tree, string into, CancellationToken ct)
    {
        var capturedAt = time.GetUtcNow();
        var files = new PlainNames(tree.Root);
        var warnings = new List<Finding>();
        foreach (var path in source.Files)
        {
            ct.ThrowIfCancellationRequested();
            try
            {
                if (Look(path, tree.Root, warnings) is { } node)
                {
                    files.Add(node);
                }
            }
            catch (PosixException e) when (e.Errno is Errno.ENOENT or Errno.EINVAL)
            {
                // Removed, or a symlink replaced by something else, between two looks: as if it had gone before the first.
            }
            catch (PosixException e)
            {
                AddWarning(warnings, path, e.Message);
            }
        }

        return Task.FromResult(new Capture
        {
            Source = source,
            Files = files,
            CapturedAt = capturedAt,
            Method = "stable read",
            Warnings = warnings,
        });
    }

    /// <summary>There is nothing to open: the archive's own checksums are the best proof of a plain file.</summary>
    public Task<Verdict> VerifyAsync(Source source, string folder, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        return Task.FromResult(Verdict.ArchiveOnly(reason: null));
    }

    /// <summary>A name as it is now; null when it is gone or no longer something that has content.</summary>
    private static TreeNode? Look(string path, string root, List<Finding> warnings)
    {
        var fullPath = $"{root}/{path}";
        if (Posix.FindStat(fullPath) is not { } stat)
        {
            return null;
        }

        if (stat.Kind == FileKind.Other)
        {
            AddWarning(warnings, path, "Became a socket, pipe or device while the backup was taken, so it is left out.");
            return null;
        }

        return new TreeNode(path, stat, stat.Kind == FileKind.Symlink ? Posix.ReadLink(fullPath) : null);
    }

    private static void AddWarning(List<Finding> warnings, string path, string message)
    {
        if (warnings.Count < Verdict.MaxFindings)
        {
            warnings.Add(new Finding(PathText.Show(path), message));
        }
    }
}
