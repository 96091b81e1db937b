using System.Security.Cryptography;
using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines.Sqlite;

public sealed class SqliteRecognitionTests : IDisposable
{
    private readonly SqliteStorage storage = new();

    public void Dispose() => storage.Dispose();

    [Fact]
    public void A_database_is_known_by_its_content_whatever_its_name()
    {
        Directory.CreateDirectory(storage["deep/er"]);
        storage.Sql(storage["deep/er/photo.jpg"], "CREATE TABLE t(a)");
        Assert.Equal("deep/er/photo.jpg", Assert.Single(storage.Recognise()).Name);
    }

    [Theory]
    [InlineData("litedb/a-clean")]
    [InlineData("litedb/d-encrypted")]
    [InlineData("leveldb/a-clean")]
    public void Databases_of_other_kinds_are_left_to_others(string fixture)
    {
        Fixtures.CopyTo(fixture, storage.Root);
        Assert.Empty(storage.Recognise());
    }

    [Fact]
    public void A_database_named_like_another_ones_side_file_is_a_database_of_its_own()
    {
        storage.Sql(storage["app.db"], "CREATE TABLE t(a)");
        storage.Sql(storage["x.db"], "CREATE TABLE t(a)");
        Posix.Rename(storage["x.db"], storage["app.db-wal"]);
        Assert.Equal("app.db app.db-wal", string.Join(' ', storage.Recognise().Select(source => source.Name)));
        Assert.Equal(["app.db"], storage.Recognise()[0].Files);
    }

    [Fact]
    public void A_journal_without_its_database_is_no_source()
    {
        File.WriteAllText(storage["gone.db-journal"], "x");
        Assert.Empty(storage.Recognise());
    }

    [Fact]
    public void What_another_engine_claimed_stays_with_it()
    {
        storage.Sql(storage["app.db"], "CREATE TABLE t(a)");
        Assert.Empty(storage.Engine.Recognise(TreeWalker.Walk(storage.Root), _ => false));
    }

    [Theory]
    [InlineData("empty.db", true)]
    [InlineData("empty.sqlite3", true)]
    [InlineData("empty.txt", false)]
    public void An_empty_file_is_an_empty_database_only_where_its_name_says_so(string name, bool isSource)
    {
        File.WriteAllBytes(storage[name], []);
        Assert.Equal(isSource, storage.Recognise().Any(source => source.Variant == SqliteRecognition.Empty));
    }

    [Theory]
    [InlineData("secret.sqlite", 8192, true)]
    [InlineData("secret.sqlite", 8191, false)]
    [InlineData("secret.bin", 8192, false)]
    public async Task Noise_where_a_database_is_expected_is_captured_and_said_to_be_encrypted(string name, int size, bool isSource)
    {
        await File.WriteAllBytesAsync(storage[name], RandomNumberGenerator.GetBytes(size));
        Assert.Equal(isSource, storage.Recognise().Count == 1);
        if (isSource)
        {
            var (capture, verdict, _) = await storage.CaptureAndVerifyAsync();
            Assert.Equal("stable copy", capture.Method);
            Assert.Equal(VerificationLevel.Archive, verdict.Level);
            Assert.True(verdict.IsProven);
            Assert.NotNull(verdict.Reason);
        }
    }

    [Fact]
    public async Task Names_that_are_not_utf8_or_need_escaping_are_captured_like_any_other()
    {
        storage.Sql(storage["x"], "CREATE TABLE t(a); INSERT INTO t VALUES(1);");
        var name = "ä %41?#&" + PathText.Decode([0xFF, 0xFE]) + ".db";
        Posix.Rename(storage["x"], storage[name]);
        var (capture, verdict, _) = await storage.CaptureAndVerifyAsync();
        Assert.Equal("compare and patch", capture.Method);
        Assert.Equal(name, capture.Files[0].Name);
        Assert.Equal(1, verdict.Counts["t"]);
    }

    [Fact]
    public void The_library_in_use_is_named_for_the_log()
    {
        SqliteLibrary.Use();
        Assert.Matches(@"^SQLite 3\.\d+\.\d+ \((bundled|the system's libsqlite3\.so\.0)\)$", SqliteLibrary.Describe());
        Assert.Equal(SQLitePCL.raw.sqlite3_libversion_number(), SqliteLibrary.Version);
        Assert.True(SqliteLibrary.Version >= 3_035_005, "an older library than the bundled one");
    }
}
