using BackupApi.Files;

namespace BackupApi.Archive;

/// <summary>Threads of their own for archive work, behind everybody else in the queue for a processor: neither requests nor the application beside wait for a backup.</summary>
internal static class ArchiveThread
{
    /// <returns>Ends when the work does, and as it does.</returns>
    public static Task Start(Action work)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                Posix.YieldToOthers();
                work();
                ended.SetResult();
            }
            catch (Exception e)
            {
                ended.SetException(e);
            }
        })
        { IsBackground = true, Name = "archive" }.Start();
        return ended.Task;
    }
}
