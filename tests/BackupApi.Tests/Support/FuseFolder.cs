using System.Diagnostics;
using System.Globalization;

namespace BackupApi.Tests.Support;

/// <summary>A FUSE file system over a folder, by a script of TestData, as long as this lives. Needs root and /dev/fuse.</summary>
internal sealed class FuseFolder : IDisposable
{
    private readonly Process server;

    private FuseFolder(Process server) => this.server = server;

    /// <summary>Every name is an empty file.</summary>
    public static Task<FuseFolder> MountAsync(string path) => RunAsync("fuse_folder.py", path);

    /// <summary>One file, as <paramref name="file"/> is now, of which bytes <paramref name="from"/> to <paramref name="to"/> (exclusive) cannot be read.</summary>
    public static Task<FuseFolder> MountBadAsync(string path, string file, long from, long to) =>
        RunAsync("fuse_bad_file.py", path, file, from.ToString(CultureInfo.InvariantCulture), to.ToString(CultureInfo.InvariantCulture));

    private static async Task<FuseFolder> RunAsync(string script, params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo("python3", [Path.Combine(AppContext.BaseDirectory, "TestData", script), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        return await process.StandardOutput.ReadLineAsync() == "ready" ? new FuseFolder(process) : throw new InvalidOperationException(await process.StandardError.ReadToEndAsync());
    }

    public void Dispose()
    {
        server.StandardInput.Close();
        server.WaitForExit();
        server.Dispose();
    }
}
