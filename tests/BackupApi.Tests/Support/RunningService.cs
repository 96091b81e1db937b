using System.Text.Json;
using Xunit;

namespace BackupApi.Tests.Support;

/// <summary>The real service over folders of its own, and the words to talk to it. No schedule, no rotation, no backup at stop, unless asked for.</summary>
/// <remarks>As a fixture of a test class it starts with one small file in storage, once for the class.</remarks>
public sealed class RunningService : IAsyncLifetime
{
    private readonly Action<TempFolder> fill;
    private readonly (string Name, string? Value)[] settings;
    private ServiceProcess process = null!;

    public RunningService()
        : this(static folder => folder.File("storage/a.txt", "hello"u8))
    {
    }

    /// <param name="fill">Puts files into the folders before the start.</param>
    internal RunningService(Action<TempFolder> fill, params (string Name, string? Value)[] settings)
    {
        this.fill = fill;
        this.settings = settings;
    }

    public TempFolder Folder { get; } = new();

    public string Backups => Folder["backups"];

    public HttpClient Client { get; private set; } = null!;

    public long PeakMemoryBytes => process.PeakMemoryBytes;

    public async Task InitializeAsync()
    {
        Folder.Folder("storage");
        fill(Folder);
        (process, var address) = await ServiceProcess.ServeAsync(Folder, [("MAX_BACKUPS", "1000"), .. settings]);
        Client = new HttpClient { BaseAddress = address };
    }

    public Task DisposeAsync()
    {
        Client?.Dispose();
        process?.Dispose();
        Folder.Dispose();
        return Task.CompletedTask;
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
}
