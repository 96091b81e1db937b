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

    private const int LookedAtOnce = 8192;
    private const int LookedAtInARow = 512;

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
        for (var start = 0; start < source.Files.Count; start += LookedAtOnce)
        {
            foreach (var (node, warning) in LookAt(source.Files, start, tree.Root, ct))
            {
                if (node is not null)
                {
                    files.Add(node);
                }
                else if (warning is not null && warnings.Count < Verdict.MaxFindings)
                {
                    warnings.Add(warning);
                }
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

    /// <summary>By several threads: each look is a call that waits for the kernel. In order.</summary>
    private static (TreeNode? Node, Finding? Warning)[] LookAt(IReadOnlyList<string> paths, int start, string root, CancellationToken ct)
    {
        var looks = new (TreeNode?, Finding?)[Math.Min(LookedAtOnce, paths.Count - start)];
        Parallel.For(0, (looks.Length + LookedAtInARow - 1) / LookedAtInARow, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = ct }, row =>
        {
            for (var i = row * LookedAtInARow; i < Math.Min(looks.Length, (row + 1) * LookedAtInARow); i++)
            {
                looks[i] = Look(paths[start + i], root);
            }
        });
        return looks;
    }

    /// <summary>A name as it is now; neither a node nor a warning when it is gone, or was replaced between two looks: as if it had gone before the first.</summary>
    private static (TreeNode? Node, Finding? Warning) Look(string path, string root)
    {
        var fullPath = $"{root}/{path}";
        try
        {
            return Posix.FindStat(fullPath) is not { } stat ? default
                : stat.Kind == FileKind.Other ? (null, new Finding(PathText.Show(path), "Became a socket, pipe or device while the backup was taken, so it is left out."))
                : (new TreeNode(path, stat, stat.Kind == FileKind.Symlink ? Posix.ReadLink(fullPath) : null), null);
        }
        catch (PosixException e) when (e.Errno is Errno.ENOENT or Errno.EINVAL)
        {
            return default;
        }
        catch (PosixException e)
        {
            return (null, new Finding(PathText.Show(path), e.Message));
        }
    }
}
