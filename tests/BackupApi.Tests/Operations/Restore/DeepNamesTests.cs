using BackupApi.Archive;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Archive;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations.Restore;

/// <summary>Names that no single path can hold (PATH_MAX): brought through whole, or left out by name; never a failure of the rest, never silence.</summary>
public sealed class DeepNamesTests : IDisposable
{
    /// <summary>With the path of storage before it more than 4,095 bytes, without it less.</summary>
    private static readonly string Deep = DeepTree.Name(4060);

    private static readonly string TooDeep = DeepTree.Name(5000);

    private readonly RestoreWorld world = new();

    public void Dispose() => world.Dispose();

    [Fact]
    public async Task A_name_that_fits_an_archive_but_no_path_is_captured_and_comes_back()
    {
        DeepTree.Make(world.Storage, Deep, "first");
        File.WriteAllText($"{world.Storage}/a.txt", "first");
        var backup = await world.BackUpAsync();

        Assert.Equal(Outcome.Ok, backup.Outcome);
        Assert.Empty(backup.Errors);
        TreeRemoval.Remove($"{world.Storage}/{Deep.Split('/')[0]}");
        Assert.Null(DeepTree.Read(world.Storage, Deep));
        File.WriteAllText($"{world.Storage}/a.txt", "second");

        var result = await world.RestoreAsync(backup.Name);

        Assert.Empty(result.Warnings);
        Assert.Equal(2, result.Files);
        Assert.Equal("first", DeepTree.Read(world.Storage, Deep));
        Assert.Equal("first", File.ReadAllText($"{world.Storage}/a.txt"));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));

        // Over a live one, and back out again: what is replaced is cleared away too.
        TreeRemoval.Remove($"{world.Storage}/{Deep.Split('/')[0]}");
        DeepTree.Make(world.Storage, Deep, "third");
        result = await world.RestoreAsync(backup.Name);
        Assert.Empty(result.Warnings);
        Assert.Equal("first", DeepTree.Read(world.Storage, Deep));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));
    }

    [Fact]
    public async Task A_name_that_fits_no_archive_is_left_out_by_name_and_left_alone_by_a_restore()
    {
        DeepTree.Make(world.Storage, TooDeep, "mine");
        File.WriteAllText($"{world.Storage}/a.txt", "first");
        var backup = await world.BackUpAsync();

        Assert.Equal(Outcome.Partial, backup.Outcome);
        var told = Assert.Single(backup.Errors);
        Assert.StartsWith(TooDeep[..4000], told.Where, StringComparison.Ordinal);
        Assert.Contains("longer than 4095 bytes", told.Message, StringComparison.Ordinal);
        Assert.InRange(told.Message.Length, 20, 300);
        Assert.Empty((await new ArchiveReader().VerifyAsync(backup.Path, ArchiveLimits.None, new Progress(), CancellationToken.None)).Errors);
        File.WriteAllText($"{world.Storage}/a.txt", "second");

        await world.RestoreAsync(backup.Name);

        Assert.Equal("first", File.ReadAllText($"{world.Storage}/a.txt"));
        Assert.Equal("mine", DeepTree.Read(world.Storage, TooDeep));
        Assert.Null(Posix.FindStat($"{world.Storage}/.backup"));
    }

    [Fact]
    public async Task An_archive_of_another_tool_with_deep_names_is_restored_whole()
    {
        File.WriteAllText($"{world.Storage}/a.txt", "mine");
        Directory.CreateDirectory(world.Settings.BackupsPath);
        new RawTar().File("a.txt", "x"u8).Pax(RawTar.Record("path", $"{Deep}/{DeepTree.FileName}")).File("cut", "deep"u8).WriteGzip($"{world.Settings.BackupsPath}/deep.tar.gz");

        var result = await world.RestoreAsync(new RestoreRequest { BackupName = "deep.tar.gz", To = "beside" });

        Assert.Equal(2, result.Files);
        Assert.Equal("deep", DeepTree.Read($"{world.Storage}/beside", Deep));
    }
}
