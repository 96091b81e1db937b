using System.Buffers;
using System.Security.Cryptography;
using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive;

/// <summary>Puts entries of any archive into a folder that is ours alone: every name is created anew, nothing is followed, nothing is overwritten.</summary>
/// <remarks>
/// Of a repeated name only folders are accepted (the last facts win); a second file, or one whose name differs where the file system folds case, is refused: it cannot be told which one was meant.
/// Blocks of zeros become holes. Nothing is flushed: the caller does one syncfs. The folder is left half filled after a failure; the caller removes it.
/// </remarks>
internal sealed class Unpacker(string into, ArchiveLimits limits, Progress progress) : IDisposable
{
    private const int BufferLength = 128 * 1024;

    private readonly UnpackFolder folder = new(into);
    private readonly UnpackedFacts facts = new();
    private readonly List<ArchiveEntry> folders = [];
    private long entries;
    private long bytes;

    /// <summary>Unpacks what <paramref name="select"/> picks; our own entries (<c>.backup/</c>) never.</summary>
    public static async Task<UnpackResult> UnpackAsync(IEntryStream archive, string into, Func<ArchiveEntry, bool> select, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        using var unpacker = new Unpacker(into, limits, progress);
        while (await archive.NextAsync(ct) is { } entry)
        {
            if (!EntryName.IsOwn(entry.Name) && select(entry))
            {
                await unpacker.AddAsync(entry, archive.ReadAsync, ct);
            }
        }

        return unpacker.Finish();
    }

    /// <summary>The same for a stream that is damaged: gives what comes before the damage, and says that nothing vouches for it.</summary>
    public static async Task<UnpackResult> SalvageAsync(IEntryStream archive, string into, Func<ArchiveEntry, bool> select, ArchiveLimits limits, Progress progress, CancellationToken ct)
    {
        using var unpacker = new Unpacker(into, limits, progress);
        ArchiveEntry? current = null;
        try
        {
            while (await archive.NextAsync(ct) is { } entry)
            {
                if (!EntryName.IsOwn(entry.Name) && select(entry))
                {
                    current = entry;
                    await unpacker.AddAsync(entry, archive.ReadAsync, ct);
                    current = null;
                }
            }
        }
        catch (BackupException e) when (e.Fault == Fault.ArchiveDamaged)
        {
            if (current is { Kind: EntryKind.File } && Posix.FindStat($"{into}/{current.Name}") is not null)
            {
                Posix.Unlink($"{into}/{current.Name}");
            }

            var where = current is null ? "(the rest)" : PathText.Show(current.Name);
            return unpacker.Finish([new Finding(where, $"{e.Message} Nothing behind this place could be read, and what lies before it was compared with no checksum.")]);
        }

        return unpacker.Finish();
    }

    /// <summary>Unpacks one entry whose content is read by <paramref name="read"/> until it gives 0. Gives the SHA-256 of a file's content.</summary>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveHostile"/>, <see cref="Fault.ArchiveDamaged"/> (content too short), or the disk's.</exception>
    public async Task<string?> AddAsync(ArchiveEntry entry, Func<Memory<byte>, CancellationToken, ValueTask<int>> read, CancellationToken ct)
    {
        CheckLimits(entry);
        try
        {
            var parent = folder.ParentOf(entry.Name, out var name);
            progress.AddFiles();
            switch (entry.Kind)
            {
                case EntryKind.Directory:
                    AddFolder(entry, parent, name);
                    return null;
                case EntryKind.Symlink:
                    Posix.MakeSymlinkAt(entry.LinkTarget!, parent, name);
                    facts.ApplyToSymlink(parent, name, entry);
                    return null;
                case EntryKind.HardLink:
                    AddHardLink(entry);
                    return null;
                default:
                    using (var file = Posix.OpenAt(parent, name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, 0x180 /* 0600 */))
                    {
                        var sha256 = await WriteContentAsync(entry, file, read, ct);
                        facts.Apply(file, entry);
                        return sha256;
                    }
            }
        }
        catch (PosixException e) when (e.Errno is Errno.EEXIST or Errno.EISDIR)
        {
            throw EntryName.Hostile(entry.Name, "comes twice");
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }
    }

    /// <summary>Takes a file back that turned out damaged behind its content.</summary>
    public void Remove(ArchiveEntry entry)
    {
        Posix.Unlink($"{into}/{entry.Name}");
        entries--;
        bytes -= entry.Size;
    }

    /// <summary>Gives folders their facts, deepest last entered first, now that nothing is added to them any more.</summary>
    public UnpackResult Finish(IReadOnlyList<Finding>? damaged = null)
    {
        try
        {
            for (var i = folders.Count - 1; i >= 0; i--)
            {
                using var handle = Posix.OpenAt(folder.ParentOf(folders[i].Name, out var name), name, OpenFlags.ReadOnly | OpenFlags.Directory);
                facts.Apply(handle, folders[i]);
            }
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }

        return new UnpackResult(entries, bytes, facts.NotGivenBack, damaged ?? []);
    }

    public void Dispose() => folder.Dispose();

    private void CheckLimits(ArchiveEntry entry)
    {
        if (++entries > limits.MaxEntries)
        {
            throw ArchiveFaults.TooMany(limits.MaxEntries);
        }

        if (entry.Size > limits.MaxBytes - bytes)
        {
            throw ArchiveFaults.TooLarge(limits.MaxBytes);
        }
    }

    private void AddFolder(ArchiveEntry entry, SafeFileHandle parent, string name)
    {
        if (Posix.FindStatAt(parent, name) is not { } existing)
        {
            Posix.MakeFolderAt(parent, name, 0x1C0 /* 0700 */);
        }
        else if (existing.Kind != FileKind.Directory)
        {
            throw EntryName.Hostile(entry.Name, "comes twice, once as a folder");
        }

        folders.Add(entry);
    }

    private void AddHardLink(ArchiveEntry entry)
    {
        // The handle of the link's own folder must outlive the walk to the target's.
        using var targetFolder = new UnpackFolder(into);
        var from = targetFolder.ParentOf(entry.LinkTarget!, out var fromName);
        if (Posix.FindStatAt(from, fromName) is not { Kind: FileKind.File })
        {
            throw EntryName.Hostile(entry.Name, $"is a hard link to '{EntryName.Short(entry.LinkTarget!)}', which is not a file unpacked before it");
        }

        Posix.MakeHardLinkAt(from, fromName, folder.ParentOf(entry.Name, out var name), name);
    }

    private async Task<string> WriteContentAsync(ArchiveEntry entry, SafeFileHandle file, Func<Memory<byte>, CancellationToken, ValueTask<int>> read, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            long offset = 0;
            int length;
            var hasHoleAtEnd = false;
            while ((length = await read(buffer.AsMemory(0, BufferLength), ct)) > 0)
            {
                hash.AppendData(buffer, 0, length);
                hasHoleAtEnd = length >= 4096 && !buffer.AsSpan(0, length).ContainsAnyExcept((byte)0);
                if (!hasHoleAtEnd)
                {
                    RandomAccess.Write(file, buffer.AsSpan(0, length), offset);
                }

                offset += length;
                bytes += length;
                progress.AddBytes(length);
            }

            if (offset != entry.Size)
            {
                throw ArchiveFaults.Damaged($"The content ends after {offset} of {entry.Size} bytes.", EntryName.Short(entry.Name));
            }

            if (hasHoleAtEnd)
            {
                RandomAccess.SetLength(file, offset);
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
