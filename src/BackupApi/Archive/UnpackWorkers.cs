using System.Buffers;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using BackupApi.Files;
using BackupApi.Model;
using Microsoft.Win32.SafeHandles;

namespace BackupApi.Archive;

/// <summary>Makes small files on several threads: a file's name, owner, mode and time cost far more than its bytes.</summary>
/// <remarks>Used by one caller at a time. Names may come to be in another order than they were added: <see cref="DrainAsync"/> before anything that needs them to be there.</remarks>
internal sealed class UnpackWorkers(int threads, UnpackedFacts facts) : IAsyncDisposable
{
    /// <summary>Largest file that is handed over: it lies in memory until its turn.</summary>
    public const int MaxSize = 64 * 1024;

    /// <summary>Files under way for each thread: at most 1 MB of content.</summary>
    private const int Window = 16;

    /// <summary>Zeros from this length on become a hole.</summary>
    private const int SmallestHole = 4096;

    private Channel<Job>? jobs;
    private Task[] workers = [];
    private volatile Exception? failure;

    /// <summary>Takes a file over, its content with it: <paramref name="content"/> goes back to the shared pool.</summary>
    /// <exception cref="BackupException">An earlier file failed.</exception>
    public async ValueTask AddAsync(ArchiveEntry entry, SafeFileHandle folder, string name, byte[] content)
    {
        Rethrow();
        if (threads == 0)
        {
            try
            {
                Make(new Job(entry, folder, name, content));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(content);
            }

            return;
        }

        if (jobs is null)
        {
            jobs = Channel.CreateBounded<Job>(new BoundedChannelOptions(threads * Window) { SingleWriter = true });
            var todo = jobs.Reader;
            workers = [.. Enumerable.Range(0, threads).Select(_ => Task.Run(() => WorkAsync(todo)))];
        }

        // The caller may go on to another folder and close this one before the turn of the file comes.
        var isHeld = false;
        folder.DangerousAddRef(ref isHeld);
        await jobs.Writer.WriteAsync(new Job(entry, folder, name, content));
    }

    /// <summary>Waits until every file that was added is there.</summary>
    /// <exception cref="BackupException">One of them failed.</exception>
    public async ValueTask DrainAsync()
    {
        if (jobs is not null)
        {
            jobs.Writer.Complete();
            jobs = null;
            await Task.WhenAll(workers);
        }

        Rethrow();
    }

    /// <summary>Gives up what was not begun.</summary>
    public async ValueTask DisposeAsync()
    {
        failure ??= new OperationCanceledException();
        jobs?.Writer.Complete();
        jobs = null;
        await Task.WhenAll(workers);
    }

    private void Rethrow()
    {
        if (failure is { } first)
        {
            ExceptionDispatchInfo.Throw(first);
        }
    }

    private async Task WorkAsync(ChannelReader<Job> todo)
    {
        await foreach (var job in todo.ReadAllAsync())
        {
            try
            {
                if (failure is null)
                {
                    Make(job);
                }
            }
            catch (PosixException e) when (e.Errno is Errno.EEXIST or Errno.EISDIR)
            {
                failure ??= RepeatedName.Of(job.Entry, job.Folder, job.Name);
            }
            catch (IOException e)
            {
                failure ??= Errno.ToFault(e);
            }
            catch (Exception e)
            {
                failure ??= e;
            }
            finally
            {
                job.Folder.DangerousRelease();
                ArrayPool<byte>.Shared.Return(job.Content);
            }
        }
    }

    private void Make(Job job)
    {
        using var file = Posix.OpenAt(job.Folder, job.Name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, 0x180 /* 0600 */);
        var content = job.Content.AsSpan(0, (int)job.Entry.Size);
        if (content.Length >= SmallestHole && !content.ContainsAnyExcept((byte)0))
        {
            RandomAccess.SetLength(file, content.Length);
        }
        else
        {
            Posix.Write(file, job.Name, content, 0);
        }

        facts.Apply(file, job.Entry);
    }

    private readonly record struct Job(ArchiveEntry Entry, SafeFileHandle Folder, string Name, byte[] Content);
}
