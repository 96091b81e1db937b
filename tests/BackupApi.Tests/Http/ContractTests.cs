using System.Text.Json;
using BackupApi.Http.Answers;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>Field names and shapes that users' scripts rely on.</summary>
public sealed class ContractTests(RunningService service) : IClassFixture<RunningService>
{
    private const string Instant = @"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$";

    [Fact]
    public async Task Create_answers_with_the_backup()
    {
        var (status, json) = await service.PostAsync("/api/backup/create", """{"label":"before-migration","metadata":{"schemaHash":"abc"}}""");

        Assert.Equal(200, status);
        Assert.True(json.GetProperty("success").GetBoolean());
        var name = json.GetProperty("name").GetString()!;
        Assert.Matches(@"^backup_\d{4}-\d\d-\d\d_\d{6}\.tar\.gz$", name);
        Assert.Equal(Path.Combine(service.Backups, name), json.GetProperty("backupPath").GetString());
        Assert.Equal(new FileInfo(Path.Combine(service.Backups, name)).Length, json.GetProperty("size").GetInt64());
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(service.Backups, name)))), json.GetProperty("sha256").GetString());
        Assert.Matches(Instant, json.GetProperty("created").GetString());
        Assert.Equal("before-migration", json.GetProperty("label").GetString());
        Assert.Equal("manual", json.GetProperty("trigger").GetString());
        Assert.Equal("ok", json.GetProperty("outcome").GetString());
        Assert.Equal("archive", json.GetProperty("verification").GetString());
        Assert.Equal(0, json.GetProperty("warnings").GetArrayLength());
        Assert.True(json.GetProperty("durationMs").GetInt64() >= 0);
        Assert.Equal(200, (await service.GetAsync($"/api/operations/{json.GetProperty("operationId").GetString()}")).Status);
    }

    [Fact]
    public async Task List_is_newest_first_with_sizes_as_people_read_them()
    {
        var first = await service.TakeBackupAsync();
        var second = await service.TakeBackupAsync();

        var (status, json) = await service.GetAsync("/api/backup/list");

        Assert.Equal(200, status);
        Assert.True(json.GetProperty("success").GetBoolean());
        Assert.Equal([second, first], json.GetProperty("backups").EnumerateArray().Take(2).Select(backup => backup.GetProperty("name").GetString()!), StringComparer.Ordinal);
        var newest = json.GetProperty("backups")[0];
        Assert.Equal(Path.Combine(service.Backups, second), newest.GetProperty("path").GetString());
        Assert.Equal(JsonValueKind.Number, newest.GetProperty("size").ValueKind);
        Assert.Matches(@"^\d+\.\d\d$", newest.GetProperty("sizeMB").GetString());
        Assert.Matches(Instant, newest.GetProperty("created").GetString());
        foreach (var field in new[] { "label", "trigger", "outcome", "verification" })
        {
            Assert.True(newest.TryGetProperty(field, out _), field);
        }
    }

    [Fact]
    public async Task Export_metadata_sums_up_all_backups()
    {
        var newest = await service.TakeBackupAsync();

        var (status, json) = await service.GetAsync("/api/backup/export-metadata");

        Assert.Equal(200, status);
        Assert.True(json.GetProperty("success").GetBoolean());
        var metadata = json.GetProperty("metadata");
        var backups = metadata.GetProperty("backups").EnumerateArray().ToList();
        Assert.Equal(backups.Count, metadata.GetProperty("backupCount").GetInt32());
        Assert.Equal(backups.Sum(backup => backup.GetProperty("size").GetInt64()), metadata.GetProperty("totalSize").GetInt64());
        Assert.Equal(backups[^1].GetProperty("name").GetString(), metadata.GetProperty("oldestBackup").GetString());
        Assert.Equal(newest, metadata.GetProperty("newestBackup").GetString());
    }

    [Fact]
    public void Metadata_of_no_backup_has_neither_oldest_nor_newest()
    {
        var empty = BackupsMetadata.Of([]);

        Assert.Equal(0, empty.BackupCount);
        Assert.Null(empty.OldestBackup);
        Assert.Null(empty.NewestBackup);
    }

    [Fact]
    public async Task Health_has_what_monitors_and_people_pick_out()
    {
        var name = await service.TakeBackupAsync();

        var (status, json) = await service.GetAsync("/api/health");

        Assert.Equal(200, status);
        Assert.Matches("^(healthy|degraded)$", json.GetProperty("status").GetString());
        Assert.Equal(JsonValueKind.Array, json.GetProperty("reasons").ValueKind);
        var backup = json.GetProperty("backup");
        Assert.True(backup.GetProperty("available").GetBoolean());
        Assert.True(backup.GetProperty("count").GetInt32() > 0);
        Assert.Equal(name, backup.GetProperty("latest").GetString());
        Assert.Matches(@"^\d+\.\d\d$", backup.GetProperty("totalSizeMB").GetString());
        Assert.True(backup.TryGetProperty("nextScheduled", out _));
        Assert.NotEmpty(json.GetProperty("disk").EnumerateArray());
        Assert.Equal(JsonValueKind.Array, json.GetProperty("databases").ValueKind);
    }

    [Fact]
    public async Task Live_and_ready_answer_200()
    {
        Assert.Equal(200, (await service.GetAsync("/api/health/live")).Status);
        var (status, json) = await service.GetAsync("/api/health/ready");
        Assert.Equal(200, status);
        Assert.True(json.GetProperty("ready").GetBoolean());
    }

    [Theory]
    [InlineData("/api/health")]
    [InlineData("/api/health/live")]
    [InlineData("/api/health/ready")]
    public async Task Monitors_may_ask_by_HEAD(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, new Uri(path, UriKind.Relative));
        using var response = await service.Client.SendAsync(request);

        Assert.Equal(200, (int)response.StatusCode);
    }

    [Fact]
    public async Task Detail_shows_facts_sources_and_manifest()
    {
        var name = await service.TakeBackupAsync();

        var (status, json) = await service.GetAsync($"/api/backup/{name}");

        Assert.Equal(200, status);
        Assert.True(json.GetProperty("success").GetBoolean());
        Assert.Equal(name, json.GetProperty("backup").GetProperty("name").GetString());
        Assert.Equal("(files)", json.GetProperty("sources")[0].GetProperty("name").GetString());
        Assert.Equal(json.GetProperty("backup").GetProperty("sequence").GetInt64(), json.GetProperty("manifest").GetProperty("sequence").GetInt64());
    }

    [Fact]
    public async Task Retention_plan_gives_reasons_and_removes_nothing()
    {
        var name = await service.TakeBackupAsync();

        var (status, json) = await service.GetAsync("/api/retention/plan");

        Assert.Equal(200, status);
        Assert.Equal(name, json.GetProperty("keep")[0].GetProperty("name").GetString());
        Assert.NotEmpty(json.GetProperty("keep")[0].GetProperty("reasons").EnumerateArray());
        Assert.Equal(0, json.GetProperty("remove").GetArrayLength());
        Assert.Equal(200, (await service.GetAsync($"/api/backup/{name}")).Status);
    }

    [Fact]
    public async Task A_backup_is_proven_on_demand_and_a_damaged_one_is_told_with_its_places()
    {
        var name = await service.TakeBackupAsync();
        var (status, json) = await service.PostAsync($"/api/backup/{name}/verify");
        Assert.Equal(200, status);
        Assert.True(json.GetProperty("whole").GetBoolean());

        var path = Path.Combine(service.Backups, name);
        var bytes = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, bytes[..(bytes.Length / 2)]);
        (status, json) = await service.PostAsync($"/api/backup/{name}/verify");

        Assert.Equal(422, status);
        Assert.Equal("archiveDamaged", json.GetProperty("fault").GetString());
        Assert.NotEmpty(json.GetProperty("errors").EnumerateArray());
        Assert.NotEmpty(json.GetProperty("operationId").GetString()!);
    }

    [Fact]
    public async Task A_backup_is_removed_and_the_only_proven_one_only_with_force()
    {
        var name = await service.TakeBackupAsync();
        foreach (var other in (await service.GetAsync("/api/backup/list")).Json.GetProperty("backups").EnumerateArray().Select(backup => backup.GetProperty("name").GetString()).Where(other => other != name))
        {
            Assert.Equal(200, (await service.SendAsync(HttpMethod.Delete, $"/api/backup/{other}")).Status);
        }

        var (refused, problem) = await service.SendAsync(HttpMethod.Delete, $"/api/backup/{name}");
        Assert.Equal(409, refused);
        Assert.Equal("protected", problem.GetProperty("fault").GetString());

        var (status, json) = await service.SendAsync(HttpMethod.Delete, $"/api/backup/{name}?force=true");
        Assert.Equal(200, status);
        Assert.Equal(name, json.GetProperty("name").GetString());
        Assert.Equal(404, (await service.GetAsync($"/api/backup/{name}")).Status);
        Assert.False(File.Exists(Path.Combine(service.Backups, name)));
    }

    [Theory]
    [InlineData(true, true, "Restore complete. Restart application to apply changes.", true)]
    [InlineData(false, true, "Restore staged. Restart application to apply changes.", true)]
    [InlineData(true, false, "Restore complete. The files lie in the folder that was asked for.", false)]
    public void A_restore_says_what_to_do_next(bool applied, bool intoPlace, string message, bool requiresRestart)
    {
        var answer = RestoreAnswer.Of(new RestoreResult { BackupName = "b", Applied = applied, SafetyBackup = "s" }, intoPlace, "restart it", "7");

        Assert.True(answer.Success);
        Assert.Equal(message, answer.Message);
        Assert.Equal(requiresRestart, answer.RequiresRestart);
        Assert.Equal(requiresRestart ? "restart it" : null, answer.RestartCommand);
        Assert.Equal(applied, answer.Applied);
        Assert.Equal("s", answer.SafetyBackup);
    }

    [Theory]
    [InlineData(0, "0.00")]
    [InlineData(10_486, "0.01")]
    [InlineData(1_048_576, "1.00")]
    [InlineData(5_000_000_000_000, "4768371.58")]
    public void Megabytes_have_two_decimals_and_a_point(long bytes, string expected) => Assert.Equal(expected, BackupFacts.InMegabytes(bytes));
}
