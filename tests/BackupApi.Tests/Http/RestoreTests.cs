using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>The way back, as a person asks for it.</summary>
public sealed class RestoreTests(RunningService service) : IClassFixture<RunningService>, IAsyncLifetime
{
    private string name = "";

    private string A => service.Folder["storage/a.txt"];

    public async Task InitializeAsync()
    {
        service.Folder.File("storage/a.txt", "first"u8);
        service.Folder.File("storage/sub/b.txt", "first"u8);
        File.Delete(service.Folder["storage/new.txt"]);
        name = await service.TakeBackupAsync();
        service.Folder.File("storage/a.txt", "second"u8);
        service.Folder.File("storage/new.txt", "second"u8);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task A_restore_by_name_and_its_undo()
    {
        var (status, json) = await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{name}}"}""");

        Assert.True(status == 200, json.ToString());
        Assert.True(json.GetProperty("success").GetBoolean());
        Assert.Equal("Restore complete. Restart application to apply changes.", json.GetProperty("message").GetString());
        Assert.Equal("docker-compose restart app worker", json.GetProperty("restartCommand").GetString());
        Assert.True(json.GetProperty("requiresRestart").GetBoolean());
        Assert.True(json.GetProperty("applied").GetBoolean());
        Assert.NotEqual(name, json.GetProperty("safetyBackup").GetString());
        Assert.Equal("first", await File.ReadAllTextAsync(A));
        Assert.False(File.Exists(service.Folder["storage/new.txt"]));

        (status, json) = await service.PostAsync("/api/backup/undo-restore");

        Assert.True(status == 200, json.ToString());
        Assert.Equal("second", await File.ReadAllTextAsync(A));
        Assert.True(File.Exists(service.Folder["storage/new.txt"]));
    }

    [Fact]
    public async Task Only_the_paths_that_were_asked_for_come_back()
    {
        service.Folder.File("storage/sub/b.txt", "second"u8);

        var (status, json) = await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{name}}","paths":["sub"]}""");

        Assert.True(status == 200, json.ToString());
        Assert.Equal("second", await File.ReadAllTextAsync(A));
        Assert.Equal("first", await File.ReadAllTextAsync(service.Folder["storage/sub/b.txt"]));
    }

    [Fact]
    public async Task A_damaged_archive_is_422_and_storage_stays_as_it_was()
    {
        var path = Path.Combine(service.Backups, name);
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.Length / 2] ^= 0x40;
        await File.WriteAllBytesAsync(path, bytes);

        var (status, json) = await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{name}}"}""");

        Assert.Equal(422, status);
        Assert.Equal("archiveDamaged", json.GetProperty("fault").GetString());
        Assert.NotEmpty(json.GetProperty("operationId").GetString()!);
        Assert.Equal("second", await File.ReadAllTextAsync(A));
    }

    [Fact]
    public async Task Without_waiting_a_restore_goes_on_by_itself()
    {
        var (status, json) = await service.PostAsync("/api/backup/restore?wait=false", $$"""{"backupName":"{{name}}"}""");
        Assert.Equal(202, status);

        await service.Client.GetStringAsync(new Uri(json.GetProperty("events").GetString()!, UriKind.Relative));

        Assert.Equal("first", await File.ReadAllTextAsync(A));
    }

    [Theory]
    [InlineData("eventlog", "role eventlog")]
    [InlineData("sideways", "neither full nor eventlog")]
    public async Task A_mode_that_is_none_or_has_nothing_to_bring_back_is_a_clear_400(string mode, string expected)
    {
        var (status, json) = await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{name}}","mode":"{{mode}}"}""");

        Assert.Equal(400, status);
        Assert.Contains(expected, json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal("second", await File.ReadAllTextAsync(A));
    }

    [Fact]
    public async Task Event_logs_come_back_alone_and_the_answer_says_so()
    {
        await using var other = await OtherAsync();
        var taken = await other.Service.TakeBackupAsync();
        other.Service.Folder.File("storage/a.txt", "second"u8);
        other.Service.Folder.File("storage/app.log", "second"u8);

        var (status, json) = await other.Service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{taken}}","mode":"eventlog"}""");

        Assert.True(status == 200, json.ToString());
        Assert.Equal("eventlog", json.GetProperty("mode").GetString());
        Assert.StartsWith("Event logs restored, and nothing else.", json.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("first", await File.ReadAllTextAsync(other.Service.Folder["storage/app.log"]));
        Assert.Equal("second", await File.ReadAllTextAsync(other.Service.Folder["storage/a.txt"]));
        var databases = (await other.Service.GetAsync("/api/databases")).Json.GetProperty("databases");
        Assert.Equal("state", databases[0].GetProperty("role").GetString());
    }

    private static async Task<Other> OtherAsync()
    {
        var other = new Other(new RunningService(
            folder =>
            {
                folder.File("storage/a.txt", "first"u8);
                folder.File("storage/app.log", "first"u8);
                Fixtures.CopyTo("sqlite/a-clean", folder.Folder("storage/sql"));
            },
            ("Backup__Sources__0__Path", "*.log"), ("Backup__Sources__0__Role", "eventlog"), ("Backup__Sources__1__Path", "sql"), ("Backup__Sources__1__Role", "state")));
        await other.Service.InitializeAsync();
        return other;
    }

    private sealed record Other(RunningService Service) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await Service.DisposeAsync();
    }
}
