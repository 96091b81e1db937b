using System.Text;
using BackupApi.Files;
using Xunit;

namespace BackupApi.Tests.Files;

public sealed class PathTextTests
{
    [Fact]
    public void Any_bytes_survive_decoding_and_encoding()
    {
        var random = new Random(1);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = new byte[random.Next(0, 40)];
            random.NextBytes(bytes);
            Assert.Equal(bytes, PathText.Encode(PathText.Decode(bytes)));
        }
    }

    [Fact]
    public void Any_name_survives_being_shown_and_parsed()
    {
        var random = new Random(2);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = Enumerable.Range(0, random.Next(0, 20)).Select(_ => "\\x8fFé/"u8[random.Next(8)]).ToArray();
            var name = PathText.Decode(bytes);
            Assert.Equal(name, PathText.Parse(PathText.Show(name)));
        }
    }

    [Fact]
    public void A_byte_that_is_not_utf8_is_shown_as_an_escape() =>
        Assert.Equal(@"a\xFFb\\c", PathText.Show(PathText.Decode([(byte)'a', 0xFF, (byte)'b', (byte)'\\', (byte)'c'])));

    [Fact]
    public void Names_are_ordered_by_their_bytes()
    {
        string[] names = ["a", "B", "ä", "z", "\U0001F600", "\uFF5E", PathText.Decode([0xFF])];
        Array.Sort(names, PathText.CompareBytes);
        var byBytes = names.OrderBy(n => Convert.ToHexString(PathText.Encode(n)), StringComparer.Ordinal);
        Assert.Equal(byBytes, names);
    }

    [Fact]
    public void A_path_with_a_nul_is_refused_instead_of_cut() =>
        Assert.Throws<ArgumentException>(() => PathText.ForSystemCall("a\0b"));

    [Fact]
    public void Valid_utf8_is_plain_text() =>
        Assert.Equal("žluťoučký 😀", PathText.Decode(Encoding.UTF8.GetBytes("žluťoučký 😀")));
}
