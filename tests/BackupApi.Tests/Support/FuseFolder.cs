using System.Diagnostics;

namespace BackupApi.Tests.Support;

/// <summary>A FUSE file system over a folder, by TestData/fuse_folder.py, as long as this lives. Needs root and /dev/fuse.</summary>
internal sealed class FuseFolder : IDisposable
{
    private readonly Process server;

    private FuseFolder(Process server) => this.server = server;

    public static async Task<FuseFolder> MountAsync(string path)
    {
        var process = Process.Start(new ProcessStartInfo("python3", [Path.Combine(AppContext.BaseDirectory, "TestData", "fuse_folder.py"), path])
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
