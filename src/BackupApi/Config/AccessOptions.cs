using System.Globalization;

namespace BackupApi.Config;

/// <summary>Who may call, and how much at a time.</summary>
internal sealed record AccessOptions
{
    /// <summary>Shorter ones can be guessed. <c>openssl rand -hex 32</c> makes one of 64.</summary>
    public const int ShortestKey = 16;

    public const int LongestKey = 256;

    private const int MostKeys = 20;

    /// <summary>Keys that may do everything. Several are separated by commas or line ends, so that a new one can be handed out before the old one is taken away; commands use the first.</summary>
    /// <value><c>API_KEY</c>, or <c>API_KEY_FILE</c>. 16 to 256 visible ASCII characters each. Default: none.</value>
    public required IReadOnlyList<string> AdminKeys { get; init; }

    /// <summary>Keys that may look, take and prove backups, but restore and remove none.</summary>
    /// <value><c>API_KEY_OPERATE</c>, or <c>API_KEY_OPERATE_FILE</c>. Default: none.</value>
    public required IReadOnlyList<string> OperateKeys { get; init; }

    /// <summary>Keys that may look at everything, download included, but settings.</summary>
    /// <value><c>API_KEY_READ</c>, or <c>API_KEY_READ_FILE</c>. Default: none.</value>
    public required IReadOnlyList<string> ReadKeys { get; init; }

    /// <summary>Whether anybody may do everything although other machines may reach the service.</summary>
    /// <value><c>ALLOW_ANONYMOUS</c>. Default: false. Excludes keys.</value>
    public required bool AllowAnonymous { get; init; }

    /// <summary>Names by which callers may address the service, beside those that always hold; <c>*.example.org</c> for all below, <c>*</c> for all.</summary>
    /// <value><c>ALLOWED_HOSTS</c>, separated by commas or semicolons, without ports. Default: none.</value>
    public required IReadOnlyList<string> AllowedHosts { get; init; }

    /// <summary>How many downloads, files out of backups and listings of their entries run at the same time.</summary>
    /// <value><c>Backup__MaxDownloads</c>. Default: 8. From 1 to 1,000.</value>
    public required int MaxDownloads { get; init; }

    /// <summary>How many connections are open at the same time; one more is closed at once.</summary>
    /// <value><c>Backup__MaxConnections</c>. Default: 256. From 16 to 100,000.</value>
    public required int MaxConnections { get; init; }

    public bool HasKeys => AdminKeys.Count + OperateKeys.Count + ReadKeys.Count > 0;

    /// <summary>Never shows a key, whoever logs it.</summary>
    public override string ToString() => nameof(AccessOptions);

    public static AccessOptions Read(SettingsReader settings, ListenAddresses addresses)
    {
        var options = new AccessOptions
        {
            AdminKeys = Keys(settings, "API_KEY"),
            OperateKeys = Keys(settings, "API_KEY_OPERATE"),
            ReadKeys = Keys(settings, "API_KEY_READ"),
            AllowAnonymous = settings.Flag("ALLOW_ANONYMOUS", false),
            AllowedHosts = Hosts(settings),
            MaxDownloads = (int)settings.Whole("Backup__MaxDownloads", 8, 1, 1000, "downloads"),
            MaxConnections = (int)settings.Whole("Backup__MaxConnections", 256, 16, 100_000, "connections"),
        };
        options.RefuseContradictions(settings, addresses);
        return options;
    }

    /// <summary>The key that may do most, the first of several; null when there is none, or when it cannot be read.</summary>
    public static string? KeyForCommands(SettingsReader settings) =>
        Keys(settings, "API_KEY").Concat(Keys(settings, "API_KEY_OPERATE")).Concat(Keys(settings, "API_KEY_READ")).FirstOrDefault();

    private void RefuseContradictions(SettingsReader settings, ListenAddresses addresses)
    {
        var anyIsSet = HasKeys || settings.IsSet("API_KEY") || settings.IsSet("API_KEY_OPERATE") || settings.IsSet("API_KEY_READ");
        if (AllowAnonymous && anyIsSet)
        {
            settings.Errors.Add(new SettingError("ALLOW_ANONYMOUS", "true", "a key is set as well, and would protect nothing; set one of the two"));
        }
        else if (addresses.Reachable is { } reachable && !AllowAnonymous && !anyIsSet)
        {
            settings.Errors.Add(new SettingError("API_KEY", null,
                $"a key is needed, because {reachable} can be reached by others; set API_KEY or API_KEY_FILE (openssl rand -hex 32 makes one), or ALLOW_ANONYMOUS=true where only those can reach it who may do everything"));
        }

        var twice = AdminKeys.Concat(OperateKeys).Concat(ReadKeys).GroupBy(key => key, StringComparer.Ordinal).Any(same => same.Count() > 1);
        if (twice)
        {
            settings.Errors.Add(new SettingError("API_KEY", null, "the same key is given twice; each must have one role"));
        }
    }

    private static List<string> Keys(SettingsReader settings, string name)
    {
        var keys = Parts(settings.Secret(name) ?? "", ',', '\n', '\r');
        if (keys.Count > MostKeys || keys.Exists(key => key.Length is < ShortestKey or > LongestKey || key.Any(c => c is <= ' ' or > '~')))
        {
            settings.Add(name, null, string.Create(CultureInfo.InvariantCulture, $"up to {MostKeys} keys of {ShortestKey} to {LongestKey} visible ASCII characters, separated by commas or line ends"));
        }

        return keys;
    }

    private static List<string> Hosts(SettingsReader settings)
    {
        var text = settings.Text("ALLOWED_HOSTS", "", 4000);
        var hosts = Parts(text, ',', ';');
        if (hosts.Exists(host => host != "*" && Uri.CheckHostName(host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host) == UriHostNameType.Unknown))
        {
            settings.Add("ALLOWED_HOSTS", text, "host names without scheme and port, such as backup.example.org or *.example.org, separated by commas");
        }

        return hosts;
    }

    private static List<string> Parts(string list, params char[] separators) =>
        [.. list.Split(separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
}
