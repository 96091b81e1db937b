using System.Buffers;

namespace BackupApi.Engines.LevelDb;

/// <summary>Merges what tables and logs hold in the order of keys, and gives the newest version of each.</summary>
/// <remarks>A folder may hold any number of tables, all overlapping. At most <see cref="FanIn"/> cursors are open at one time: where there are more, groups of them are merged into scratch files first.</remarks>
internal sealed class SalvageMerge(string scratchFolder, CancellationToken ct)
{
    public const int FanIn = 32;

    private int scratchFiles;

    /// <param name="open">Each gives a cursor that has not moved yet; it is opened when its turn comes.</param>
    /// <param name="take">Gets the newest version of each key, a deletion too.</param>
    public void Run(IReadOnlyList<Func<IEntryCursor>> open, Action<IEntryCursor> take)
    {
        while (open.Count > FanIn)
        {
            open = [.. open.Chunk(FanIn).Select(group => ScratchRun.Put(
                $"{scratchFolder}/.merge-{scratchFiles++}",
                scratch => Merge(group, newest => scratch.Add(newest.UserKey, newest.Tag, newest.Value))))];
        }

        Merge(open, take);
    }

    private void Merge(IReadOnlyList<Func<IEntryCursor>> open, Action<IEntryCursor> take)
    {
        var cursors = new List<IEntryCursor>(open.Count);
        try
        {
            var queue = new PriorityQueue<IEntryCursor, IEntryCursor>(Comparer<IEntryCursor>.Create(Compare));
            foreach (var next in open)
            {
                var cursor = next();
                cursors.Add(cursor);
                if (cursor.MoveNext())
                {
                    queue.Enqueue(cursor, cursor);
                }
            }

            var last = new ArrayBufferWriter<byte>();
            var isFirst = true;
            while (queue.TryDequeue(out var cursor, out _))
            {
                ct.ThrowIfCancellationRequested();
                if (isFirst || !cursor.UserKey.SequenceEqual(last.WrittenSpan))
                {
                    last.ResetWrittenCount();
                    last.Write(cursor.UserKey);
                    isFirst = false;
                    take(cursor);
                }

                if (cursor.MoveNext())
                {
                    queue.Enqueue(cursor, cursor);
                }
            }
        }
        finally
        {
            cursors.ForEach(cursor => cursor.Dispose());
        }
    }

    private static int Compare(IEntryCursor? left, IEntryCursor? right)
    {
        var order = left!.UserKey.SequenceCompareTo(right!.UserKey);
        return order != 0 ? order : right.Tag.CompareTo(left.Tag);
    }
}
