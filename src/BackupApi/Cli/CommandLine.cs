using BackupApi.Model;

namespace BackupApi.Cli;

/// <summary>The commands of the program beside the service itself: <c>docker run IMAGE verify FILE</c>, <c>docker exec CONTAINER backupapi create</c>.</summary>
internal sealed class CommandLine(ArchiveCommands archives, ServiceCommands service, string version, TextWriter output, TextWriter errors)
{
    /// <summary>EX_USAGE of sysexits.h.</summary>
    public const int BadUsage = 64;

    public const int Failed = 1;

    private const string Usage = """
        BackupApi: hot, consistent, proven backups of a storage folder.

          backupapi                      runs the service; settings are environment variables
          backupapi create [LABEL]       asks the running service for a backup now   (exit 2: something is missing from it)
          backupapi verify FILE          reads an archive whole; needs no service    (exit 1: it is damaged)
          backupapi restore FILE FOLDER  unpacks an archive into a new or empty folder; needs no service
          backupapi --healthcheck        exit 0 when an application may open its storage (/api/health/ready)
          backupapi --healthcheck=full   exit 0 when the backups are in order too (/api/health)
          backupapi --version

        verify and restore read encrypted archives (.age) with the passphrases of BACKUP_PASSPHRASE_FILE.
        create and --healthcheck find the service by the variables that it was started with, or by BACKUPAPI_URL.
        """;

    /// <summary>The exit code of a command; null when the arguments name none and the service is to run.</summary>
    public async Task<int?> RunAsync(string[] args, CancellationToken ct)
    {
        try
        {
            return args switch
            {
                ["--version"] => Say($"BackupApi {version}"),
                ["--help" or "-h" or "help", ..] => Say(Usage),
                ["--healthcheck"] => await service.ProbeAsync("/api/health/ready", ct),
                ["--healthcheck=full"] => await service.ProbeAsync("/api/health", ct),
                ["create"] => await service.CreateAsync(null, ct),
                ["create", var label] => await service.CreateAsync(label, ct),
                ["verify", var file] => await archives.VerifyAsync(file, ct),
                ["restore", var file, var folder] => await archives.RestoreAsync(file, folder, ct),
                [] => null,
                [var first, ..] when IsSetting(first) => null,
                _ => Refuse(args[0]),
            };
        }
        catch (BackupException e)
        {
            await errors.WriteLineAsync($"{e.Message} {e.Hint}");
            return Failed;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await errors.WriteLineAsync("Cancelled.");
            return Failed;
        }
    }

    /// <summary>What ASP.NET Core takes as a setting: <c>--urls http://…</c>, <c>--urls=…</c>.</summary>
    private static bool IsSetting(string argument) =>
        argument.StartsWith("--", StringComparison.Ordinal) && !argument.StartsWith("--healthcheck", StringComparison.Ordinal) && argument != "--version";

    private int Say(string text)
    {
        output.WriteLine(text);
        return 0;
    }

    private int Refuse(string first)
    {
        errors.WriteLine($"There is no command '{first}' with these arguments.");
        errors.WriteLine(Usage);
        return BadUsage;
    }
}
