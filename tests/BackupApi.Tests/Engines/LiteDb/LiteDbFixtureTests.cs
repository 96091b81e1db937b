using BackupApi.Engines.LiteDb;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>Databases made by LiteDB 5.0.21 itself; counts and verdicts are the engine's.</summary>
public sealed class LiteDbFixtureTests : IDisposable
{
    private const string Clean = "customers 150 (email=150,city=150,tags=114), events 100 (kind=100), orders 250 (customerId=250,placed=250)";
    private const string Killed = "customers 146 (email=146,city=146,tags=110), events 100 (kind=100), orders 270 (customerId=270,placed=270)";

    private readonly TempFolder folder = new();

    [Theory]
    [InlineData("a-clean", Clean)]
    [InlineData("b-log-committed", "created_in_log 1, " + Killed)]
    [InlineData("b-log-empty", Clean)]
    [InlineData("c-log-only-uncommitted", Clean)]
    [InlineData("c-log-torn-halfpage", Killed)]
    [InlineData("d-encrypted", Clean)]
    [InlineData("e-large-docs", "_chunks 9, _files 3, blobs 3")]
    [InlineData("f-deleted", "customers 400 (email=400,city=400,tags=305), orders 50 (customerId=50,placed=50)")]
    [InlineData("h-empty", "")]
    [InlineData("k-bitflip-silent", Clean)]
    public async Task A_whole_database_is_ok_with_the_counts_that_its_engine_gives(string name, string counts)
    {
        var verdict = await Verify(Fixtures.Of($"litedb/{name}"), Fixtures.Password);

        Assert.Empty(verdict.Errors);
        Assert.True(verdict.IsProven);
        Assert.Equal(VerificationLevel.Engine, verdict.Level);
        Assert.Equal(Parse(counts), verdict.Counts.ToDictionary(count => count.Key, count => count.Value, StringComparer.Ordinal));
        Assert.Equal(name is "c-log-torn-halfpage" ? 1 : 0, verdict.Warnings.Count);
    }

    [Theory]
    [InlineData("k-corrupt-page", "data.db page 2")]
    [InlineData("k-truncated", "missing")]
    [InlineData("i-zero-bytes", "empty")]
    public async Task A_damaged_database_is_called_damaged_and_the_place_is_named(string name, string expected)
    {
        var verdict = await Verify(Fixtures.Of($"litedb/{name}"));

        Assert.True(verdict.IsDamaged);
        Assert.False(verdict.IsProven);
        Assert.Contains(verdict.Errors, error => $"{error.Where}: {error.Message}".Contains(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("not the password")]
    public async Task An_encrypted_database_without_its_password_is_proven_by_its_checksums_only_and_says_so(string? password)
    {
        var verdict = await Verify(Fixtures.Of("litedb/d-encrypted"), password);

        Assert.Equal(VerificationLevel.Archive, verdict.BestLevel);
        Assert.True(verdict.IsProven);
        Assert.Contains("structure cannot be verified", verdict.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("c-log-torn-halfpage", "ends inside a page")]
    [InlineData("c-log-only-uncommitted", "never confirmed")]
    [InlineData("b-log-committed", "committed transactions of the log")]
    public async Task What_the_log_adds_or_loses_is_told(string name, string expected)
    {
        var verdict = await Verify(Fixtures.Of($"litedb/{name}"));

        Assert.Contains(verdict.Warnings.Concat(verdict.Notes), finding => finding.Message.Contains(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a-clean", "v5", "data.db")]
    [InlineData("b-log-committed", "v5", "data-log.db data.db")]
    [InlineData("b-log-empty", "v5", "data-log.db data.db")]
    [InlineData("d-encrypted", "v5 encrypted", "data.db")]
    [InlineData("k-corrupt-page", "v5", "data.db")]
    [InlineData("k-truncated", "v5", "data.db")]
    public void It_is_recognised_with_the_files_that_belong_to_it(string name, string variant, string files)
    {
        var source = Assert.Single(Recognise(Fixtures.Of($"litedb/{name}")));

        Assert.Equal(("data.db", "litedb", variant, files), (source.Name, source.Engine, source.Variant, string.Join(' ', source.Files)));
    }

    [Theory]
    [InlineData("litedb/i-zero-bytes")]
    [InlineData("sqlite/a-clean")]
    [InlineData("sqlite/j-not-sqlite")]
    [InlineData("leveldb/a-clean")]
    public void Other_files_are_not_taken_for_it(string name) => Assert.Empty(Recognise(Fixtures.Of(name)));

    [Theory]
    [InlineData("a-clean")]
    [InlineData("b-log-committed")]
    [InlineData("b-log-empty")]
    [InlineData("c-log-only-uncommitted")]
    [InlineData("c-log-torn-halfpage")]
    [InlineData("d-encrypted")]
    [InlineData("e-large-docs")]
    [InlineData("f-deleted")]
    [InlineData("h-empty")]
    [InlineData("k-corrupt-page")]
    public async Task A_capture_holds_the_same_bytes_and_is_judged_alike(string name)
    {
        var storage = Fixtures.CopyTo($"litedb/{name}", folder.Folder("storage"));
        var tree = TreeWalker.Walk(storage);
        var engine = NewEngine(Fixtures.Password);
        var source = Assert.Single(engine.Recognise(tree, _ => true));

        var capture = await engine.CaptureAsync(source, tree, folder.Folder("staged"), CancellationToken.None);
        var verdict = await engine.VerifyAsync(source, folder["staged"], CancellationToken.None);
        var original = await Verify(storage, Fixtures.Password);

        Assert.Equal((original.IsDamaged, original.Level), (verdict.IsDamaged, verdict.Level));
        Assert.Equal(original.Counts, verdict.Counts);
        Assert.Equal(File.ReadAllBytes(Path.Combine(storage, "data.db")), File.ReadAllBytes(folder["staged/data.db"]));
        Assert.All(capture.Files, file => Assert.True(file.IsQuiet));
        Assert.Equal(name is "c-log-torn-halfpage" ? 1 : 0, capture.Warnings.Count);
        Assert.Equal(Directory.GetFiles(folder["staged"]).Order(StringComparer.Ordinal), capture.Files.Select(file => file.ContentPath!).Order(StringComparer.Ordinal));
    }

    public void Dispose() => folder.Dispose();

    private static LiteDbEngine NewEngine(string? password = null) => new(new LiteDbSettings { Password = password }, TimeProvider.System);

    private static IEnumerable<Source> Recognise(string path) => NewEngine().Recognise(TreeWalker.Walk(path), _ => true);

    private static Task<Verdict> Verify(string path, string? password = null) =>
        NewEngine(password).VerifyAsync(new Source("data.db", "litedb", ["data.db"]), path, CancellationToken.None);

    /// <summary>Reads a line of the fixtures' table: <c>customers 150 (email=150)</c>.</summary>
    private static Dictionary<string, long> Parse(string counts)
    {
        var parsed = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var part in counts.Split("), ", StringSplitOptions.RemoveEmptyEntries).SelectMany(part => part.Contains('(') ? SplitPlain(part) : part.Split(", ")))
        {
            var words = part.Replace(")", "").Split(" (");
            var (name, count) = (words[0].Split(' ')[0], long.Parse(words[0].Split(' ')[1]));
            parsed[name] = count;
            foreach (var index in words.Length > 1 ? words[1].Split(',') : [])
            {
                parsed[$"{name}.{index.Split('=')[0]}"] = long.Parse(index.Split('=')[1]);
            }
        }

        return parsed;
    }

    private static IEnumerable<string> SplitPlain(string part)
    {
        var words = part.Split(" (");
        var plain = words[0].Split(", ");
        return plain[..^1].Append($"{plain[^1]} ({words[1]}");
    }
}
