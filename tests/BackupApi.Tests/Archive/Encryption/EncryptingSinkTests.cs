using System.Globalization;
using BackupApi.Archive.Encryption;
using BackupApi.Archive.Writing;
using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Archive.Encryption;

public sealed class EncryptingSinkTests : IDisposable
{
    private const int Piece = AgePayload.PieceLength;

    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(100, 0)]
    [InlineData(0, Piece)]
    [InlineData(100, Piece - 100)]
    [InlineData(100, Piece - 99)]
    [InlineData(Piece, Piece)]
    [InlineData(Piece + 1, (3 * Piece) - 1)]
    public void Any_length_comes_back(int headLength, int bodyLength) => Check(headLength, headLength, [("append", bodyLength)]);

    [Fact]
    public void Whatever_is_appended_and_cut_back_the_rest_comes_back()
    {
        var random = new Random(20261120);
        for (var i = 0; i < 60; i++)
        {
            var room = random.Next(3) switch { 0 => 0, 1 => random.Next(1, Piece), _ => random.Next(Piece, 3 * Piece) };
            var length = 0;
            var steps = new List<(string, int)>();
            for (var left = random.Next(1, 12); left > 0; left--)
            {
                if (random.Next(3) == 0)
                {
                    length = random.Next(2) == 0 ? random.Next(length + 1) : Math.Max(0, (length + room) / Piece * Piece - room);
                    steps.Add(("cut", length));
                }
                else
                {
                    var added = random.Next(3) switch { 0 => random.Next(100), 1 => random.Next(Piece), _ => random.Next(4 * Piece) };
                    length += added;
                    steps.Add(("append", added));
                }
            }

            Check(room, random.Next(3) == 0 ? room + random.Next(2 * Piece) : room, steps);
        }
    }

    [Fact]
    public void No_piece_is_sealed_twice_under_one_key()
    {
        // With one key and one number for both, the exclusive-or of what lay on the disk would be that of the contents.
        using var handle = Posix.CreateNew(temp["a"]);
        using var sink = new EncryptingSink(handle, 0, Sealed.Keys);
        sink.Append(new byte[3 * Piece]);
        var first = ReadPiece();
        sink.CutTo(Piece + 10);
        sink.Append(Enumerable.Repeat((byte)0xFF, 3 * Piece).ToArray());
        var second = ReadPiece();
        sink.Finish([]);
        var last = ReadPiece();

        Assert.NotEqual(0xFF, first.Zip(second, (a, b) => a ^ b).Skip(1000).Take(100).Aggregate((a, b) => a & b));
        Assert.NotEqual(0x00, second.Zip(last, (a, b) => a ^ b).Skip(1000).Take(100).Aggregate((a, b) => a | b));
        Assert.NotEqual(0xFF, first.Zip(last, (a, b) => a ^ b).Skip(1000).Take(100).Aggregate((a, b) => a & b));

        byte[] ReadPiece()
        {
            var bytes = new byte[Piece];
            RandomAccess.Read(handle, bytes, 200 + AgePayload.SealedLength);
            return bytes;
        }
    }

    private void Check(int headRoom, int headLength, List<(string What, int Length)> steps)
    {
        var random = new Random(headLength);
        var path = temp["a"];
        var body = new List<byte>();
        var head = new byte[headLength];
        random.NextBytes(head);
        var keys = Sealed.Keys;
        long fileLength;
        using (var handle = Posix.CreateNew(path))
        using (var sink = new EncryptingSink(handle, headRoom, keys))
        {
            foreach (var (what, length) in steps)
            {
                if (what == "cut")
                {
                    sink.CutTo(length);
                    body.RemoveRange(length, body.Count - length);
                    continue;
                }

                var bytes = new byte[length];
                random.NextBytes(bytes);
                sink.Append(bytes);
                body.AddRange(bytes);
            }

            sink.Finish(head);
            fileLength = sink.FileLength;
        }

        var said = string.Join(", ", steps.Select(step => string.Create(CultureInfo.InvariantCulture, $"{step.What} {step.Length}")));
        using (var file = ArchiveBytes.Open(path, keys))
        {
            Assert.Equal(new FileInfo(path).Length, fileLength);
            Assert.Equal(headLength + body.Count, file.Length);
            var back = new byte[file.Length];
            using var stream = new BytesSlice(file, 0, file.Length);
            stream.ReadExactly(back);
            Assert.True(back.AsSpan().SequenceEqual([.. head, .. body]), $"{headRoom}, {headLength}: {said}");
            Assert.Empty(file.Damaged);
        }

        File.Delete(path);
    }
}
