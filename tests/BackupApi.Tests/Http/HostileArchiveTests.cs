using BackupApi.Files;
using BackupApi.Tests.Archive;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Http;

/// <summary>Every class of hostile archive in every container, asked for by name over HTTP and dropped into the restore folder: each is refused in its own words, and nothing outside of staging changes.</summary>
public sealed class HostileArchiveTests : IAsyncLifetime, IDisposable
{
    /// <summary>Storage lies on a small disk of its own, so that what unpacks to much is met early.</summary>
    private const int StorageMegabytes = 64;

    private readonly ITestOutputHelper output;
    private readonly TempFolder temp = new();
    private readonly TestMount disk;
    private readonly RunningService service;

    public HostileArchiveTests(ITestOutputHelper output)
    {
        this.output = output;
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
        var (wrong, messages) = (new List<string>(), new List<(HostileArchive, string)>());
        foreach (var archive in archives)
        {
            var (status, json) = await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{archive.Name}}","force":true}""");

            messages.Add((archive, json.GetProperty("detail").GetString()!));
            var fault = json.TryGetProperty("fault", out var given) ? given.GetString() : null;
            var detail = json.TryGetProperty("detail", out var said) ? said.GetString()! : "";
            if (status != 422 || !string.Equals(fault, archive.Fault.ToString(), StringComparison.OrdinalIgnoreCase) || !detail.Contains(archive.Says, StringComparison.Ordinal) || json.GetProperty("hint").GetString()!.Length == 0)
            {
                wrong.Add($"{archive.Name}: {status} {fault}: {detail}");
            }

            if (!detail.Contains(archive.Entry, StringComparison.Ordinal))
            {
                wrong.Add($"{archive.Name} does not name {archive.Entry}: {detail}");
            }

            if (Image() is var after && after != before)
            {
                wrong.Add($"{archive.Name} left traces:\n{after}");
                before = after;
            }
        }

        wrong.AddRange(SharedWordings(messages));
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(messages.Select(message => message.Item1.Class).Distinct(StringComparer.Ordinal).Count() >= 22);
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
        var messages = new System.Collections.Concurrent.ConcurrentQueue<(HostileArchive, string)>();

        // Each start waits a second to see that the drop stands still, so they wait together.
        await Parallel.ForEachAsync(archives, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (archive, _) =>
        {
            using var world = new RestoreWorld(settings => settings with { StoragePath = temp.Folder($"disk/{archive.Name}") });
            File.WriteAllText($"{world.Storage}/app.txt", "mine");
            var forced = archive.Name.Insert(archive.Name.IndexOf('.', StringComparison.Ordinal), ".force");
            File.Copy($"{made}/{archive.Name}", $"{world.Restore}/{forced}");
            var before = TreeImage.Of(world.Storage);

            var start = await world.StartAsync();

            messages.Enqueue((archive, start.Failure?.Message ?? ""));
            var reason = $"{world.Restore}/failed/{forced}.reason.txt";
            if (start.Failure?.Fault != archive.Fault || !start.Failure.Message.Contains(archive.Says, StringComparison.Ordinal) || !File.Exists(reason) || File.ReadAllText(reason) is var why && !(why.Contains(archive.Says, StringComparison.Ordinal) && why.Contains(archive.Entry, StringComparison.Ordinal)))
            {
                wrong.Enqueue($"{archive.Name}: {start.Failure?.Fault}: {start.Failure?.Message}");
            }

            if (TreeImage.Of(world.Storage) != before || Posix.FindStat($"{world.Storage}/.backup") is not null)
            {
                wrong.Enqueue($"{archive.Name} left traces");
            }
        });

        Assert.True(wrong.IsEmpty && SharedWordings(messages) is [], string.Join('\n', wrong.Concat(SharedWordings(messages))));
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
        var (dry, preview) = await service.PostAsync("/api/backup/restore?dryRun=true", $$"""{"backupName":"{{archive.Name}}","force":true}""");
        Assert.True(dry == 200, preview.ToString());
        Assert.Equal(1_000_000, preview.GetProperty("preview").GetProperty("addedCount").GetInt64());
        Tell(container, service.PeakMemoryBytes);
    }

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("tar.gz")]
    [InlineData("tar")]
    [InlineData("tar.bz2")]
    [InlineData("zip")]
    public async Task A_million_entries_that_are_dropped_stay_where_they_are_and_health_says_why(string container)
    {
        HostileArchive? archive = null;
        temp.File("disk/other/a.txt", "mine"u8);
        var starting = new RunningService(
            folder =>
            {
                archive = HostileArchives.WriteMillion(folder.Folder("made"), container);
                Posix.Rename(folder[$"made/{archive.Name}"], $"{folder.Folder("restore")}/{archive.Name}");
            },
            ("STORAGE_PATH", temp["disk/other"]), ("MIN_FREE_MB", "1"));
        var before = TreeImage.Of(temp["disk"]);
        await starting.InitializeAsync();
        try
        {
            var health = (await starting.GetAsync("/api/health")).Json.ToString();

            Assert.Contains("needs about", health, StringComparison.Ordinal);
            Assert.True(File.Exists(starting.Folder[$"restore/{archive!.Name}"]));
            Assert.Equal(before, TreeImage.Of(temp["disk"]));
            Tell(container, starting.PeakMemoryBytes);
        }
        finally
        {
            await starting.DisposeAsync();
        }
    }

    private void Tell(string container, long peak)
    {
        output.WriteLine($"{container}: {peak >> 20} MB at most");
        Assert.InRange(peak, 1, 200L << 20);
    }

    /// <summary>Classes of harm of which is said the same; a person could not tell by the message what was tried.</summary>
    private static List<string> SharedWordings(IEnumerable<(HostileArchive Archive, string Message)> messages) =>
    [
        .. messages.Select(message => (message.Archive.Class, Wording: HostileArchive.Wording(message.Message)))
            .Distinct().GroupBy(message => message.Wording, StringComparer.Ordinal).Where(group => group.Count() > 1)
            .Select(group => $"{string.Join(" and ", group.Select(message => message.Class))} share the words: {group.Key}"),
    ];

    private void FillStorage()
    {
        temp.File("disk/storage/a.txt", "hello"u8);
        temp.File("disk/storage/victim", "untouched"u8);
        Shell.Run(temp["disk/storage"], "sqlite3 app.db 'create table t(x); insert into t values(1)'");
    }

    /// <summary>Everything of the service and around it, but its own staging and records.</summary>
    /// <summary>Every name, owner, mode, time and content. But for the time of the backups folder itself: the checks that the service does by itself come and go in its staging folder there.</summary>
    private string Image() => string.Join('\n', $"{TreeImage.Of(temp["disk"])}\n{TreeImage.Of(service.Folder.Path)}".Split('\n')
        .Where(line => !line.Contains(".backupapi", StringComparison.Ordinal) && !line.Contains(".staging", StringComparison.Ordinal))
        .Select(line => line.StartsWith("backups Directory ", StringComparison.Ordinal) ? "backups Directory" : line));
}
