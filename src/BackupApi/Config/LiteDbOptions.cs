namespace BackupApi.Config;

/// <summary>Passwords of encrypted LiteDB files. They are used to read captured copies, never to write.</summary>
internal sealed record LiteDbOptions
{
    /// <summary>Tried for every encrypted LiteDB file that has none of its own.</summary>
    /// <value><c>LITEDB_PASSWORD</c>, or <c>LITEDB_PASSWORD_FILE</c>. Default: none; an encrypted file is then guarded by the archive's checksums only.</value>
    public string? Password { get; init; }

    /// <summary>Passwords by path relative to storage, with <c>/</c>.</summary>
    /// <value><c>Backup__LiteDb__0__Path</c> with <c>Backup__LiteDb__0__Password</c> (or <c>__Password_FILE</c>), then <c>__1__</c>, and so on. Default: none.</value>
    public required IReadOnlyDictionary<string, string> Passwords { get; init; }

    /// <summary>The password for a file, by its path relative to storage; null when there is none.</summary>
    public string? PasswordOf(string path) => Passwords.GetValueOrDefault(path) ?? Password;

    /// <summary>Never shows a password, whoever logs it.</summary>
    public override string ToString() => nameof(LiteDbOptions);

    public static LiteDbOptions Read(SettingsReader settings)
    {
        var passwords = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var number in settings.Below("Backup__LiteDb").ToList())
        {
            var path = settings.Text($"Backup__LiteDb__{number}__Path", "", 4000).Trim('/');
            var password = settings.Secret($"Backup__LiteDb__{number}__Password");
            if (path.Length == 0 || path.StartsWith("../", StringComparison.Ordinal) || path.Contains("/../", StringComparison.Ordinal))
            {
                settings.Add($"Backup__LiteDb__{number}__Path", path, "the path of a database, relative to storage");
            }
            else if (password is null)
            {
                settings.Add($"Backup__LiteDb__{number}__Password", null, $"the password of {path}; it is missing");
            }
            else if (!passwords.TryAdd(path, password))
            {
                settings.Add($"Backup__LiteDb__{number}__Path", path, "a path that no other entry names");
            }
        }

        return new LiteDbOptions { Password = settings.Secret("LITEDB_PASSWORD"), Passwords = passwords };
    }
}
