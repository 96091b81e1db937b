using System.Globalization;
using System.Text;
using BackupApi.Archive.Encryption;
using Xunit;

namespace BackupApi.Tests.Archive.Encryption;

public sealed class ScryptTests
{
    [Fact]
    public void The_specification_s_own_example_comes_out()
    {
        // RFC 7914 section 12, third example: N = 16384, r = 8, p = 1.
        Span<byte> key = stackalloc byte[64];
        Scrypt.Derive("pleaseletmein"u8, "SodiumChloride"u8, 14, key);
        Assert.Equal("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887", Convert.ToHexStringLower(key));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    public void Rows_that_are_not_kept_are_made_again_the_same(int logN)
    {
        var script = "import hashlib, sys; print(hashlib.scrypt(b'a passphrase', salt=b'salt', n=2**int(sys.argv[1]), r=8, p=1, maxmem=2**28, dklen=32).hex())";
        Span<byte> key = stackalloc byte[32];
        Scrypt.Derive(Encoding.ASCII.GetBytes("a passphrase"), "salt"u8, logN, key);
        Assert.Equal(Tool.Run("python3", "-c", script, logN.ToString(CultureInfo.InvariantCulture)).Trim(), Convert.ToHexStringLower(key));
    }
}
