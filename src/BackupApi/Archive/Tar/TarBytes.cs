using System.Globalization;

namespace BackupApi.Archive.Tar;

/// <summary>The bytes of a tar, counted; every way they can end too early is a fault that says where.</summary>
internal sealed class TarBytes(Stream stream) : IAsyncDisposable
{
    private const int SkippedAtOnce = 32 * 1024;

    private readonly byte[] block = new byte[TarFormat.BlockLength];
    private byte[] scratch = [];

    public long Position { get; private set; }

    /// <summary>The next header block. Valid until the next call.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadBlockAsync(CancellationToken ct)
    {
        await ReadExactlyAsync(block, "where the next entry or the end mark should be", ct);
        return block;
    }

    public async ValueTask ReadExactlyAsync(Memory<byte> buffer, string where, CancellationToken ct)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[await ReadAsync(buffer, where, ct)..];
        }
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, string where, CancellationToken ct)
    {
        var length = await stream.ReadAsync(buffer, ct);
        Position += length;
        return length > 0 ? length : throw ArchiveFaults.Damaged($"The tar stops {where}.", $"tar offset {Position.ToString(CultureInfo.InvariantCulture)}");
    }

    public async ValueTask SkipAsync(long count, string where, CancellationToken ct)
    {
        Grow(count);
        while (count > 0)
        {
            count -= await ReadAsync(scratch.AsMemory(0, (int)Math.Min(scratch.Length, count)), where, ct);
        }
    }

    /// <summary>Reads what lies behind the end mark (padding), so that the checksums of the layer below are reached and checked.</summary>
    public async ValueTask DrainAsync(CancellationToken ct)
    {
        int length;
        Grow(SkippedAtOnce);
        while ((length = await stream.ReadAsync(scratch, ct)) > 0)
        {
            Position += length;
        }
    }

    private void Grow(long count)
    {
        if (scratch.Length < Math.Min(count, SkippedAtOnce))
        {
            scratch = new byte[Math.Min(count, SkippedAtOnce)];
        }
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();
}
