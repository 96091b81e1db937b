using BackupApi.Model;
using Xunit;

namespace BackupApi.Tests.Engines.LevelDb;

/// <summary>Databases made by the real engine: verdict, counts and place.</summary>
public sealed class LevelDbFixtureTests
{
    [Theory]
    [InlineData("a-clean", "doc=2000 idx=286")]
    [InlineData("a-closed-with-log", "doc=800 idx=115")]
    [InlineData("b-log-uncompacted", "doc=2550 idx=372")]
    [InlineData("c-multi-level-small", "doc=4900 idx=701")]
    [InlineData("d-no-compression", "doc=1000 idx=143")]
    [InlineData("e-stale-lock", "doc=2550 idx=372")]
    [InlineData("g-log-torn-tail", "doc=2552 idx=372")]
    [InlineData("i-empty-db", "")]
    [InlineData("n-clean", "byName=1500 items=1500")]
    [InlineData("n-killed-with-log", "byName=900 items=800")]
    public async Task A_healthy_database_is_ok_and_counted_as_its_engine_counts(string fixture, string counts)
    {
        using var db = new LevelDbCase(fixture);

        var verdict = await db.VerifyAsync();

        Assert.Empty(verdict.Errors);
        Assert.All(verdict.Warnings, warning => Assert.Equal("A table that the MANIFEST does not list; the engine will remove it.", warning.Message));
        Assert.True(verdict.IsProven);
        Assert.Equal(VerificationLevel.Engine, verdict.Level);
        Assert.Equal(counts, Show(verdict));
    }

    [Theory]
    [InlineData("f-corrupt-block", "db/000005.ldb block ", "doc=1980 idx=286")]
    [InlineData("g-log-corrupt-middle", "db/000007.log offset ", "doc=2400 idx=351")]
    [InlineData("h-manifest-torn", "db/MANIFEST-000006", "")]
    [InlineData("h-missing-table", "db/000005.ldb", "")]
    public async Task A_damaged_database_is_named_with_the_place(string fixture, string where, string counts)
    {
        using var db = new LevelDbCase(fixture);

        var verdict = await db.VerifyAsync();

        Assert.True(verdict.IsDamaged);
        Assert.False(verdict.IsProven);
        Assert.StartsWith(where, verdict.Errors[0].Where, StringComparison.Ordinal);
        Assert.Equal(counts, Show(verdict));
    }

    [Fact]
    public async Task A_torn_tail_of_the_log_is_a_note()
    {
        using var db = new LevelDbCase("g-log-torn-tail");

        var verdict = await db.VerifyAsync();

        var note = Assert.Single(verdict.Notes);
        Assert.StartsWith("db/000007.log offset ", note.Where, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task Every_case_is_recognised_captured_and_judged_as_the_original(string fixture)
    {
        using var db = new LevelDbCase(fixture);
        var original = await db.VerifyAsync();

        var source = db.Source;
        var (capture, into) = await db.CaptureAsync();
        var verdict = await db.Engine.VerifyAsync(source, into, CancellationToken.None);

        Assert.Equal("db", source.Name);
        Assert.Equal("leveldb", source.Engine);
        Assert.Contains("db/LOCK", source.Files, StringComparer.Ordinal);
        Assert.DoesNotContain(capture.Files, file => file.Name is "db/LOCK" or "db");
        Assert.All(capture.Files, file => Assert.True(file.IsQuiet && File.Exists(file.ContentPath)));
        Assert.Equal(original.IsDamaged, verdict.IsDamaged);
        Assert.Equal(Show(original), Show(verdict));
        Assert.Equal(original.Errors, verdict.Errors);
    }

    public static TheoryData<string> All => [.. Directory.GetDirectories(Support.Fixtures.Of("leveldb")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static string Show(Verdict verdict) => string.Join(' ', verdict.Counts.Select(count => $"{count.Key}={count.Value}"));
}
