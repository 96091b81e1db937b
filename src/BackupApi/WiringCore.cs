using BackupApi.Archive;
using BackupApi.Archive.Encryption;
using BackupApi.Catalog;
using BackupApi.Catalog.History;
using BackupApi.Engines;
using BackupApi.Engines.LevelDb;
using BackupApi.Engines.LiteDb;
using BackupApi.Engines.PlainFiles;
using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using BackupApi.Operations;
using BackupApi.Operations.Alerts;
using BackupApi.Operations.Metrics;
using BackupApi.Operations.Upkeep;
using BackupApi.Triggers;
using Quartz;

namespace BackupApi;

/// <summary>The part of the wiring below HTTP: a new engine is one line here.</summary>
internal static class WiringCore
{
    public static void AddOperations(this IServiceCollection services, ServiceSettings settings, LiteDbSettings liteDb, ArchiveKeys? archiveKeys = null)
    {
        var keys = archiveKeys ?? ArchiveKeys.None;
        services.AddSingleton(settings);
        services.AddSingleton<IReadOnlyList<IEngine>>(_ =>
        [
            new LevelDbEngine(TimeProvider.System, settings.CapturePatience),
            new RocksDbEngine(TimeProvider.System, settings.CapturePatience),
            new LiteDbEngine(liteDb, TimeProvider.System),
            new SqliteEngine(TimeProvider.System, new SqliteSettings { BusyTimeout = settings.CapturePatience }),
            new PlainFilesEngine(TimeProvider.System),
        ]);

        services.AddSingleton(keys);
        services.AddSingleton<ArchiveReader>();
        services.AddSingleton(provider => new BackupCatalog(settings.BackupsPath, provider.GetRequiredService<ArchiveReader>().ReadFactsAsync));

        services.AddSingleton<OperationLedger>();
        services.AddSingleton(provider => new HistoryStore(
            $"{settings.BackupsPath}/.backupapi/history.db", SqliteLibrary.Use, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<HistoryStore>>()));
        services.AddSingleton<KeepHistory>();
        services.AddSingleton<OperationGate>();
        services.AddSingleton<RestoreFolderState>();
        services.AddSingleton<WorkFolders>();
        services.AddSingleton<SourceRoles>();
        services.AddSingleton<FingerprintTrust>();
        services.AddSingleton<HeadMemory>();
        services.AddSingleton<FindSources>();
        services.AddSingleton<SequenceCounter>();
        services.AddSingleton<ApplyRetention>();
        services.AddSingleton<PredictRoom>();
        services.AddSingleton<DiskGuard>();
        services.AddSingleton<PinGoodCopies>();
        services.AddSingleton<LookAtStorage>();
        services.AddSingleton(provider => new WriteBackup(
            provider.GetRequiredService<WorkFolders>(),
            new ArchiveWriter(new ArchiveWriterSettings { Threads = settings.Threads, BytesPerSecond = settings.BytesPerSecond, Keys = keys, Clock = provider.GetRequiredService<TimeProvider>() }),
            new ArchiveWriter(new ArchiveWriterSettings { Threads = settings.ScheduledThreads, BytesPerSecond = settings.ScheduledBytesPerSecond, Keys = keys, Clock = provider.GetRequiredService<TimeProvider>() }),
            keys,
            provider.GetRequiredService<BackupCatalog>(),
            provider.GetRequiredService<SequenceCounter>(),
            settings,
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<PinBackup>();
        services.AddSingleton<TakeBackup>();
        services.AddSingleton<TakeSafetyBackup>();
        services.AddSingleton<VerifyBackup>();
        services.AddSingleton<DeleteBackup>();
        services.AddSingleton<DatabaseChecks>();
        services.AddSingleton<VerifyDatabases>();
        services.AddSingleton<SalvageDatabase>();
        services.AddSingleton<ScheduleState>();
        services.AddSingleton<DecideBackup>();
        services.AddSingleton<WatchLogs>();
        services.AddSingleton<WatchClock>();
        services.AddSingleton<WatchChange>();
        services.AddSingleton<DrillRestore>();
        services.AddSingleton<DecideIntegrity>();
        services.AddSingleton<DecideUpkeep>();
        services.AddSingleton<RunUpkeep>();
        services.AddSingleton(settings.Alerts);
        services.AddSingleton<SendAlert>();
        services.AddSingleton<PingDesk>();
        services.AddSingleton<AlertDesk>();
        services.AddSingleton<Instruments>();
        services.AddSingleton<PrometheusText>();
        services.AddSingleton<CheckFolders>();
        services.AddSingleton<StartUp>();
        services.AddSingleton<WatchHealth>();
        services.AddSingleton<BackupManager>();
        services.AddRestore();
    }

    /// <summary>Quartz, in memory: one job, and one trigger that is always set to the next run.</summary>
    public static void AddSchedule(this IServiceCollection services)
    {
        services.AddQuartz(quartz =>
        {
            // A run that is late, by however much, simply begins: the trigger stands at one run, so nothing piles up behind it.
            quartz.UseInMemoryStore(store => store.MisfireThreshold = TimeSpan.FromDays(365));
            quartz.AddJob<BackupSchedule>(job => job.WithIdentity(BackupSchedule.Key).StoreDurably());
        });
        services.AddQuartzHostedService(host => host.WaitForJobsToComplete = false);
        services.AddHostedService<ScheduleTrigger>();
    }

    public static void AddTriggers(this IServiceCollection services)
    {
        services.AddHostedService<AlertTimer>();
        services.AddHostedService<StartAndStop>();
        services.AddHostedService<HealthTimer>();
        services.AddHostedService<RestoreFolderWatch>();
        services.AddSchedule();
        services.AddHostedService<IntegrityWatch>();
        services.AddHostedService<UpkeepWatch>();
        services.AddHostedService<DamageWatch>();
    }
}
