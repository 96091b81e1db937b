using System.Text.RegularExpressions;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.HouseRules;

/// <summary>The layers of docs/DESIGN.md, kept by reading the source.</summary>
/// <remarks>It is a text scan: it can be trusted because a namespace must equal its folder (IDE0130 is an error) and no global using of ours is allowed.</remarks>
public sealed partial class LayerTests
{
    private static readonly Dictionary<string, string[]> MayUse = new(StringComparer.Ordinal)
    {
        ["Model"] = [],
        ["Logging"] = [],
        ["Config"] = ["Model"],
        ["Files"] = ["Model"],
        ["Engines"] = ["Files", "Model"],
        ["Archive"] = ["Files", "Model"],
        ["Catalog"] = ["Files", "Model"],
        ["Offsite"] = ["Files", "Model"],
        ["Operations"] = ["Engines", "Archive", "Catalog", "Offsite", "Files", "Model"],
        ["Triggers"] = ["Operations", "Model"],
        ["Http"] = ["Operations", "Model"],
        ["Cli"] = ["Operations", "Model"],
    };

    /// <summary>What lies in the root sees everything, so nothing else may lie there.</summary>
    private static readonly string[] Root = ["Program.cs", "Wiring.cs", "WiringCore.cs", "WiringRestore.cs", "WiringCli.cs", "WiringTelemetry.cs"];

    [Fact]
    public void Arrows_go_down_only() => Assert.Empty(Violations(Repository.Source));

    [Fact]
    public void Every_folder_is_a_layer() => Assert.All(
        Repository.Code(Repository.Source).Select(file => Path.GetRelativePath(Repository.Source, file)),
        file => Assert.True(file.Contains('/', StringComparison.Ordinal) ? MayUse.ContainsKey(file[..file.IndexOf('/', StringComparison.Ordinal)]) : Root.Contains(file, StringComparer.Ordinal), file));

    [Fact]
    public void No_global_using_hides_a_layer() =>
        Assert.DoesNotContain(Repository.Code(Repository.Source), file => File.ReadAllText(file).Contains("global using", StringComparison.Ordinal));

    [Theory]
    [InlineData("using BackupApi.Http.Answers;", "Http")]
    [InlineData("using BackupApi.Engines;", "Engines")]
    [InlineData("    var x = Engines.Sqlite.Thing;", "Engines")]
    [InlineData("    BackupApi.Catalog.BackupCatalog catalog", "Catalog")]
    [InlineData("    manifest.Archive.Name", null)]
    [InlineData("    using static BackupApi.Archive.Tar.Header;", "Archive")]
    public void A_mention_of_a_layer_is_seen(string code, string? layer) =>
        Assert.Equal(layer, Mention().Match(code) is { Success: true } found ? found.Groups["layer"].Value : null);

    private static IEnumerable<string> Violations(string source) =>
        from layer in MayUse.Keys.Where(layer => Directory.Exists(Path.Combine(source, layer)))
        from file in Repository.Code(Path.Combine(source, layer))
        from use in Mention().Matches(WithoutComments(file)).Select(match => match.Groups["layer"].Value).Distinct(StringComparer.Ordinal)
        where use != layer && !MayUse[layer].Contains(use, StringComparer.Ordinal)
        select $"{Path.GetRelativePath(source, file)} uses {use}";

    private static string WithoutComments(string file) =>
        string.Join('\n', File.ReadLines(file).Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal)));

    [GeneratedRegex("""(?:BackupApi\.|(?<![\w.">]))(?<layer>Model|Logging|Config|Files|Engines|Archive|Offsite|Catalog|Operations|Triggers|Http|Cli)(?=;|\.[A-Z]\w*[.;( )<{]|\.[A-Z]\w*$)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Mention();
}
