using BackupApi.Http.Answers;
using BackupApi.Http.Pipeline;
using BackupApi.Model;

namespace BackupApi.Http.OpenApi;

/// <summary>An example for each call, made of the records that the calls answer with, so that the two cannot part.</summary>
internal static class Examples
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private const string Name = "backup_2026-11-20_120000.tar.gz";
    private const string Hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    private const string Operation = "20261120T120000Z-0001";

    private static readonly ManifestSource Source = new()
    {
        Name = "data/app.db",
        Engine = "sqlite",
        CapturedAt = Noon,
        Method = "online backup",
        Attempts = 1,
        Files = 1,
        Bytes = 40960,
        Counts = new Dictionary<string, long>(StringComparer.Ordinal) { ["orders"] = 120 },
        Verification = VerificationLevel.Engine,
        BestVerification = VerificationLevel.Engine,
    };

    private static readonly Backup Backup = new()
    {
        Name = Name,
        Path = $"/backups/{Name}",
        SizeBytes = 10486,
        Sequence = 42,
        CreatedAt = Noon,
        Label = "before-migration",
        Trigger = Trigger.Manual,
        Outcome = Outcome.Ok,
        Verification = VerificationLevel.Engine,
        IsProven = true,
        IsOurs = true,
        Sha256 = Hash,
        VerifiedAt = Noon,
        Sources = [Source],
        ContentBytes = 40960,
    };

    public static readonly OperationRecord Running = new()
    {
        Id = Operation,
        Kind = OperationKind.Backup,
        Trigger = Trigger.Manual,
        State = OperationState.Running,
        StartedAt = Noon,
        Phase = "write",
        BytesDone = 20480,
        BytesTotal = 40960,
        FilesDone = 1,
        FilesTotal = 2,
    };

    public static readonly CreateBody CreateBody = new() { Label = "before-migration" };

    public static readonly RestoreBody RestoreBody = new() { BackupName = Name };

    public static readonly AcceptedAnswer Accepted = new(Operation);

    public static readonly CreateAnswer Created = CreateAnswer.Of(
        new CreateResult { Backup = Backup, Duration = TimeSpan.FromMilliseconds(180), BytesRead = 40960, BytesCompressed = 40960 }, Operation);

    public static readonly ListAnswer List = ListAnswer.Of([Backup]);

    public static readonly ExportAnswer Export = new(BackupsMetadata.Of([Backup]));

    public static readonly DetailAnswer Detail = new(BackupFacts.Of(Backup), Backup.Sources, new Manifest
    {
        Sequence = 42,
        CreatedAt = Noon,
        Trigger = Trigger.Manual,
        Label = "before-migration",
        ServiceVersion = "0.1.0",
        Sources = [Source],
        Entries = 2,
        ContentBytes = 40960,
    });

    public static readonly DeleteAnswer Deleted = new(Name, 10486, Operation);

    public static readonly VerifyAnswer Verified = VerifyAnswer.Of(
        new VerifyResult { Backup = Backup, IsWhole = true, Errors = [], Entries = 2, ContentBytes = 40960, Duration = TimeSpan.FromMilliseconds(25) }, Operation);

    public static readonly RetentionAnswer Retention = new([new RetentionFacts(Name, Noon, 10486, ["newest proven backup", "daily 2026-11-20"], ["daily 2026-11-20"])], []);

    public static readonly PinBody PinBody = new() { Note = "before the migration" };

    public static readonly PinAnswer Pinned = new(Name, ["by request: before the migration"]);

    public static readonly RestoreAnswer Restored = RestoreAnswer.Of(
        new RestoreResult { BackupName = Name, Applied = true, SafetyBackup = "backup_2026-11-20_130000.tar.gz", Files = 2, Bytes = 40960, Duration = TimeSpan.FromMilliseconds(310) },
        intoPlace: true, "docker-compose restart app worker", Operation);

    public static readonly object Files = new
    {
        Success = true,
        Name,
        Files = new[]
        {
            FileFacts.Of(new ArchiveEntry("data/app.db", EntryKind.File, 40960, 0x1A4, 1000, 1000, UnixTime.From(Noon)) { Sha256 = Hash }),
        },
    };

    public static readonly OperationsAnswer Operations = new([Running]);

    public const string Events = "id: 1\nevent: operation\ndata: {\"id\":\"20261120T120000Z-0001\",\"state\":\"running\",\"percent\":50}\n\n";

    public const string Bytes = "(the bytes)";

    private static readonly DatabaseFacts Database = new(
        Source.Name, Source.Engine, null, Source.Bytes, Source.Files, Noon, Noon, Name, VerificationLevel.Engine, VerificationLevel.Engine, null, 120, Source.Counts, [], [], []);

    public static readonly DatabasesAnswer Databases = new([Database]);

    public static readonly DatabasesVerifiedAnswer DatabasesVerified = new(true, [Database], 210, Operation);

    public static readonly SalvagedAnswer Salvaged = new(
        "app.sqlite", "sqlite", "/app/backups/.backupapi/salvage/20261120T120000Z", ["files/app.sqlite"], "row by row", false,
        new SortedDictionary<string, long>(StringComparer.Ordinal) { ["customer"] = 1180 },
        [new Finding("app.sqlite customer", "It cannot be read from rowid 401 to 420.")], [],
        [new Finding("app.sqlite page 7", "The page is no page of a tree.")], "backup_2026-11-20_110000.tar.gz",
        new SortedDictionary<string, long>(StringComparer.Ordinal) { ["customer"] = 1200 }, 340, Operation);

    public static readonly HealthAnswer Health = HealthAnswer.Of(
        new HealthReport
        {
            Status = HealthStatus.Healthy,
            Reasons = [],
            CheckedAt = Noon,
            BackupCount = 1,
            LatestBackup = Backup,
            LatestProven = Backup,
            TotalBytes = 10486,
            NextScheduledAt = Noon.AddHours(1),
            Disks = [new DiskRoom("/backups", 50_000_000_000, 100_000_000_000, "ext4")],
            Databases = [Database],
        },
        "0.1.0");

    public static readonly LiveAnswer Live = new("0.1.0");

    public static readonly ReadyAnswer Ready = new(true, "The application may open its storage.", null);

    public static readonly SettingsAnswer Settings = new([new SettingFact("API_KEY", "***", "file /run/secrets/backupapi_key"), new SettingFact("MAX_BACKUPS", "10", "default")]);

    /// <summary>What a fault means, in a few words.</summary>
    public static string Explain(Fault fault) => fault switch
    {
        Fault.InvalidRequest => "The request is wrong: malformed JSON, an unknown parameter or field, a name with a folder in it, a label too long; nothing was done",
        Fault.Unauthorized => "The key is missing or wrong; asked for only where keys are set",
        Fault.Forbidden => "The role of the key is too small, the Host is not known, or a page of another site made the request",
        Fault.TooManyRequests => "Too many wrong keys, or too many long answers at a time; Retry-After says how long to wait",
        Fault.NotFound => "There is no such thing",
        Fault.Busy => "Another operation holds the storage; operationId says which",
        Fault.StorageInUse => "A process has the storage open",
        Fault.Protected => "It is pinned or the only proven one; force removes it",
        Fault.TooLarge => "The body is larger than 64 KB",
        Fault.ArchiveDamaged => "The archive is truncated, altered or does not agree with itself",
        Fault.ArchiveHostile => "The archive holds an entry that must never be unpacked",
        Fault.ArchiveIncompatible => "The archive does not fit what lives in the storage now",
        Fault.ArchiveLocked => "The archive is encrypted, and none of the passphrases opens it",
        Fault.NoRoom => "Not enough free room",
        Fault.NotReady => "A start-up restore has not ended yet",
        Fault.Cancelled => "The service is stopping",
        Fault.HookFailed => "The application, asked by its hook, did not agree, and Backup__Hooks__OnFailure is stop",
        Fault.StorageMissing => "The storage folder is not there, or empty where it was not: a volume is not mounted",
        Fault.PermissionDenied => "The service may not read or write where it must; hint says what to grant",
        Fault.DiskError => "A disk gave an error, or is mounted read-only",
        Fault.VerificationFailed => "What was made did not stand its check and was taken back",
        Fault.ReadOnly => "A person must decide first; see health",
        _ => "A bug of the service; the log tells more",
    };

    /// <summary>The shape of a failure, with a status of its own.</summary>
    public static Problem Of(Fault fault) => Problems.Of(
        Problems.StatusOf(fault), fault, Explain(fault) + ".", "What to do about it.", new DefaultHttpContext { Request = { Path = "/api/backup/…" } });
}
