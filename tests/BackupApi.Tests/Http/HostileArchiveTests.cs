using BackupApi.Files;
using BackupApi.Tests.Archive;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>Every class of hostile archive in every container, asked for by name over HTTP and dropped into the restore folder: each is refused in its own words, and nothing outside of staging changes.</summary>
public sealed class HostileArchiveTests : IAsyncLifetime, IDisposable
{
    /// <summary>Storage lies on a small disk of its own, so that what unpacks to much is met early.</summary>
    private const int StorageMegabytes = 64;

    private readonly TempFolder temp = new();
    private readonly TestMount disk;
    private readonly RunningService service;

    public HostileArchiveTests()
    {
        disk = TestMount.Tmpfs(temp["disk"], StorageMegabytes);
        service = new RunningService(
            folder =>
            {
                FillStorage();
                temp.File("disk/outside/victim", "untouched"u8);
                folder.File("outside/victim", "untouched"u8);
            },
            ("STORAGE_PATH", temp["disk/storage"]),
            ("MIN_FREE_MB", "1"));
    }

    public Task InitializeAsync() => service.InitializeAsync();

    public Task DisposeAsync() => service.DisposeAsync();

    public void Dispose()
    {
        disk.Dispose();
        temp.Dispose();
    }

    [Theory]
    [InlineData("tar.gz")]
    [InlineData("tar")]
    [InlineData("tar.bz2")]
    [InlineData("zip")]
    public async Task Asked_for_by_name_it_is_refused_in_its_own_words(string container)
    {
        var archives = HostileArchives.Write(service.Backups, container);
        var before = Image();
        var wrong = new List<string>();
        foreach (var archive in archives)
        {
            var (status, json) = await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{archive.Name}}","force":true}""");

            var fault = json.TryGetProperty("fault", out var given) ? given.GetString() : null;
            var detail = json.TryGetProperty("detail", out var said) ? said.GetString()! : "";
            if (status != 422 || !string.Equals(fault, archive.Fault.ToString(), StringComparison.OrdinalIgnoreCase) || !detail.Contains(archive.Says, StringComparison.Ordinal) || json.GetProperty("hint").GetString()!.Length == 0)
            {
                wrong.Add($"{archive.Name}: {status} {fault}: {detail}");
            }

            if (Image() is var after && after != before)
            {
                wrong.Add($"{archive.Name} left traces:\n{after}");
                before = after;
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("tar.gz")]
    [InlineData("tar")]
    [InlineData("tar.bz2")]
    [InlineData("zip")]
    public async Task Dropped_it_is_put_away_with_the_reason(string container)
    {
        var made = temp.Folder("made");
        var archives = HostileArchives.Write(made, container);
        var wrong = new System.Collections.Concurrent.ConcurrentQueue<string>();

        // Each start waits a second to see that the drop stands still, so they wait together.
        await Parallel.ForEachAsync(archives, new ParallelOptions { MaxDegreeOfParallelism = archives.Count }, async (archive, _) =>
        {
            using var world = new RestoreWorld(settings => settings with { StoragePath = temp.Folder($"disk/{archive.Name}") });
            File.WriteAllText($"{world.Storage}/app.txt", "mine");
            var forced = archive.Name.Insert(archive.Name.IndexOf('.', StringComparison.Ordinal), ".force");
            File.Copy($"{made}/{archive.Name}", $"{world.Restore}/{forced}");
            var before = TreeImage.Of(world.Storage);

            var start = await world.StartAsync();

            var reason = $"{world.Restore}/failed/{forced}.reason.txt";
            if (start.Failure?.Fault != archive.Fault || !start.Failure.Message.Contains(archive.Says, StringComparison.Ordinal) || !File.Exists(reason) || !File.ReadAllText(reason).Contains(archive.Says, StringComparison.Ordinal))
            {
                wrong.Enqueue($"{archive.Name}: {start.Failure?.Fault}: {start.Failure?.Message}");
            }

            if (TreeImage.Of(world.Storage) != before || Posix.FindStat($"{world.Storage}/.backup") is not null)
            {
                wrong.Enqueue($"{archive.Name} left traces");
            }
        });

        Assert.True(wrong.IsEmpty, string.Join('\n', wrong));
        Assert.Equal("untouched", await File.ReadAllTextAsync(temp["disk/outside/victim"]));
    }

    [Theory]
    [InlineData("tar czf")]
    [InlineData("tar cf")]
    [InlineData("tar cjf")]
    [InlineData("zip -qr")]
    public async Task Names_that_differ_in_case_only_are_two_files_and_come_back_as_such(string pack)
    {
        var name = pack switch { "tar czf" => "twins.tar.gz", "tar cf" => "twins.tar", "tar cjf" => "twins.tar.bz2", _ => "twins.zip" };
        Shell.Run(temp.Folder("made"), $"echo 1 > a; echo 2 > A; {pack} {service.Backups}/{name} a A");

        var (status, json) = await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{name}}","to":"beside"}""");

        Assert.True(status == 200, json.ToString());
        Assert.Equal("1\n", await File.ReadAllTextAsync(temp["disk/storage/beside/a"]));
        Assert.Equal("2\n", await File.ReadAllTextAsync(temp["disk/storage/beside/A"]));
    }

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("tar.gz")]
    [InlineData("tar")]
    [InlineData("tar.bz2")]
    [InlineData("zip")]
    public async Task A_million_entries_are_refused_with_the_room_they_need(string container)
    {
        var archive = HostileArchives.WriteMillion(service.Backups, container);
        var before = Image();
        service.Client.Timeout = TimeSpan.FromMinutes(10);

        var (status, json) = await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{archive.Name}}","force":true}""");

        Assert.True(status == 507, json.ToString());
        Assert.Contains(archive.Says, json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, Image());
    }

    private void FillStorage()
    {
        temp.File("disk/storage/a.txt", "hello"u8);
        temp.File("disk/storage/victim", "untouched"u8);
        Shell.Run(temp["disk/storage"], "sqlite3 app.db 'create table t(x); insert into t values(1)'");
    }

    /// <summary>Everything of the service and around it, but its own staging and records.</summary>
    private string Image() => string.Join('\n', $"{TreeImage.Of(temp["disk"])}\n{TreeImage.Of(service.Folder.Path)}".Split('\n').Where(line => !line.Contains(".backupapi", StringComparison.Ordinal) && !line.Contains(".staging", StringComparison.Ordinal)));
}
