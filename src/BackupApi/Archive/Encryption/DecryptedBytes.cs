using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive.Encryption;

/// <summary>The content of an age file, decrypted where it is asked for. Owns the file.</summary>
/// <remarks>At most <see cref="Slots"/> pieces are in memory, about 1 MiB; several threads that read near each other find them there.</remarks>
internal sealed class DecryptedBytes : IArchiveBytes
{
    private const int Slots = 8;

    private readonly SafeFileHandle file;
    private readonly string name;
    private readonly long fileLength;
    private readonly long start;
    private readonly long pieces;
    private readonly Lazy<Slot>[] slots;
    private readonly SortedSet<long> damaged = [];

    /// <param name="start">Offset of the first piece.</param>
    private DecryptedBytes(SafeFileHandle file, string name, long fileLength, long start, Func<AgePayload> makeCipher)
    {
        (this.file, this.name, this.fileLength, this.start) = (file, name, fileLength, start);
        Length = AgePayload.ContentLength(fileLength - start);
        pieces = Math.Max(1, (Length + AgePayload.PieceLength - 1) / AgePayload.PieceLength);
        slots = [.. Enumerable.Range(0, Slots).Select(_ => new Lazy<Slot>(() => new Slot(makeCipher())))];
        if (AgePayload.SealedLengthOf(Length) != fileLength - start)
        {
            damaged.Add(start + (pieces * AgePayload.SealedLength));
        }
    }

    public long Length { get; }

    public IReadOnlyCollection<long> Damaged
    {
        get
        {
            lock (damaged)
            {
                return [.. damaged];
            }
        }
    }

    /// <summary>Takes over the file when it succeeds.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveLocked"/>, <see cref="Fault.ArchiveIncompatible"/> or <see cref="Fault.ArchiveDamaged"/>.</exception>
    public static DecryptedBytes Open(SafeFileHandle file, long length, string name, ArchiveKeys keys)
    {
        var head = new byte[AgeHeader.MaxLength];
        var header = AgeHeader.Read(head.AsSpan(0, RandomAccess.Read(file, head, 0)), name);
        var fileKey = keys.GetFileKey(header, name);
        var nonce = new byte[AgePayload.NonceLength];
        return RandomAccess.Read(file, nonce, header.Bytes.Length) < nonce.Length
            ? throw ArchiveFaults.Damaged("The file ends in its age header.", name)
            : new DecryptedBytes(file, name, length, header.Bytes.Length + nonce.Length, () => new AgePayload(fileKey, nonce));
    }

    public int Read(Span<byte> buffer, long offset) => Read(buffer, offset, zerosForDamage: false);

    public int ReadForChecksum(Span<byte> buffer, long offset) => Read(buffer, offset, zerosForDamage: true);

    public Stream OpenStored() => new BytesSlice(new PlainBytes(file, fileLength), 0, fileLength);

    public void Dispose()
    {
        file.Dispose();
        foreach (var slot in slots.Where(slot => slot.IsValueCreated))
        {
            slot.Value.Dispose();
        }
    }

    private int Read(Span<byte> buffer, long offset, bool zerosForDamage)
    {
        if (offset >= Length || buffer.IsEmpty)
        {
            return 0;
        }

        var number = offset / AgePayload.PieceLength;
        var from = (int)(offset - (number * AgePayload.PieceLength));
        var slot = slots[number % Slots].Value;
        lock (slot)
        {
            var content = slot.Has(number) ? slot.Content : Load(slot, number);
            if (content.IsEmpty && !zerosForDamage)
            {
                throw new BackupException(Fault.ArchiveDamaged, $"{name}: {ArchiveFaults.NotAuthentic(OffsetOf(number))}", ArchiveFaults.UseAnother);
            }

            var pieceLength = (int)Math.Min(AgePayload.PieceLength, Length - (number * AgePayload.PieceLength));
            var length = Math.Min(buffer.Length, pieceLength - from);
            if (content.IsEmpty)
            {
                buffer[..length].Clear();
            }
            else
            {
                content.Slice(from, length).CopyTo(buffer);
            }

            return length;
        }
    }

    /// <summary>Empty when the piece is not authentic.</summary>
    private ReadOnlySpan<byte> Load(Slot slot, long number)
    {
        var offset = OffsetOf(number);
        var bytes = slot.Sealed.AsSpan(0, (int)Math.Min(AgePayload.SealedLength, fileLength - offset));
        var read = 0;
        while (read < bytes.Length && RandomAccess.Read(file, bytes[read..], offset + read) is var got and > 0)
        {
            read += got;
        }

        if (read == bytes.Length && slot.TryOpen(number, number == pieces - 1, bytes.Length))
        {
            return slot.Content;
        }

        lock (damaged)
        {
            damaged.Add(offset);
        }

        return default;
    }

    private long OffsetOf(long number) => start + (number * AgePayload.SealedLength);

    /// <summary>Place for one piece; used under its own lock.</summary>
    private sealed class Slot(AgePayload cipher) : IDisposable
    {
        private readonly byte[] content = new byte[AgePayload.PieceLength];
        private long held = -1;
        private int length;

        public byte[] Sealed { get; } = new byte[AgePayload.SealedLength];

        public ReadOnlySpan<byte> Content => content.AsSpan(0, length);

        public bool Has(long number) => held == number;

        public bool TryOpen(long number, bool isLast, int sealedLength)
        {
            held = -1;
            if (!cipher.TryOpen(number, isLast, Sealed.AsSpan(0, sealedLength), content))
            {
                return false;
            }

            (held, length) = (number, sealedLength - AgePayload.TagLength);
            return true;
        }

        public void Dispose() => cipher.Dispose();
    }
}
