using System.Net.Sockets;
using System.Reflection;
using BackupApi.Archive.Encryption;
using BackupApi.Config;
using BackupApi.Engines.LiteDb;
using BackupApi.Http;
using BackupApi.Http.Access;
using BackupApi.Logging;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Restore;
using Microsoft.AspNetCore.Connections;
using Serilog;

namespace BackupApi;

/// <summary>What is made of what: the only place that sees the settings, the engines and the stores all together.</summary>
internal static class Wiring
{
    /// <summary>EX_CONFIG of sysexits.h: the settings are wrong, and nothing was touched.</summary>
    public const int BadSettings = 78;

    /// <summary>EX_CANTCREAT of sysexits.h: the folders cannot be had, or another service holds them.</summary>
    public const int NoFolders = 73;

    public static string Version { get; } =
        typeof(Wiring).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";

    public static WebApplicationBuilder CreateBuilder(string[] args) => WebApplication.CreateBuilder(new WebApplicationOptions
    {
        // Settings are read once, so watching their files would only spend inotify handles, which are few on a busy host.
        Args = ["--hostBuilder:reloadConfigOnChange=false", .. args],
        // The page in wwwroot lies beside the program; the working directory is where ./storage is.
        ContentRootPath = AppContext.BaseDirectory,
    });

    /// <summary>The settings, or null after every error in them was written to <paramref name="errors"/>.</summary>
    public static BackupApiOptions? ReadSettings(this WebApplicationBuilder builder, TextWriter errors)
    {
        var (options, wrong) = BackupApiOptions.Read(builder.Configuration);
        if (wrong.Count == 0)
        {
            return options;
        }

        errors.WriteLine($"BackupApi did not start: {(wrong.Count == 1 ? "a setting is" : $"{wrong.Count} settings are")} wrong. Nothing was touched.");
        foreach (var error in wrong)
        {
            errors.WriteLine($"  {error}");
        }

        return null;
    }

    public static Serilog.Core.Logger AddLog(this WebApplicationBuilder builder, BackupApiOptions options)
    {
        var asJson = options.Service.LogFormat == LogFormat.Json || (options.Service.LogFormat == LogFormat.Auto && Console.IsOutputRedirected);
        var (memory, levels) = (new LogMemory(), new LogLevels(options.Service.LogLevel));
        var logger = LogSetup.Create(asJson, Path.Combine(options.Folders.BackupsPath, ".backupapi", "logs"), memory, levels);
        builder.Services.AddSingleton(new LogDesk(
            (least, count) => [.. memory.Newest(least, count).Select(l => new LogEntry(l.At, l.Level, l.Source, l.Message, l.Operation, l.Exception))],
            () => levels.Current,
            levels.Set));
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(LogLevel.Trace);
        builder.Logging.AddSerilog(logger, dispose: false);
        return logger;
    }

    public static void AddBackupCore(this WebApplicationBuilder builder, BackupApiOptions options)
    {
        builder.Services.AddSingleton(TimeProvider.System);
        var settings = SettingsFrom(options);
        builder.Services.AddOperations(settings, new LiteDbSettings
        {
            Patience = settings.CapturePatience,
            AllowLease = options.Capture.LiteDbLease,
            Password = options.LiteDb.Password,
            PasswordOf = name => options.LiteDb.Passwords.GetValueOrDefault(name),
        }, new ArchiveKeys(options.Encryption.Passphrases) { Encrypt = options.Encryption is { Encrypt: true, Passphrases.Count: > 0 } });
        builder.Services.AddTriggers();
    }

    /// <summary>Takes the folders for this process; false, with the reason written to <paramref name="errors"/>, when it may not have them.</summary>
    public static bool TakeFolders(this WebApplication app, TextWriter errors)
    {
        try
        {
            app.Services.GetRequiredService<StartUp>().TakeFolders();
            return true;
        }
        catch (BackupException e)
        {
            errors.WriteLine($"BackupApi did not start: {e.Message} {e.Hint}");
            return false;
        }
    }

    public static void AddHttp(this WebApplicationBuilder builder, BackupApiOptions options)
    {
        if (!options.Service.HasAddress)
        {
            builder.WebHost.UseUrls(ServiceOptions.DefaultAddress);
        }

        builder.Services.Configure<HostOptions>(host =>
        {
            host.ShutdownTimeout = options.Service.ShutdownTimeout;
            // The server waits for its requests, and they for their operation: all must be told to stop at once.
            host.ServicesStopConcurrently = true;
        });
        builder.WebHost.ConfigureKestrel(server => ServerLimits.Apply(server, options.Access.MaxConnections));
        builder.Services.AddSingleton(new EffectiveSettings(options.Facts));
        builder.Services.AddHttpFace(Version, AccessFrom(options));
    }

    /// <summary>Serves until it is told to stop. A start that cannot be is said in one line, not with a stack trace.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunToExitAsync(this WebApplication app, Serilog.ILogger log)
    {
        try
        {
            await app.RunAsync();
            return 0;
        }
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Told to stop while it was still starting.
            return 0;
        }
        catch (BackupException e)
        {
            log.Fatal("BackupApi did not start: {Reason} {Hint}", e.Message, e.Hint);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException or SocketException)
        {
            log.Fatal("BackupApi did not start: {Reason} Choose another address with ASPNETCORE_URLS.", e.Message);
        }
        catch (Exception e)
        {
            log.Fatal(e, "BackupApi ended by a bug of its own");
        }

        return 1;
    }

    private static AccessRules AccessFrom(BackupApiOptions options) => new()
    {
        Keys =
        [
            .. options.Access.AdminKeys.Select(key => (key, Role.Admin)),
            .. options.Access.OperateKeys.Select(key => (key, Role.Operate)),
            .. options.Access.ReadKeys.Select(key => (key, Role.Read)),
        ],
        ServesAnybody = options.Access.AllowAnonymous,
        IsLocal = options.Service.Addresses.Reachable is null,
        Hosts = [.. options.Access.AllowedHosts, .. options.Service.Addresses.Hosts],
        MaxDownloads = options.Access.MaxDownloads,
    };

    /// <summary>What the lower layers are told: no option class goes below this line.</summary>
    internal static ServiceSettings SettingsFrom(BackupApiOptions options) => new()
    {
        StoragePath = options.Folders.StoragePath,
        BackupsPath = options.Folders.BackupsPath,
        RestorePath = options.Folders.RestorePath,
        MinFreeBytes = options.Folders.MinFreeMegabytes * 1024 * 1024,
        AutoBackupEnabled = options.Schedule.Enabled,
        AutoRestoreEnabled = options.Restore.AutoEnabled,
        Interval = options.Schedule.Interval,
        MaxBackups = options.Schedule.MaxBackups,
        MaxSafetyBackups = options.Schedule.MaxSafetyBackups,
        Retention = options.Retention.ToRules(),
        Schedules = options.Schedule.Schedules,
        Jitter = options.Schedule.Jitter,
        Alerts = options.Alerts,
        Hooks = options.Hooks,
        Application = options.Application,
        Roles = options.Roles,
        Upkeep = options.Upkeep.Rules,
        UpkeepWindow = options.Upkeep.Window,
        AlarmDropPercent = options.Health.AlarmDropPercent,
        CheckDatabasesEvery = options.Health.CheckDatabasesEvery,
        ReadBackupsEvery = options.Health.ReadBackupsEvery,
        DrillEvery = options.Health.DrillEvery,
        Health = options.Health.ToThresholds(),
        OnStart = options.Schedule.OnStart switch { StartChoice.Always => StartBackup.Always, StartChoice.Never => StartBackup.Never, _ => StartBackup.Stale },
        OnStop = options.Schedule.OnStop == StopChoice.Never ? StopBackup.Never : StopBackup.Changed,
        Heal = options.Restore.Heal switch { HealChoice.Report => HealMode.Report, HealChoice.Off => HealMode.Off, _ => HealMode.On },
        RestartCommand = options.Restore.RestartCommand,
        TimeZone = options.Service.TimeZone,
        ShutdownTimeout = options.Service.ShutdownTimeout,
        CapturePatience = options.Capture.Patience,
        DropPatience = options.Restore.DropPatience,
        DropPollInterval = options.Restore.DropPollInterval,
        FullReadEvery = options.Capture.FullReadEvery,
        AlwaysWrite = options.Capture.AlwaysWrite,
        Threads = options.Capture.Threads,
        ScheduledThreads = options.Capture.ScheduledThreads,
        BytesPerSecond = options.Capture.MegabytesPerSecond * 1024 * 1024,
        ScheduledBytesPerSecond = options.Capture.ScheduledMegabytesPerSecond * 1024 * 1024,
    };
}
