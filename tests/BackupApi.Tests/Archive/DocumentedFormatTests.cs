using System.Globalization;
using System.Text.RegularExpressions;
using BackupApi.Archive.Encryption;
using BackupApi.Archive.Format;
using BackupApi.Archive.Reading;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive;

/// <summary>docs/ARCHIVE_FORMAT.md shows an archive byte by byte: what it shows is what the archive holds.</summary>
public sealed partial class DocumentedFormatTests
{
    private static readonly string Example = Path.Combine(AppContext.BaseDirectory, "TestData", "archive-v1.tar.gz");

    private readonly string[] dumps = [.. Fences().Split(File.ReadAllText(Path.Combine(Repository.Root, "docs", "ARCHIVE_FORMAT.md"))).Where((_, i) => i % 2 == 1)];

    [Fact]
    public void Every_byte_that_the_hexdump_shows_is_the_one_at_its_offset()
    {
        var archive = File.ReadAllBytes(Example);
        var shown = 0;
        foreach (var line in dumps[0].Split('\n').Select(text => DumpLine().Match(text)).Where(match => match.Success))
        {
            var bytes = Convert.FromHexString(line.Groups["bytes"].Value.Replace(" ", "", StringComparison.Ordinal));
            var offset = Hex(line.Groups["offset"].Value);
            Assert.True(archive.AsSpan(offset, bytes.Length).SequenceEqual(bytes), $"{line.Value}: there is {Convert.ToHexStringLower(archive.AsSpan(offset, bytes.Length))}");
            shown += bytes.Length;
        }

        Assert.InRange(shown, 390, archive.Length);
    }

    [Fact]
    public void The_offsets_of_the_hexdump_are_those_that_the_locator_leads_to()
    {
        using var file = ArchiveFile.Open(Example, ArchiveKeys.None);
        var at = file.Locator!;
        var page = Assert.Single(file.FindPages()!);
        var tail = file.Length - ArchiveLayout.TrailerLength - ArchiveLayout.TailLength;
        AssertShown(at.ContentOffset, "content: one run, one chunk of 151 bytes");
        AssertShown(at.ContentEnd, "header of report.json");
        AssertShown(at.ReportOffset, $"report.json, {at.ReportCompressedLength} bytes for {at.ReportLength}");
        AssertShown(at.IndexOffset, $"the index's only page, {page.CompressedLength} bytes for {page.Length}");
        AssertShown(at.DirectoryOffset, $"the directory, {at.DirectoryCompressedLength} bytes for {at.DirectoryLength}");
        AssertShown(at.DirectoryOffset + at.DirectoryCompressedLength, "what pads the index to 512");
        AssertShown(tail, "the tail");
        AssertShown(tail + 5, "tar header of .backup/locator");
        AssertShown(tail + 5 + 512, "BackupApi index");
        AssertShown(tail + 5 + 1024, "1,024 zeros");
        AssertShown(file.Length - ArchiveLayout.TrailerLength, $"CRC-32, {at.TarLength}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_page_of_the_index_and_its_directory_are_shown_as_they_are(int dump)
    {
        using var file = ArchiveFile.Open(Example, ArchiveKeys.None);
        var page = file.IndexContent().ElementAt(dump - 1);
        var at = 0;
        foreach (var line in dumps[dump].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            foreach (Match token in HexToken().Matches(line.Split("  ")[0]))
            {
                var bytes = Convert.FromHexString(token.Groups["bytes"].Value);
                Assert.True(page.AsSpan(at).StartsWith(bytes), $"{line}: at {at} there is {Convert.ToHexStringLower(page.AsSpan(at, bytes.Length))}");

                // What is cut short is a SHA-256.
                at += token.Value.EndsWith('…') ? Sha256Value.Length : bytes.Length;
            }
        }

        Assert.Equal(page.Length, at);
    }

    private void AssertShown(long offset, string what)
    {
        var line = dumps[0].Split('\n').FirstOrDefault(text => text.StartsWith(offset.ToString("x4", CultureInfo.InvariantCulture) + ":", StringComparison.Ordinal));
        Assert.True(line?.Contains(what, StringComparison.Ordinal) == true, $"{what} is at {offset:x4}; shown there: {line}");
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    [GeneratedRegex("^```[a-z]*$", RegexOptions.Multiline, 1000)]
    private static partial Regex Fences();

    [GeneratedRegex("^(?<offset>[0-9a-f]{4}): (?<bytes>[0-9a-f]{2}(?: ?[0-9a-f]{2})*)(?=\\s{2}| …|$)", RegexOptions.None, 1000)]
    private static partial Regex DumpLine();

    [GeneratedRegex("(?<bytes>(?:[0-9a-f]{2})+)…?", RegexOptions.None, 1000)]
    private static partial Regex HexToken();
}
