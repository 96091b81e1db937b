using System.Globalization;
using System.Text;
using BackupApi.Engines.LiteDb;
using Xunit;
using Xunit.Abstractions;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>The order of texts: told where every machine agrees, and never held against an index that some machine would write so.</summary>
public sealed class CollationTests(ITestOutputHelper output)
{
    private const int Invariant = 127;
    private const int IgnoreCase = (int)CompareOptions.IgnoreCase;

    [Theory]
    [InlineData(Invariant, IgnoreCase, "beta", "alpha", true)]
    [InlineData(Invariant, IgnoreCase, "Beta", "alpha", true)]
    [InlineData(Invariant, IgnoreCase, "beta", "Alpha", true)]
    [InlineData(Invariant, IgnoreCase, "alpha", "beta", false)]
    [InlineData(Invariant, IgnoreCase, "user 12", "user 11", true)]
    [InlineData(Invariant, IgnoreCase, "a1", "a", true)]
    [InlineData(Invariant, IgnoreCase, "a-", "a", false)]
    [InlineData(Invariant, IgnoreCase, "a_", "aa", false)]
    [InlineData(Invariant, IgnoreCase, "é", "e", false)]
    [InlineData(1033, IgnoreCase, "z", "aa", true)]
    [InlineData(1030, IgnoreCase, "aa", "z", false)]
    [InlineData(1030, IgnoreCase, "z", "aa", false)]
    [InlineData(1030, IgnoreCase, "a2", "a1", true)]
    [InlineData(1055, IgnoreCase, "I1", "i0", false)]
    [InlineData(Invariant, (int)CompareOptions.None, "a", "B", false)]
    [InlineData(Invariant, (int)CompareOptions.None, "B", "a", false)]
    [InlineData(Invariant, (int)CompareOptions.None, "b", "a", true)]
    [InlineData(Invariant, (int)CompareOptions.Ordinal, "a", "B", true)]
    [InlineData(Invariant, (int)CompareOptions.Ordinal, "a-", "a", true)]
    [InlineData(Invariant, (int)CompareOptions.Ordinal, "\uE000", "\U00010000", true)]
    [InlineData(Invariant, (int)CompareOptions.OrdinalIgnoreCase, "b", "A", true)]
    [InlineData(Invariant, 0x20, "b", "a", false)]
    [InlineData(0, IgnoreCase, "b", "a", false)]
    public void What_is_certain_is_told(int lcid, int options, string left, string right, bool isReversed) =>
        Assert.Equal(isReversed, IsReversed(new Collation(lcid, options), left, right));

    [Theory]
    [InlineData("")]
    [InlineData("en-US")]
    [InlineData("de-DE")]
    [InlineData("da-DK")]
    [InlineData("cs-CZ")]
    [InlineData("hu-HU")]
    [InlineData("et-EE")]
    [InlineData("lt-LT")]
    [InlineData("tr-TR")]
    [InlineData("es-ES_tradnl")]
    public void No_order_that_this_machine_s_culture_gives_is_doubted(string culture)
    {
        CompareOptions[] all = [CompareOptions.IgnoreCase, CompareOptions.None, CompareOptions.Ordinal, CompareOptions.OrdinalIgnoreCase, CompareOptions.IgnoreCase | CompareOptions.IgnoreNonSpace, CompareOptions.IgnoreSymbols];
        var info = new CultureInfo(culture);
        var random = new Random(20261120);
        var judged = 0;
        foreach (var options in all)
        {
            var collation = new Collation(info.LCID == 4096 ? 1034 : info.LCID, (int)options);
            for (var i = 0; i < 6000; i++)
            {
                var (left, right) = (AnyText(random), AnyText(random));
                if (info.CompareInfo.Compare(left, right, options) > 0)
                {
                    (left, right) = (right, left);
                }

                Assert.False(IsReversed(collation, left, right), $"{culture} {options}: '{left}' before '{right}'");
                judged += IsReversed(collation, right, left) ? 1 : 0;
            }
        }

        output.WriteLine($"{(culture.Length == 0 ? "invariant" : culture)}: {judged} of {all.Length * 6000} reversed pairs would be doubted");
        Assert.True(judged > 2000);
    }

    /// <summary>Short texts with much in common: letters that some alphabets join or order anew, cases, digits, signs, marks, half pairs.</summary>
    private static string AnyText(Random random)
    {
        string[] parts = ["a", "A", "aa", "b", "c", "ch", "CH", "d", "dz", "i", "I", "s", "z", "Z", "0", "1", "10", "2", "-", "_", "'", " ", "@", "ä", "é", "ı", "ß", "\u0301", "日", "\U0001F600", "\0"];
        var text = new StringBuilder();
        for (var length = random.Next(1, 5); length > 0; length--)
        {
            text.Append(parts[random.Next(random.Next(2) == 0 ? parts.Length : 18)]);
        }

        return text.ToString();
    }

    private static bool IsReversed(Collation collation, string left, string right) => collation.IsReversed(Encoding.UTF8.GetBytes(left), Encoding.UTF8.GetBytes(right));
}
