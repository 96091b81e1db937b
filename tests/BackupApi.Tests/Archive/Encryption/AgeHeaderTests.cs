using System.Text;
using BackupApi.Archive.Encryption;
using BackupApi.Model;
using Xunit;

namespace BackupApi.Tests.Archive.Encryption;

/// <summary>The header comes from strangers.</summary>
public sealed class AgeHeaderTests
{
    private const string Salt = "AAAAAAAAAAAAAAAAAAAAAA";
    private const string Wrapped = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    [Theory]
    [InlineData("19")]
    [InlineData("30")]
    [InlineData("63")]
    [InlineData("2147483647")]
    public void More_work_than_age_itself_asks_for_is_refused_and_not_begun(string workFactor)
    {
        var fault = Assert.Throws<BackupException>(() => Read(Text(workFactor: workFactor)));
        Assert.Equal(Fault.ArchiveIncompatible, fault.Fault);
        Assert.Contains(workFactor, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("+5")]
    [InlineData("05")]
    [InlineData("1 8")]
    [InlineData("99999999999999999999")]
    [InlineData("0x10")]
    [InlineData("")]
    public void A_work_factor_that_is_none_is_refused(string workFactor) => Assert.Equal(Fault.ArchiveDamaged, Assert.Throws<BackupException>(() => Read(Text(workFactor: workFactor))).Fault);

    [Theory]
    [InlineData("AAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAB")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("AAAA AAAAAAAAAAAAAAAAA")]
    [InlineData("")]
    public void A_salt_that_is_not_written_the_one_right_way_is_refused(string salt) => Assert.Equal(Fault.ArchiveDamaged, Assert.Throws<BackupException>(() => Read(Text(salt: salt))).Fault);

    [Fact]
    public void The_header_that_was_made_is_read_and_opened()
    {
        var (made, fileKey) = AgeHeader.Make("passphrase"u8, 3);
        var header = AgeHeader.Read([.. made.Bytes, .. new byte[100]], "a");
        Assert.Equal(made.Bytes, header.Bytes);
        Assert.Equal(fileKey, header.FindFileKey("passphrase"u8));
        Assert.True(header.IsGenuine(fileKey));
        Assert.Null(header.FindFileKey("Passphrase"u8));
        Assert.False(header.IsGenuine(new byte[16]));
    }

    [Fact]
    public void Whatever_stands_there_ends_in_a_fault_or_a_header_and_never_in_a_bug()
    {
        var random = new Random(7);
        var (made, fileKey) = AgeHeader.Make("passphrase"u8, 1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = made.Bytes.ToList();
            for (var edits = random.Next(1, 4); edits > 0; edits--)
            {
                var at = random.Next(bytes.Count);
                switch (random.Next(4))
                {
                    case 0: bytes[at] = (byte)random.Next(256); break;
                    case 1: bytes.RemoveAt(at); break;
                    case 2: bytes.Insert(at, "\n -+/=01A"u8[random.Next(9)]); break;
                    default: bytes.RemoveRange(at, random.Next(bytes.Count - at)); break;
                }
            }

            try
            {
                var header = AgeHeader.Read(bytes.ToArray(), "a");
                var isSame = bytes.Take(made.Bytes.Length).SequenceEqual(made.Bytes);
                Assert.True(isSame || !header.IsGenuine(fileKey) || header.Bytes.SequenceEqual(made.Bytes), Encoding.Latin1.GetString(bytes.ToArray()));
            }
            catch (BackupException e)
            {
                Assert.True(e.Fault is Fault.ArchiveDamaged or Fault.ArchiveIncompatible);
            }
        }
    }

    private static AgeHeader Read(string text) => AgeHeader.Read(Encoding.Latin1.GetBytes(text), "a");

    private static string Text(string salt = Salt, string workFactor = "10") => $"age-encryption.org/v1\n-> scrypt {salt} {workFactor}\n{Wrapped}\n--- {Wrapped}\n";
}
