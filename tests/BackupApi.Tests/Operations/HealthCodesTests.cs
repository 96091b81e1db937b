using System.Reflection;
using System.Text.RegularExpressions;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>No reason of health without a page that explains it and a test that provokes it.</summary>
public sealed partial class HealthCodesTests
{
    /// <summary>As the rules know them.</summary>
    private static readonly string[] Known =
    [
        .. Directory.GetFiles(Path.Combine(Repository.Source, "Model"), "Health*.cs").SelectMany(file => Reasons().Matches(File.ReadAllText(file))).SelectMany(reason => Codes().Matches(reason.Value)).Select(code => code.Groups["code"].Value)
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
    ];

    [Fact]
    public void Each_is_explained_in_the_documentation_and_nothing_else_is()
    {
        var documented = File.ReadLines(Path.Combine(Repository.Root, "docs", "HEALTH.md"))
            .Where(line => line.Contains("| degraded |", StringComparison.Ordinal) || line.Contains("| unhealthy |", StringComparison.Ordinal))
            .SelectMany(line => Documented().Matches(line.Split('|')[1])).Select(code => code.Groups["code"].Value);

        Assert.True(Known.Length > 25, $"{Known.Length}");
        Assert.Equal(Known, documented.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Each_is_provoked_by_a_real_cause_in_a_test_that_also_sees_it_go()
    {
        var provoked = typeof(HealthCodesTests).Assembly.GetTypes().SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance))
            .Where(method => method.GetCustomAttribute<FactAttribute>() is { Skip: null })
            .SelectMany(method => method.GetCustomAttribute<ProvokesAttribute>()?.Codes ?? []);

        Assert.Equal(Known, provoked.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    /// <summary>The making of a reason, as far as the comma after its code.</summary>
    [GeneratedRegex("""new HealthReason\(\s*[^,]*,""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Reasons();

    [GeneratedRegex("\"(?<code>[a-z]+(-[a-z]+)*)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Codes();

    [GeneratedRegex("`(?<code>[a-z-]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Documented();
}
