using System.Runtime.InteropServices;
using BackupApi.Archive;
using BackupApi.Archive.Encryption;
using BackupApi.Cli;
using BackupApi.Config;
using BackupApi.Operations;

namespace BackupApi;

/// <summary>The wiring of the command line: nothing of the service is made for it, so that a probe every few seconds costs little.</summary>
internal static class WiringCli
{
    /// <summary>Runs the command the arguments name; null when they name none, and the service is to run.</summary>
    public static async Task<int?> RunCommandAsync(string[] args)
    {
        if (args.Length == 0)
        {
            return null;
        }

        using var cancel = new CancellationTokenSource();
        using var interrupted = Cancelling(PosixSignal.SIGINT, cancel);
        using var terminated = Cancelling(PosixSignal.SIGTERM, cancel);
        var environment = ServiceAddress.Environment();
        var archives = new ArchiveCommands(new LooseArchive(new ArchiveReader(keys: KeysFor(args[0], new SettingsReader(environment)))), Console.Out);
        var service = new ServiceCommands(ServiceAddress.Find(environment), () => AccessOptions.KeyForCommands(new SettingsReader(environment)), Console.Out);
        return await new CommandLine(archives, service, Wiring.Version, Console.Out, Console.Error).RunAsync(args, cancel.Token);
    }

    /// <summary>The passphrases, for the commands that read archives. A wrong setting is told, and an encrypted archive then stays closed.</summary>
    private static ArchiveKeys KeysFor(string command, SettingsReader settings)
    {
        if (command is not ("verify" or "restore"))
        {
            return ArchiveKeys.None;
        }

        var options = EncryptionOptions.Read(settings);
        foreach (var error in settings.Errors)
        {
            Console.Error.WriteLine(error);
        }

        return settings.Errors.Count == 0 ? new ArchiveKeys(options.Passphrases) : ArchiveKeys.None;
    }

    private static PosixSignalRegistration Cancelling(PosixSignal signal, CancellationTokenSource cancel) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            cancel.Cancel();
        });
}
