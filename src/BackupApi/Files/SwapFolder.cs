using System.Text.Json;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>How far a swap came. A missing state is <see cref="Unfinished"/>: storage was not touched, the folder is worth nothing.</summary>
internal enum SwapState
{
    Unfinished,

    /// <summary>The tree is verified and waits for the next start; no plan yet, storage not touched.</summary>
    Staged,

    /// <summary>Past the commit point: it goes forward, whatever happens.</summary>
    Commit,

    /// <summary>The check in place failed, or a step did: it goes back, whatever happens.</summary>
    Rollback,

    /// <summary>Storage is new. What it replaced is worth nothing.</summary>
    Done,

    /// <summary>Storage is old again. What was staged is worth nothing.</summary>
    Undone,
}

/// <summary>The working folder of one restore, <c>.backup/restore-ID/</c> at the root of storage: on its mount, never captured, never restored into place.</summary>
/// <remarks><c>new/</c> the staged tree, <c>old/N</c> what step N moved aside, <c>plan.json</c>, <c>state</c>, <c>origin.json</c>.</remarks>
internal sealed class SwapFolder
{
    public const string ReservedName = OwnFolders.ReservedName;

    private const string Prefix = "restore-";

    /// <summary>What is being removed. Never looked into: a half removed folder must not be taken for a journal.</summary>
    internal const string DiscardedPrefix = "discarded-";

    internal SwapFolder(string root, string id)
    {
        Root = root;
        Id = id;
    }

    /// <summary>The storage.</summary>
    public string Root { get; }

    public string Id { get; }

    public string Path => $"{Root}/{ReservedName}/{Prefix}{Id}";

    /// <summary>The staged tree.</summary>
    public string New => $"{Path}/new";

    public string Old => $"{Path}/old";

    private string PlanPath => $"{Path}/plan.json";

    private string OriginPath => $"{Path}/origin.json";

    /// <summary>Whether a path relative to storage is ours and no business of a backup or a restore.</summary>
    public static bool IsReserved(string path) =>
        path.StartsWith(ReservedName, StringComparison.Ordinal) && (path.Length == ReservedName.Length || path[ReservedName.Length] == '/');

    /// <summary>Makes the folder with an empty <c>new/</c>. A kill leaves it without a state: removed at the next start.</summary>
    /// <exception cref="BackupException"><see cref="Fault.StorageMissing"/>, or <see cref="Fault.ArchiveIncompatible"/>: <c>.backup</c> is not a folder on storage's own mount.</exception>
    public static SwapFolder Create(string root, string id)
    {
        var storage = Posix.FindTargetStat(root);
        if (storage is not { Kind: FileKind.Directory })
        {
            throw new BackupException(Fault.StorageMissing, $"The storage folder {PathText.Show(root)} does not exist.", "Mount or create it, then ask again.");
        }

        var folder = new SwapFolder(root, id);
        var reserved = $"{root}/{ReservedName}";
        if (Posix.FindStat(reserved) is null)
        {
            Posix.MakeFolder(reserved);
            Posix.SetModified(root, storage.Value.Modified);
        }

        var found = Posix.Stat(reserved);
        if (found.Kind != FileKind.Directory || found.MountId != storage.Value.MountId || found.Device != storage.Value.Device)
        {
            throw new BackupException(
                Fault.ArchiveIncompatible,
                $"{PathText.Show(reserved)} must be a plain folder on the same mount as storage, for what is restored is made ready in it.",
                "Move away what lies under that name, or unmount it, then ask again.");
        }

        Posix.MakeFolder(folder.Path);
        Posix.MakeFolder(folder.New, 0x1ED /* 0755 */);
        Posix.MakeFolder(folder.Old);
        return folder;
    }

    /// <summary>Begins the unpacked tree anew, empty.</summary>
    public void EmptyNew()
    {
        TreeRemoval.Remove(New);
        Posix.MakeFolder(New, 0x1ED /* 0755 */);
    }

    /// <summary>All working folders of a storage, in the order of their ids.</summary>
    public static IReadOnlyList<SwapFolder> FindAll(string root)
    {
        var reserved = $"{root}/{ReservedName}";
        return Posix.FindStat(reserved) is not { Kind: FileKind.Directory } ? [] :
            [.. Posix.ListNames(reserved).Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => new SwapFolder(root, name[Prefix.Length..]))];
    }

    /// <summary>Whether anything of an earlier restore lies there: a journal, a staged tree, or what was being removed.</summary>
    public static bool HasLeftovers(string root) =>
        Posix.FindStat($"{root}/{ReservedName}") is { Kind: FileKind.Directory }
        && Posix.ListNames($"{root}/{ReservedName}").Exists(name => name.StartsWith(Prefix, StringComparison.Ordinal) || name.StartsWith(DiscardedPrefix, StringComparison.Ordinal));

    public SwapState ReadState() => SwapStateFile.Read(Path);

    /// <summary>One rename makes the state what it is, flushed with its folder: this is the commit point and every point after it.</summary>
    public void WriteState(SwapState state, SwapSetback? why = null) => SwapStateFile.Write(Path, state, why);

    /// <summary>Why it goes back, or went.</summary>
    public SwapSetback? ReadSetback() => SwapStateFile.ReadSetback(Path);

    public void WritePlan(SwapPlan plan) => AtomicFile.Write(PlanPath, plan.ToJson());

    /// <exception cref="BackupException"><see cref="Fault.ReadOnly"/>: the plan is not the one that was committed.</exception>
    public SwapPlan ReadPlan()
    {
        try
        {
            return SwapStateFile.SpeaksOfThePlan(Path)
                ? SwapPlan.FromJson(ReadAll(PlanPath))
                : throw new JsonException("Its SHA-256 is not the one that was committed.");
        }
        catch (JsonException e)
        {
            throw new BackupException(
                Fault.ReadOnly,
                $"The journal {PathText.Show(PlanPath)} cannot be read: {e.Message}",
                $"What was replaced lies in {PathText.Show(New)} and {PathText.Show(Old)}; put storage right by hand or restore a backup into an empty one, then remove {PathText.Show(Path)}. POST /api/backup/restore of a whole backup with 'force' sets it aside.",
                e);
        }
    }

    /// <summary>Whether it once waited for a start: then it can again.</summary>
    public bool HasWaited => Posix.FindStat(OriginPath) is not null;

    /// <summary>What the tree in <c>new/</c> is and who asked for it, kept until somebody takes it up.</summary>
    public void WriteOrigin<T>(T origin) => AtomicFile.Write(OriginPath, JsonSerializer.SerializeToUtf8Bytes(origin, Json.Options));

    /// <summary>Null when there is none, or it cannot be read.</summary>
    public T? ReadOrigin<T>()
        where T : class
    {
        try
        {
            return Posix.FindStat(OriginPath) is null ? null : JsonSerializer.Deserialize<T>(ReadAll(OriginPath), Json.Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Removes the folder. One rename takes it out of sight of every recovery first, so a kill leaves a discarded folder and nothing to misread.</summary>
    public void Remove()
    {
        if (Posix.FindStat(Path) is not null)
        {
            PutOutOfSight();
        }

        RemoveDiscarded(Root);
    }

    /// <summary>The first half of <see cref="Remove"/>: one flushed rename, after which no start acts upon it.</summary>
    public void PutOutOfSight()
    {
        Posix.Rename(Path, $"{Root}/{ReservedName}/{DiscardedPrefix}{Id}");
        Posix.FlushFolder($"{Root}/{ReservedName}");
    }

    /// <summary>Where it lies after <see cref="SetAside"/>.</summary>
    public string AsidePath => $"{Root}/{ReservedName}/aside-{Id}";

    /// <summary>A journal that can be brought to no end goes where no start looks, and stays there: what it had replaced is in it.</summary>
    public void SetAside()
    {
        Posix.RenameNew(Path, AsidePath);
        Posix.FlushFolder($"{Root}/{ReservedName}");
    }

    /// <summary>Removes the folder at the end of a restore, unless it waits for a start or its journal is open: then it is the next start's business.</summary>
    public void Discard()
    {
        try
        {
            if (ReadState() is SwapState.Unfinished or SwapState.Undone)
            {
                Remove();
            }
        }
        catch (IOException)
        {
            // What ended the restore is what the caller is told; the next start removes the folder.
        }
    }

    /// <summary>Removes what was discarded, and <c>.backup</c> itself when nothing else lies there. The root's time stays.</summary>
    public static void RemoveDiscarded(string root)
    {
        var reserved = $"{root}/{ReservedName}";
        if (Posix.FindStat(reserved) is not { Kind: FileKind.Directory } || Posix.FindTargetStat(root)?.Modified is not { } rootModified)
        {
            return;
        }

        var names = Posix.ListNames(reserved);
        foreach (var name in names.Where(name => name.StartsWith(DiscardedPrefix, StringComparison.Ordinal)))
        {
            TreeRemoval.Remove($"{reserved}/{name}");
        }

        if (names.TrueForAll(name => name.StartsWith(DiscardedPrefix, StringComparison.Ordinal)))
        {
            Posix.RemoveFolder(reserved);
            Posix.SetModified(root, rootModified);
        }
    }

    internal static byte[] ReadAll(string path)
    {
        using var file = Posix.OpenRead(path);
        var content = new byte[RandomAccess.GetLength(file)];
        var done = 0;
        while (done < content.Length && RandomAccess.Read(file, content.AsSpan(done), done) is var read and > 0)
        {
            done += read;
        }

        return content[..done];
    }
}
