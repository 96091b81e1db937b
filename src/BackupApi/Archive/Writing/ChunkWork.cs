using System.Security.Cryptography;
using BackupApi.Archive.Chunks;
using BackupApi.Archive.Format;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>What a worker does with a chunk: hash, carry over if known, else compress and inflate again to prove it. Depends on nothing but the content and the reference archive.</summary>
internal sealed class ChunkWork(ReferenceArchive? reference, int level) : IDisposable
{
    private const int MaxTries = 3;

    private readonly ThreadLocal<Scratch> scratch = new(static () => new Scratch());

    public void Do(WriteStep step)
    {
        var content = step.Content.AsSpan(0, step.ContentLength);
        Span<byte> hash = stackalloc byte[Sha256Value.Length];
        SHA256.HashData(content, hash);
        var sha256 = Sha256Value.From(hash);
        if (step.Reference is { } segment && segment.Find(step.Place, sha256, content.Length) is { } known && reference!.TryRead(known, step.Compressed.AsSpan(0, known.CompressedLength), segment))
        {
            step.Records.Add(known);
            step.IsCarriedOver = true;
            return;
        }

        for (var tries = 1; ; tries++)
        {
            var (length, crc) = ChunkCodec.Compress(content, step.Compressed, step.Compressed.Length, level);
            var compressed = step.Compressed.AsSpan(0, length);
            if (IsProven(compressed, content, crc))
            {
                step.Records.Add(new ChunkRecord(0, length, content.Length, crc, Crc32C.Of(compressed), sha256));
                step.IsCarriedOver = false;
                return;
            }

            if (tries == MaxTries)
            {
                throw new BackupException(Fault.VerificationFailed, $"A part of '{Archive.EntryName.Short(step.EntryName)}' did not come back from its compression as it was, {MaxTries} times.", "Check the memory of this machine.");
            }
        }
    }

    public void Dispose() => scratch.Dispose();

    private bool IsProven(ReadOnlySpan<byte> compressed, ReadOnlySpan<byte> content, uint crc)
    {
        var mine = scratch.Value!;
        var inflated = mine.Content.AsSpan(0, content.Length);
        return ChunkCodec.TryInflate(compressed, inflated, crc, mine.Frame) && inflated.SequenceEqual(content);
    }

    private sealed class Scratch
    {
        public byte[] Content { get; } = new byte[WriteStep.ContentCapacity];

        public byte[] Frame { get; } = new byte[ChunkCodec.FrameLength(ChunkCodec.MaxCompressedLength(WriteStep.ContentCapacity))];
    }
}
