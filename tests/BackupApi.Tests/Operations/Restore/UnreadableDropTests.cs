using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>An archive in the restore folder that the service's user may not read. Needs root, to become somebody else.</summary>
public sealed class UnreadableDropTests : IDisposable
{
    private const uint Somebody = 65534;

    private readonly TempFolder folder = new();

    public UnreadableDropTests()
    {
        foreach (var name in new[] { "storage", "backups", "restore" })
        {
            Posix.SetOwner(folder.Folder(name), Somebody, Somebody);
        }

        folder.File("content/a.txt", "from the archive"u8);
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_keeps_neither_the_application_nor_another_archive_waiting_and_health_names_the_command(bool withAnother)
    {
        Pack("z_2099-01-01_000000.tar", 0x180 /* 0600 */);
        if (withAnother)
        {
            Pack("a.tar", 0x1A4 /* 0644 */);
        }

        // Answers once the service is ready.
        var (service, address) = await ServiceProcess.ServeAsync(folder, Somebody, ("DOTNET_CLI_HOME", folder["backups"]));
        using var running = service;
        using var client = new HttpClient { BaseAddress = address };
        using var health = await client.GetAsync(new Uri("/api/health", UriKind.Relative));
        var reasons = System.Text.Json.JsonDocument.Parse(await health.Content.ReadAsStringAsync()).RootElement.GetProperty("reasons").EnumerateArray()
            .Where(reason => reason.GetProperty("code").GetString() == "restore-waiting").Select(reason => reason.GetProperty("message").GetString()!).ToList();

        var told = Assert.Single(reasons);
        Assert.Contains("z_2099-01-01_000000.tar", told, StringComparison.Ordinal);
        Assert.Contains("may not read it", told, StringComparison.Ordinal);
        Assert.Contains("chown -R 65534:65534", told, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["restore/z_2099-01-01_000000.tar"]));
        Assert.Equal(withAnother, File.Exists(folder["storage/a.txt"]));
    }

    private void Pack(string name, uint mode)
    {
        TestMount.Run("tar", "cf", folder[$"restore/{name}"], "-C", folder["content"], ".");
        Posix.SetMode(folder[$"restore/{name}"], mode);
    }
}
