using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive;

/// <summary>Whatever is done to a storage between two incremental runs, the newest archive holds what a full run would.</summary>
public sealed class EditsTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public Task Any_row_of_edits_ends_in_the_same_content() => RunAsync(runs: 25, editsEach: 8, seed: 1);

    /// <summary>A run after each of them, in four shares: the edits before a share are made without a run.</summary>
    [Theory]
    [Trait("Category", "Long")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public Task A_thousand_edits_end_in_the_same_content(int quarter) => RunAsync(runs: 250, editsEach: 1, seed: 2, before: (quarter - 1) * 250);

    private async Task RunAsync(int runs, int editsEach, int seed, int before = 0)
    {
        var random = new Random(seed);
        var storage = temp.Folder("storage");
        var edits = new RandomEdits(storage, random);
        edits.Fill(files: 30);
        for (var i = 0; i < before; i++)
        {
            edits.Edit();
        }

        string? reference = null;
        long carriedOver = 0;
        for (var run = 0; run < runs; run++)
        {
            for (var i = 0; i < editsEach; i++)
            {
                edits.Edit();
            }

            var archive = temp[$"{run}.tar.gz"];
            carriedOver += (await Storage.WriteAsync(archive, storage, reference)).BytesCarriedOver;
            Assert.Empty((await Storage.VerifyAsync(archive)).Errors);
            await Storage.UnpackAsync(archive, temp.Folder("out"));
            Assert.Equal(TreeText.Of(storage), TreeText.Of(temp["out"]));
            TreeRemoval.Remove(temp["out"]);
            if (reference is not null)
            {
                File.Delete(reference);
            }

            reference = archive;
        }

        Assert.True(carriedOver > 0);
        Assert.Equal(edits.CertainKinds, edits.Done.Count);
    }
}
