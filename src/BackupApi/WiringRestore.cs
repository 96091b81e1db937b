using BackupApi.Archive.Foreign;
using BackupApi.Operations.Hooks;
using BackupApi.Operations.Restore;

namespace BackupApi;

/// <summary>The part of the wiring that brings backups back.</summary>
internal static class WiringRestore
{
    public static void AddRestore(this IServiceCollection services)
    {
        services.AddSingleton<AnyArchive>();
        services.AddSingleton<CheckCompatibility>();
        services.AddSingleton<RestoreRoom>();
        services.AddSingleton<LastRestore>();
        services.AddSingleton<RepairLevelDbLock>();
        services.AddSingleton<Doubt>();
        services.AddSingleton<SettleRestore>();
        services.AddSingleton<PutInPlace>();
        services.AddSingleton<RestoreBackup>();
        services.AddSingleton<PlanRestore>();
        services.AddSingleton<UndoRestore>();
        services.AddSingleton<RunRestore>();
        services.AddSingleton<FindBareDatabases>();
        services.AddSingleton<RestoreFolder>();
        services.AddSingleton<RestoreBareDatabase>();
        services.AddSingleton<ChooseDrop>();
        services.AddSingleton<RecoverJournals>();
        services.AddSingleton<RestoreAtStart>();
        services.AddSingleton<InspectDrops>();
        services.AddSingleton<Quarantine>();
        services.AddSingleton<HealMemory>();
        services.AddSingleton<HealStorage>();
        services.AddSingleton<CallHook>();
        services.AddSingleton<HookMemory>();
        services.AddSingleton<HookPair>();
    }
}
