using BackupApi.Archive.Foreign;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive.Encryption;

/// <summary>What we encrypt, the age program opens, and the other way round.</summary>
public sealed class AgeToolTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public async Task Age_and_tar_bring_everything_back_without_this_service()
    {
        var storage = RoundTripTests.OddTree(temp.Folder("storage"));
        await Storage.WriteAsync(temp["a.tar.gz.age"], storage, settings: Storage.Later with { Keys = new BackupApi.Archive.Encryption.ArchiveKeys([Sealed.Passphrase]) });

        AgeTool.Decrypt(Sealed.Passphrase, temp["a.tar.gz.age"], temp["a.tar.gz"]);
        Tool.Run("tar", "xpzf", temp["a.tar.gz"], "-C", temp.Folder("out"), "--numeric-owner");
        Tool.Run("bash", "-c", $"cd {temp["out"]} && sha256sum --quiet -c .backup/SHA256SUMS");
        Assert.Equal(TreeText.Of(storage), TreeText.Of(temp["out"], name => name.StartsWith(".backup", StringComparison.Ordinal)));
        Assert.Empty((await Storage.VerifyAsync(temp["a.tar.gz"])).Errors);
        Assert.ThrowsAny<Exception>(() => AgeTool.Decrypt("another passphrase", temp["a.tar.gz.age"], temp["b.tar.gz"]));
    }

    [Theory]
    [InlineData("tgz", "tar czf \"$0\" -C storage .")]
    [InlineData("tar.gz", "tar czf \"$0\" -C storage .")]
    [InlineData("tar", "tar cf \"$0\" -C storage .")]
    [InlineData("tar.bz2", "tar cjf \"$0\" -C storage .")]
    [InlineData("zip", "cd storage && zip -qr \"$0\" .")]
    public async Task An_archive_of_any_kind_that_others_encrypted_is_read(string ending, string make)
    {
        var content = new byte[300_000];
        new Random(4).NextBytes(content);
        temp.File("storage/sub/random", content);
        temp.File("storage/text", "hello"u8);
        Tool.Run("bash", "-c", $"cd '{temp.Path}' && {make}", temp["a." + ending]);
        if (ending == "tgz")
        {
            // With the work factor that age itself chooses.
            AgeTool.Encrypt(Sealed.Passphrase, temp["a." + ending], temp[$"a.{ending}.age"]);
        }
        else
        {
            Sealed.Encrypt(temp["a." + ending], temp[$"a.{ending}.age"]);
        }

        var keys = Sealed.Keys;
        var proof = await Sealed.VerifyAsync(temp[$"a.{ending}.age"], keys);
        Assert.Empty(proof.Errors);
        Assert.Equal(Tool.Run("sha256sum", temp[$"a.{ending}.age"]).Split(' ')[0], proof.Sha256);
        var names = new List<string>();
        await foreach (var entry in new AnyArchive(Sealed.Reader(keys)).ListAsync(temp[$"a.{ending}.age"], CancellationToken.None))
        {
            names.Add(entry.Name);
        }

        Assert.Contains("sub/random", names);
        await Sealed.UnpackAsync(temp[$"a.{ending}.age"], temp.Folder("out"), keys);
        Assert.Equal(content, await File.ReadAllBytesAsync(temp["out/sub/random"]));
    }

    [Fact]
    public async Task What_age_encrypts_for_people_or_as_text_is_refused_with_the_reason()
    {
        temp.File("a.tar", "x"u8);
        AgeTool.Encrypt(Sealed.Passphrase, temp["a.tar"], temp["text.age"], "--armor");
        Tool.Run("bash", "-c", $"cd '{temp.Path}' && age-keygen -o key 2> /dev/null && age -r \"$(age-keygen -y key)\" -o people.age a.tar");

        var text = await Assert.ThrowsAsync<BackupException>(() => Sealed.VerifyAsync(temp["text.age"]));
        var people = await Assert.ThrowsAsync<BackupException>(() => Sealed.VerifyAsync(temp["people.age"]));
        Assert.Equal((Fault.ArchiveIncompatible, Fault.ArchiveIncompatible), (text.Fault, people.Fault));
        Assert.Contains("armor", text.Message, StringComparison.Ordinal);
        Assert.Contains("not by a passphrase", people.Message, StringComparison.Ordinal);
    }
}
