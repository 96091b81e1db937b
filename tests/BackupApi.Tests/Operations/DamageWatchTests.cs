using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>The whole service: a live database that fails its check is captured once more as it is.</summary>
public sealed class DamageWatchTests : IAsyncLifetime
{
    private readonly RunningService service = new(folder => Fixtures.CopyTo("sqlite/a-clean", folder.Folder("storage/sql")));

    public Task InitializeAsync() => service.InitializeAsync();

    public Task DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task Damage_that_no_backup_holds_yet_is_captured_once_and_only_once_although_no_time_stamp_changed()
    {
        var good = await service.TakeBackupAsync();
        var path = service.Folder["storage/sql/data.db"];
        var modified = File.GetLastWriteTimeUtc(path);
        Shell.Run(service.Folder["storage"], "dd if=/dev/urandom of=sql/data.db bs=1024 seek=4 count=8 conv=notrunc status=none");
        File.SetLastWriteTimeUtc(path, modified);

        Assert.False((await service.PostAsync("/api/databases/verify")).Json.GetProperty("whole").GetBoolean());
        var kept = await NewestAsync(after: good);
        Assert.Equal("partial", kept.GetProperty("outcome").GetString());
        Assert.Contains("kept as it is", kept.GetProperty("label").GetString(), StringComparison.Ordinal);

        await IdleAsync();
        Assert.Equal(200, (await service.PostAsync("/api/databases/verify")).Status);
        await IdleAsync();
        Assert.Equal(2, (await service.GetAsync("/api/backup/list")).Json.GetProperty("backups").GetArrayLength());
    }

    /// <summary>A backup is listed a moment before its operation ends.</summary>
    private async Task IdleAsync()
    {
        for (var i = 0; i < 1500 && (await service.GetAsync("/api/operations")).Json.GetProperty("operations").EnumerateArray().Any(operation => operation.GetProperty("state").GetString() != "ended"); i++)
        {
            await Task.Delay(20);
        }
    }

    private async Task<System.Text.Json.JsonElement> NewestAsync(string after)
    {
        for (var i = 0; i < 1500; i++)
        {
            var newest = (await service.GetAsync("/api/backup/list")).Json.GetProperty("backups")[0];
            if (newest.GetProperty("name").GetString() != after)
            {
                return newest;
            }

            await Task.Delay(20);
        }

        throw new TimeoutException("No backup was taken in 30 s.");
    }
}
