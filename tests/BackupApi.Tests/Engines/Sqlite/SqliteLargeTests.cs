using BackupApi.Files;
using Xunit;

namespace BackupApi.Tests.Engines.Sqlite;

/// <summary>Databases whose size is the point.</summary>
public sealed class SqliteLargeTests
{
    /// <summary>The page at 1 GiB holds SQLite's lock bytes and is never used (sqlite.org/fileformat2.html, 1.4).</summary>
    [Theory]
    [Trait("Category", "Long")]
    [InlineData("wal", 4096)]
    [InlineData("delete", 65536)]
    public async Task A_database_beyond_the_lock_byte_page_is_captured_live_and_proven(string mode, int pageSize)
    {
        using var storage = new SqliteStorage();
        storage.Sql(storage["app.db"], $"PRAGMA page_size={pageSize}; PRAGMA journal_mode={mode}; PRAGMA synchronous=OFF; CREATE TABLE t(a); INSERT INTO t SELECT zeroblob(100000000) FROM generate_series(1,11); PRAGMA wal_checkpoint(TRUNCATE);");
        using var owner = await SqliteOwner.OpenAsync(storage["app.db"]);
        await owner.RunAsync("INSERT INTO t VALUES(12)");
        Assert.True(new FileInfo(storage["app.db"]).Length > 1L << 30);

        var (capture, verdict, folder) = await storage.CaptureAndVerifyAsync();

        Assert.Equal(mode == "wal" ? "online backup" : "compare and patch", capture.Method);
        Assert.True(verdict.IsProven, string.Join('\n', verdict.Errors));
        Assert.Equal(12, verdict.Counts["t"]);
        TreeRemoval.Remove(folder);
    }
}
