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
internal sealed class Unpacker : IAsyncDisposable
{
    private const int BufferLength = 128 * 1024;

    /// <summary>Bytes of a file after which the kernel is asked to begin with the writing, so that the caller's syncfs finds little left to do.</summary>
    private const int BegunAtOnce = 8 << 20;

    private readonly string into;
    private readonly ArchiveLimits limits;
    private readonly Progress progress;
    private readonly UnpackFolder folder;
    private readonly UnpackedFacts facts = new();
    private readonly UnpackWorkers workers;
    private readonly List<ArchiveEntry> folders = [];
    private long entries;
    private long bytes;

    /// <summary>The file whose content is being written, or was when it failed: not counted in <see cref="bytes"/>.</summary>
    private string? unfinished;

    /// <param name="threads">That make small files at once, in any order; 0: each where its turn comes, so that of two entries in each other's way always the second is blamed.</param>
    public Unpacker(string into, ArchiveLimits limits, Progress progress, int threads = 0)
    {
        (this.into, this.limits, this.progress) = (into, limits, progress);
        folder = new UnpackFolder(into);
        workers = new UnpackWorkers(threads, facts);
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
                    await workers.DrainAsync();
                    AddHardLink(entry);
                    return null;
                default:
                    unfinished = entry.Name;
                    var sha256 = entry.Size <= UnpackWorkers.MaxSize
                        ? await AddSmallAsync(entry, parent, name, read, ct)
                        : await AddLargeAsync(entry, parent, name, read, ct);
                    bytes += entry.Size;
                    unfinished = null;
                    return sha256;
            }
        }
        catch (PosixException e) when (e.Errno is Errno.EEXIST or Errno.EISDIR)
        {
            throw RepeatedName.Of(entry, folder.ParentOf(entry.Name, out var taken), taken);
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }
    }

    /// <summary>Takes a file back that turned out damaged behind its content.</summary>
    public async ValueTask RemoveAsync(ArchiveEntry entry)
    {
        await workers.DrainAsync();
        _ = Posix.TryUnlinkFile($"{into}/{entry.Name}");
        entries--;
        bytes -= entry.Name == unfinished ? 0 : entry.Size;
    }

    /// <summary>Gives folders their facts, deepest last entered first, now that nothing is added to them any more.</summary>
    public async ValueTask<UnpackResult> FinishAsync(IReadOnlyList<Finding>? damaged = null)
    {
        await workers.DrainAsync();
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

    public async ValueTask DisposeAsync()
    {
        await workers.DisposeAsync();
        folder.Dispose();
    }

    private void CheckLimits(ArchiveEntry entry)
    {
        if (++entries > limits.MaxEntries)
        {
            throw ArchiveFaults.TooMany(limits.MaxEntries, entry.Name);
        }

        if (entry.Size > limits.MaxBytes - bytes)
        {
            throw ArchiveFaults.TooLarge(limits.MaxBytes, entry.Name);
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
            throw RepeatedName.Of(entry, parent, name);
        }

        folders.Add(entry);
    }

    private void AddHardLink(ArchiveEntry entry)
    {
        // The handle of the link's own folder must outlive the walk to the target's.
        using var targetFolder = new UnpackFolder(into);
        var target = EntryName.Short(entry.LinkTarget!);
        if (targetFolder.FindParentOf(entry.LinkTarget!, out var fromName) is not { } from)
        {
            throw EntryName.Hostile(entry.Name, $"is a hard link to '{target}', the way to which is not made of folders unpacked before it");
        }

        var kind = Posix.FindStatAt(from, fromName)?.Kind;
        if (kind != FileKind.File)
        {
            throw EntryName.Hostile(entry.Name, $"is a hard link to '{target}', which is {(kind == FileKind.Symlink ? "a symlink" : "not a file unpacked before it")}");
        }

        Posix.MakeHardLinkAt(from, fromName, folder.ParentOf(entry.Name, out var name), name);
    }

    private async Task<string> AddSmallAsync(ArchiveEntry entry, SafeFileHandle parent, string name, Func<Memory<byte>, CancellationToken, ValueTask<int>> read, CancellationToken ct)
    {
        // One byte more than it says, to see its end.
        var content = ArrayPool<byte>.Shared.Rent((int)entry.Size + 1);
        var length = 0;
        try
        {
            int got;
            while (length <= entry.Size && (got = await read(content.AsMemory(length, (int)entry.Size + 1 - length), ct)) > 0)
            {
                length += got;
            }

            if (length != entry.Size)
            {
                throw ArchiveFaults.Damaged($"The content ends after {length} of {entry.Size} bytes.", EntryName.Short(entry.Name));
            }
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(content);
            throw;
        }

        var sha256 = Convert.ToHexStringLower(SHA256.HashData(content.AsSpan(0, length)));
        await workers.AddAsync(entry, parent, name, content);
        progress.AddBytes(length);
        return sha256;
    }

    private async Task<string> AddLargeAsync(ArchiveEntry entry, SafeFileHandle parent, string name, Func<Memory<byte>, CancellationToken, ValueTask<int>> read, CancellationToken ct)
    {
        using var file = Posix.OpenAt(parent, name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, 0x180 /* 0600 */);
        var sha256 = await WriteContentAsync(entry, file, read, ct);
        facts.Apply(file, entry);
        return sha256;
    }

    private async Task<string> WriteContentAsync(ArchiveEntry entry, SafeFileHandle file, Func<Memory<byte>, CancellationToken, ValueTask<int>> read, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
        try
        {
            long offset = 0, begun = 0;
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
                progress.AddBytes(length);
                if (offset - begun >= BegunAtOnce)
                {
                    Posix.BeginWriting(file, begun, offset - begun);
                    begun = offset;
                }
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
