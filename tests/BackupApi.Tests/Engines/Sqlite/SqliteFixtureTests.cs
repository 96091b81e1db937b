using BackupApi.Model;
using Xunit;

namespace BackupApi.Tests.Engines.Sqlite;

/// <summary>Databases made by the real engine, captured and verified: verdict, counts and place.</summary>
public sealed class SqliteFixtureTests
{
    [Theory]
    [InlineData("a-clean", "blobs 20, customer 150, order 350, tag 41")]
    [InlineData("a-clean-wal-mode", "blobs 20, customer 150, order 350, tag 41")]
    [InlineData("a-page-512-autovacuum", "blobs 20, customer 150, order 350, tag 41")]
    [InlineData("b-wal-committed", "blobs 10, customer 150, order 400, tag 41")]
    [InlineData("c-wal-torn-frame", "blobs 11, customer 150, order 395, tag 41")]
    [InlineData("d-hot-journal", "blobs 20, customer 150, order 350, tag 41")]
    [InlineData("h-empty", "")]
    [InlineData("i-zero-bytes", "")]
    public async Task A_healthy_database_is_proven_with_the_rows_its_engine_counts(string fixture, string counts)
    {
        using var storage = SqliteStorage.Of(fixture);
        var (capture, verdict, folder) = await storage.CaptureAndVerifyAsync();

        Assert.Empty(verdict.Errors);
        Assert.Empty(verdict.Warnings);
        Assert.True(verdict.IsProven);
        Assert.Equal(VerificationLevel.Engine, verdict.Level);
        Assert.Equal(counts, Show(verdict));
        Assert.Equal("data.db", Assert.Single(capture.Files).Name);
        Assert.Equal($"{folder}/data.db", Assert.Single(Directory.EnumerateFileSystemEntries(folder)));
    }

    [Theory]
    [InlineData("e-corrupt-page", "data.db page")]
    [InlineData("e-index-row-missing", "index")]
    [InlineData("b-wal-stale-beside-other-db", "data.db")]
    public async Task Damage_is_told_with_its_place(string fixture, string place)
    {
        using var storage = SqliteStorage.Of(fixture);
        var (_, verdict, _) = await storage.CaptureAndVerifyAsync();

        Assert.True(verdict.IsDamaged);
        Assert.Equal(VerificationLevel.None, verdict.Level);
        Assert.Contains(verdict.Errors, error => error.Where.Contains(place, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("e-corrupt-page")]
    [InlineData("e-index-row-missing")]
    public async Task The_rows_of_a_damaged_database_are_counted_by_its_tables(string fixture)
    {
        using var storage = SqliteStorage.Of(fixture);
        Assert.Equal("blobs 20, customer 150, order 350, tag 41", Show((await storage.CaptureAndVerifyAsync()).Verdict));
    }

    [Fact]
    public async Task A_row_that_refers_to_nothing_is_a_warning()
    {
        using var storage = SqliteStorage.Of("f-fk-violation");
        var (_, verdict, _) = await storage.CaptureAndVerifyAsync();

        Assert.True(verdict.IsProven);
        Assert.Equal("blobs 20, customer 149, order 351, tag 41", Show(verdict));
        var warning = Assert.Single(verdict.Warnings);
        Assert.Equal("data.db table order", warning.Where);
    }

    [Fact]
    public void A_text_file_named_like_a_database_is_a_plain_file()
    {
        using var storage = SqliteStorage.Of("j-not-sqlite");
        Assert.Empty(storage.Recognise());
    }

    [Fact]
    public void A_database_and_its_side_files_are_one_source()
    {
        using var storage = SqliteStorage.Of("b-wal-committed");
        Assert.Equal(["data.db", "data.db-shm", "data.db-wal"], Assert.Single(storage.Recognise()).Files);
    }

    [Fact]
    public async Task A_copy_keeps_the_journal_mode_its_owner_set()
    {
        using var storage = SqliteStorage.Of("b-wal-committed");
        var (_, folder) = await storage.CaptureAsync();
        var header = await File.ReadAllBytesAsync($"{folder}/data.db");
        Assert.Equal([2, 2], header[18..20]);
    }

    internal static string Show(Verdict verdict) => string.Join(", ", verdict.Counts.Select(count => $"{count.Key} {count.Value}"));
}
