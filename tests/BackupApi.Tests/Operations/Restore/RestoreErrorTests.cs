using System.ComponentModel;
using System.Globalization;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>Whole operations of which one call, or every call from one on, fails: what they say is what is so, then and after the next start, and the next operation works.</summary>
[Collection(KillCollection.Name)]
public sealed class RestoreErrorTests(KillTemplates templates, ITestOutputHelper output) : IDisposable
{
    private readonly KillFolder temp = new();
    private int rounds;

    public static TheoryData<string, int, bool> Rows
    {
        get
        {
            var rows = new TheoryData<string, int, bool>();
            foreach (var what in new[] { "backup", "rotation", "restore", "restore-kept", "stage", "staged", "undo", "undo-kept", "start", "bare", "heal" })
            {
                rows.Add(what, Errno.EIO, false);
                rows.Add(what, Errno.ENOSPC, true);
                rows.Add(what, Errno.EROFS, true);
            }

            return rows;
        }
    }

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData("backup", Errno.ENOSPC, true, 29)]
    [InlineData("rotation", Errno.EROFS, true, 2)]
    [InlineData("restore", Errno.EIO, false, 37)]
    [InlineData("restore-kept", Errno.EROFS, true, 37)]
    [InlineData("stage", Errno.ENOSPC, true, 37)]
    [InlineData("staged", Errno.EIO, false, 37)]
    [InlineData("undo", Errno.ENOSPC, true, 37)]
    [InlineData("undo-kept", Errno.EROFS, true, 17)]
    [InlineData("start", Errno.EIO, false, 37)]
    [InlineData("bare", Errno.ENOSPC, true, 23)]
    [InlineData("heal", Errno.ENOSPC, true, 37)]
    public Task An_error_at_some_calls_is_told_as_it_is(string what, int errno, bool sticky, int step) => FailAsync(what, errno, sticky, step);

    [Theory]
    [Trait("Category", "Long")]
    [MemberData(nameof(Rows))]
    public Task An_error_at_every_call_is_told_as_it_is(string what, int errno, bool sticky) => FailAsync(what, errno, sticky, 1);

    /// <summary>SQLite itself writes there: what it says of a disk is not to be taken for the state of the database.</summary>
    [Theory]
    [InlineData(Errno.EIO, false, 2)]
    [InlineData(Errno.ENOSPC, true, 5)]
    [InlineData(Errno.EROFS, true, 5)]
    public Task A_disk_that_fails_while_a_dropped_database_is_verified_does_not_make_it_damaged(int errno, bool sticky, int step) =>
        FailAsync("bare", errno, sticky, step, static call => call.Contains("/sqlite-scratch-", StringComparison.Ordinal) || call.Contains(".sqlite-scratch-", StringComparison.Ordinal));

    /// <param name="isWanted">Which calls, each as the library names it; null for all.</param>
    private async Task FailAsync(string what, int errno, bool sticky, int step, Func<string, bool>? isWanted = null)
    {
        var template = await templates.OfAsync(what);
        using var server = new KillServer(temp.Path);
        var calls = server.Run(template.Call, Copy(template), 0, 0, false).Calls;
        var numbers = isWanted is null ? KillShare.Of(calls, step)
            : [.. KillPoint.Run(template.Call, Copy(template), 0, trace: true).Errors.Split('\n').Where(isWanted).Where((_, i) => i % step == 0).Select(line => long.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture))];
        Assert.NotEmpty(numbers);
        var (old, fresh) = (0, 0);
        var told = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var findings = new KillFindings();
        foreach (var n in numbers)
        {
            var root = Copy(template);
            var end = server.Run(template.Call, root, n, errno, sticky);
            var fault = end.ExitCode == 0 ? "done" : end.Errors.Split('\n')[0];
            told[fault] = told.GetValueOrDefault(fault) + 1;
            await findings.TryAsync($"call {n}: {(end.ExitCode == 0 ? fault : end.Errors)}", async () =>
            {
                var mustBeNew = Judge(template, root, end, errno);
                if (n % 2 == 1 && end.ExitCode == 1 && fault != nameof(Fault.ReadOnly))
                {
                    // The disk was put right, and the same life goes on.
                    var again = server.Run(template.Call, root, 0, 0, false);
                    Assert.True(again.ExitCode == 0, $"asked again: {again.Errors}");
                    mustBeNew = true;
                }

                var isNew = await NextLife.JudgeAsync(root, template, mayBePartial: true);
                Assert.True(mustBeNew is null || template.OldImage == template.NewImage || isNew == mustBeNew, $"after the next start storage is {(isNew ? "new" : "old")}");
                _ = isNew ? fresh++ : old++;
            });
            TreeRemoval.Remove(root);
        }

        output.WriteLine($"{what}, errno {errno}{(sticky ? " from there on" : "")}: {calls} calls, at {numbers.Count}{KillShare.Shown}: {old} ended old, {fresh} new; {string.Join(", ", told.Select(each => $"{each.Value} {each.Key}"))}");
        findings.RequireNone();
    }

    /// <summary>What was done is there at once. What was not done left storage as it was, and does not come true by itself later, unless it waits for a start anyway. Only an open journal may end either way, and says that a start ends it.</summary>
    /// <returns>What storage must be after the next start; null when it may be either.</returns>
    private static bool? Judge(KillTemplate template, string root, KillPointEnd end, int errno)
    {
        Assert.True(end.ExitCode is 0 or 1, "That is no fault.");
        var image = template.ImageOf(root);
        if (end.ExitCode == 0)
        {
            Assert.True(image == (template.What == "stage" ? template.OldImage : template.NewImage), $"storage is not what it should be; {template.Differences(image)}");
            return true;
        }

        Assert.True(end.Errors.Split('\n') is [not "", not "", not "", ..], "a fault says what happened and what to do");
        var fault = end.Errors.Split('\n')[0];
        Assert.True(fault is nameof(Fault.DiskError) or nameof(Fault.NoRoom) or nameof(Fault.ReadOnly) || end.Errors.Contains(new Win32Exception(errno).Message, StringComparison.Ordinal), "it is not told as the disk's");
        if (end.Errors.StartsWith($"{Fault.ReadOnly}\n", StringComparison.Ordinal))
        {
            Assert.True(end.Errors.Contains("start", StringComparison.Ordinal), "it does not say what ends it");
            return null;
        }

        Assert.True(image == template.OldImage, $"storage was changed; {template.Differences(image)}");
        return template.WaitsForAStart;
    }

    private string Copy(KillTemplate template)
    {
        var root = temp[$"round-{++rounds}"];
        template.CopyTo(root);
        return root;
    }
}
