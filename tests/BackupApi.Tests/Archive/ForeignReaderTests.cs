using BackupApi.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace BackupApi.Tests.Archive;

/// <summary>What other programs make of our archives: any tree, as they were told to unpack it.</summary>
public sealed class ForeignReaderTests
{
    private static readonly FsCheck.Config FewTrees = FsCheck.Config.QuickThrowOnFailure.WithMaxTest(6);

    [Fact]
    public void Our_reader_gives_any_tree_back() => ForAnyTree((archive, storage, into) =>
    {
        Assert.Empty(Storage.VerifyAsync(archive).GetAwaiter().GetResult().Errors);
        Assert.Empty(Storage.UnpackAsync(archive, into).GetAwaiter().GetResult().NotGivenBack);
        Assert.Equal(TreeText.Of(storage), TreeText.Of(into));
    });

    [Fact]
    public void Gnu_tar_gives_any_tree_back() => ForAnyTree((archive, storage, into) =>
    {
        Tool.Run("tar", "xpzf", archive, "-C", into, "--numeric-owner");
        Assert.Equal(TreeText.Of(storage), TreeText.Of(into, IsOwn));
    });

    [Fact]
    public void Bsdtar_gives_any_tree_back() => ForAnyTree((archive, storage, into) =>
    {
        Tool.Run("bsdtar", "-x", "-p", "-f", archive, "-C", into, "--numeric-owner");
        Assert.Equal(TreeText.Of(storage), TreeText.Of(into, IsOwn));
    });

    [Theory]
    [InlineData("r:gz")]
    [InlineData("r|gz")]
    public void Python_gives_any_tree_back(string mode) => ForAnyTree((archive, storage, into) =>
    {
        Tool.Run("python3", "-c", $"import tarfile\nwith tarfile.open({Quoted(archive)}, '{mode}') as t: t.extractall({Quoted(into)}, numeric_owner=True)");
        Assert.Equal(TreeText.Of(storage, seconds: true), TreeText.Of(into, IsOwn, seconds: true));
    });

    [Fact]
    public void Node_gzip_pigz_and_7z_see_the_same_tar() => ForAnyTree((archive, _, into) =>
    {
        Tool.Run("bash", "-c", $"gzip -dc '{archive}' > '{into}/gzip.tar'");
        Tool.Run("bash", "-c", $"7z x -so '{archive}' | cmp - '{into}/gzip.tar'");
        Tool.Run("bash", "-c", $"node -e \"process.stdin; const s=require('stream'); s.Readable.toWeb(process.stdin).pipeThrough(new DecompressionStream('gzip')).pipeTo(s.Writable.toWeb(process.stdout))\" < '{archive}' | cmp - '{into}/gzip.tar'");
        Tool.Run("7z", "t", $"{into}/gzip.tar");
    });

    private static void ForAnyTree(Action<string, string, string> check) =>
        Prop.ForAll<int>(seed =>
        {
            using var temp = new TempFolder();
            var storage = RandomTree.Make(temp.Folder("storage"), new Random(seed));
            Storage.WriteAsync(temp["a.tar.gz"], storage).GetAwaiter().GetResult();
            check(temp["a.tar.gz"], storage, temp.Folder("out"));
        }).Check(FewTrees);

    private static bool IsOwn(string name) => name.Split('/')[0] == ".backup";

    private static string Quoted(string path) => $"'{path}'";
}
