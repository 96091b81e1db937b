using System.IO.MemoryMappedFiles;
using System.Text;
using System.Text.Json;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary><c>/api/databases</c> against the real process: what is known of each live database, and what a check of it now says.</summary>
public sealed class DatabaseTests
{
    [Fact]
    public async Task Damage_is_told_with_its_place_the_backup_it_began_in_and_the_last_whole_one_which_is_pinned()
    {
        await using var world = await World.StartAsync(folder => Fixtures.CopyTo("sqlite/a-clean", folder.Folder("storage")));
        var whole = await world.Service.TakeBackupAsync();
        File.Copy(Path.Combine(Fixtures.Of("sqlite/e-index-row-missing"), "data.db"), world.Service.Folder["storage/data.db"], overwrite: true);

        // Before any backup has seen it.
        var live = Assert.Single((await world.OkAsync("POST", "/api/databases/verify")).GetProperty("databases").EnumerateArray().ToList());
        Assert.False(Has(live, "damagedSince"));

        // By itself it is captured once more as it is.
        var first = await world.NextBackupAsync(after: whole);
        await world.Service.TakeBackupAsync();
        var known = Assert.Single((await world.OkAsync("GET", "/api/databases")).GetProperty("databases").EnumerateArray().ToList());

        Assert.Equal(first, known.GetProperty("damagedSince").GetString());
        Assert.Equal(whole, known.GetProperty("lastProvenIn").GetString());
        Assert.Contains("order_customer", known.GetProperty("errors").GetRawText(), StringComparison.Ordinal);
        Assert.Contains("last good data.db", (await world.OkAsync("GET", $"/api/backup/{whole}")).GetProperty("backup").GetProperty("pins").GetRawText(), StringComparison.Ordinal);
        var (_, health) = await world.Service.GetAsync("/api/health");
        Assert.Contains($"data.db is damaged since {first}", health.GetRawText(), StringComparison.Ordinal);

        File.Copy(Path.Combine(Fixtures.Of("sqlite/a-clean"), "data.db"), world.Service.Folder["storage/data.db"], overwrite: true);
        var mended = Assert.Single((await world.OkAsync("POST", "/api/databases/verify")).GetProperty("databases").EnumerateArray().ToList());
        Assert.False(Has(mended, "damagedSince"));
        Assert.Equal("engine", mended.GetProperty("verification").GetString());
    }

    [Fact]
    public async Task A_check_reads_the_bytes_though_no_fingerprint_differs()
    {
        await using var world = await World.StartAsync(folder =>
        {
            Fixtures.CopyTo("leveldb/a-clean", folder.Folder("storage"));
            Fixtures.CopyTo("sqlite/a-clean", folder.Folder("storage"));
        });
        using var table = MemoryMappedFile.CreateFromFile(world.Service.Folder["storage/db/000005.ldb"]);
        using var bytes = table.CreateViewAccessor();
        bytes.Write(1000, bytes.ReadByte(1000));
        Assert.True((await world.OkAsync("POST", "/api/databases/verify")).GetProperty("whole").GetBoolean());

        // A store to a page that is dirty already changes the content and no time of the file.
        bytes.Write(1000, (byte)~bytes.ReadByte(1000));

        var one = await world.OkAsync("POST", "/api/databases/verify?name=data.db");
        Assert.Equal("data.db", Assert.Single(one.GetProperty("databases").EnumerateArray().ToList()).GetProperty("name").GetString());
        Assert.True(one.GetProperty("whole").GetBoolean());
        Assert.Equal(404, (await world.Service.PostAsync("/api/databases/verify?name=other.db")).Status);
        var all = await world.OkAsync("POST", "/api/databases/verify");
        Assert.False(all.GetProperty("whole").GetBoolean());
        Assert.Contains("000005.ldb block", all.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_encrypted_database_is_looked_into_with_the_password_from_a_file_or_with_one_of_its_own()
    {
        using var secrets = new TempFolder();
        var password = secrets.File("password", Encoding.UTF8.GetBytes(Fixtures.Password + "\n"));
        await using var world = await World.StartAsync(
            folder =>
            {
                Fixtures.CopyTo("litedb/d-encrypted", folder.Folder("storage/common"));
                Fixtures.CopyTo("litedb/d-encrypted", folder.Folder("storage/own"));
                Fixtures.CopyTo("litedb/d-encrypted", folder.Folder("storage/wrong"));
            },
            ("LITEDB_PASSWORD_FILE", password),
            ("Backup__LiteDb__0__Path", "own/data.db"), ("Backup__LiteDb__0__Password_FILE", password),
            ("Backup__LiteDb__1__Path", "wrong/data.db"), ("Backup__LiteDb__1__Password", "not it"));
        var backup = await world.Service.TakeBackupAsync();

        var databases = (await world.OkAsync("GET", "/api/databases")).GetProperty("databases").EnumerateArray().ToDictionary(d => d.GetProperty("name").GetString()!, StringComparer.Ordinal);
        foreach (var name in new[] { "common/data.db", "own/data.db" })
        {
            Assert.Equal("engine", databases[name].GetProperty("verification").GetString());
            Assert.Equal(500, databases[name].GetProperty("total").GetInt64());
        }

        var wrong = databases["wrong/data.db"];
        Assert.Equal(("archive", "archive"), (wrong.GetProperty("verification").GetString(), wrong.GetProperty("bestVerification").GetString()));
        Assert.Contains("password given does not open it", wrong.GetProperty("reason").GetString(), StringComparison.Ordinal);

        // The best that its kind can reach: the whole backup counts as proven.
        var facts = (await world.OkAsync("GET", $"/api/backup/{backup}")).GetProperty("backup");
        Assert.Equal("ok", facts.GetProperty("outcome").GetString());
        Assert.Equal(backup, wrong.GetProperty("lastProvenIn").GetString());
    }

    [Fact]
    public async Task A_database_that_stays_too_busy_makes_the_backup_partial_without_it_and_the_others_are_kept()
    {
        await using var world = await World.StartAsync(
            folder =>
            {
                Fixtures.CopyTo("sqlite/a-clean", folder.Folder("storage/busy"));
                Fixtures.CopyTo("leveldb/a-clean", folder.Folder("storage"));
            },
            ("Backup__CapturePatience", "1"));
        var whole = await world.Service.TakeBackupAsync();
        using (var owner = await Engines.Sqlite.SqliteOwner.OpenAsync(world.Service.Folder["storage/busy/data.db"]))
        {
            await owner.RunAsync("PRAGMA locking_mode=EXCLUSIVE");
            await owner.RunAsync("CREATE TABLE busy(a)");

            var (status, made) = await world.Service.PostAsync("/api/backup/create");

            Assert.Equal((200, "partial"), (status, made.GetProperty("outcome").GetString()));
            var known = (await world.OkAsync("GET", "/api/databases")).GetProperty("databases").EnumerateArray().ToDictionary(d => d.GetProperty("name").GetString()!, StringComparer.Ordinal);
            Assert.Equal(whole, known["busy/data.db"].GetProperty("lastProvenIn").GetString());
            Assert.Equal(made.GetProperty("name").GetString(), known["db"].GetProperty("lastProvenIn").GetString());
            Assert.Contains("within 1 s", known["busy/data.db"].GetRawText(), StringComparison.Ordinal);
            Assert.Contains("locking_mode=EXCLUSIVE", known["busy/data.db"].GetRawText(), StringComparison.Ordinal);
            await owner.CloseAsync();
        }

        Assert.Equal("ok", (await world.Service.PostAsync("/api/backup/create")).Json.GetProperty("outcome").GetString());
    }

    private static bool Has(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    private sealed class World : IAsyncDisposable
    {
        private World(RunningService service) => Service = service;

        public RunningService Service { get; }

        public static async Task<World> StartAsync(Action<TempFolder> fill, params (string Name, string? Value)[] settings)
        {
            var service = new RunningService(fill, settings);
            await service.InitializeAsync();
            return new World(service);
        }

        public async Task<JsonElement> OkAsync(string method, string path)
        {
            var (status, json) = await Service.SendAsync(new HttpMethod(method), path);
            Assert.True(status == 200, $"{method} {path}: {status} {json}");
            return json;
        }

        /// <summary>The backup that is taken by itself after another one, once its operation has ended.</summary>
        public async Task<string> NextBackupAsync(string after)
        {
            for (var i = 0; i < 1500; i++)
            {
                var newest = (await OkAsync("GET", "/api/backup/list")).GetProperty("backups")[0].GetProperty("name").GetString()!;
                var isIdle = (await OkAsync("GET", "/api/operations")).GetProperty("operations").EnumerateArray().All(operation => operation.GetProperty("state").GetString() == "ended");
                if (newest != after && isIdle)
                {
                    return newest;
                }

                await Task.Delay(20);
            }

            throw new TimeoutException($"No backup was taken after {after}.");
        }

        public async ValueTask DisposeAsync() => await Service.DisposeAsync();
    }
}
