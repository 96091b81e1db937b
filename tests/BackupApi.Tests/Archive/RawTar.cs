using System.Buffers;
using System.IO.Compression;
using System.Text;
using BackupApi.Archive.Tar;
using BackupApi.Model;

namespace BackupApi.Tests.Archive;

/// <summary>Builds tar bytes that no honest program writes.</summary>
internal sealed class RawTar
{
    private readonly ArrayBufferWriter<byte> bytes = new();

    public RawTar File(string name, ReadOnlySpan<byte> content) => Entry(name, EntryKind.File, content);

    public RawTar Link(string name, string target, EntryKind kind = EntryKind.Symlink) => Put(TarHeader.Write(new ArchiveEntry(name, kind, 0, 0x1FF, 0, 0, default, target)));

    public RawTar Folder(string name) => Entry(name, EntryKind.Directory, []);

    public RawTar Entry(string name, EntryKind kind, ReadOnlySpan<byte> content)
    {
        Put(TarHeader.Write(new ArchiveEntry(name, kind, content.Length, 0x1A4, 0, 0, default)));
        return Content(content);
    }

    /// <summary>A header block altered after it was made, its checksum put right again.</summary>
    public RawTar Altered(string name, long size, Action<byte[]> alter)
    {
        var block = TarHeader.Write(new ArchiveEntry(name, EntryKind.File, size, 0x1A4, 0, 0, default));
        alter(block);
        block.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes($"{Convert.ToString(block.Sum(b => b), 8).PadLeft(6, '0')}\0 ").CopyTo(block, 148);
        return Put(block);
    }

    /// <summary>A pax header with these bytes as its records.</summary>
    public RawTar Pax(string records, byte type = (byte)'x')
    {
        var content = Encoding.Latin1.GetBytes(records);
        return Altered("PaxHeaders/x", content.Length, block => block[156] = type).Content(content);
    }

    public static string Record(string key, string value)
    {
        var rest = key.Length + value.Length + 3;
        var length = rest + 1;
        while (length != rest + length.ToString().Length)
        {
            length = rest + length.ToString().Length;
        }

        return $"{length} {key}={value}\n";
    }

    public RawTar Content(ReadOnlySpan<byte> content)
    {
        bytes.Write(content);
        bytes.Write(new byte[TarFormat.Padding(content.Length)]);
        return this;
    }

    public RawTar Put(byte[] block)
    {
        bytes.Write(block);
        return this;
    }

    public byte[] ToTar() => [.. bytes.WrittenSpan, .. new byte[1024]];

    /// <summary>Without the blocks that end a tar.</summary>
    public byte[] ToCutTar() => bytes.WrittenSpan.ToArray();

    public string WriteGzip(string path, byte[]? tar = null)
    {
        using var file = new FileStream(path, FileMode.CreateNew);
        using var gzip = new GZipStream(file, CompressionLevel.Fastest);
        gzip.Write(tar ?? ToTar());
        return path;
    }
}
