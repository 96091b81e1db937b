using System.Globalization;

namespace BackupApi.Config;

/// <summary>Whether archives are encrypted.</summary>
internal sealed record EncryptionOptions
{
    /// <summary>Shorter ones can be guessed by who has an archive and time. <c>openssl rand -base64 32</c> makes one of 44.</summary>
    public const int ShortestPassphrase = 12;

    public const int LongestPassphrase = 1024;

    /// <summary>Each is tried on an archive that those before it do not open, at a tenth of a second.</summary>
    public const int MostPassphrases = 10;

    private const string Name = "BACKUP_PASSPHRASE";

    /// <summary>The first one encrypts every new archive; all of them are tried on those that are read. Empty: archives are not encrypted.</summary>
    /// <value><c>BACKUP_PASSPHRASE_FILE</c>: a file of one passphrase a line, newest first, of 12 to 1,024 characters each. Default: none.</value>
    public required IReadOnlyList<string> Passphrases { get; init; }

    /// <summary>Whether new archives are encrypted, where there is a passphrase. False for who gives encryption up and still has encrypted archives.</summary>
    /// <value><c>Backup__Encrypt</c>. Default: true.</value>
    public required bool Encrypt { get; init; }

    /// <summary>Never shows a passphrase, whoever logs it.</summary>
    public override string ToString() => nameof(EncryptionOptions);

    public static EncryptionOptions Read(SettingsReader settings)
    {
        if (settings.IsSetPlainly(Name))
        {
            // Shown by docker inspect, and handed on to every command that is started.
            settings.Errors.Add(new SettingError(Name, null, $"a passphrase is not taken from the environment; write it into a file and name that in {Name}_FILE"));
            return new EncryptionOptions { Passphrases = [], Encrypt = true };
        }

        var lines = (settings.Secret(Name) ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (settings.IsSet(Name) && (lines.Length is 0 or > MostPassphrases || Array.Exists(lines, line => line.Length is < ShortestPassphrase or > LongestPassphrase || line.Any(char.IsControl))))
        {
            // Never taken for "not set": an archive that should have been encrypted must not be written in the clear.
            settings.Add(Name + "_FILE", null, string.Create(CultureInfo.InvariantCulture, $"a file of 1 to {MostPassphrases} lines, each a passphrase of {ShortestPassphrase} to {LongestPassphrase} characters"));
        }

        var encrypt = settings.Flag("Backup__Encrypt", true);
        if (settings.IsSet("Backup__Encrypt") && encrypt && !settings.IsSet(Name))
        {
            settings.Add("Backup__Encrypt", "true", $"true only beside {Name}_FILE");
        }

        return new EncryptionOptions { Passphrases = lines, Encrypt = encrypt };
    }
}
