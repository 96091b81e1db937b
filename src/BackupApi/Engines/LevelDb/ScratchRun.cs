using BackupApi.Files;

namespace BackupApi.Engines.LevelDb;

/// <summary>Entries in order, put down in a scratch file until they are merged; the file goes with its cursor.</summary>
internal sealed class ScratchRun : IEntryCursor
{
    private const int BufferLength = 1 << 16;

    private readonly string path;
    private readonly BinaryReader reader;
    private byte[] key = [];
    private byte[] value = [];

    private ScratchRun(string path)
    {
        this.path = path;
        reader = new BinaryReader(new FileStream(Posix.OpenRead(path), FileAccess.Read, BufferLength));
    }

    public ReadOnlySpan<byte> UserKey => key;

    public ulong Tag { get; private set; }

    public ReadOnlySpan<byte> Value => value;

    /// <summary>Writes what <paramref name="write"/> gives to its writer, and gives how to read it again.</summary>
    public static Func<IEntryCursor> Put(string path, Action<Writer> write)
    {
        using (var writer = new Writer(path))
        {
            write(writer);
        }

        return () => new ScratchRun(path);
    }

    public bool MoveNext()
    {
        if (reader.BaseStream.Position == reader.BaseStream.Length)
        {
            return false;
        }

        var (keyLength, valueLength) = (reader.ReadInt32(), reader.ReadInt32());
        Tag = reader.ReadUInt64();
        (key, value) = (reader.ReadBytes(keyLength), reader.ReadBytes(valueLength));
        return true;
    }

    public void Dispose()
    {
        reader.Dispose();
        AtomicFile.Discard(path);
    }

    internal sealed class Writer(string path) : IDisposable
    {
        private readonly BinaryWriter to = new(new FileStream(Posix.CreateNew(path), FileAccess.Write, BufferLength));

        public void Add(ReadOnlySpan<byte> key, ulong tag, ReadOnlySpan<byte> value)
        {
            to.Write(key.Length);
            to.Write(value.Length);
            to.Write(tag);
            to.Write(key);
            to.Write(value);
        }

        public void Dispose() => to.Dispose();
    }
}
