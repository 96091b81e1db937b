using System.Text.Json;
using BackupApi.Archive;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>What the application says of itself, by its file and by settings, against what a backup says.</summary>
public sealed class CompatibilityTests
{
    private const string Then = """{"schemaHash":"aaa","storageFormat":3,"appVersion":"2.1","syncHeads":{"north":17}}""";

    [Theory]
    [InlineData("""{"schemaHash":"bbb"}""", null, null, null, "aaa", "bbb")]
    [InlineData("{}", "ccc", null, null, "aaa", "ccc")]
    [InlineData("""{"schemaHash":"aaa"}""", "ccc", null, null, "aaa", "ccc")]
    [InlineData(null, "ccc", null, null, "aaa", "ccc")]
    [InlineData("""{"storageFormat":9}""", null, 2L, null, "3", "2")]
    [InlineData("""{"readsVersions":["2.*"]}""", null, null, "1.*,3.0", "2.1", "3.0")]
    public async Task A_backup_that_does_not_fit_is_refused_with_both_values_and_force_goes_on(string? file, string? hash, long? format, string? reads, params string[] values)
    {
        using var world = World(hash, format, reads);
        Write(world, Then);
        var backup = await world.BackUpAsync();
        Write(world, file);

        var failure = await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(backup.Name));

        Assert.Equal(Fault.ArchiveIncompatible, failure.Fault);
        Assert.All(values, value => Assert.Contains(value, failure.Message, StringComparison.Ordinal));
        Assert.True((await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Force = true })).Applied);
    }

    [Theory]
    [InlineData("""{"schemaHash":12}""", """{"schemaHash":"13"}""", "12", "13")]
    [InlineData("""{"storageFormat":"3"}""", """{"storageFormat":2}""", "3", "2")]
    [InlineData("""{"storageFormat":2.5}""", """{"storageFormat":2}""", "2.5", "2")]
    [InlineData("""{"storageFormat":99999999999999999999}""", """{"storageFormat":2}""", "99999999999999999999", "2")]
    [InlineData("""{"storageFormat":1e400}""", """{"storageFormat":2}""", "1e400", "2")]
    [InlineData("""{"appVersion":3.1}""", """{"readsVersions":["2.*"]}""", "3.1", "2.*")]
    [InlineData("""{"appVersion":"3.1"}""", """{"readsVersions":"1.0, 2.*"}""", "3.1", "2.*")]
    [InlineData("""{"appVersion":"3.1"}""", """{"readsVersions":2}""", "3.1", "2")]
    public async Task A_value_counts_whether_it_is_written_as_a_text_or_as_a_number(string then, string now, params string[] values)
    {
        using var world = World(null, null, null);
        Write(world, then);
        var backup = await world.BackUpAsync();
        Assert.False((await world.RestoreAsync(backup.Name)).Warnings.Count > 0);
        Write(world, now);

        var failure = await Assert.ThrowsAsync<BackupException>(() => world.RestoreAsync(backup.Name));

        Assert.Equal(Fault.ArchiveIncompatible, failure.Fault);
        Assert.All(values, value => Assert.Contains(value, failure.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"schemaHash":"7","storageFormat":"2","appVersion":"2.1"}""", """{"schemaHash":7,"storageFormat":2.0,"readsVersions":[1,2.1]}""")]
    [InlineData("""{"storageFormat":"third"}""", """{"storageFormat":"second"}""")]
    [InlineData("""{"appVersion":"3.1"}""", """{"readsVersions":""}""")]
    [InlineData("""{"appVersion":"3.1"}""", """{"readsVersions":" , "}""")]
    public async Task What_says_the_same_fits_and_of_what_is_no_number_nothing_is_said(string then, string now)
    {
        using var world = World(null, null, null);
        Write(world, then);
        var backup = await world.BackUpAsync();
        Write(world, now);

        Assert.True((await world.RestoreAsync(backup.Name)).Applied);
    }

    [Theory]
    [InlineData("""{"schemaHash":"bbb","storageFormat":1,"readsVersions":[]}""", "aaa", 3L, "2.*")]
    [InlineData(null, "aaa", 4L, "1.*, 2.1")]
    [InlineData(null, null, null, null)]
    public async Task A_setting_goes_before_what_the_file_says_of_today(string? file, string? hash, long? format, string? reads)
    {
        using var world = World(hash, format, reads);
        Write(world, Then);
        var backup = await world.BackUpAsync();
        Write(world, file);

        Assert.True((await world.RestoreAsync(backup.Name)).Applied);
    }

    [Fact]
    public async Task Settings_add_to_a_manifest_what_the_application_left_out_and_change_nothing_of_what_it_said()
    {
        using var world = World("from the settings", 7, "2.*");
        Write(world, """{"schemaHash":"from the file","note":{"a":[1,2]}}""");
        var backup = await world.BackUpAsync();

        var application = (await world.Get<ArchiveReader>().ReadFactsAsync(backup.Path, CancellationToken.None)).Manifest!.Application!.Value;

        Assert.Equal("""{"schemaHash":"from the file","note":{"a":[1,2]},"storageFormat":7}""", JsonSerializer.Serialize(application));
    }

    [Fact]
    public async Task An_archive_of_another_tool_is_judged_by_the_file_in_it()
    {
        using var world = World("bbb", null, null);
        Write(world, Then);
        File.WriteAllText($"{world.Storage}/a.txt", "then");
        TestMount.Run("tar", "cf", $"{world.Restore}/foreign.tar", "-C", world.Storage, ".");
        File.WriteAllText($"{world.Storage}/a.txt", "now");

        var start = await world.StartAsync();

        Assert.Equal(Fault.ArchiveIncompatible, start.Failure!.Fault);
        Assert.Equal("now", File.ReadAllText($"{world.Storage}/a.txt"));
        Assert.True(File.Exists($"{world.Restore}/failed/foreign.tar"));
    }

    [Fact]
    public async Task SyncHeads_of_manifest_and_restored_file_are_compared_and_told()
    {
        using var world = World(null, null, null);
        Write(world, Then);
        var backup = await world.BackUpAsync();
        Write(world, """{"syncHeads":{"north":18}}""");

        var whole = await world.RestoreAsync(backup.Name);
        Assert.True(whole.SyncHeads!.Agree);
        Assert.Empty(whole.Warnings);

        Write(world, """{"syncHeads":{"north":18}}""");
        File.WriteAllText($"{world.Storage}/a.txt", "now");
        var part = await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Paths = ["a.txt"] });
        Assert.False(part.SyncHeads!.Agree);
        Assert.Equal("""{"north":17}""", JsonSerializer.Serialize(part.SyncHeads.InBackup));
        Assert.Equal("""{"north":18}""", JsonSerializer.Serialize(part.SyncHeads.InStorage));
        Assert.Equal("syncHeads", Assert.Single(part.Warnings).Where);
    }

    [Theory]
    [InlineData(null, null, null)]
    [InlineData("""{"syncHeads":[1]}""", """{"a":1}""", false)]
    [InlineData("""{"syncHeads":{"a":1,"b":2}}""", """{"syncHeads":{"b":2,"a":1}}""", true)]
    [InlineData("""{"syncHeads":null}""", null, null)]
    public void SyncHeads_agree_by_what_they_mean(string? then, string? now, bool? agree)
    {
        static JsonElement? Parse(string? json) => json is null ? null : JsonSerializer.Deserialize<JsonElement>(json);

        Assert.Equal(agree, SyncHeads.Compare(Parse(then), Parse(now))?.Agree);
    }

    public static TheoryData<string, string?, bool> Shapes() => new()
    {
        { """{"schemaHash":"aaa","free":[1,{"x":null}]}""", null, true },
        { "\uFEFF{\"schemaHash\":\"aaa\"}", null, true },
        { """{"schemaHash":"bbb","schemaHash":"aaa"}""", null, true },
        { """{"schemaHash":{"not":"a text"},"storageFormat":1e999,"appVersion":[],"readsVersions":7,"syncHeads":"x"}""", null, true },
        { "", "empty", false },
        { "{", "no JSON", false },
        { "{\"a\":1} x", "no JSON", false },
        { "[1]", "no JSON object", false },
        { "null", "no JSON object", false },
        { """{"schemaHash":"\ud800"}""", "no UTF-8", false },
        { """{"\udfff":1}""", "no UTF-8", false },
        { $$"""{"a":{{new string('[', 31)}}{{new string(']', 31)}}}""", null, true },
        { $$"""{"a":{{new string('[', 40)}}{{new string(']', 40)}}}""", "deeper than 32", false },
        { $$"""{"a":{{new string('[', 30_000)}}{{new string(']', 30_000)}}}""", "no JSON", false },
        { $$"""{"a":"{{new string('x', 70_000)}}"}""", "larger than 64 KB", false },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task A_file_of_any_shape_fails_no_backup_and_no_restore_and_is_told_where_it_does_not_count(string content, string? trouble, bool counts)
    {
        using var world = World("aaa", null, null);
        Write(world, content);
        await TakesBothWaysAsync(world, trouble, counts);
    }

    [Fact]
    public async Task Nor_does_one_that_is_no_UTF8_or_no_file()
    {
        using var world = World(null, 1, "1.*");
        await File.WriteAllBytesAsync($"{world.Storage}/{ApplicationFacts.FileName}", System.Text.Encoding.Latin1.GetBytes("""{"appVersion":"Größe 1"}"""));
        await TakesBothWaysAsync(world, "no UTF-8", counts: false);
        File.Delete($"{world.Storage}/{ApplicationFacts.FileName}");
        Directory.CreateDirectory($"{world.Storage}/{ApplicationFacts.FileName}");
        await TakesBothWaysAsync(world, "no regular file", counts: false);
    }

    private static async Task TakesBothWaysAsync(RestoreWorld world, string? trouble, bool counts)
    {
        var backup = await world.BackUpAsync();

        Assert.Equal(Outcome.Ok, backup.Outcome);
        Assert.Equal(trouble is null ? 0 : 1, backup.Warnings.Count(warning => warning.Where == ApplicationFacts.FileName && warning.Message.Contains(trouble!, StringComparison.Ordinal)));
        var manifest = (await world.Get<ArchiveReader>().ReadFactsAsync(backup.Path, CancellationToken.None)).Manifest;
        Assert.Equal(counts, manifest!.Application is { ValueKind: JsonValueKind.Object } said && said.EnumerateObject().Count() > (counts ? 0 : 1));
        File.WriteAllText($"{world.Storage}/a.txt", "now");
        Assert.Equal(1, (await world.RestoreAsync(new RestoreRequest { BackupName = backup.Name, Force = true })).Files - (Posix.FindStat($"{world.Storage}/{ApplicationFacts.FileName}") is { Kind: FileKind.File } ? 1 : 0));
        Assert.Equal("then", File.ReadAllText($"{world.Storage}/a.txt"));
        _ = await world.RestoreAsync(backup.Name);
    }

    private static RestoreWorld World(string? hash, long? format, string? reads)
    {
        var world = new RestoreWorld(settings => settings with { Application = new ApplicationDeclaration { SchemaHash = hash, StorageFormat = format, ReadsVersions = reads?.Split(',', StringSplitOptions.TrimEntries) } });
        File.WriteAllText($"{world.Storage}/a.txt", "then");
        return world;
    }

    private static void Write(RestoreWorld world, string? application)
    {
        var path = $"{world.Storage}/{ApplicationFacts.FileName}";
        if (application is null)
        {
            File.Delete(path);
        }
        else
        {
            File.WriteAllText(path, application);
        }
    }
}
