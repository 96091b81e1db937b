using System.Diagnostics;
using BackupApi.Files;

namespace BackupApi.Tests.Support;

/// <summary>A mount made for one test and undone after it. Needs root.</summary>
public sealed class TestMount : IDisposable
{
    private readonly string path;
    private string? image;
    private bool isXfs;

    private TestMount(string path) => this.path = path;

    public static TestMount Bind(string from, string to)
    {
        Run("mount", "--bind", from, to);
        return new TestMount(to);
    }

    public static TestMount Tmpfs(string path, long megabytes)
    {
        Posix.MakeFolder(path, 0x1ED);
        Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", path);
        return new TestMount(path);
    }

    /// <summary>A file system of its own in a file, so that it can be filled, or lose its power.</summary>
    public static TestMount Loop(string image, string path, string kind, long megabytes)
    {
        Directory.CreateDirectory(path);
        Run("truncate", "-s", $"{megabytes}M", image);
        Run($"/usr/sbin/mkfs.{kind}", "-q", image);
        Run("mount", "-o", "loop", image, path);
        return new TestMount(path) { image = image, isXfs = kind == "xfs" };
    }

    /// <summary>Off and on again, as after a power cut: what was not on the disk is gone.</summary>
    /// <remarks>A copy of the image is mounted: another mount namespace (a container that started meanwhile) may keep the old file system alive, dead as it is.</remarks>
    public void Remount()
    {
        Run("umount", path);
        var next = $"{image}+";
        Run("cp", "--sparse=always", image!, next);
        Run("rm", image!);
        image = next;
        Run("mount", "-o", isXfs ? "loop,nouuid" : "loop", next, path);
    }

    public static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors.GetAwaiter().GetResult()}");
        }
    }

    public void Dispose() => Run("umount", path);
}
