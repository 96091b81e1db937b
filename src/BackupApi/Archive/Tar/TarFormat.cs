namespace BackupApi.Archive.Tar;

/// <summary>Offsets and lengths of a ustar header block (POSIX.1-2017, pax, "ustar Interchange Format").</summary>
internal static class TarFormat
{
    public const int BlockLength = 512;

    public const int Name = 0;
    public const int NameLength = 100;
    public const int Mode = 100;
    public const int Uid = 108;
    public const int Gid = 116;
    public const int IdLength = 8;
    public const int Size = 124;
    public const int SizeLength = 12;
    public const int Modified = 136;
    public const int ModifiedLength = 12;
    public const int Checksum = 148;
    public const int ChecksumLength = 8;
    public const int TypeFlag = 156;
    public const int LinkName = 157;
    public const int LinkNameLength = 100;
    public const int Magic = 257;
    public const int Version = 263;
    public const int Prefix = 345;
    public const int PrefixLength = 155;

    public const byte File = (byte)'0';
    public const byte OldFile = 0;
    public const byte HardLink = (byte)'1';
    public const byte Symlink = (byte)'2';
    public const byte CharacterDevice = (byte)'3';
    public const byte BlockDevice = (byte)'4';
    public const byte Directory = (byte)'5';
    public const byte Pipe = (byte)'6';
    public const byte ContiguousFile = (byte)'7';
    public const byte PaxHeader = (byte)'x';
    public const byte PaxGlobalHeader = (byte)'g';
    public const byte GnuLongName = (byte)'L';
    public const byte GnuLongLink = (byte)'K';
    public const byte GnuSparse = (byte)'S';
    public const byte GnuVolumeLabel = (byte)'V';

    /// <summary>Zero bytes that follow content of this length, up to the next block.</summary>
    public static int Padding(long size) => (int)(-size & (BlockLength - 1));

    /// <summary>Content and padding; the caller has bounded <paramref name="size"/>.</summary>
    public static long Padded(long size) => size + Padding(size);
}
