using BackupApi.Archive.Format;

namespace BackupApi.Archive.Reading;

/// <summary>The compressed bytes of our own last entries as they are, for the bits between blocks that inflating never looks at.</summary>
internal static class EndBytes
{
    /// <summary>The one way the header of the tail's stored block can look: last, 2,048 bytes, their complement.</summary>
    private static ReadOnlySpan<byte> TailBlock => [1, 0x00, 0x08, 0xFF, 0xF7];

    public static bool AreRight(ArchiveFile file)
    {
        var tail = file.Length - ArchiveLayout.TrailerLength - ArchiveLayout.TailLength;
        var buffer = new byte[ArchiveLayout.ChunkLength];
        var state = uint.MaxValue;
        for (var position = file.Locator!.ContentEnd; position < tail;)
        {
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, tail - position));
            if (!file.TryRead(part, position))
            {
                return false;
            }

            state = Crc32C.Append(state, part);
            position += part.Length;
        }

        var block = buffer.AsSpan(0, ArchiveLayout.StoredBlockHeader);
        return ~state == file.Locator.EndCrc32C && file.TryRead(block, tail) && block.SequenceEqual(TailBlock);
    }
}
