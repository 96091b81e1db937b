using BackupApi.Model;

namespace BackupApi.Config;

/// <summary>All settings, checked. Environment variables are read here and nowhere else.</summary>
internal sealed record BackupApiOptions
{
    public required FolderOptions Folders { get; init; }

    public required ScheduleOptions Schedule { get; init; }

    public required RetentionOptions Retention { get; init; }

    public required HealthOptions Health { get; init; }

    public required AlertSettings Alerts { get; init; }

    public required HookSettings Hooks { get; init; }

    public required ApplicationDeclaration Application { get; init; }

    public required IReadOnlyList<SourceRoleRule> Roles { get; init; }

    public required RestoreOptions Restore { get; init; }

    public required CaptureOptions Capture { get; init; }

    public required LiteDbOptions LiteDb { get; init; }

    public required EncryptionOptions Encryption { get; init; }

    public required ServiceOptions Service { get; init; }

    public required AccessOptions Access { get; init; }

    public required UpkeepOptions Upkeep { get; init; }

    public required TelemetryOptions Telemetry { get; init; }

    /// <summary>Each setting as it is in force, for people; no secrets.</summary>
    public required IReadOnlyList<SettingFact> Facts { get; init; }

    /// <summary>Reads everything; touches nothing on disk. With errors, the options are not to be used.</summary>
    public static (BackupApiOptions Options, IReadOnlyList<SettingError> Errors) Read(IConfiguration configuration)
    {
        var settings = new SettingsReader(configuration);
        var options = Read(settings, configuration);
        settings.RefuseUnknown();
        return (options with { Facts = [AddressFact(options.Service), .. settings.Facts] }, settings.Errors);
    }

    /// <summary>Asks <paramref name="settings"/> for every setting there is.</summary>
    internal static BackupApiOptions Read(SettingsReader settings, IConfiguration configuration)
    {
        var service = ServiceOptions.Read(settings, configuration);
        return new BackupApiOptions
        {
            Folders = FolderOptions.Read(settings),
            Schedule = ScheduleOptions.Read(settings),
            Retention = RetentionOptions.Read(settings),
            Health = HealthOptions.Read(settings),
            Alerts = AlertOptions.Read(settings),
            Hooks = HookOptions.Read(settings),
            Application = ApplicationOptions.Read(settings),
            Roles = SourceOptions.Read(settings),
            Restore = RestoreOptions.Read(settings),
            Capture = CaptureOptions.Read(settings),
            LiteDb = LiteDbOptions.Read(settings),
            Encryption = EncryptionOptions.Read(settings),
            Service = service,
            Access = AccessOptions.Read(settings, service.Addresses),
            Upkeep = UpkeepOptions.Read(settings),
            Telemetry = TelemetryOptions.Read(settings),
            Facts = [],
        };
    }

    private static SettingFact AddressFact(ServiceOptions service) => service.HasAddress
        ? new SettingFact("ASPNETCORE_URLS", string.Join(';', service.Addresses.Given), "environment")
        : new SettingFact("ASPNETCORE_URLS", ServiceOptions.DefaultAddress, "default");
}
