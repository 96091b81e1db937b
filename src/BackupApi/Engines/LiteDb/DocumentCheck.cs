using System.Buffers.Binary;

namespace BackupApi.Engines.LiteDb;

/// <summary>Every document of the data pages: its chain of blocks, its BSON, its <c>_id</c>.</summary>
/// <param name="found">Given each document that stands, its bytes valid for the call; null where only the check is wanted.</param>
internal sealed class DocumentCheck(PageStore store, Findings findings, DocumentCheck.FoundDocument? found = null)
{
    internal delegate void FoundDocument(Collection collection, ReadOnlySpan<byte> bson);

    private readonly BsonWalk bson = new();

    /// <summary>Continuation blocks: which there are, and which some document uses.</summary>
    private readonly SlotMarks continuations = new();
    private readonly SlotMarks usedContinuations = new();
    private byte[] assembled = new byte[64 * 1024];

    /// <summary>Checks all blocks of a data page whose segments are sound; documents are followed to their last block.</summary>
    public void Visit(uint number, PageView page, Collection collection)
    {
        for (var slot = 0; slot < page.SlotCount; slot++)
        {
            if (!page.TryGetSegment(slot, out var block))
            {
                continue;
            }

            var address = new PageAddress(number, (byte)slot);
            if (block.Length < PageFormat.BlockHeader || block[0] > 1)
            {
                findings.Error(store.Where(number), $"Slot {slot} is not a data block.");
            }
            else if (block[0] == 1)
            {
                _ = continuations.Mark(address);
            }
            else
            {
                collection.Documents++;
                Document(address, block, collection);
            }
        }
    }

    /// <summary>After all pages: continuation blocks that no document leads to.</summary>
    public void Finish()
    {
        var (blocks, first) = continuations.NotIn(usedContinuations);
        if (blocks > 0)
        {
            findings.Warn(store.Where(first), $"{blocks} continuation blocks, the first on this page, belong to no document.");
        }
    }

    private void Document(PageAddress address, ReadOnlySpan<byte> block, Collection collection)
    {
        var next = PageAddress.Read(block[1..]);
        var bytes = block[PageFormat.BlockHeader..];
        if (!next.IsEmpty && !Assemble(address, ref bytes, next, collection))
        {
            return;
        }

        var stated = bytes.Length < 4 ? 0 : BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (stated < 5 || stated > bytes.Length)
        {
            Error(address, $"states {stated} bytes and has {bytes.Length}");
            return;
        }

        if (stated < bytes.Length)
        {
            findings.Warn(store.Where(address.Page), $"The document at slot {address.Slot} is followed by {bytes.Length - stated} bytes that do not belong to it.");
            bytes = bytes[..stated];
        }

        if (bson.Walk(bytes) is { } wrong)
        {
            Error(address, $"is not whole BSON: {wrong}");
            return;
        }

        if (bson.IdType == 0 || IndexKey.HashOfBson(bson.IdType, bytes[bson.IdValue]) is not { } id)
        {
            Error(address, "has no usable _id");
            return;
        }

        collection.DocumentIds.Add(SetHash.Of(address.Packed, id));
        found?.Invoke(collection, bytes);
    }

    private bool Assemble(PageAddress address, ref ReadOnlySpan<byte> bytes, PageAddress next, Collection collection)
    {
        var length = bytes.Length;
        bytes.CopyTo(assembled);
        while (!next.IsEmpty)
        {
            if (!store.Exists(next.Page))
            {
                Error(address, $"goes on at page {next.Page}, which is missing");
                return false;
            }

            var page = new PageView(store.Get(next.Page));
            if (page.Type != PageFormat.DataPage || page.Collection != collection.Page || page.PageId != next.Page
                || !page.TryGetSegment(next.Slot, out var block) || block.Length < PageFormat.BlockHeader || block[0] != 1)
            {
                Error(address, $"goes on at {next}, which is no continuation block of its collection");
                return false;
            }

            if (!usedContinuations.Mark(next))
            {
                Error(address, $"goes on at {next}, which was reached before");
                return false;
            }

            var payload = block[PageFormat.BlockHeader..];
            if (length + payload.Length > PageFormat.MaxDocument)
            {
                Error(address, "is longer than any document may be");
                return false;
            }

            if (length + payload.Length > assembled.Length)
            {
                Array.Resize(ref assembled, Math.Min(PageFormat.MaxDocument, 2 * (length + payload.Length)));
            }

            payload.CopyTo(assembled.AsSpan(length));
            length += payload.Length;
            next = PageAddress.Read(block[1..]);
        }

        bytes = assembled.AsSpan(0, length);
        return true;
    }

    private void Error(PageAddress address, string what) =>
        findings.Error(store.Where(address.Page), $"The document at slot {address.Slot} {what}.");
}
