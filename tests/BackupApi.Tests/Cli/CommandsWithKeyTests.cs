using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Cli;

/// <summary>Commands read the same settings as the service, keys included.</summary>
public sealed class CommandsWithKeyTests : IAsyncLifetime
{
    private const string Key = "the-key-of-the-commands";

    private readonly RunningService service = new(static folder => folder.File("storage/a.txt", "hello"u8), ("API_KEY", $"{Key},an-older-key-still-good"));

    public Task InitializeAsync() => service.InitializeAsync();

    public Task DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task A_backup_is_asked_for_with_the_key_of_the_settings()
    {
        var file = service.Folder.File("key", System.Text.Encoding.ASCII.GetBytes($"{Key}\nan-older-key-still-good\n"));

        var (exitCode, output) = await RunAsync("create", ("API_KEY_FILE", file));

        Assert.True(exitCode == 0, output);
        Assert.Contains("outcome ok", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_key_the_refusal_says_what_is_missing()
    {
        var (exitCode, output) = await RunAsync("create");

        Assert.Equal(1, exitCode);
        Assert.Contains("This call needs a key.", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_probe_needs_no_key_and_tells_more_with_one()
    {
        Assert.Equal(0, (await RunAsync("--healthcheck")).ExitCode);
        Assert.Equal((0, "200 {\"status\":\"healthy\"}\n"), await RunAsync("--healthcheck=full"));
        Assert.Contains("\"disk\"", (await RunAsync("--healthcheck=full", ("API_KEY", Key))).Output, StringComparison.Ordinal);
    }

    private async Task<(int ExitCode, string Output)> RunAsync(string command, params (string, string?)[] environment)
    {
        using var process = new ServiceProcess([command], [("ASPNETCORE_URLS", service.Client.BaseAddress!.ToString()), .. environment]);
        var exitCode = await process.ExitAsync();
        return (exitCode, process.Output + process.Errors);
    }
}
