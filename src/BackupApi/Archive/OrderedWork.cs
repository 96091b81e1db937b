using System.Collections.Concurrent;
using System.Threading.Channels;

namespace BackupApi.Archive;

/// <summary>Work done by several threads at once, whose results come out in the order in which it was put in; a bounded number of items is under way.</summary>
/// <remarks>One producer calls <see cref="AddAsync"/> and then <see cref="Complete"/>; one consumer calls <see cref="NextAsync"/> until it gives null. A failure of the work or of the producer reaches the consumer at that item's place.</remarks>
internal sealed class OrderedWork<T> : IAsyncDisposable
    where T : class
{
    /// <summary>Never longer than <see cref="inOrder"/> and the item that just left it.</summary>
    private readonly BlockingCollection<Item> toDo = [];
    private readonly Channel<Item> inOrder;
    private readonly Task[] workers;
    private readonly CancellationTokenSource stop;

    /// <param name="window">Most items between producer and consumer: what bounds the memory.</param>
    public OrderedWork(int threads, int window, Action<T> work, CancellationToken ct)
    {
        stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        inOrder = Channel.CreateBounded<Item>(new BoundedChannelOptions(window) { SingleWriter = true, SingleReader = true });
        workers = [.. Enumerable.Range(0, threads).Select(_ => ArchiveThread.Start(() => Work(work)))];
    }

    /// <summary>Cancelled when the caller is, or when the consumer has gone.</summary>
    public CancellationToken Stopped => stop.Token;

    /// <param name="isReady">Nothing is to be done: it only keeps its place in the row.</param>
    public async ValueTask AddAsync(T value, bool isReady = false)
    {
        var item = new Item(value);
        if (isReady)
        {
            item.Done.SetResult();
        }

        // First the row, so that what is being worked on is always among the next to be taken out.
        await inOrder.Writer.WriteAsync(item, stop.Token);
        if (!isReady)
        {
            toDo.Add(item, stop.Token);
        }
    }

    /// <summary>No more items follow, because of a failure or because all are in.</summary>
    public void Complete(Exception? failure = null)
    {
        toDo.CompleteAdding();
        inOrder.Writer.TryComplete(failure);
    }

    /// <summary>The next item, its work done; null after the last.</summary>
    public async ValueTask<T?> NextAsync()
    {
        if (!await inOrder.Reader.WaitToReadAsync(stop.Token))
        {
            return null;
        }

        var item = await inOrder.Reader.ReadAsync(stop.Token);
        await item.Done.Task.WaitAsync(stop.Token);
        return item.Value;
    }

    /// <summary>Ends everything, also what is under way; the producer finds <see cref="Stopped"/> cancelled.</summary>
    public async ValueTask StopAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(workers);
    }

    /// <summary>To be called when the producer has ended, too.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stop.Dispose();
        toDo.Dispose();
    }

    private void Work(Action<T> work)
    {
        try
        {
            foreach (var item in toDo.GetConsumingEnumerable(stop.Token))
            {
                try
                {
                    work(item.Value);
                    item.Done.SetResult();
                }
                catch (Exception e)
                {
                    item.Done.SetException(e);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Nobody waits for the rest.
        }
    }

    private sealed class Item(T value)
    {
        public T Value { get; } = value;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
