using BackupApi.Archive;
using BackupApi.Cli;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Cli;

/// <summary>What the arguments mean, and how each command ends.</summary>
public sealed class CommandLineTests(RunningService service) : IClassFixture<RunningService>, IDisposable
{
    private static readonly Uri Nobody = new("http://127.0.0.1:1");

    private readonly StringWriter output = new();
    private readonly StringWriter errors = new();

    public void Dispose()
    {
        output.Dispose();
        errors.Dispose();
    }

    [Theory]
    [InlineData]
    [InlineData("--urls", "http://127.0.0.1:1")]
    [InlineData("--urls=http://127.0.0.1:1")]
    public async Task Without_a_command_the_service_runs(params string[] arguments) => Assert.Null(await RunAsync(Nobody, arguments));

    [Theory]
    [InlineData("nonsense")]
    [InlineData("verify")]
    [InlineData("verify", "a", "b")]
    [InlineData("restore", "a")]
    [InlineData("create", "a", "b")]
    [InlineData("--healthcheck=nonsense")]
    [InlineData("--version", "b")]
    public async Task What_is_no_command_is_refused_with_the_list_of_them(params string[] arguments)
    {
        Assert.Equal(CommandLine.BadUsage, await RunAsync(Nobody, arguments));
        Assert.Contains("backupapi verify FILE", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_version_is_told()
    {
        Assert.Equal(0, await RunAsync(Nobody, "--version"));
        Assert.Equal("BackupApi 1.2.3\n", output.ToString());
    }

    [Theory]
    [InlineData("--healthcheck")]
    [InlineData("--healthcheck=full")]
    [InlineData("create")]
    public async Task Without_a_service_the_address_that_was_asked_is_told(string command)
    {
        Assert.Equal(1, await RunAsync(Nobody, command));
        Assert.Contains("http://127.0.0.1:1/", $"{output}{errors}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_that_cannot_be_told_is_a_failure_with_advice()
    {
        Assert.Equal(1, await RunAsync(null, "--healthcheck"));
        Assert.Contains("BACKUPAPI_URL", errors.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--healthcheck", "200 ")]
    [InlineData("--healthcheck=full", "200 ")]
    public async Task A_service_in_order_is_healthy(string command, string answer)
    {
        Assert.Equal(0, await RunAsync(service.Client.BaseAddress, command));
        Assert.StartsWith(answer, output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_backup_is_asked_of_the_service()
    {
        Assert.Equal(0, await RunAsync(service.Client.BaseAddress, "create", "by command"));
        Assert.Contains("outcome ok", output.ToString(), StringComparison.Ordinal);
        var (_, list) = await service.GetAsync("/api/backup/list");
        Assert.Contains(list.GetProperty("backups").EnumerateArray(), backup => backup.GetProperty("label").GetString() == "by command");
    }

    [Fact]
    public async Task A_refusal_of_the_service_is_told_in_its_own_words()
    {
        Assert.Equal(1, await RunAsync(service.Client.BaseAddress, "create", new string('x', 101)));
        Assert.Contains("100 characters", errors.ToString(), StringComparison.Ordinal);
    }

    private Task<int?> RunAsync(Uri? address, params string[] arguments)
    {
        var archives = new ArchiveCommands(new LooseArchive(new ArchiveReader()), output);
        return new CommandLine(archives, new ServiceCommands(address, () => null, output), "1.2.3", output, errors).RunAsync(arguments, CancellationToken.None);
    }
}
