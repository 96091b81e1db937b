using System.Runtime.InteropServices;
using BackupApi.Archive;
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
        var archives = new ArchiveCommands(new LooseArchive(new ArchiveReader()), Console.Out);
        var environment = ServiceAddress.Environment();
        var service = new ServiceCommands(ServiceAddress.Find(environment), () => AccessOptions.KeyForCommands(new SettingsReader(environment)), Console.Out);
        return await new CommandLine(archives, service, Wiring.Version, Console.Out, Console.Error).RunAsync(args, cancel.Token);
    }

    private static PosixSignalRegistration Cancelling(PosixSignal signal, CancellationTokenSource cancel) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            cancel.Cancel();
        });
}
