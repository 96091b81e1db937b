using System.Text.Json;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>Every real database of TestData, put through an archive by the real process and asked over HTTP: verdict, counts and place as its engine gave them.</summary>
public sealed class FixtureVerdictTests(FixtureVerdictTests.World world) : IClassFixture<FixtureVerdictTests.World>
{
    /// <summary>Folder below databases/, name of the database in it, verdict wanted, counts that the real engine gave, and a word of what must be said.</summary>
    public static TheoryData<string, string, string, string> Wanted => new()
    {
        { "litedb/a-clean/data.db", "ok", "customers 150, customers.email 150, customers.city 150, customers.tags 114, events 100, events.kind 100, orders 250, orders.customerId 250, orders.placed 250, total 500", "" },
        { "litedb/b-log-committed/data.db", "ok", "created_in_log 1, customers 146, customers.email 146, customers.city 146, customers.tags 110, events 100, events.kind 100, orders 270, orders.customerId 270, orders.placed 270, total 517", "" },
        { "litedb/b-log-empty/data.db", "ok", "customers 150, events 100, orders 250, total 500", "" },
        { "litedb/c-log-only-uncommitted/data.db", "ok", "customers 150, events 100, orders 250, total 500", "unconfirmed|uncommitted|confirmed" },
        { "litedb/c-log-torn-halfpage/data.db", "ok", "customers 146, events 100, orders 270, total 516", "ends inside a page" },
        { "litedb/d-encrypted/data.db", "archive", "total 0", "password" },
        { "litedb/e-large-docs/data.db", "ok", "_chunks 9, _files 3, blobs 3, total 15", "" },
        { "litedb/f-deleted/data.db", "ok", "customers 400, customers.email 400, customers.city 400, customers.tags 305, orders 50, orders.customerId 50, orders.placed 50, total 450", "" },
        { "litedb/h-empty/data.db", "ok", "total 0", "" },
        { "litedb/i-zero-bytes/data.db", "ok", "total 0", "" },
        { "litedb/k-bitflip-silent/data.db", "ok", "customers 150, events 100, orders 250, total 500", "" },
        { "litedb/k-corrupt-page/data.db", "damaged", "", "page 2" },
        { "litedb/k-truncated/data.db", "damaged", "", "missing" },
        { "sqlite/a-clean/data.db", "ok", "blobs 20, customer 150, order 350, tag 41, total 561", "" },
        { "sqlite/a-clean-wal-mode/data.db", "ok", "blobs 20, customer 150, order 350, tag 41, total 561", "" },
        { "sqlite/a-page-512-autovacuum/data.db", "ok", "blobs 20, customer 150, order 350, tag 41, total 561", "" },
        { "sqlite/b-wal-committed/data.db", "ok", "blobs 10, customer 150, order 400, tag 41, total 601", "" },
        { "sqlite/b-wal-stale-beside-other-db/data.db", "damaged", "", "" },
        { "sqlite/c-wal-torn-frame/data.db", "ok", "blobs 11, customer 150, order 395, tag 41, total 597", "" },
        { "sqlite/d-hot-journal/data.db", "ok", "blobs 20, customer 150, order 350, tag 41, total 561", "" },
        { "sqlite/e-corrupt-page/data.db", "damaged", "", "page" },
        { "sqlite/e-index-row-missing/data.db", "damaged", "blobs 20, customer 150, order 350, tag 41, total 561", "order_customer" },
        { "sqlite/f-fk-violation/data.db", "ok", "blobs 20, customer 149, order 351, tag 41, total 561", "oreign key" },
        { "sqlite/h-empty/data.db", "ok", "total 0", "" },
        { "sqlite/i-zero-bytes/data.db", "ok", "total 0", "" },
        { "leveldb/a-clean/db", "ok", "doc 2000, idx 286, total 2286", "" },
        { "leveldb/a-closed-with-log/db", "ok", "doc 800, idx 115, total 915", "" },
        { "leveldb/b-log-uncompacted/db", "ok", "doc 2550, idx 372, total 2922", "" },
        { "leveldb/c-multi-level-small/db", "ok", "doc 4900, idx 701, total 5601", "" },
        { "leveldb/d-no-compression/db", "ok", "doc 1000, idx 143, total 1143", "" },
        { "leveldb/e-stale-lock/db", "ok", "doc 2550, idx 372, total 2922", "" },
        { "leveldb/f-corrupt-block/db", "damaged", "doc 1980, idx 286, total 2266", "000005.ldb block" },
        { "leveldb/g-log-corrupt-middle/db", "damaged", "doc 2400, idx 351, total 2751", "000007.log" },
        { "leveldb/g-log-torn-tail/db", "ok", "doc 2552, idx 372, total 2924", "" },
        { "leveldb/h-manifest-torn/db", "damaged", "", "MANIFEST" },
        { "leveldb/h-missing-table/db", "damaged", "", "missing" },
        { "leveldb/i-empty-db/db", "ok", "total 0", "" },
        { "leveldb/n-clean/db", "ok", "total 3000", "" },
        { "leveldb/n-killed-with-log/db", "ok", "total 1700", "" },
    };

    [Theory]
    [MemberData(nameof(Wanted))]
    public void A_database_gets_the_verdict_the_counts_and_the_place(string name, string verdict, string counts, string said)
    {
        var database = world.Databases[$"databases/{name}"];
        var text = database.GetRawText();
        Assert.Equal(verdict == "damaged", database.GetProperty("errors").GetArrayLength() > 0);
        Assert.Equal(verdict switch { "ok" => "engine", "archive" => "archive", _ => "none" }, database.GetProperty("verification").GetString());
        foreach (var count in counts.Split(", ", StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, value) = (count[..count.LastIndexOf(' ')], long.Parse(count[(count.LastIndexOf(' ') + 1)..]));
            Assert.Equal(value, key == "total" ? database.GetProperty("total").GetInt64() : database.GetProperty("counts").GetProperty(key).GetInt64());
        }

        Assert.Matches(said, text);
    }

    [Fact]
    public void A_text_file_with_a_databases_ending_is_a_plain_file() =>
        Assert.DoesNotContain("databases/sqlite/j-not-sqlite/data.db", world.Databases.Keys);

    [Fact]
    public void No_other_database_is_seen() =>
        Assert.Equal(Wanted.Select(row => "databases/" + (string)row[0]).Order(StringComparer.Ordinal), world.Databases.Keys.Order(StringComparer.Ordinal));

    /// <summary>One service, one backup of all of them.</summary>
    public sealed class World : IAsyncLifetime
    {
        private readonly RunningService service = new(folder => Fixtures.CopyTo("", folder.Folder("storage/databases")));

        public IReadOnlyDictionary<string, JsonElement> Databases { get; private set; } = new Dictionary<string, JsonElement>(StringComparer.Ordinal);

        public async Task InitializeAsync()
        {
            await service.InitializeAsync();
            await service.TakeBackupAsync();
            var (_, json) = await service.GetAsync("/api/databases");
            Databases = json.GetProperty("databases").EnumerateArray().ToDictionary(d => d.GetProperty("name").GetString()!, StringComparer.Ordinal);
        }

        public Task DisposeAsync() => service.DisposeAsync();
    }
}
