using System.Text;
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

    [Fact]
    [Trait("Category", "Long")]
    public Task A_thousand_edits_end_in_the_same_content() => RunAsync(runs: 1000, editsEach: 1, seed: 2);

    private async Task RunAsync(int runs, int editsEach, int seed)
    {
        var random = new Random(seed);
        var storage = temp.Folder("storage");
        for (var i = 0; i < 30; i++)
        {
            Create(random);
        }

        string? reference = null;
        long carriedOver = 0;
        for (var run = 0; run < runs; run++)
        {
            for (var i = 0; i < editsEach; i++)
            {
                Edit(random);
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
    }

    private void Edit(Random random)
    {
        var names = Posix.ListNames(temp["storage"]).Where(name => Posix.Stat(temp[$"storage/{name}"]).Kind == BackupApi.Model.FileKind.File).ToList();
        if (names.Count < 5)
        {
            Create(random);
            return;
        }

        var path = temp[$"storage/{names[random.Next(names.Count)]}"];
        var before = Posix.Stat(path);
        switch (random.Next(11))
        {
            case 0:
                File.AppendAllText(path, new string('+', random.Next(1, 5000)), Encoding.ASCII);
                break;
            case 1 when before.Size > 0:
                Overwrite(path, random, before.Size);
                Posix.SetModified(path, before.Modified);
                break;
            case 2:
                File.WriteAllBytes(path, new byte[random.Next(200_000)]);
                break;
            case 3:
                Posix.Rename(path, temp[$"storage/{random.Next(1000)}{(random.Next(2) == 0 ? ".db" : "")}"]);
                break;
            case 4:
                // The next file created may well get the inode of this one.
                Posix.Unlink(path);
                Create(random);
                break;
            case 5:
                Posix.SetMode(path, 0x180 | (uint)random.Next(0x40));
                break;
            case 6:
                Posix.SetOwner(path, (uint)random.Next(3), (uint)random.Next(3));
                break;
            case 7:
                Posix.Unlink(path);
                break;
            case 8:
                var name = temp[$"storage/link{random.Next(1000)}"];
                if (Posix.FindStat(name) is null)
                {
                    Posix.MakeHardLink(path, name);
                }

                break;
            case 9 when before.Links > 1:
                // Breaks a link: the same content under an inode of its own.
                var content = File.ReadAllBytes(path);
                Posix.Unlink(path);
                File.WriteAllBytes(path, content);
                break;
            default:
                // A checkpoint: pages rewritten in place all over the file.
                for (var i = 0; i < 5 && before.Size > 0; i++)
                {
                    Overwrite(path, random, before.Size);
                }

                break;
        }
    }

    private static void Overwrite(string path, Random random, long size)
    {
        using var handle = Posix.Open(path, OpenFlags.ReadWrite);
        RandomAccess.Write(handle, [(byte)random.Next(256)], random.NextInt64(size));
    }

    private void Create(Random random)
    {
        var bytes = new byte[random.Next(3) == 0 ? random.Next(300_000) : random.Next(5000)];
        random.NextBytes(bytes.AsSpan(0, bytes.Length / 2));
        File.WriteAllBytes(temp[$"storage/{random.Next(1000)}{(random.Next(3) == 0 ? ".db" : "")}"], bytes);
    }
}
