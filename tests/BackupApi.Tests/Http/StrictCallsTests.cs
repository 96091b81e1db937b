using System.Text.Json;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>A call that changes something does nothing when it holds a word it does not know: what was meant by it may have been the point.</summary>
public sealed class StrictCallsTests(RunningService service) : IClassFixture<RunningService>, IAsyncLifetime
{
    private string name = "";

    private string A => service.Folder["storage/a.txt"];

    public async Task InitializeAsync()
    {
        service.Folder.File("storage/a.txt", "first"u8);
        name = await service.TakeBackupAsync();
        service.Folder.File("storage/a.txt", "second"u8);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Theory]
    [InlineData("dry_run=true", "dry_run", "dryRun")]
    [InlineData("dry-run=true", "dry-run", "dryRun")]
    [InlineData("dryRuns=true", "dryRuns", "dryRun")]
    [InlineData("preview=true", "preview", "dryRun")]
    [InlineData("dryRun=maybe", "dryRun", "dryRun=true")]
    [InlineData("dryRun=true&dryRun=false", "dryRun", "once")]
    [InlineData("paths=a.txt", "paths", "in the body: backupName, force, paths")]
    [InlineData("path=a.txt", "path", "paths")]
    [InlineData("To=../x", "'to'", "relative")]
    [InlineData("mode=sideways", "mode", "eventlog")]
    [InlineData("force=2", "force", "true")]
    [InlineData("wait=perhaps", "wait", "true")]
    [InlineData("=x", "\"\"", "dryRun")]
    public async Task A_restore_with_a_parameter_that_is_none_changes_nothing(string query, string named, string allowed)
    {
        var (status, json) = await service.PostAsync($"/api/backup/restore?{query}", $$"""{"backupName":"{{name}}"}""");

        Assert.True(status == 400, $"{status}: {json}");
        Assert.Equal("invalidRequest", json.GetProperty("fault").GetString());
        Assert.Contains(named, json.GetProperty("detail").GetString(), StringComparison.OrdinalIgnoreCase);
        Assert.Contains(allowed, json.GetProperty("hint").GetString(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal("second", await File.ReadAllTextAsync(A));
    }

    [Theory]
    [InlineData("""{"backupName":"NAME","dry_run":true}""", "dry_run")]
    [InlineData("""{"backupName":"NAME","dryRun":"yes"}""", "dryRun")]
    [InlineData("""{"backupName":"NAME","paths":[]}""", "empty")]
    [InlineData("""{"backupName":"NAME","paths":"a.txt"}""", "paths")]
    [InlineData("""{"backupName":"NAME","Path":["a.txt"]}""", "Path")]
    [InlineData("""{"backupName":"NAME","to":""}""", "'to'")]
    public async Task A_restore_with_a_field_that_is_none_changes_nothing(string body, string named)
    {
        var (status, json) = await service.PostAsync("/api/backup/restore", body.Replace("NAME", name, StringComparison.Ordinal));

        Assert.True(status == 400, $"{status}: {json}");
        Assert.Contains(named, json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal("second", await File.ReadAllTextAsync(A));
    }

    [Theory]
    [InlineData("?dryRun=true", "")]
    [InlineData("?dryRun", "")]
    [InlineData("?dryrun=YES", "")]
    [InlineData("?DryRun=1", "")]
    [InlineData("", ",\"dryRun\":true")]
    [InlineData("?dryRun=true", ",\"dryRun\":true")]
    public async Task A_dry_run_is_one_however_it_is_asked_for(string query, string field)
    {
        var before = TreeImage.Of(service.Folder["storage"]);

        var (status, json) = await service.PostAsync($"/api/backup/restore{query}", $$"""{"backupName":"{{name}}"{{field}}}""");

        Assert.True(status == 200, json.ToString());
        Assert.False(json.GetProperty("applied").GetBoolean());
        Assert.Equal(JsonValueKind.Object, json.GetProperty("preview").ValueKind);
        Assert.Equal(before, TreeImage.Of(service.Folder["storage"]));
    }

    [Theory]
    [InlineData("?to=beside/query", "")]
    [InlineData("?TO=beside%2Fupper", "")]
    [InlineData("", ",\"to\":\"beside/body\"")]
    [InlineData("?to=beside/both", ",\"to\":\"beside/both\"")]
    public async Task A_restore_goes_beside_however_it_is_asked_for(string query, string field)
    {
        var (status, json) = await service.PostAsync($"/api/backup/restore{query}", $$"""{"backupName":"{{name}}"{{field}}}""");

        Assert.True(status == 200, json.ToString());
        Assert.Equal("second", await File.ReadAllTextAsync(A));
        Assert.Equal("first", await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(service.Folder["storage/beside"], "a.txt", SearchOption.AllDirectories))));
        Directory.Delete(service.Folder["storage/beside"], recursive: true);
    }

    [Theory]
    [InlineData("?to=one", ",\"to\":\"other\"")]
    [InlineData("?dryRun=false", ",\"dryRun\":true")]
    [InlineData("?dryRun=true", ",\"dryRun\":false")]
    [InlineData("?force=true", ",\"force\":false")]
    [InlineData("?mode=full", ",\"mode\":\"eventlog\"")]
    public async Task Address_and_body_may_not_contradict_each_other(string query, string field)
    {
        var (status, json) = await service.PostAsync($"/api/backup/restore{query}", $$"""{"backupName":"{{name}}"{{field}}}""");

        Assert.True(status == 400, json.ToString());
        Assert.Contains("different things", json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal("second", await File.ReadAllTextAsync(A));
    }

    [Theory]
    [InlineData("POST", "/api/backup/create", "label=x")]
    [InlineData("POST", "/api/backup/undo-restore", "dryRun=true")]
    [InlineData("POST", "/api/backup/NAME/verify", "force=true")]
    [InlineData("POST", "/api/backup/NAME/drill", "to=x")]
    [InlineData("POST", "/api/backup/NAME/pin", "note=x")]
    [InlineData("DELETE", "/api/backup/NAME/pin", "wait=false")]
    [InlineData("DELETE", "/api/backup/NAME", "dryRun=true")]
    [InlineData("DELETE", "/api/backup/NAME", "forse=true")]
    [InlineData("POST", "/api/databases/verify", "database=x")]
    [InlineData("POST", "/api/databases/salvage", "name=a.db")]
    [InlineData("PUT", "/api/schedule", "enabled=false")]
    [InlineData("POST", "/api/schedule/pause", "hours=1")]
    [InlineData("POST", "/api/schedule/resume", "x=1")]
    [InlineData("POST", "/api/alarms/1-1/acknowledge", "x=1")]
    [InlineData("POST", "/api/alerts/test", "channel=0")]
    [InlineData("PUT", "/api/logs/level", "level=debug")]
    public async Task Every_call_that_changes_something_refuses_a_parameter_it_does_not_know(string method, string path, string query)
    {
        var (status, json) = await service.SendAsync(new HttpMethod(method), $"{path.Replace("NAME", name, StringComparison.Ordinal)}?{query}");

        Assert.True(status == 400, $"{status}: {json}");
        Assert.Contains($"\"{query.Split('=')[0]}\"", json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains("address", json.GetProperty("hint").GetString(), StringComparison.Ordinal);
        Assert.Equal(200, (await service.GetAsync($"/api/backup/{name}")).Status);
        Assert.False((await service.GetAsync("/api/schedule")).Json.GetProperty("paused").GetBoolean());
    }

    [Theory]
    [InlineData("POST", "/api/backup/NAME/verify")]
    [InlineData("POST", "/api/backup/NAME/drill")]
    [InlineData("DELETE", "/api/backup/NAME/pin")]
    [InlineData("DELETE", "/api/backup/NAME")]
    [InlineData("POST", "/api/databases/verify")]
    [InlineData("POST", "/api/schedule/pause")]
    public async Task A_call_without_a_body_refuses_one_that_says_something(string method, string path)
    {
        path = path.Replace("NAME", name, StringComparison.Ordinal);

        var (status, json) = await service.SendAsync(new HttpMethod(method), path, new StringContent("""{"dryRun":true}"""));

        Assert.True(status == 400, $"{status}: {json}");
        Assert.Contains("no body", json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(200, (await service.GetAsync($"/api/backup/{name}")).Status);
        Assert.Equal(200, (await service.SendAsync(HttpMethod.Post, $"/api/backup/{name}/verify", new StringContent(" { }\n"))).Status);
    }

    [Fact]
    public async Task A_call_that_only_reads_passes_over_what_it_does_not_know() =>
        Assert.Equal(200, (await service.GetAsync("/api/backup/list?_=1764355200")).Status);
}
