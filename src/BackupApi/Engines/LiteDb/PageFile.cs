using System.Security.Cryptography;
using BackupApi.Files;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Engines.LiteDb;

/// <summary>A quiet data or log file as a row of plain pages, decrypted where needed.</summary>
internal sealed class PageFile : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly Aes? aes;
    private readonly long start;
    private byte[] cipher = [];

    private PageFile(SafeFileHandle file, Aes? aes, long length)
    {
        this.file = file;
        this.aes = aes;
        start = aes is null ? 0 : PageFormat.Size;
        PageCount = Math.Max(0, length - start) / PageFormat.Size;
        RaggedBytes = (int)(length % PageFormat.Size);
        Length = length;
    }

    public long Length { get; }

    /// <summary>Whole pages, without the salt page.</summary>
    public long PageCount { get; }

    /// <summary>Bytes after the last whole page: 0 to 8191.</summary>
    public int RaggedBytes { get; }

    /// <summary>False when the file is encrypted and holds nothing to test a password by.</summary>
    public bool IsPasswordProven { get; private init; } = true;

    /// <summary>Opens a file; with a password, as an encrypted one. Null when the password does not fit.</summary>
    public static PageFile? Open(string path, string? password)
    {
        var opened = Posix.OpenRead(path);
        try
        {
            var length = RandomAccess.GetLength(opened);
            if (password is null || length < PageFormat.Size)
            {
                return new PageFile(opened, null, password is null ? length : 0);
            }

            var salt = new byte[PageFormat.Size];
            ReadFully(opened, salt, 0);
            if (SaltPage.OpenWith(salt, password) is { } key)
            {
                return new PageFile(opened, key, length) { IsPasswordProven = SaltPage.HasCheck(salt) };
            }

            opened.Dispose();
            return null;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Reads whole pages from <paramref name="first"/> on into a buffer whose length is a multiple of the page size.</summary>
    public void Read(long first, Span<byte> into)
    {
        var offset = start + (first * PageFormat.Size);
        if (aes is null)
        {
            ReadFully(file, into, offset);
            return;
        }

        if (cipher.Length < into.Length)
        {
            cipher = new byte[into.Length];
        }

        var source = cipher.AsSpan(0, into.Length);
        ReadFully(file, source, offset);
        SaltPage.Decrypt(aes, source, into);
        for (var at = 0; at < into.Length; at += PageFormat.Size)
        {
            // A page never written is zero on disk, not encrypted zeros.
            if (PageFormat.IsBlank(source[at..]))
            {
                into.Slice(at, PageFormat.Size).Clear();
            }
        }
    }

    public void Dispose()
    {
        aes?.Dispose();
        file.Dispose();
    }

    private static void ReadFully(SafeFileHandle file, Span<byte> into, long offset)
    {
        while (!into.IsEmpty)
        {
            var read = RandomAccess.Read(file, into, offset);
            if (read == 0)
            {
                into.Clear();
                return;
            }

            into = into[read..];
            offset += read;
        }
    }
}
