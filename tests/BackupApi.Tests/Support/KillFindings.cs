using Xunit;

namespace BackupApi.Tests.Support;

/// <summary>The rounds of a row that did not stand their judgement: the others are run all the same, and all of them are told at the end.</summary>
internal sealed class KillFindings
{
    private const int Told = 12;

    private readonly List<string> found = [];

    /// <summary>Runs one round. What it throws is kept.</summary>
    public async Task TryAsync(string when, Func<Task> round)
    {
        try
        {
            await round();
        }
        catch (Exception e)
        {
            found.Add($"{when}: {(e is Xunit.Sdk.XunitException ? e.Message : e)}");
        }
    }

    public void RequireNone() =>
        Assert.True(found.Count == 0, $"{found.Count} rounds did not stand:\n{string.Join('\n', found.Take(Told))}");
}
