using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using BackupApi.Tests.Archive.Encryption;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http.Access;

/// <summary>A service with every secret there is, used and abused: none of them is found in any answer, log line or file it leaves.</summary>
public sealed class SecretsTests
{
    private const string AdminKey = "admin-key-that-nobody-reads";

    /// <summary>Each in its own setting; nothing else may hold them.</summary>
    private static readonly (string Name, string Value)[] Secrets =
    [
        ("API_KEY", AdminKey),
        ("API_KEY_OPERATE", "operate-key-that-nobody-reads"),
        ("API_KEY_READ", "read-key-that-nobody-reads"),
        ("LITEDB_PASSWORD", "litedb-password-nobody-reads"),
        ("Backup__LiteDb__0__Password", "password-of-one-file-nobody-reads"),
        ("Backup__Alerts__0__Url", "http://127.0.0.1:9/hook/token-nobody-reads"),
        ("Backup__Alerts__0__Token", "bearer-token-nobody-reads"),
        ("Backup__Mail__Password", "mail-password-nobody-reads"),
        ("Backup__PingUrl", "http://127.0.0.1:9/ping/ping-token-nobody-reads"),
        ("BACKUP_PASSPHRASE", "passphrase-that-nobody-reads"),
    ];

    [Fact]
    public async Task No_secret_is_found_in_any_answer_log_or_file()
    {
        using var folder = new TempFolder();
        folder.File("storage/a.txt", "hello"u8);
        folder.Folder("storage/data");
        var passphrase = folder.File("secrets/passphrase", Encoding.ASCII.GetBytes(Secrets[^1].Value));
        (string, string?)[] settings =
        [
            .. Secrets[..^1].Select(secret => (secret.Name, (string?)secret.Value)),
            ("BACKUP_PASSPHRASE_FILE", passphrase),
            ("Backup__LiteDb__0__Path", "data/x.db"),
            ("Backup__Mail__Host", "127.0.0.1"), ("Backup__Mail__Port", "9"), ("Backup__Mail__User", "me"), ("Backup__Mail__From", "me@example.org"), ("Backup__Mail__To", "you@example.org"),
            ("LOG_LEVEL", "trace"),
        ];
        var (service, address) = await ServiceProcess.ServeAsync(folder, settings);
        var said = new StringBuilder();
        using (service)
        {
            using var client = new HttpClient { BaseAddress = address };
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AdminKey);
            var created = await SayAsync(client, HttpMethod.Post, "/api/backup/create", "{\"label\":\"x\"}");
            var name = JsonDocument.Parse(created).RootElement.GetProperty("name").GetString()!;
            Assert.EndsWith(".age", name, StringComparison.Ordinal);
            foreach (var path in new[]
            {
                "/api/settings", "/api/logs?count=1000", "/api/history", "/api/operations", "/api/health", "/api/stats", "/metrics", "/api/schedule", "/api/databases", "/api/alarms",
                "/api/backup/list", "/api/backup/export-metadata", $"/api/backup/{name}", $"/api/backup/{name}/files", "/api/backup/nothing", "/openapi/v1.json", "/swagger/index.html", $"/{AdminKey[..5]}%00",
            })
            {
                await SayAsync(client, HttpMethod.Get, path);
            }

            // What fails, and what is wrong, is where a secret slips into a message.
            await SayAsync(client, HttpMethod.Post, "/api/alerts/test");
            await SayAsync(client, HttpMethod.Post, "/api/backup/create", "{\"unknown\":1}");
            await SayAsync(client, HttpMethod.Post, $"/api/backup/{name}/verify");
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AdminKey + "x");
            await SayAsync(client, HttpMethod.Get, "/api/backup/list");

            service.Terminate();
            Assert.Equal(0, await service.ExitAsync());
            said.AppendLine(service.Output).AppendLine(service.Errors);
            Assert.Contains("***", said.ToString(), StringComparison.Ordinal);
            var (manifest, report) = await Sealed.Reader(Sealed.With(Secrets[^1].Value)).ReadFactsAsync(folder[$"backups/{name}"], CancellationToken.None);
            said.AppendLine(JsonSerializer.Serialize(new { manifest, report }));
            Assert.NotNull(manifest);
        }

        foreach (var file in Directory.GetFiles(folder.Path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }).Where(file => file != passphrase))
        {
            said.AppendLine(await File.ReadAllTextAsync(file, Encoding.Latin1));
        }

        var all = said.ToString();
        foreach (var (secret, value) in Secrets)
        {
            Assert.False(all.Contains(value, StringComparison.Ordinal), $"{secret} is told: {Around(all, value)}");
        }

        async Task<string> SayAsync(HttpClient client, HttpMethod method, string path, string? body = null)
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body) };
            using var response = await client.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            said.Append(method).Append(' ').Append(path).Append(' ').Append((int)response.StatusCode).AppendLine(response.Headers.ToString()).AppendLine(text);
            return text;
        }
    }

    private static string Around(string all, string value)
    {
        var at = all.IndexOf(value, StringComparison.Ordinal);
        return at < 0 ? "" : all[Math.Max(0, at - 300)..Math.Min(all.Length, at + 300)];
    }
}
