using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace BackupApi.Tests.Support;

/// <summary>The service in this process, in memory, whose start-up never ends, as if a long restore were under way.</summary>
public sealed class StartingService : IAsyncDisposable
{
    private readonly TempFolder folder = new();
    private readonly Factory factory;

    public StartingService()
    {
        folder.Folder("storage");
        factory = new Factory(folder);
        Client = factory.CreateClient();
    }

    public HttpClient Client { get; }

    /// <summary>Every address the service answers at.</summary>
    public IReadOnlyList<Endpoint> Endpoints => factory.Services.GetRequiredService<EndpointDataSource>().Endpoints;

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await factory.DisposeAsync();
        folder.Dispose();
    }

    private sealed class Factory(TempFolder folder) : WebApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            foreach (var (name, value) in ServiceProcess.Over(folder))
            {
                builder.UseSetting(name, value);
            }

            builder.UseSetting("LOG_LEVEL", "critical");
            builder.ConfigureServices(services =>
            {
                foreach (var opener in services.Where(service => service.ImplementationType == typeof(Triggers.StartAndStop)).ToList())
                {
                    services.Remove(opener);
                }
            });
        }
    }
}
