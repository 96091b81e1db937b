using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using BackupApi.Model;

namespace BackupApi.Archive.Encryption;

/// <summary>The header of an age file that a passphrase opens (age-encryption.org/v1, "Header" and "The scrypt recipient type"): four lines of text.</summary>
internal sealed class AgeHeader
{
    public const int FileKeyLength = 16;

    /// <summary>Highest work factor that is worked off: what <c>age -p</c> writes. Each step more doubles the time.</summary>
    public const int MaxWorkFactor = 18;

    /// <summary>A header is about 140 bytes long; where none has ended by here, it is none of these.</summary>
    public const int MaxLength = 512;

    private const int SaltLength = 16;
    private const int WrappedLength = FileKeyLength + AgePayload.TagLength;
    private const int MacLength = 32;
    private const string Mac = "---";

    private readonly byte[] salt;
    private readonly int workFactor;
    private readonly byte[] wrapped;
    private readonly byte[] mac;

    private AgeHeader(byte[] bytes, byte[] salt, int workFactor, byte[] wrapped, byte[] mac)
    {
        Bytes = bytes;
        this.salt = salt;
        this.workFactor = workFactor;
        this.wrapped = wrapped;
        this.mac = mac;
    }

    /// <summary>What every age file begins with.</summary>
    public static ReadOnlySpan<byte> Magic => "age-encryption.org/v1\n"u8;

    /// <summary>What an age file begins with that was made text; it must be made binary before it can be read.</summary>
    public static ReadOnlySpan<byte> ArmorMagic => "-----BEGIN AGE ENCRYPTED FILE-----"u8;

    /// <summary>The whole header, with the line end behind it.</summary>
    public byte[] Bytes { get; }

    /// <summary>A new header around a new random key.</summary>
    public static (AgeHeader Header, byte[] FileKey) Make(ReadOnlySpan<byte> passphrase, int factor)
    {
        var newSalt = RandomNumberGenerator.GetBytes(SaltLength);
        var fileKey = RandomNumberGenerator.GetBytes(FileKeyLength);
        var newWrapped = new byte[WrappedLength];
        using (var cipher = WrappingCipher(passphrase, newSalt, factor))
        {
            cipher.Encrypt(new byte[12], fileKey, newWrapped.AsSpan(0, FileKeyLength), newWrapped.AsSpan(FileKeyLength));
        }

        var text = string.Create(CultureInfo.InvariantCulture, $"age-encryption.org/v1\n-> scrypt {Base64(newSalt)} {factor}\n{Base64(newWrapped)}\n{Mac}");
        var newMac = MacOf(fileKey, Encoding.ASCII.GetBytes(text));
        return (new AgeHeader(Encoding.ASCII.GetBytes($"{text} {Base64(newMac)}\n"), newSalt, factor, newWrapped, newMac), fileKey);
    }

    /// <summary>Reads the header a file begins with.</summary>
    /// <param name="start">The first bytes of the file, up to <see cref="MaxLength"/>.</param>
    /// <param name="name">Of the file, for messages.</param>
    /// <exception cref="BackupException"><see cref="Fault.ArchiveIncompatible"/>: not one that a passphrase opens, or one that asks for too much work. <see cref="Fault.ArchiveDamaged"/>.</exception>
    public static AgeHeader Read(ReadOnlySpan<byte> start, string name)
    {
        var lines = Encoding.Latin1.GetString(start[..Math.Min(start.Length, MaxLength)]).Split('\n', 5);
        var words = lines.Length > 1 ? lines[1].Split(' ') : [];
        if (words is ["->", not "scrypt", ..])
        {
            throw Unread($"{name} is encrypted for the keys of certain people, and not by a passphrase.");
        }

        if (lines.Length < 5 || words is not ["->", _, var saltText, var workText] || !lines[3].StartsWith(Mac + " ", StringComparison.Ordinal)
            || FromBase64(saltText, SaltLength) is not { } readSalt || FromBase64(lines[2], WrappedLength) is not { } readWrapped || FromBase64(lines[3][(Mac.Length + 1)..], MacLength) is not { } readMac
            || !int.TryParse(workText, NumberStyles.None, CultureInfo.InvariantCulture, out var factor) || factor == 0 || workText[0] == '0')
        {
            throw ArchiveFaults.Damaged("The age header cannot be read.", $"{name}, file offset 0");
        }

        return factor > MaxWorkFactor
            ? throw Unread(string.Create(CultureInfo.InvariantCulture, $"{name} asks for work factor {factor} to try one passphrase, and {MaxWorkFactor} is the most that is worked off here."))
            : new AgeHeader(start[..(lines[0].Length + lines[1].Length + lines[2].Length + lines[3].Length + 4)].ToArray(), readSalt, factor, readWrapped, readMac);
    }

    /// <summary>The key of the file; null when this is not the passphrase. Takes a tenth of a second or more.</summary>
    public byte[]? FindFileKey(ReadOnlySpan<byte> passphrase)
    {
        using var cipher = WrappingCipher(passphrase, salt, workFactor);
        var fileKey = new byte[FileKeyLength];
        try
        {
            cipher.Decrypt(new byte[12], wrapped.AsSpan(0, FileKeyLength), wrapped.AsSpan(FileKeyLength), fileKey);
            return fileKey;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <summary>Whether the header is the one that was written with that key, to the last bit.</summary>
    public bool IsGenuine(ReadOnlySpan<byte> fileKey)
    {
        var covered = Bytes.AsSpan(0, Bytes.AsSpan().LastIndexOf("--- "u8) + Mac.Length);
        return CryptographicOperations.FixedTimeEquals(MacOf(fileKey, covered), mac);
    }

    private static BackupException Unread(string message) => new(Fault.ArchiveIncompatible, message, "Decrypt it by hand (age -d), or encrypt it again by a passphrase (age -p).");

    private static ChaCha20Poly1305 WrappingCipher(ReadOnlySpan<byte> passphrase, ReadOnlySpan<byte> salt, int workFactor)
    {
        Span<byte> key = stackalloc byte[32];
        Scrypt.Derive(passphrase, [.. "age-encryption.org/v1/scrypt"u8, .. salt], workFactor, key);
        var cipher = new ChaCha20Poly1305(key);
        CryptographicOperations.ZeroMemory(key);
        return cipher;
    }

    private static byte[] MacOf(ReadOnlySpan<byte> fileKey, ReadOnlySpan<byte> header)
    {
        Span<byte> key = stackalloc byte[MacLength];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, fileKey, key, default, "header"u8);
        return HMACSHA256.HashData(key, header);
    }

    /// <summary>RFC 4648 without padding.</summary>
    private static string Base64(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    /// <summary>Null unless the text is the one way to write that many bytes.</summary>
    private static byte[]? FromBase64(string text, int length)
    {
        var bytes = new byte[length];
        return Convert.TryFromBase64String(text.PadRight((length + 2) / 3 * 4, '='), bytes, out var written) && written == length && Base64(bytes) == text ? bytes : null;
    }
}
