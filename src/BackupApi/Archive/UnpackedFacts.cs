using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive;

/// <summary>Gives unpacked names their owner, mode and time, in the order in which the kernel lets them stand: owner, mode, time.</summary>
internal sealed class UnpackedFacts
{
    private const uint SetGroupId = 0x400; /* 02000 */

    private readonly List<Finding> notGivenBack = [];
    private readonly bool isRoot = Posix.EffectiveUserId == 0;

    public IReadOnlyList<Finding> NotGivenBack => notGivenBack;

    public void Apply(SafeFileHandle handle, ArchiveEntry entry)
    {
        TryOwner(entry, (uid, gid) => Posix.SetOwner(handle, entry.Name, uid, gid));
        Posix.SetMode(handle, entry.Name, entry.Mode);
        CheckSetGroupId(handle, entry);
        Posix.SetModified(handle, entry.Name, entry.Modified);
    }

    public void ApplyToSymlink(SafeFileHandle folder, string name, ArchiveEntry entry)
    {
        TryOwner(entry, (uid, gid) => Posix.SetOwnerAt(folder, name, uid, gid));
        Posix.SetModifiedAt(folder, name, entry.Modified);
    }

    /// <summary>The kernel drops the setgid bit without an error when the group is not one of ours and CAP_FSETID is missing (chmod(2)).</summary>
    private void CheckSetGroupId(SafeFileHandle handle, ArchiveEntry entry)
    {
        if ((entry.Mode & SetGroupId) != 0 && (Posix.Stat(handle, entry.Name).Mode & SetGroupId) == 0)
        {
            Add(entry, "The setgid bit could not be given back: it needs the capability FSETID.");
        }
    }

    private void Add(ArchiveEntry entry, string message)
    {
        lock (notGivenBack)
        {
            if (notGivenBack.Count < Verdict.MaxFindings)
            {
                notGivenBack.Add(new Finding(PathText.Show(entry.Name), message));
            }
        }
    }

    private void TryOwner(ArchiveEntry entry, Action<uint, uint> set)
    {
        if (entry.Uid is not { } uid || entry.Gid is not { } gid || (isRoot && uid == 0 && gid == 0))
        {
            return;
        }

        try
        {
            set(uid, gid);
        }
        catch (PosixException e) when (e.Errno is Errno.EPERM or Errno.EINVAL)
        {
            // EINVAL: an id that this user namespace does not map.
            Add(entry, $"The owner {uid}:{gid} could not be given back: {e.Message}");
        }
    }
}
