using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BackupApi.Tests.Support;

/// <summary>The whole service in this process, on a real socket, over folders of its own. No schedule, no backup at stop, unless asked for.</summary>
public sealed class RunningService : IAsyncDisposable
{
    private readonly Factory factory;

    private RunningService(TempFolder folder, Factory running)
    {
        Folder = folder;
        factory = running;
        Client = running.CreateClient();
    }

    public TempFolder Folder { get; }

    public string Storage => Folder["storage"];

    public string Backups => Folder["backups"];

    /// <summary>Follows no redirect of its own making; its base address is the service's.</summary>
    public HttpClient Client { get; }

    /// <summary>Every address the service answers at.</summary>
    public IReadOnlyList<Endpoint> Endpoints => factory.Services.GetRequiredService<EndpointDataSource>().Endpoints;

    /// <param name="fill">Puts files into the folders before the start.</param>
    /// <param name="isReady">False: the start-up never ends, as if a restore were under way.</param>
    public static async Task<RunningService> StartAsync(Action<TempFolder>? fill = null, bool isReady = true, params (string Name, string Value)[] settings)
    {
        var folder = new TempFolder();
        folder.Folder("storage");
        (fill ?? (static f => f.File("storage/a.txt", "hello"u8)))(folder);
        var host = new Factory(folder, isReady, settings);
        host.UseKestrel(0);
        host.StartServer();
        var service = new RunningService(folder, host);
        while (isReady && !(await service.Client.GetAsync(new Uri("/api/health/ready", UriKind.Relative))).IsSuccessStatusCode)
        {
            await Task.Delay(20);
        }

        return service;
    }

    /// <summary>Sends and gives the status and the JSON of the answer.</summary>
    public async Task<(int Status, JsonElement Json)> SendAsync(HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = content };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains("json", response.Content.Headers.ContentType?.MediaType ?? "", StringComparison.Ordinal);
        return ((int)response.StatusCode, JsonDocument.Parse(text).RootElement.Clone());
    }

    public Task<(int Status, JsonElement Json)> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<(int Status, JsonElement Json)> PostAsync(string path, string? body = null) =>
        SendAsync(HttpMethod.Post, path, body is null ? null : new StringContent(body));

    /// <summary>Takes a backup and gives its name.</summary>
    public async Task<string> TakeBackupAsync()
    {
        var (status, json) = await PostAsync("/api/backup/create");
        Assert.True(status == 200, json.ToString());
        return json.GetProperty("name").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await factory.DisposeAsync();
        Folder.Dispose();
    }

    private sealed class Factory(TempFolder folder, bool isReady, (string Name, string Value)[] settings) : WebApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseSetting("STORAGE_PATH", folder["storage"]);
            builder.UseSetting("BACKUPS_PATH", folder["backups"]);
            builder.UseSetting("RESTORE_PATH", folder["restore"]);
            builder.UseSetting("AUTO_BACKUP_ENABLED", "false");
            builder.UseSetting("LOG_LEVEL", "critical");
            foreach (var (name, value) in settings)
            {
                builder.UseSetting(name.Replace("__", ":", StringComparison.Ordinal), value);
            }

            if (!isReady)
            {
                builder.ConfigureServices(services =>
                {
                    foreach (var opener in services.Where(service => service.ImplementationType?.Name == "StartAndStop").ToList())
                    {
                        services.Remove(opener);
                    }
                });
            }
        }
    }
}
