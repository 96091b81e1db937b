using System.Diagnostics;
using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>The start reads and writes each folder, as a user who is not root sees them. Needs root, to become somebody else.</summary>
public sealed class CheckFoldersTests : IDisposable
{
    private const uint Somebody = 65534;

    /// <summary>How the command goes on depends on where the tests run: on a host, in a container, in a pod.</summary>
    private const string Chown = "-R 65534:65534";

    private readonly TempFolder folder = new();

    public CheckFoldersTests()
    {
        foreach (var name in new[] { "storage", "backups", "restore" })
        {
            Posix.SetOwner(folder.Folder(name), Somebody, Somebody);
        }
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_backups_folder_of_somebody_else_ends_the_start_with_the_command_that_mends_it()
    {
        Posix.SetOwner(folder["backups"], 0, 0);

        var (exitCode, said) = await StartAsync();

        Assert.Equal(73, exitCode);
        Assert.Contains(Chown, said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task State_that_another_user_left_below_it_does_too()
    {
        folder.Folder("backups/.backupapi");

        var (exitCode, said) = await StartAsync();

        Assert.Equal(73, exitCode);
        Assert.Contains("backups/.backupapi: Permission denied", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_storage_folder_that_cannot_be_read_is_told_and_the_service_starts()
    {
        Posix.SetOwner(folder["storage"], 1001, 1002);
        Posix.SetMode(folder["storage"], 0x1C0 /* 0700 */);

        var (exitCode, said) = await StartAsync();

        Assert.Null(exitCode);
        Assert.Contains("APP_UID=1001 APP_GID=1002", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restore_folder_that_cannot_be_read_is_told_and_the_service_starts()
    {
        Posix.SetOwner(folder["restore"], 0, 0);
        Posix.SetMode(folder["restore"], 0x1C0 /* 0700 */);

        var (exitCode, said) = await StartAsync();

        Assert.Null(exitCode);
        Assert.Contains(Chown, said, StringComparison.Ordinal);
    }

    [Fact]
    public void A_probe_leaves_nothing_behind()
    {
        var before = Posix.Stat(folder["storage"]);

        Assert.Null(FolderProbe.TryRead(folder["storage"]));
        Assert.Null(FolderProbe.TryWrite(folder["storage"], mayName: false));

        Assert.Equal(before.Modified, Posix.Stat(folder["storage"]).Modified);
        Assert.Empty(Posix.ListNames(folder["storage"]));
    }

    [Fact]
    public void A_folder_mounted_read_only_is_seen()
    {
        using var mount = TestMount.Bind(folder["restore"], folder["restore"]);
        TestMount.Run("mount", "-o", "remount,bind,ro", folder["restore"]);

        Assert.Equal(Errno.EROFS, FolderProbe.TryWrite(folder["restore"], mayName: true)?.Errno);
    }

    /// <returns>The exit code, or null when it got ready; and all that was said.</returns>
    private async Task<(int? ExitCode, string Said)> StartAsync()
    {
        var start = new ProcessStartInfo(
            "setpriv",
            [$"--reuid={Somebody}", $"--regid={Somebody}", "--clear-groups", "--inh-caps=-all", "dotnet", OpenPlace.Program, "--urls=http://127.0.0.1:0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        foreach (var (name, value) in ServiceProcess.Over(folder))
        {
            start.Environment[name] = value;
        }

        start.Environment["DOTNET_CLI_HOME"] = folder["storage"];
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var said = "";
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            said += line + "\n";
            if (line.Contains("backups found", StringComparison.Ordinal))
            {
                await Task.Delay(500);
                var ended = process.HasExited;
                process.Kill();
                return (ended ? process.ExitCode : null, said);
            }
        }

        await process.WaitForExitAsync();
        return (process.ExitCode, said + await errors);
    }
}
