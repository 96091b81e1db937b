using System.Diagnostics;
using System.Globalization;

namespace BackupApi.Tests.Support;

/// <summary>A counted call that a run is about to make.</summary>
internal readonly record struct Stop(long Number, string Call, string Path);

/// <summary><see cref="KillHost"/> over an image of a disk, stopped before each counted call, so that the disk can be copied as a kill or a power cut at this call would leave it.</summary>
/// <remarks>One run shows every moment of itself: nothing has to be begun anew for each call. What is copied is the block device below the file system, so inodes stay what they are.</remarks>
internal sealed class StoppedRun : IDisposable
{
    private readonly Process process;
    private readonly Task<string> errors;
    private readonly string image;
    private string? statistics;
    private (string Finished, int UnderWay) copied;
    private bool isWaiting;

    /// <summary>Begins. The image is mounted in a mount namespace of its own, at the mount of <paramref name="disk"/>.</summary>
    public StoppedRun(KillDisk disk, string image, string what)
    {
        this.image = image;
        var start = KillPoint.Program([what, disk.Mount], disk.Mount, disk.MountShell(image));
        start.Environment["KILLPOINT_STOP"] = disk.Mount;
        process = Process.Start(start)!;
        errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>What it printed and how it ended; after the last stop.</summary>
    public (int ExitCode, string Errors) End()
    {
        process.WaitForExit();
        return (process.ExitCode, errors.GetAwaiter().GetResult());
    }

    /// <summary>Lets it go on to its next counted call. Null when it has ended.</summary>
    public Stop? Next()
    {
        if (isWaiting)
        {
            Say('g');
        }

        var line = Hear();
        isWaiting = line is not null;
        return line?.Split(' ', 3) is [var number, var call, var path] ? new Stop(long.Parse(number, CultureInfo.InvariantCulture), call, path) : null;
    }

    /// <summary>What a kill leaves here: everything that was written, flushed or not.</summary>
    public void CopyAsKilled(string to)
    {
        Say('f');
        var answer = Hear();
        if (answer != "frozen")
        {
            throw new InvalidOperationException($"The disk could not be frozen: {answer}");
        }

        KillDisk.Copy(image, to);
        Say('t');
    }

    /// <summary>What a power cut leaves here: what reached the device, and nothing else.</summary>
    /// <returns>False when nothing reached it since the last copy: that one stands for this moment too.</returns>
    public bool CopyAsCut(string to)
    {
        if (Writes() is { UnderWay: 0 } now && now == copied)
        {
            return false;
        }

        // The kernel writes back by itself now and then: a copy counts only when nothing reached the device while it was taken.
        for (var tries = 0; tries < 100; tries++)
        {
            var before = Writes();
            KillDisk.Copy(image, to);
            if (before.UnderWay == 0 && Writes() == before)
            {
                copied = before;
                return true;
            }
        }

        throw new InvalidOperationException("The disk did not come to rest.");
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            // It waits for a letter: the end of the input ends it.
            process.StandardInput.Close();
        }

        process.WaitForExit();
        process.Dispose();
    }

    /// <summary>Finished writes and flushes of the device, and requests under way (Documentation/block/stat.rst).</summary>
    private (string Finished, int UnderWay) Writes()
    {
        statistics ??= Path.Combine(Directory.EnumerateDirectories("/sys/block", "loop*").First(loop => Backs(loop, image)), "stat");
        var fields = File.ReadAllText(statistics).Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return ($"{fields[4]} {fields[6]}", int.Parse(fields[8], CultureInfo.InvariantCulture));
    }

    private static bool Backs(string loop, string image)
    {
        try
        {
            return File.ReadAllText($"{loop}/loop/backing_file").TrimEnd() == image;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private void Say(char letter)
    {
        process.StandardInput.Write(letter);
        process.StandardInput.Flush();
    }

    private string? Hear() => process.StandardOutput.ReadLine();
}
