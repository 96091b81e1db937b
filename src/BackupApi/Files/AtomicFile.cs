namespace BackupApi.Files;

/// <summary>The one way to write a file under its final name: beside it, flushed, measured, renamed, folder flushed.</summary>
internal static class AtomicFile
{
    /// <summary>End of the names of files that are being written. One that is found at a start was left by a kill, and is worth nothing.</summary>
    public const string PartialSuffix = ".partial";

    /// <summary>Replaces <paramref name="path"/> by <paramref name="content"/>. A kill at any instruction leaves the old file or the new one, and at most a <c>.partial</c> beside it.</summary>
    /// <exception cref="IOException">Nothing was replaced; the partial file is removed.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var partial = path + PartialSuffix;
        if (Posix.FindStat(partial) is not null)
        {
            Posix.Unlink(partial);
        }

        try
        {
            using (var file = Posix.CreateNew(partial, 0x1A4 /* 0644 */))
            {
                RandomAccess.Write(file, content, 0);
                Posix.Flush(file, partial);
            }

            Publish(partial, path, content.Length);
        }
        catch
        {
            Discard(partial);
            throw;
        }
    }

    /// <summary>Gives a finished, flushed <paramref name="partial"/> its final name, replacing what is there, and makes the name durable.</summary>
    /// <param name="expectedLength">Bytes the file must hold; a shorter one was truncated behind our back.</param>
    public static void Publish(string partial, string path, long expectedLength)
    {
        CheckLength(partial, expectedLength);
        Posix.Rename(partial, path);
        Posix.FlushFolder(System.IO.Path.GetDirectoryName(path)!);
    }

    /// <summary>As <see cref="Publish"/>, but fails with EEXIST where the final name is taken.</summary>
    public static void PublishNew(string partial, string path, long expectedLength)
    {
        CheckLength(partial, expectedLength);
        Posix.RenameNew(partial, path);
        Posix.FlushFolder(System.IO.Path.GetDirectoryName(path)!);
    }

    /// <summary>Removes a file that may not be there; used where something else failed already, so it never throws for I/O.</summary>
    public static void Discard(string path)
    {
        try
        {
            Posix.Unlink(path);
        }
        catch (PosixException)
        {
            // Whatever made the writing fail is what the caller is told; a left-over partial is removed at the next start.
        }
    }

    /// <summary>Gives a file to the owner of the folder it lies in, where this process may: a person who owns the backups folder can then copy what is in it.</summary>
    public static void GiveToFolderOwner(string path)
    {
        var folder = Posix.Stat(System.IO.Path.GetDirectoryName(path)!);
        if (Posix.EffectiveUserId == 0 && (folder.Uid != 0 || folder.Gid != 0))
        {
            Posix.SetOwner(path, folder.Uid, folder.Gid);
        }
    }

    private static void CheckLength(string partial, long expectedLength)
    {
        var length = Posix.Stat(partial).Size;
        if (length != expectedLength)
        {
            throw new IOException($"{PathText.Show(partial)} holds {length} bytes instead of {expectedLength}.", Errno.EIO);
        }
    }
}
