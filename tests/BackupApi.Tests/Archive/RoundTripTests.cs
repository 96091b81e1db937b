using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive;

public sealed class RoundTripTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public async Task A_folder_comes_back_as_it_was()
    {
        var storage = OddTree(temp.Folder("storage"));
        await Storage.WriteAsync(temp["a.tar.gz"], storage);

        var proof = await Storage.VerifyAsync(temp["a.tar.gz"]);
        Assert.Empty(proof.Errors);
        Assert.Equal("Grüße, 世界", proof.Manifest?.Label);
        Assert.NotNull(proof.Report);

        var result = await Storage.UnpackAsync(temp["a.tar.gz"], temp.Folder("out"));
        Assert.Empty(result.NotGivenBack);
        Assert.Equal(TreeText.Of(storage), TreeText.Of(temp["out"]));
    }

    [Fact]
    public async Task Plain_tar_unpacks_it_and_sha256sum_agrees()
    {
        var storage = OddTree(temp.Folder("storage"));
        await Storage.WriteAsync(temp["a.tar.gz"], storage);

        Tool.Run("tar", "xpzf", temp["a.tar.gz"], "-C", temp.Folder("out"), "--numeric-owner");
        Tool.Run("bash", "-c", $"cd {temp["out"]} && sha256sum --quiet -c .backup/SHA256SUMS");
        Assert.Equal(TreeText.Of(storage), TreeText.Of(temp["out"], name => name.StartsWith(".backup", StringComparison.Ordinal)));
    }

    /// <summary>One of everything that a storage may hold.</summary>
    internal static string OddTree(string root)
    {
        var random = new Random(1);
        void Put(string name, int length, UnixTime? time = null, uint mode = 0x1A4)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes.AsSpan(0, length / 2));
            using (var handle = Posix.CreateNew($"{root}/{name}"))
            {
                RandomAccess.Write(handle, bytes, 0);
            }

            Posix.SetMode($"{root}/{name}", mode);
            Posix.SetModified($"{root}/{name}", time ?? new UnixTime(1_700_000_000, 123_456_789));
        }

        Put("empty", 0);
        Put("one", 1);
        Put("block", 512, new UnixTime(5, 0));
        Put("chunk", 65_536);
        Put("chunk+1", 65_537, mode: 0x9ED /* 4755 */);
        Put("big", 3_000_000);
        Put("-o", 10, new UnixTime(-2, 500_000_000));
        Put("new\nline\\and\rreturn", 10);
        Put("Ünïcode 世界", 10);
        Put("raw\uDCFF\uDC80bytes", 10);
        Put("UPPER", 3);
        Put("upper", 4);
        Put("C:\\temp", 4);
        Put(new string('n', 255), 4);
        Posix.MakeFolder($"{root}/folder", 0x1C0);
        Posix.MakeFolder($"{root}/folder/empty", 0x1C0);
        Put("folder/inside", 700);
        Put("folder-z", 7);
        var deep = "deep";
        Posix.MakeFolder($"{root}/{deep}");
        for (var i = 0; i < 12; i++)
        {
            deep += $"/{new string((char)('a' + i), 100)}";
            Posix.MakeFolder($"{root}/{deep}");
        }

        Put($"{deep}/raw\uDCFFlong", 5);
        Posix.MakeHardLink($"{root}/folder/inside", $"{root}/another name of inside");
        Posix.MakeHardLink($"{root}/folder/inside", $"{root}/zz name of inside");
        Posix.MakeSymlink("folder/inside", $"{root}/link");
        Posix.MakeSymlink("/etc/passwd", $"{root}/absolute");
        Posix.MakeSymlink(new string('t', 200), $"{root}/dangling");
        Posix.SetOwner($"{root}/one", 1000, 1001);
        Posix.SetOwner($"{root}/link", 3_000_000, 4);
        Posix.SetMode($"{root}/folder", 0x5FD /* 2775 */);
        Posix.SetModified($"{root}/link", new UnixTime(1_600_000_000, 1));
        Posix.SetModified($"{root}/folder/empty", new UnixTime(1_600_000_000, 999_999_999));
        Posix.SetModified($"{root}/folder", new UnixTime(1_600_000_001, 5));
        return root;
    }
}
