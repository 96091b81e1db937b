using System.Globalization;

namespace BackupApi.Tests.Support;

/// <summary>Which calls a run strikes. An exhaustive run takes hours: <c>KILLPOINT_SHARE=3/20</c> does the third of twenty interleaved shares of it.</summary>
internal static class KillShare
{
    private static readonly (int Part, int Of) Share = Read(Environment.GetEnvironmentVariable("KILLPOINT_SHARE"));

    /// <summary>For what a test prints; empty for the whole.</summary>
    public static string Shown => Share.Of == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", share {Share.Part}/{Share.Of}");

    /// <summary>Whether the item with this number, from 0, is of this run's share.</summary>
    public static bool Has(long index) => index % Share.Of == Share.Part % Share.Of;

    /// <summary>Of the numbers given, those of this run's share.</summary>
    public static IReadOnlyList<long> Of(IEnumerable<long> numbers) => [.. numbers.Where((_, i) => Has(i))];

    /// <summary>Every <paramref name="step"/>-th call from the first, of this run's share.</summary>
    public static IReadOnlyList<long> Of(long calls, int step) => Of(All(calls, step));

    private static IEnumerable<long> All(long calls, int step)
    {
        for (long n = 1; n <= calls; n += step)
        {
            yield return n;
        }
    }

    private static (int Part, int Of) Read(string? text) =>
        text?.Split('/') is [var part, var of] ? (int.Parse(part, CultureInfo.InvariantCulture), int.Parse(of, CultureInfo.InvariantCulture)) : (1, 1);
}
