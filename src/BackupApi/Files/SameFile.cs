using System.Buffers;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>Whether a live name and a staged one are the same in everything a backup keeps, so that the live one can stay.</summary>
internal sealed class SameFile
{
    private const int BufferLength = 256 * 1024;

    private readonly StorageTree live;
    private readonly StorageTree staged;
    private readonly ILookup<ulong, TreeNode> stagedLinks;
    private readonly Dictionary<ulong, bool> linkGroups = [];

    /// <summary>By place in the staged tree: the facts agree, and so does the content. Null until <see cref="CompareContents"/>.</summary>
    private bool[]? contents;

    public SameFile(StorageTree live, StorageTree staged)
    {
        this.live = live;
        this.staged = staged;
        stagedLinks = staged.Nodes.Where(IsLinked).ToLookup(node => node.Stat.Inode);
    }

    /// <summary>Compares all contents that will be asked for, on every core.</summary>
    public void CompareContents(CancellationToken ct)
    {
        var same = new bool[staged.Nodes.Count];
        Parallel.For(0, same.Length, new ParallelOptions { CancellationToken = ct, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            var coming = staged.Nodes[i];
            same[i] = coming.Stat.Kind == FileKind.File && !IsLinked(coming) && live.Find(coming.Path) is { } here && FactsAgree(here, coming) && ContentAgrees(here, coming, ct);
        });
        contents = same;
    }

    /// <summary>Facts first; content is read only when nothing else differs. What cannot be read is not the same.</summary>
    public bool IsSame(TreeNode here, TreeNode coming, CancellationToken ct)
    {
        if (!FactsAgree(here, coming))
        {
            return false;
        }

        if (!IsLinked(coming))
        {
            return contents is not null && coming.Stat.Kind == FileKind.File ? contents[staged.PlaceOf(coming.Path)] : ContentAgrees(here, coming, ct);
        }

        if (!linkGroups.TryGetValue(coming.Stat.Inode, out var same))
        {
            // Names of one inode stay together or are exchanged together: else half of them would no longer be links of each other.
            same = stagedLinks[coming.Stat.Inode].All(member => live.Find(member.Path) is { } twin && twin.Stat.Inode == here.Stat.Inode && FactsAgree(twin, member))
                && ContentAgrees(here, coming, ct);
            linkGroups.Add(coming.Stat.Inode, same);
        }

        return same;
    }

    private static bool IsLinked(TreeNode node) => node.Stat is { Kind: FileKind.File, Links: > 1 };

    /// <summary>Everything but the content.</summary>
    public static bool FactsAgree(TreeNode here, TreeNode coming)
    {
        var (a, b) = (here.Stat, coming.Stat);
        return a.Kind == b.Kind && a.Uid == b.Uid && a.Gid == b.Gid && a.Modified == b.Modified && here.LinkTarget == coming.LinkTarget
            && (a.Kind != FileKind.File || (a.Mode == b.Mode && a.Size == b.Size && a.Links == b.Links));
    }

    private bool ContentAgrees(TreeNode here, TreeNode coming, CancellationToken ct)
    {
        if (here.Stat.Kind != FileKind.File || here.Stat.Size == 0)
        {
            return true;
        }

        var length = (int)Math.Min(BufferLength, here.Stat.Size);
        var one = ArrayPool<byte>.Shared.Rent(length);
        var other = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            var (livePath, stagedPath) = (live.FullPath(here.Path), staged.FullPath(coming.Path));
            using var first = Posix.OpenRead(livePath);
            using var second = Posix.OpenRead(stagedPath);
            for (long offset = 0; offset < here.Stat.Size;)
            {
                ct.ThrowIfCancellationRequested();
                var wanted = (int)Math.Min(length, here.Stat.Size - offset);
                if (!Fill(first, livePath, one.AsSpan(0, wanted), offset) || !Fill(second, stagedPath, other.AsSpan(0, wanted), offset)
                    || !one.AsSpan(0, wanted).SequenceEqual(other.AsSpan(0, wanted)))
                {
                    return false;
                }

                offset += wanted;
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(one);
            ArrayPool<byte>.Shared.Return(other);
        }
    }

    private static bool Fill(Microsoft.Win32.SafeHandles.SafeFileHandle file, string path, Span<byte> buffer, long offset)
    {
        var done = 0;
        while (done < buffer.Length && Posix.Read(file, path, buffer[done..], offset + done) is var read and > 0)
        {
            done += read;
        }

        return done == buffer.Length;
    }
}
