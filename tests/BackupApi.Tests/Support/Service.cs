using BackupApi.Archive.Encryption;
using BackupApi.Engines.LiteDb;
using BackupApi.Operations;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace BackupApi.Tests.Support;

/// <summary>The operations with their real parts over folders of their own, without HTTP and without triggers.</summary>
internal sealed class Service : IAsyncDisposable
{
    private readonly TempFolder temp = new();
    private readonly ServiceProvider provider;

    private Service(Func<ServiceSettings, ServiceSettings>? change, Action<IServiceCollection>? replace, ArchiveKeys? keys)
    {
        Storage = temp.Folder("storage");
        var settings = new ServiceSettings { StoragePath = Storage, BackupsPath = temp["backups"], RestorePath = temp["restore"], MinFreeBytes = 1 };
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(Log).SetMinimumLevel(LogLevel.Debug));
        services.AddSingleton(TimeProvider.System);
        services.AddOperations(change?.Invoke(settings) ?? settings, new LiteDbSettings(), keys);
        replace?.Invoke(services);
        provider = services.BuildServiceProvider();
    }

    public RecordedLog Log { get; } = new();

    public string Storage { get; }

    public string Backups => temp["backups"];

    public string Restore => temp["restore"];

    public BackupManager Manager => Get<BackupManager>();

    public TempFolder Temp => temp;

    public static async Task<Service> StartAsync(Func<ServiceSettings, ServiceSettings>? change = null, Action<IServiceCollection>? replace = null, ArchiveKeys? keys = null)
    {
        var service = new Service(change, replace, keys);
        service.Get<StartUp>().TakeFolders();
        await service.Get<StartUp>().PrepareAsync(CancellationToken.None);
        service.Manager.OpenDoor();
        return service;
    }

    public T Get<T>()
        where T : notnull => provider.GetRequiredService<T>();

    public async ValueTask DisposeAsync()
    {
        await Get<OperationGate>().StopAsync(TimeSpan.FromSeconds(5), TimeProvider.System);
        await provider.DisposeAsync();
        temp.Dispose();
    }
}
