using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>Reads and writes each folder once before anything depends on it, and tells the one command that mends what does not work.</summary>
/// <remarks>
/// Only the backups folder can keep the service from starting: without it there is nothing to do. A storage or restore folder that does not
/// work is said in the log, and the application starts all the same.
/// </remarks>
internal sealed partial class CheckFolders(WorkFolders folders, ILogger<BackupManager> log)
{
    private readonly Surroundings here = Surroundings.Look();

    /// <exception cref="BackupException"><see cref="Fault.PermissionDenied"/> or <see cref="Fault.DiskError"/>: backups could never be written.</exception>
    public void Run()
    {
        // Below the backups folder lies what another user may have left, when the service used to run as that user.
        foreach (var folder in new[] { folders.Backups, folders.State, folders.Staging }.Where(Directory.Exists))
        {
            if (Problem(folder, mayName: true) is { } problem)
            {
                throw new BackupException(
                    IsReadOnly(problem) ? Fault.DiskError : Fault.PermissionDenied, $"The backups folder does not work: {Sentence(problem)}", Mend(folders.Backups, problem), problem);
            }
        }

        if (Directory.Exists(folders.Restore) && Problem(folders.Restore, mayName: true) is { } ofRestore)
        {
            LogProblem(log, "restore", Sentence(ofRestore), Mend(folders.Restore, ofRestore));
        }

        if (Directory.Exists(folders.Storage) && Problem(folders.Storage, mayName: false) is { } ofStorage)
        {
            LogProblem(log, "storage", Sentence(ofStorage), MendStorage(ofStorage));
        }

        foreach (var missing in here.MissingAsRoot())
        {
            LogMissing(log, missing);
        }
    }

    private static PosixException? Problem(string folder, bool mayName) => FolderProbe.TryRead(folder) ?? FolderProbe.TryWrite(folder, mayName);

    private static bool IsReadOnly(PosixException problem) => problem.Errno == Errno.EROFS;

    private string Sentence(PosixException problem) => $"as user {here.Who}, {problem.Message}.";

    private string Mend(string folder, PosixException problem) => IsReadOnly(problem) ? $"Mount {folder} writable (without :ro)." : here.TakeOver(folder);

    /// <summary>Storage is the application's: its files keep their owner, and this service becomes the same user.</summary>
    private string MendStorage(PosixException problem)
    {
        if (IsReadOnly(problem))
        {
            return "Backups work all the same; for restores, mount it writable (without :ro).";
        }

        if (Posix.FindTargetStat(folders.Storage) is not { } owner || owner.Uid == 0 || owner.Uid == here.UserId)
        {
            // Docker makes a missing folder as root: nobody's yet.
            return here.TakeOver(folders.Storage);
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"Run this service as the application's user: APP_UID={owner.Uid} APP_GID={owner.Gid} docker compose up -d (or user: \"{owner.Uid}:{owner.Gid}\").");
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The {Which} folder does not work: {Problem} {Mend}")]
    private static partial void LogProblem(ILogger logger, string which, string problem, string mend);

    [LoggerMessage(Level = LogLevel.Warning, Message = "This service runs as root without the capability {Capability}; add it with cap_add")]
    private static partial void LogMissing(ILogger logger, string capability);
}
