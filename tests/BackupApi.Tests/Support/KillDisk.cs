using BackupApi.Files;

namespace BackupApi.Tests.Support;

/// <summary>A small file system in a file, of which copies are taken while somebody works on it.</summary>
/// <param name="folder">Where the files lie, and the mount.</param>
/// <param name="kind"><c>ext4</c> or <c>xfs</c>.</param>
internal sealed class KillDisk(string folder, string kind)
{
    /// <summary>Where it is mounted, by whoever: a process that is stopped has a mount namespace of its own, so that a copy can be mounted here at the same time.</summary>
    public string Mount { get; } = Directory.CreateDirectory($"{folder}/disk").FullName;

    public string Kind => kind;

    /// <summary>A file for an image.</summary>
    public string Image(string name) => $"{folder}/{name}.img";

    /// <summary>Makes an image that holds what <paramref name="fill"/> writes into the mount.</summary>
    public void Make(string image, Action<string> fill)
    {
        // The smallest that mkfs.xfs makes; its log is all zeros, which the copy does not keep.
        var raw = $"{image}-raw";
        TestMount.Run("truncate", "-s", kind == "xfs" ? "320M" : "96M", raw);
        TestMount.Run($"/usr/sbin/mkfs.{kind}", "-q", raw);
        using (Use(raw))
        {
            fill(Mount);

            // Its unmounting may not be the last, for the same reason.
            Posix.FlushFileSystem(Mount);
        }

        TestMount.Run("cp", "--sparse=always", raw, image);
        File.Delete(raw);
    }

    /// <summary>The image as it is now, in a new file.</summary>
    /// <remarks>Never written over: a process that was given a mount namespace of its own meanwhile (a container, another test) keeps what was mounted from the older file alive. The kernel goes on writing into it, and mounting the file again gives that older file system, whatever was copied.</remarks>
    public static void Copy(string image, string to)
    {
        File.Delete(to);
        TestMount.Run("cp", "--sparse=auto", image, to);
    }

    /// <summary>Shell that mounts an image.</summary>
    public string MountShell(string image) => $"mount -o {Options} '{image}' '{Mount}'";

    /// <summary>Mounts an image for this process until it is disposed of. What a journal of the file system holds is played back, as after a power cut.</summary>
    public IDisposable Use(string image)
    {
        TestMount.Run("mount", "-o", Options, image, Mount);
        return new Mounted(Mount);
    }

    private string Options => kind == "xfs" ? "loop,nouuid" : "loop";

    private sealed class Mounted(string path) : IDisposable
    {
        public void Dispose()
        {
            try
            {
                TestMount.Run("umount", path);
            }
            catch (InvalidOperationException)
            {
                // A handle that nobody closed keeps it busy until it is collected.
                GC.Collect();
                GC.WaitForPendingFinalizers();
                TestMount.Run("umount", path);
            }
        }
    }
}
