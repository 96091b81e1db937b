using System.Text.RegularExpressions;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.HouseRules;

/// <summary>How the source is kept readable; see CONTRIBUTING.md.</summary>
public sealed partial class SourceTests
{
    /// <summary>A longer file hides a second concern.</summary>
    private const int MostLines = 250;

    /// <summary>Tables of cases may run on.</summary>
    private const int MostLinesOfTests = 350;

    private static readonly string[] Ours = [Repository.Source, Path.Combine(Repository.Root, "tests")];

    [Fact]
    public void No_file_is_so_long_that_it_hides_a_second_concern() =>
        Nothing(Ours.SelectMany(Repository.Code).Where(file => File.ReadLines(file).Count() > (file.StartsWith(Repository.Source, StringComparison.Ordinal) ? MostLines : MostLinesOfTests)).Select(Repository.Shown));

    [Fact]
    public void Program_is_a_table_of_contents() => Assert.True(File.ReadLines(Path.Combine(Repository.Source, "Program.cs")).Count() <= 60);

    [Fact]
    public void Nothing_is_named_for_what_it_is_not() =>
        Nothing(Repository.Code(Repository.Source).Where(file => Vague().IsMatch(Path.GetFileNameWithoutExtension(file)) && Path.GetFileName(file) != "BackupManager.cs").Select(Repository.Shown));

    [Fact]
    public void No_region_hides_a_file_that_wants_to_be_born() =>
        Nothing(Ours.SelectMany(Repository.Code).Where(file => File.ReadLines(file).Any(line => line.TrimStart().StartsWith("#region", StringComparison.Ordinal))).Select(Repository.Shown));

    [Fact]
    public void An_analyzer_is_silenced_only_with_a_reason_beside_it() =>
        Nothing(
            from file in Ours.SelectMany(Repository.Code)
            let lines = File.ReadAllLines(file)
            from i in Enumerable.Range(0, lines.Length)
            where lines[i].TrimStart().StartsWith("#pragma warning disable", StringComparison.Ordinal)
                && !lines[i].Contains("//", StringComparison.Ordinal)
                && (i == 0 || !lines[i - 1].TrimStart().StartsWith("//", StringComparison.Ordinal))
            select $"{Repository.Shown(file)}:{i + 1}");

    [Fact]
    public void Everything_is_internal_unless_it_must_not_be() =>
        Nothing(Repository.Code(Repository.Source).Where(file => PublicType().IsMatch(File.ReadAllText(file))).Select(Repository.Shown));

    [Fact]
    public void Documents_cite_files_that_exist()
    {
        var documents = Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(Repository.Root, "*.md"));
        var missing =
            from document in documents
            from Match match in Cited().Matches(File.ReadAllText(document))
            let path = match.Groups["path"].Value
            where !Exists(document, path)
            select $"{Repository.Shown(document)} cites {path}";

        Nothing(missing);
    }

    /// <summary>Unlike Assert.Empty it shows all there is, whole.</summary>
    private static void Nothing(IEnumerable<string> violations)
    {
        var all = string.Join('\n', violations);
        Assert.True(all.Length == 0, all);
    }

    private static bool Exists(string document, string path) =>
        new[] { Path.GetDirectoryName(document)!, Repository.Root, Repository.Source }
            .Select(folder => Path.Combine(folder, path))
            .Any(full => File.Exists(full) || Directory.Exists(full));

    [GeneratedRegex("(Utility|Utilities|Helper|Helpers|Common|Manager|Util|Utils|Misc)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Vague();

    [GeneratedRegex(@"^public (static |sealed |abstract |partial |readonly )*(class|record|struct|interface|enum) ", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PublicType();

    /// <summary>A path in code quotes or a relative link, when it names a source, a document or a script of ours.</summary>
    [GeneratedRegex(@"`(?<path>(src|tests|docs|bench|deploy|Model|Files|Engines|Archive|Catalog|Operations|Triggers|Http|Config|Logging)/[\w./-]+\.(cs|md|sh|py|cc|csproj))`|\]\((?<path>(?!https?:|#)[\w./-]+)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Cited();
}
