using System.Text.Json;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>A damaged archive is not all lost, and neither is a damaged database: asked for over HTTP.</summary>
public sealed class DamagedArchiveTests : IAsyncLifetime
{
    private static readonly string[] Names = ["a.bin", "b.bin", "c.bin", "many/1.txt", "many/2.txt"];

    private readonly Dictionary<string, byte[]> contents = new(StringComparer.Ordinal);
    private readonly RunningService service;
    private string name = "";
    private byte[] archive = [];

    public DamagedArchiveTests() => service = new RunningService(folder =>
    {
        var random = new Random(5);
        foreach (var file in Names)
        {
            contents[file] = new byte[file.EndsWith(".bin", StringComparison.Ordinal) ? 300_000 : 500];
            random.NextBytes(contents[file]);
            folder.File($"storage/{file}", contents[file]);
        }

        Fixtures.CopyTo("sqlite/a-clean", folder.Folder("storage/sql"));
        Fixtures.CopyTo("leveldb/c-multi-level-small", folder.Folder("storage/level"));
    });

    private string ArchivePath => Path.Combine(service.Backups, name);

    public async Task InitializeAsync()
    {
        await service.InitializeAsync();
        name = await service.TakeBackupAsync();
        archive = await File.ReadAllBytesAsync(ArchivePath);
    }

    public Task DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task By_force_and_paths_every_file_that_still_verifies_comes_back_and_the_others_are_listed()
    {
        var (back, lost) = (0, 0);
        for (var at = archive.Length / 40; at < archive.Length; at += archive.Length / 20)
        {
            await FlipAsync(at);
            ChangeAll();

            var (status, json) = await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{name}}","force":true,"paths":["*.bin","many"]}""");

            Assert.True(status == 200, $"flipped at {at}: {json}");
            var told = json.GetProperty("warnings").EnumerateArray().Select(warning => warning.GetProperty("where").GetString()!).ToHashSet(StringComparer.Ordinal);
            foreach (var file in Names)
            {
                var now = await File.ReadAllBytesAsync(service.Folder[$"storage/{file}"]);
                var isBack = now.AsSpan().SequenceEqual(contents[file]);
                Assert.True(isBack || (now.Length == 7 && (told.Contains(file) || told.Contains("(the rest)"))), $"flipped at {at}: {file} is neither back nor told of: {json}");
                _ = isBack ? back++ : lost++;
            }
        }

        Assert.True(lost > 0 && back > 5 * lost, $"{back} came back, {lost} did not");
    }

    [Fact]
    public async Task A_database_of_which_a_part_is_lost_stays_as_it_is_in_storage()
    {
        var live = await File.ReadAllBytesAsync(service.Folder["storage/sql/data.db"]);
        live[^1] ^= 1;
        await File.WriteAllBytesAsync(service.Folder["storage/sql/data.db"], live);
        var stayed = 0;
        for (var at = archive.Length / 80; at < archive.Length; at += archive.Length / 40)
        {
            await FlipAsync(at);

            var (status, json) = await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{name}}","force":true,"paths":["sql","level"]}""");

            Assert.True(status == 200, $"flipped at {at}: {json}");
            foreach (var database in new[] { "sql/data.db", "level/db" })
            {
                var isTold = json.GetProperty("warnings").EnumerateArray().Any(warning => warning.GetProperty("where").GetString() == database && warning.GetProperty("message").GetString()!.Contains("stays as it is", StringComparison.Ordinal));
                stayed += isTold ? 1 : 0;
            }

            var (_, check) = await service.PostAsync("/api/databases/verify?name=level/db");
            Assert.True(check.GetProperty("whole").GetBoolean(), $"flipped at {at}: a database was divided: {check}");
        }

        Assert.True(stayed > 0, "No flip met a database.");
    }

    [Theory]
    [InlineData("""{"backupName":"NAME"}""")]
    [InlineData("""{"backupName":"NAME","force":true}""")]
    [InlineData("""{"backupName":"NAME","paths":["a.bin"]}""")]
    public async Task Without_force_and_paths_a_damaged_archive_is_refused_and_the_hint_says_how(string body)
    {
        await FlipAsync(PlaceOf("a.bin"));
        ChangeAll();

        var (status, json) = await service.PostAsync("/api/backup/restore", body.Replace("NAME", name, StringComparison.Ordinal));

        Assert.Equal(422, status);
        Assert.Equal("archiveDamaged", json.GetProperty("fault").GetString());
        Assert.Contains("'force' with 'paths'", json.GetProperty("hint").GetString(), StringComparison.Ordinal);
        Assert.Equal("changed", await File.ReadAllTextAsync(service.Folder["storage/a.bin"]));
    }

    [Fact]
    public async Task Damage_elsewhere_keeps_nothing_from_coming_back_by_its_path_for_nothing_else_is_read()
    {
        await FlipAsync(PlaceOf("b.bin"));
        ChangeAll();

        var (status, json) = await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{name}}","paths":["a.bin","many","sql/data.db"]}""");

        Assert.True(status == 200, json.ToString());
        foreach (var file in new[] { "a.bin", "many/1.txt", "many/2.txt" })
        {
            Assert.Equal(contents[file], await File.ReadAllBytesAsync(service.Folder[$"storage/{file}"]));
        }

        Assert.Equal("changed", await File.ReadAllTextAsync(service.Folder["storage/b.bin"]));
        Assert.Equal(422, (await service.PostAsync("/api/backup/restore", $$"""{"backupName":"{{name}}","paths":["b.bin"]}""")).Status);
    }

    [Fact]
    public async Task A_damaged_database_is_salvaged_beside_storage()
    {
        Shell.Run(service.Folder["storage/sql"], "dd if=/dev/zero of=data.db bs=4096 seek=3 count=1 conv=notrunc status=none");

        var (status, json) = await service.PostAsync("/api/databases/salvage", """{"name":"sql/data.db"}""");

        Assert.True(status == 200, json.ToString());
        Assert.True(json.GetProperty("success").GetBoolean());
        Assert.Equal(name, json.GetProperty("provenIn").GetString());
        var folder = json.GetProperty("folder").GetString()!;
        Assert.StartsWith(service.Backups, folder, StringComparison.Ordinal);
        Assert.Equal("files/data.db", Assert.Single(json.GetProperty("files").EnumerateArray()).GetString());
        using var report = JsonDocument.Parse(await File.ReadAllTextAsync($"{folder}/report.json"));
        Assert.Equal("sql/data.db", report.RootElement.GetProperty("database").GetString());
        var (operationStatus, operation) = await service.GetAsync($"/api/operations/{json.GetProperty("operationId").GetString()}");
        Assert.Equal(200, operationStatus);
        Assert.Equal("salvage", operation.GetProperty("kind").GetString());

        Assert.Equal(404, (await service.PostAsync("/api/databases/salvage", """{"name":"a.bin"}""")).Status);
        Assert.Equal(400, (await service.PostAsync("/api/databases/salvage")).Status);
    }

    /// <summary>Random bytes are stored as they are.</summary>
    private int PlaceOf(string file) => archive.AsSpan().IndexOf(contents[file].AsSpan(1000, 100));

    private void ChangeAll()
    {
        foreach (var file in Names)
        {
            File.WriteAllText(service.Folder[$"storage/{file}"], "changed");
        }
    }

    private async Task FlipAsync(int at)
    {
        var flipped = archive.ToArray();
        flipped[at] ^= 0x40;
        await File.WriteAllBytesAsync(ArchivePath, flipped);
    }
}
