namespace BackupApi.Config;

/// <summary>How an archive comes back.</summary>
internal sealed record RestoreOptions
{
    /// <summary>Whether an archive that lies in the restore folder is restored when the service starts.</summary>
    /// <value><c>AUTO_RESTORE_ENABLED</c>. Default: true.</value>
    public required bool AutoEnabled { get; init; }

    /// <summary>What is done when the service starts and a database of the newest backup is missing or damaged: brought back, only told, or not looked at.</summary>
    /// <value><c>AUTO_HEAL</c>: <c>on</c>, <c>report</c> or <c>off</c>. Default: on.</value>
    public required HealChoice Heal { get; init; }

    /// <summary>What a person runs after a restore, so that the application opens the restored files. It is told in answers and never run by us.</summary>
    /// <value><c>RESTART_COMMAND</c>, one line of up to 1,000 characters. Default: <c>docker-compose restart app worker</c>.</value>
    public required string RestartCommand { get; init; }

    /// <summary>How long an archive in the restore folder must have stood still before it is believed to be whole; also how long a start waits for one that still grows.</summary>
    /// <value><c>Backup__DropPatience</c>, in seconds or <c>hh:mm:ss</c>. Default: 30 seconds. From 1 second to 1 hour.</value>
    public required TimeSpan DropPatience { get; init; }

    /// <summary>How often the restore folder is looked at. It is polled because change notices do not cross every bind mount.</summary>
    /// <value><c>Backup__DropPollInterval</c>, in seconds or <c>hh:mm:ss</c>. Default: 5 seconds. From 1 second to 1 hour.</value>
    public required TimeSpan DropPollInterval { get; init; }

    public static RestoreOptions Read(SettingsReader settings) => new()
    {
        AutoEnabled = settings.Flag("AUTO_RESTORE_ENABLED", true),
        Heal = settings.Choice("AUTO_HEAL", HealChoice.On, HealChoices),
        RestartCommand = settings.Text("RESTART_COMMAND", "docker-compose restart app worker", 1000),
        DropPatience = settings.Duration("Backup__DropPatience", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
        DropPollInterval = settings.Duration("Backup__DropPollInterval", TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
    };

    private static readonly Dictionary<string, HealChoice> HealChoices = new(StringComparer.OrdinalIgnoreCase)
    {
        ["on"] = HealChoice.On,
        ["report"] = HealChoice.Report,
        ["off"] = HealChoice.Off,
    };
}

/// <summary>What the setting <c>AUTO_HEAL</c> can say.</summary>
internal enum HealChoice
{
    On,
    Report,
    Off,
}
