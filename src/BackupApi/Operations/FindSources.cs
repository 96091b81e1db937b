using BackupApi.Engines;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>A source and the engine that recognised it.</summary>
internal sealed record FoundSource(Source Source, IEngine Engine);

/// <summary>Tells what lies in a tree: every path of it belongs to exactly one source.</summary>
/// <param name="engines">Asked in this order; the last one, plain files, takes what is left.</param>
/// <param name="roles">What each is to its application; null where nobody asks.</param>
internal sealed class FindSources(IReadOnlyList<IEngine> engines, SourceRoles? roles = null)
{
    /// <param name="heads">Which files were looked at already; null: every file is.</param>
    /// <param name="readsAll">Every file is looked at, and remembered.</param>
    public IReadOnlyList<FoundSource> In(StorageTree tree, HeadMemory? heads = null, bool readsAll = false)
    {
        tree.PassOver((node, head) => MayBelongToAny(node, head), heads, readsAll);
        var claimed = new HashSet<string>(StringComparer.Ordinal);
        var found = new List<FoundSource>();
        foreach (var engine in engines)
        {
            foreach (var source in engine.Recognise(tree, path => !claimed.Contains(path)).ToList())
            {
                if (engine != engines[^1])
                {
                    claimed.UnionWith(source.Files);
                }

                found.Add(new FoundSource(roles is null ? source : source with { Role = roles.Of(source.Name) }, engine));
            }
        }

        return found;
    }

    private bool MayBelongToAny(TreeNode node, ReadOnlySpan<byte> head)
    {
        foreach (var engine in engines)
        {
            if (engine.MayOwn(node, head))
            {
                return true;
            }
        }

        return false;
    }
}
