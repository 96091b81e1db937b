using System.Runtime.CompilerServices;

namespace BackupApi.Engines.LevelDb;

/// <summary>Merges tables and logs in key order, as the engine's iterator does, and counts the keys whose newest version is not a deletion.</summary>
internal static class KeyMerge
{
    /// <summary>Bytes of keys compared, for each byte on disk: prefix compression lets a small file stand for any number of long keys.</summary>
    private const long MaxWorkFactor = 256;

    private const long MinWork = 1L << 30;

    /// <summary>Reads every cursor to its end, whether or not counting has to be given up on the way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Count(Verification verification, IEnumerable<IKeyCursor> cursors, long storedBytes, KeySpaces spaces)
    {
        var queue = new PriorityQueue<IKeyCursor, IKeyCursor>(Comparer<IKeyCursor>.Create(Compare));
        foreach (var cursor in cursors)
        {
            if (verification.IsOrdered && cursor.MoveNext())
            {
                queue.Enqueue(cursor, cursor);
            }
            else
            {
                Drain(cursor);
            }
        }

        var work = (storedBytes * MaxWorkFactor) + MinWork;
        var last = new byte[256];
        var lastLength = -1;
        while (queue.TryPeek(out var cursor, out _))
        {
            if (verification.NotCounted is not null)
            {
                Drain(queue.Dequeue());
                continue;
            }

            var key = cursor.UserKey;
            if (lastLength != key.Length || !key.SequenceEqual(last.AsSpan(0, lastLength)))
            {
                if (last.Length < key.Length)
                {
                    last = new byte[key.Length * 2];
                }

                key.CopyTo(last);
                lastLength = key.Length;
                if ((byte)cursor.Tag == InternalKey.Value)
                {
                    spaces.Add(key);
                }
            }

            work -= key.Length;
            if (work < 0)
            {
                verification.GiveUpCounting("its keys are too long to be compared in reasonable time");
            }

            // Out before it moves: the queue compares what its cursors stand on.
            queue.Dequeue();
            if (cursor.MoveNext())
            {
                queue.Enqueue(cursor, cursor);
            }
        }
    }

    private static void Drain(IKeyCursor cursor)
    {
        while (cursor.MoveNext())
        {
        }
    }

    private static int Compare(IKeyCursor? left, IKeyCursor? right)
    {
        var order = left!.UserKey.SequenceCompareTo(right!.UserKey);
        return order != 0 ? order : right.Tag.CompareTo(left.Tag);
    }
}
