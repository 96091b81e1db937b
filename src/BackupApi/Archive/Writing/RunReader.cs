using System.Security.Cryptography;
using BackupApi.Archive.Format;
using BackupApi.Archive.Tar;
using BackupApi.Model;

namespace BackupApi.Archive.Writing;

/// <summary>Puts the tar of a run together in one buffer: small files are read whole, so one that changes meanwhile is simply read again.</summary>
internal sealed class RunReader(ArchiveWriterSettings settings)
{
    private static readonly Sha256Value OfNothing = Sha256Value.From(SHA256.HashData([]));

    private byte[] content = [];
    private List<IndexedEntry> entries = [];
    private List<Sha256Value> hashes = [];
    private byte[] header = [];

    public IReadOnlyList<IndexedEntry> Entries => entries;

    public IReadOnlyList<Sha256Value> Hashes => hashes;

    public int Length { get; private set; }

    /// <summary>Begins an empty run in the buffer of <paramref name="step"/>.</summary>
    public void Start(WriteStep step)
    {
        content = step.Content;
        Length = 0;
        (entries, hashes) = ([], []);
    }

    /// <summary>Adds what has no content; false when the buffer is full.</summary>
    public bool TryAdd(ArchiveEntry entry)
    {
        var bytes = TarHeader.Write(entry);
        if (bytes.Length > content.Length - Length)
        {
            return false;
        }

        bytes.CopyTo(content, Length);
        Length += bytes.Length;
        entries.Add(new IndexedEntry(entry, null));
        if (entry.Kind == EntryKind.File)
        {
            hashes.Add(OfNothing);
        }

        return true;
    }

    /// <summary>Reads a file behind what the run holds; <see cref="Accept"/> makes it part of the run.</summary>
    /// <returns>Whether it stood still while it was read.</returns>
    public bool TryRead(SourceFile source, out bool fits)
    {
        header = TarHeader.Write(source.ToEntry());
        fits = source.Before.Size <= content.Length && header.Length + TarFormat.Padded(source.Before.Size) <= content.Length - Length;
        if (!fits)
        {
            return false;
        }

        var bytes = content.AsSpan(Length + header.Length, (int)source.Before.Size);
        var length = source.Read(bytes, 0);
        bytes[length..].Clear();
        if (length < bytes.Length || !source.IsUnchanged())
        {
            return false;
        }

        if (!source.IsDoubtful(settings.Clock) || bytes.IsEmpty)
        {
            return true;
        }

        var again = new byte[bytes.Length];
        return source.Read(again, 0) == again.Length && bytes.SequenceEqual(again) && source.IsUnchanged();
    }

    public void Accept(SourceFile source, Fingerprint? fingerprint)
    {
        header.CopyTo(content, Length);
        Length += header.Length;
        var bytes = content.AsSpan(Length, (int)source.Before.Size);
        hashes.Add(Sha256Value.From(SHA256.HashData(bytes)));
        entries.Add(new IndexedEntry(source.ToEntry(), fingerprint));
        Length += bytes.Length;
        var padding = TarFormat.Padding(bytes.Length);
        content.AsSpan(Length, padding).Clear();
        Length += padding;
    }
}
