using System.Globalization;
using BackupApi.Archive.Encryption;
using BackupApi.Catalog;
using BackupApi.Engines.LiteDb;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Restore;
using Microsoft.Extensions.DependencyInjection;

namespace BackupApi.Tests.Support;

/// <summary>Storage, backups and restore folder of one test, with the real operations over them, wired as the service wires them.</summary>
internal sealed class RestoreWorld : IDisposable
{
    private readonly ServiceProvider services;
    private readonly TempFolder? temp;

    /// <summary>Of all worlds: one may work in the folders of another.</summary>
    private static int operations;

    /// <param name="root">Where the three folders lie; null for a folder of its own, which goes with it. In one that is given, waits are short.</param>
    public RestoreWorld(Func<ServiceSettings, ServiceSettings>? change = null, string? root = null, ArchiveKeys? keys = null)
    {
        temp = root is null ? new TempFolder() : null;
        var folder = root ?? Temp.Path;
        var settings = new ServiceSettings { StoragePath = $"{folder}/storage", BackupsPath = $"{folder}/backups", RestorePath = $"{folder}/restore", MinFreeBytes = 1 << 20, DropPatience = TimeSpan.FromSeconds(2) };
        settings = change?.Invoke(settings) ?? settings;
        Settings = settings;
        var collection = new ServiceCollection();
        collection.AddLogging();
        collection.AddSingleton(root is null ? TimeProvider.System : new HurriedClock());
        collection.AddOperations(settings, new LiteDbSettings(), keys);
        services = collection.BuildServiceProvider();
        Get<WorkFolders>().Prepare(isFirstStart: true);
    }

    public TempFolder Temp => temp ?? throw new InvalidOperationException("The folders were given.");

    public ServiceSettings Settings { get; }

    public string Storage => Settings.StoragePath;

    public string Restore => Settings.RestorePath;

    public T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    /// <summary>A real database of the fixtures, copied below storage.</summary>
    public void AddDatabase(string fixture, string folder) =>
        Fixtures.CopyTo(fixture, Directory.CreateDirectory($"{Storage}/{folder}").FullName);

    public async Task<Backup> BackUpAsync(Trigger trigger = Trigger.Manual)
    {
        using var stop = new CancellationTokenSource();
        return (await Get<TakeBackup>().RunAsync(new CreateRequest { Trigger = trigger }, new OperationContext(NextId(), OperationKind.Backup, trigger, stop))).Backup;
    }

    public Task<RestoreResult> RestoreAsync(RestoreRequest request, CancellationToken ct = default) => Get<RestoreBackup>().RunAsync(Job(request), new Progress(), ct);

    public Task<RestoreResult> RestoreAsync(string name) => RestoreAsync(new RestoreRequest { BackupName = name });

    /// <summary>A restore whose safety backup finds no room: the replaced files are kept.</summary>
    public Task<RestoreResult> RestoreWithoutRoomAsync(string name) => Get<RestoreBackup>().RunAsync(
        Job(new RestoreRequest { BackupName = name }) with { TakeSafety = static _ => throw new BackupException(Fault.NoRoom, "No room.", "Make some.") },
        new Progress(),
        CancellationToken.None);

    /// <summary>The way back by the kept files.</summary>
    public Task<RestoreResult> UndoByKeptFilesAsync() => Get<UndoRestore>().ByKeptFilesAsync(
        Job(new RestoreRequest { BackupName = "", Force = true }) with { Kind = OperationKind.Undo, TakeSafety = static _ => Task.FromResult<Backup?>(null) }, new Progress(), CancellationToken.None);

    public Task<StartRestoreResult> StartAsync() => Get<RestoreAtStart>().RunAsync(NextId(), TakeSafetyAsync, new Progress(), CancellationToken.None);

    public Task<HealResult> HealAsync() => Get<HealStorage>().RunAsync(NextId(), HealMode.On, new Progress(), CancellationToken.None);

    public RestoreJob Job(RestoreRequest request) => new()
    {
        Id = NextId(),
        Request = request,
        ArchivePath = Get<BackupCatalog>().PathOf(request.BackupName),
        TakeSafety = TakeSafetyAsync,
    };

    /// <summary>Everything in storage goes.</summary>
    public void WipeStorage()
    {
        foreach (var name in Posix.ListNames(Storage))
        {
            TreeRemoval.Remove($"{Storage}/{name}");
        }
    }

    public void Dispose()
    {
        services.Dispose();
        temp?.Dispose();
    }

    private async Task<Backup?> TakeSafetyAsync(CancellationToken ct) =>
        TreeWalker.Walk(Storage, static (path, _) => SwapFolder.IsReserved(path), ct).Nodes.Count == 0 ? null : await BackUpAsync(Trigger.Safety);

    private static string NextId() => string.Create(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetUtcNow():yyyyMMdd'T'HHmmssfff'Z'}-{Interlocked.Increment(ref operations):D4}");
}
