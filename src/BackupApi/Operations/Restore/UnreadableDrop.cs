using BackupApi.Files;

namespace BackupApi.Operations.Restore;

/// <summary>A drop that this service may not read: it stays where it is, keeps no other one waiting and no application from starting, and health names the command that helps.</summary>
internal static class UnreadableDrop
{
    /// <summary>Null when all of it can be read.</summary>
    public static string? Why(DroppedArchive drop)
    {
        foreach (var file in drop.Files)
        {
            try
            {
                Posix.OpenRead(file).Dispose();
            }
            catch (PosixException e) when (e.Errno is Errno.EACCES or Errno.EPERM)
            {
                var here = Surroundings.Look();
                return $"This service runs as user {here.Who} and may not read it. {here.TakeOver(PathText.Show(drop.Path))}";
            }
            catch (PosixException)
            {
                // Gone, or a disk error: whoever takes it up says which.
            }
        }

        return null;
    }
}
