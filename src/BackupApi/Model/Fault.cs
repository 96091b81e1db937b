namespace BackupApi.Model;

/// <summary>Why an operation could not be done: a closed set, so that every caller can act on it.</summary>
/// <remarks>The name, in camel case, is the <c>fault</c> of a problem answer, of the history and of the log.</remarks>
internal enum Fault
{
    /// <summary>The request itself is wrong: a name that leaves its folder, a label too long, malformed JSON.</summary>
    InvalidRequest,

    /// <summary>The caller showed no key, or a wrong one.</summary>
    Unauthorized,

    /// <summary>The caller may not do this: his key has a smaller role, or his request was made by a foreign page.</summary>
    Forbidden,

    /// <summary>Too many wrong keys, or too many long answers at a time.</summary>
    TooManyRequests,

    /// <summary>There is no such backup, operation, database or entry.</summary>
    NotFound,

    /// <summary>Another operation holds the storage.</summary>
    Busy,

    /// <summary>A process has the storage open, so it must not be exchanged under it.</summary>
    StorageInUse,

    /// <summary>The backup is pinned or the only proven one; removal needs <c>force</c>.</summary>
    Protected,

    /// <summary>The request body or the archive is larger than allowed.</summary>
    TooLarge,

    /// <summary>The archive is truncated, altered or does not agree with itself.</summary>
    ArchiveDamaged,

    /// <summary>The archive holds an entry that must never be unpacked: it climbs out, is a device, is a bomb.</summary>
    ArchiveHostile,

    /// <summary>The archive is whole but does not fit what lives in the storage now.</summary>
    ArchiveIncompatible,

    /// <summary>The archive is encrypted, and no passphrase that this service was given opens it.</summary>
    ArchiveLocked,

    /// <summary>Not enough free room on a disk.</summary>
    NoRoom,

    /// <summary>The storage folder is missing, or empty where the last backup was not.</summary>
    StorageMissing,

    /// <summary>A file or folder may not be read or written by this process.</summary>
    PermissionDenied,

    /// <summary>The disk answered with an error (EIO, EROFS, a stale mount).</summary>
    DiskError,

    /// <summary>A source stayed too busy to be captured whole.</summary>
    SourceBusy,

    /// <summary>A copy did not stand its verification.</summary>
    VerificationFailed,

    /// <summary>The service is stopping, or the operation gave way to another one.</summary>
    Cancelled,

    /// <summary>The start-up restore has not ended yet.</summary>
    NotReady,

    /// <summary>A journal could not be resolved, or a check in place failed: nothing is written automatically until a person decides.</summary>
    ReadOnly,

    /// <summary>The application, asked by a hook before its storage is touched, did not agree or could not be asked.</summary>
    HookFailed,

    /// <summary>A bug of this service.</summary>
    Internal,
}
