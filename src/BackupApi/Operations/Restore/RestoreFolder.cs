using System.Text;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>The restore folder: what lies there, and the moves by which an archive is restored exactly once. Every move is a rename, flushed on both sides.</summary>
/// <remarks>
/// <c>restore/NAME</c> waits; <c>restore/.claimed/NAME</c> is being restored; <c>restore/done/NAME</c> was; <c>restore/failed/NAME</c> could not be, for the reason in <c>NAME.reason.txt</c>.
/// The folder may lie on another mount than storage; it needs no more than to be one mount itself.
/// </remarks>
internal sealed class RestoreFolder(WorkFolders folders, FindBareDatabases findBare)
{
    /// <summary>After that many starts that ended while they worked on an archive, it is put away: it may be what ends them.</summary>
    public const int MaxAttempts = 3;

    private const string AttemptEnding = ".attempt";
    private const string ReasonEnding = ".reason.txt";

    private static readonly string[] PlainEndings = [".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz2", ".tbz", ".zip"];

    private static readonly string[] Endings = [.. PlainEndings, .. PlainEndings.Select(ending => ending + BackupName.EncryptedEnding)];

    private const string DoneName = "done";
    private const string FailedName = "failed";

    /// <summary>Where claimed ones lie.</summary>
    public string Claimed => $"{folders.Restore}/.claimed";

    private string Done => $"{folders.Restore}/{DoneName}";

    private string Failed => $"{folders.Restore}/{FailedName}";

    /// <summary>Whether a start has anything to do: an archive that lies here, one that was claimed when the service was killed, or what a restore left in storage.</summary>
    public bool HasWork => List().Count > 0 || (Posix.FindStat(Claimed) is { Kind: FileKind.Directory } && Posix.ListNames(Claimed).Count > 0) || SwapFolder.HasLeftovers(folders.Storage);

    /// <summary>The name without its archive ending; the name itself when it has none.</summary>
    public static string StemOf(string name) =>
        Array.Find(Endings, ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) is { } found ? name[..^found.Length] : name;

    /// <summary>What waits, archives first, in the order of their names. Hidden and half-written names (<c>.x</c>, <c>x.partial</c>) do not.</summary>
    public IReadOnlyList<DroppedArchive> List()
    {
        if (Posix.FindTargetStat(folders.Restore) is not { Kind: FileKind.Directory })
        {
            return [];
        }

        var names = Posix.ListNames(folders.Restore).Where(name => name[0] != '.').ToLookup(IsArchiveName);
        var archives = names[true].Select(name => (Name: name, Path: $"{folders.Restore}/{name}", Stat: Posix.FindStat($"{folders.Restore}/{name}")))
            .Where(drop => drop.Stat is { Kind: FileKind.File })
            .Select(drop => new DroppedArchive(drop.Name, drop.Path, drop.Stat!.Value));
        return [.. archives, .. findBare.Among([.. names[false].Where(name => name is not (DoneName or FailedName) && !name.EndsWith(AtomicFile.PartialSuffix, StringComparison.Ordinal))])];
    }

    /// <summary>Archives that could not be restored, each with its reason.</summary>
    public IReadOnlyList<Finding> ListFailed() => Posix.FindStat(Failed) is not { Kind: FileKind.Directory } ? [] :
        [.. Posix.ListNames(Failed)
            .Where(name => !name.EndsWith(ReasonEnding, StringComparison.Ordinal))
            .Select(name => new Finding(PathText.Show(name), ReadSmall($"{Failed}/{name}{ReasonEnding}") ?? "No reason is recorded."))];

    /// <summary>Where a claimed archive lies.</summary>
    public string PathOfClaim(string name) => $"{Claimed}/{name}";

    /// <summary>Takes an archive for this start. A kill leaves it claimed: <see cref="ReturnClaims"/>.</summary>
    public void Claim(DroppedArchive drop)
    {
        EnsureFolder(Claimed);
        var claim = PathOfClaim(drop.ClaimName);
        AtomicFile.Write(claim + AttemptEnding, Encoding.ASCII.GetBytes($"{Attempts(claim) + 1}"));
        try
        {
            if (drop.Bare is { SideFiles: { Count: > 0 } sideFiles })
            {
                ClaimedSet.Form(folders.Restore, [drop.Name, .. sideFiles], claim);
            }
            else
            {
                Posix.RenameNew(drop.Path, claim);
            }

            FlushBoth(folders.Restore, Claimed);
        }
        catch (IOException)
        {
            // The disk refused it, which is no attempt. Where it refuses this too, the next start gives it back.
            TryUnclaim(drop.ClaimName);
            throw;
        }
    }

    /// <summary>Whether a restore was refused for what the archive is; all else may pass, and the archive waits.</summary>
    public static bool LiesInTheArchive(Fault fault) =>
        fault is Fault.ArchiveDamaged or Fault.ArchiveHostile or Fault.ArchiveIncompatible or Fault.VerificationFailed or Fault.InvalidRequest or Fault.NotFound or Fault.TooLarge;

    /// <summary>Gives a claimed archive back, as if it had not been touched: somebody uses storage, or the service is stopping. Given back already: does nothing.</summary>
    public void Unclaim(string name)
    {
        var claim = PathOfClaim(name);
        if (Posix.FindStat(claim) is not null)
        {
            GiveBack(claim);
        }

        Forget(claim);
    }

    /// <summary>As <see cref="Unclaim"/>. Null, or why it stays claimed until the next start.</summary>
    public IOException? TryUnclaim(string name)
    {
        try
        {
            Unclaim(name);
            return null;
        }
        catch (IOException e)
        {
            return e;
        }
    }

    /// <summary>Whether an archive grew after it was chosen: it was still being copied. A database of several files was looked at whole.</summary>
    public bool HasGrown(DroppedArchive drop) => drop.Bare is null && Posix.FindStat(PathOfClaim(drop.Name))?.Size != drop.Stat.Size;

    /// <summary>Puts a claimed archive away that was restored. Already put away: does nothing.</summary>
    public void Finish(string name) => PutAway(PathOfClaim(name), Done);

    /// <summary>Puts a claimed archive away that could not be restored, with the reason beside it.</summary>
    public void Fail(string name, string message, string hint, DateTimeOffset at)
    {
        var claim = PathOfClaim(name);
        if (Posix.FindStat(claim) is null)
        {
            return;
        }

        EnsureFolder(Failed);
        var target = Free($"{Failed}/{Path.GetFileName(claim)}");
        AtomicFile.Write(target + ReasonEnding, Encoding.UTF8.GetBytes($"{at:yyyy-MM-dd HH:mm:ss}Z\n{message}\n{hint}\nStorage was not changed. To try again, move the archive back into the restore folder and start the service again.\n"));
        Posix.RenameNew(claim, target);
        FlushBoth(Claimed, Failed);
        Forget(claim);
    }

    /// <summary>Claims without a journal: the service ended before their commit point, so storage is as it was. They wait again, or are put away when that came too often.</summary>
    /// <param name="held">Claims that are restored, and cannot be put away yet.</param>
    public IReadOnlyList<Finding> ReturnClaims(DateTimeOffset now, IReadOnlyList<string>? held = null)
    {
        if (Posix.FindStat(Claimed) is not { Kind: FileKind.Directory })
        {
            return [];
        }

        var told = new List<Finding>();
        foreach (var name in Posix.ListNames(Claimed).Where(name => !name.EndsWith(AttemptEnding, StringComparison.Ordinal) && !name.EndsWith(AtomicFile.PartialSuffix, StringComparison.Ordinal) && held?.Contains(name, StringComparer.Ordinal) != true))
        {
            var attempts = Attempts(PathOfClaim(name));
            if (attempts >= MaxAttempts)
            {
                Fail(name, $"The service ended {attempts} times while it was restoring this archive.", "Look into the log for why it ended (out of memory?), then try again.", now);
                told.Add(new Finding(PathText.Show(name), $"Put into failed/: the service ended {attempts} times while it was restoring it."));
            }
            else
            {
                // The count of attempts stays behind on purpose.
                GiveBack(PathOfClaim(name));
                told.Add(new Finding(PathText.Show(name), "The service ended before this archive was restored; it is taken up again."));
            }
        }

        return told;
    }

    private void GiveBack(string claim)
    {
        if (!ClaimedSet.TryGiveBack(claim, folders.Restore))
        {
            Posix.RenameNew(claim, Free($"{folders.Restore}/{Path.GetFileName(claim)}"));
        }

        FlushBoth(Claimed, folders.Restore);
    }

    private void PutAway(string claim, string into)
    {
        if (Posix.FindStat(claim) is null)
        {
            return;
        }

        EnsureFolder(into);
        Posix.RenameNew(claim, Free($"{into}/{Path.GetFileName(claim)}"));
        FlushBoth(Claimed, into);
        Forget(claim);
    }

    private void EnsureFolder(string path)
    {
        if (Posix.FindStat(path) is null)
        {
            Posix.MakeFolder(path, 0x1ED /* 0755 */);
            Posix.FlushFolder(folders.Restore);
        }
    }

    /// <summary>The path, or the first that is free with <c>-2</c>, <c>-3</c>… before the ending.</summary>
    private static string Free(string path)
    {
        var (free, stem) = (path, StemOf(path));
        for (var i = 2; Posix.FindStat(free) is not null; i++)
        {
            free = $"{stem}-{i}{path[stem.Length..]}";
        }

        return free;
    }

    private static bool IsArchiveName(string name) => Array.Exists(Endings, ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));

    private static void FlushBoth(string from, string to)
    {
        Posix.FlushFolder(to);
        Posix.FlushFolder(from);
    }

    private static void Forget(string claim) => AtomicFile.Discard(claim + AttemptEnding);

    private static int Attempts(string claim) =>
        int.TryParse(ReadSmall(claim + AttemptEnding), System.Globalization.CultureInfo.InvariantCulture, out var attempts) ? attempts : 0;

    private static string? ReadSmall(string path)
    {
        try
        {
            if (Posix.FindStat(path) is not { Kind: FileKind.File })
            {
                return null;
            }

            using var file = Posix.OpenRead(path);
            var content = new byte[4096];
            return Encoding.UTF8.GetString(content.AsSpan(0, RandomAccess.Read(file, content, 0)));
        }
        catch (IOException)
        {
            return null;
        }
    }
}
