using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>Makes what a later start acts upon, so that the word of the caller and the disk agree: what was told as failed must never come true later.</summary>
/// <remarks>
/// A rename may have happened when the flush behind it fails. It is then in force for every process that looks, and may or may not be after a power cut.
/// So it is taken back, durably; where that fails too nothing is called failed: it is open, and the next start ends it.
/// </remarks>
internal static class SwapPromise
{
    /// <summary>Writes <see cref="SwapState.Commit"/> or <see cref="SwapState.Staged"/>.</summary>
    /// <exception cref="IOException">It is not written, or was taken back: storage is as before and stays so.</exception>
    /// <exception cref="BackupException"><see cref="Fault.ReadOnly"/>: it can be neither made durable nor taken back.</exception>
    public static void Write(SwapFolder folder, SwapState state)
    {
        var before = folder.ReadState();
        Make(() => folder.WriteState(state), () => TakeBack(folder, before), folder.Path);
    }

    /// <summary>Makes a journal of what was kept: <see cref="KeptSwap.TakeUp"/>.</summary>
    /// <exception cref="IOException">As above.</exception>
    /// <exception cref="BackupException">As above.</exception>
    public static void TakeUp(string kept, SwapFolder folder) => Make(() => Move(kept, folder.Path), () => Return(folder.Path, kept), folder.Path);

    private static void Make(Action make, Action takeBack, string path)
    {
        try
        {
            make();
        }
        catch (IOException failure)
        {
            try
            {
                takeBack();
            }
            catch (IOException second)
            {
                throw new BackupException(
                    Fault.ReadOnly,
                    $"A restore could be neither begun nor called off: {failure.Message} {second.Message}",
                    $"Storage is as it was. Put the disk right: the next start of this service, or the next restore by name, brings to its end what lies in {PathText.Show(path)}.",
                    second);
            }

            throw;
        }
    }

    /// <summary>A restore that waited goes on waiting; any other goes out of sight of every start, which takes no room.</summary>
    private static void TakeBack(SwapFolder folder, SwapState before)
    {
        if (folder.ReadState() == before)
        {
            return;
        }

        if (before == SwapState.Staged)
        {
            folder.WriteState(before);
        }
        else
        {
            folder.PutOutOfSight();
        }
    }

    private static void Return(string from, string to)
    {
        if (Posix.FindStat(from) is not null)
        {
            Move(from, to);
        }
    }

    private static void Move(string from, string to)
    {
        Posix.Rename(from, to);
        Posix.FlushFolder(Path.GetDirectoryName(to)!);
    }
}
