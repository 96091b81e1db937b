using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>A volume that is not mounted is no bug of the service and no mistake of the caller.</summary>
public sealed class StorageMissingTests(RunningService service) : IClassFixture<RunningService>
{
    [Theory]
    [InlineData("/api/backup/create", "{}")]
    [InlineData("/api/backup/restore", """{"backupName":"NAME"}""")]
    [InlineData("/api/backup/restore?dryRun=true", """{"backupName":"NAME"}""")]
    [InlineData("/api/backup/restore?to=beside", """{"backupName":"NAME"}""")]
    [InlineData("/api/databases/verify", "{}")]
    [InlineData("/api/databases/salvage", """{"name":"app.db"}""")]
    public async Task Every_call_that_needs_storage_answers_503_and_works_again_once_it_is_back(string path, string body)
    {
        var name = await service.TakeBackupAsync();
        var (storage, away) = (service.Folder["storage"], service.Folder["away"]);
        Directory.Move(storage, away);
        try
        {
            var (status, json) = await service.PostAsync(path, body.Replace("NAME", name, StringComparison.Ordinal));

            Assert.True(status == 503, $"{status}: {json}");
            Assert.Equal("storageMissing", json.GetProperty("fault").GetString());
            Assert.Contains("mount", json.GetProperty("hint").GetString(), StringComparison.OrdinalIgnoreCase);
            Assert.False(Directory.Exists(storage));
        }
        finally
        {
            Directory.Move(away, storage);
        }

        await service.TakeBackupAsync();
    }
}
