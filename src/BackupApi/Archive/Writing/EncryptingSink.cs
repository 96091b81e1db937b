using System.Security.Cryptography;
using BackupApi.Archive.Encryption;
using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive.Writing;

/// <summary>Writes the archive as an age file. Nothing of it is ever on the disk in the clear. Does not own the file.</summary>
/// <remarks>
/// No piece may be sealed twice under one key with different content. Therefore the pieces under the head stay in memory until the head is known; and when the body is cut back
/// behind pieces that were sealed, what follows is sealed under another key of its own. An age file has one key: if there were several, or the head outgrew its room,
/// all is decrypted and sealed again under a new one at the end, in place, last piece first.
/// </remarks>
internal sealed class EncryptingSink : IArchiveSink
{
    private const int Piece = AgePayload.PieceLength;

    private readonly SafeFileHandle handle;
    private readonly int headRoom;
    private readonly byte[] fileKey;
    private readonly byte[] header;
    private readonly byte[] held;
    private readonly byte[] open = new byte[Piece];
    private readonly byte[] sealedPiece = new byte[AgePayload.SealedLength];
    private readonly List<(long FirstPiece, byte[] Nonce)> keys = [];
    private AgePayload cipher;

    /// <summary>Of the content, head included: where the next byte goes.</summary>
    private long position;

    /// <summary>The piece that is being filled, in <see cref="open"/>; all before it, from the held ones on, are sealed.</summary>
    private long openPiece;

    public EncryptingSink(SafeFileHandle handle, int headRoom, ArchiveKeys archiveKeys)
    {
        (this.handle, this.headRoom) = (handle, headRoom);
        (var made, fileKey) = archiveKeys.MakeHeader();
        header = made.Bytes;
        held = new byte[(headRoom + Piece - 1) / Piece * Piece];
        position = headRoom;
        openPiece = HeldPieces;
        cipher = NewKey(HeldPieces);
    }

    public long FileLength { get; private set; }

    private int HeldPieces => held.Length / Piece;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (position >= held.Length && position == (openPiece + 1) * Piece)
            {
                Write(cipher, openPiece++, isLast: false, open);
            }

            var room = position < held.Length ? held.AsSpan((int)position) : open.AsSpan((int)(position - (openPiece * Piece)));
            var length = Math.Min(room.Length, bytes.Length);
            bytes[..length].CopyTo(room);
            position += length;
            bytes = bytes[length..];
        }
    }

    public void CutTo(long bodyLength)
    {
        position = headRoom + bodyLength;
        // The last byte that is kept decides: its piece may turn out to be the last one.
        var first = position > held.Length ? (position - 1) / Piece : HeldPieces;
        if (first >= openPiece)
        {
            return;
        }

        // The pieces from here on were sealed, and are sealed anew with other content.
        if (position > first * Piece)
        {
            Read(first, open);
        }

        openPiece = first;
        keys.RemoveAll(key => key.FirstPiece >= first);
        cipher.Dispose();
        cipher = NewKey(first);
    }

    public void Finish(ReadOnlySpan<byte> head)
    {
        if (keys.Count == 1 && head.Length == headRoom)
        {
            head.CopyTo(held);
            for (var piece = 0; piece < HeldPieces && piece * Piece < position; piece++)
            {
                Write(cipher, piece, (piece + 1L) * Piece >= position, held.AsSpan(piece * Piece, (int)Math.Min(Piece, position - (piece * Piece))));
            }

            if (position > held.Length || position == 0)
            {
                Write(cipher, openPiece, isLast: true, open.AsSpan(0, (int)(position - (openPiece * Piece))));
            }
        }
        else
        {
            SealAgain(head);
        }

        RandomAccess.Write(handle, header, 0);
        RandomAccess.Write(handle, cipher.Nonce, header.Length);
        FileLength = header.Length + AgePayload.NonceLength + AgePayload.SealedLengthOf(position);
        RandomAccess.SetLength(handle, FileLength);
    }

    public void Dispose() => cipher.Dispose();

    /// <summary>Everything under one new key, the body moved up by what the head is longer than its room. A piece is overwritten only when nothing in front of it needs its old content.</summary>
    private void SealAgain(ReadOnlySpan<byte> head)
    {
        var shift = head.Length - headRoom;
        var length = position + shift;
        var next = new AgePayload(fileKey, RandomNumberGenerator.GetBytes(AgePayload.NonceLength));
        var content = new byte[Piece];
        var old = new byte[Piece];
        var oldPiece = -1L;
        for (var piece = (length - 1) / Piece; piece >= 0; piece--)
        {
            var start = piece * Piece;
            var end = Math.Min(start + Piece, length);
            for (var at = end; at > start;)
            {
                // From the back, one old piece at a time.
                var from = Math.Max(start, (((at - shift - 1) / Piece) * Piece) + shift);
                if (at <= head.Length)
                {
                    head[(int)start..(int)at].CopyTo(content);
                    break;
                }

                from = Math.Max(from, head.Length);
                var number = (from - shift) / Piece;
                if (number != oldPiece)
                {
                    Read(number, old);
                    oldPiece = number;
                }

                old.AsSpan((int)(from - shift - (number * Piece)), (int)(at - from)).CopyTo(content.AsSpan((int)(from - start)));
                at = from;
            }

            Write(next, piece, end == length, content.AsSpan(0, (int)(end - start)));
        }

        cipher.Dispose();
        (cipher, position) = (next, length);
    }

    /// <summary>The content of a piece as it is before <see cref="SealAgain"/> came to it.</summary>
    private void Read(long number, byte[] content)
    {
        if (number < HeldPieces)
        {
            held.AsSpan((int)number * Piece, Piece).CopyTo(content);
            return;
        }

        if (number == openPiece)
        {
            open.CopyTo(content, 0);
            return;
        }

        var got = 0;
        while (got < sealedPiece.Length)
        {
            var read = RandomAccess.Read(handle, sealedPiece.AsSpan(got), OffsetOf(number) + got);
            got += read > 0 ? read : throw new IOException("The archive became shorter while it was written.");
        }

        using var then = new AgePayload(fileKey, keys.FindLast(key => key.FirstPiece <= number).Nonce);
        if (!then.TryOpen(number, isLast: false, sealedPiece, content))
        {
            throw new IOException("The archive was changed while it was written.", Errno.EIO);
        }
    }

    private void Write(AgePayload by, long number, bool isLast, ReadOnlySpan<byte> content)
    {
        var bytes = sealedPiece.AsSpan(0, content.Length + AgePayload.TagLength);
        by.Seal(number, isLast, content, bytes);
        RandomAccess.Write(handle, bytes, OffsetOf(number));
    }

    private AgePayload NewKey(long firstPiece)
    {
        var nonce = RandomNumberGenerator.GetBytes(AgePayload.NonceLength);
        keys.Add((firstPiece, nonce));
        return new AgePayload(fileKey, nonce);
    }

    private long OffsetOf(long number) => header.Length + AgePayload.NonceLength + (number * AgePayload.SealedLength);
}
