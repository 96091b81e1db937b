using BackupApi.Archive;
using BackupApi.Catalog;
using BackupApi.Engines;
using BackupApi.Engines.LevelDb;
using BackupApi.Engines.LiteDb;
using BackupApi.Engines.PlainFiles;
using BackupApi.Engines.Sqlite;
using BackupApi.Operations;
using BackupApi.Triggers;
using Quartz;

namespace BackupApi;

/// <summary>The part of the wiring below HTTP: a new engine is one line here.</summary>
internal static class WiringCore
{
    public static void AddOperations(this IServiceCollection services, ServiceSettings settings, LiteDbSettings liteDb)
    {
        services.AddSingleton(settings);
        services.AddSingleton<IReadOnlyList<IEngine>>(_ =>
        [
            new LevelDbEngine(TimeProvider.System, settings.CapturePatience),
            new RocksDbEngine(TimeProvider.System, settings.CapturePatience),
            new LiteDbEngine(liteDb, TimeProvider.System),
            new SqliteEngine(TimeProvider.System),
            new PlainFilesEngine(TimeProvider.System),
        ]);

        services.AddSingleton<ArchiveReader>();
        services.AddSingleton(provider => new BackupCatalog(settings.BackupsPath, provider.GetRequiredService<ArchiveReader>().ReadFactsAsync));

        services.AddSingleton<OperationLedger>();
        services.AddSingleton<OperationGate>();
        services.AddSingleton<RestoreFolderState>();
        services.AddSingleton<WorkFolders>();
        services.AddSingleton<FindSources>();
        services.AddSingleton<SequenceCounter>();
        services.AddSingleton<ApplyRetention>();
        services.AddSingleton<PredictRoom>();
        services.AddSingleton<PinGoodCopies>();
        services.AddSingleton<LookAtStorage>();
        services.AddSingleton(provider => new WriteBackup(
            provider.GetRequiredService<WorkFolders>(),
            new ArchiveWriter(new ArchiveWriterSettings { Threads = settings.Threads, BytesPerSecond = settings.BytesPerSecond, Clock = provider.GetRequiredService<TimeProvider>() }),
            new ArchiveWriter(new ArchiveWriterSettings { Threads = settings.ScheduledThreads, BytesPerSecond = settings.ScheduledBytesPerSecond, Clock = provider.GetRequiredService<TimeProvider>() }),
            provider.GetRequiredService<BackupCatalog>(),
            provider.GetRequiredService<SequenceCounter>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<PinBackup>();
        services.AddSingleton<TakeBackup>();
        services.AddSingleton<TakeSafetyBackup>();
        services.AddSingleton<VerifyBackup>();
        services.AddSingleton<DeleteBackup>();
        services.AddSingleton<DatabaseChecks>();
        services.AddSingleton<VerifyDatabases>();
        services.AddSingleton<DecideBackup>();
        services.AddSingleton<CheckFolders>();
        services.AddSingleton<StartUp>();
        services.AddSingleton<WatchHealth>();
        services.AddSingleton<BackupManager>();
        services.AddRestore();
    }

    public static void AddTriggers(this IServiceCollection services, ServiceSettings settings)
    {
        services.AddHostedService<StartAndStop>();
        services.AddHostedService<HealthTimer>();
        services.AddHostedService<RestoreFolderWatch>();
        if (!settings.AutoBackupEnabled)
        {
            services.AddSingleton<ScheduleState>();
            return;
        }

        var first = TimeProvider.System.GetUtcNow() + settings.Interval;
        services.AddSingleton(new ScheduleState { NextAt = first });
        services.AddQuartz(quartz =>
        {
            quartz.AddJob<BackupSchedule>(job => job.WithIdentity(BackupSchedule.Key));
            quartz.AddTrigger<BackupSchedule>(trigger => trigger
                .ForJob(BackupSchedule.Key)
                .WithIdentity("interval")
                .StartAt(first)
                .WithSimpleSchedule(every => every.WithInterval(settings.Interval).RepeatForever().WithMisfireInstruction(SimpleTriggerMisfireInstruction.FireNow)));
        });
        services.AddQuartzHostedService(host => host.WaitForJobsToComplete = false);
    }
}
