using System.Buffers.Binary;
using System.Diagnostics;

namespace BackupApi.Tests.Engines.LiteDb;

internal enum OwnerMode
{
    /// <summary>Keeps its files open; checkpoints when the log is long enough.</summary>
    Direct,

    /// <summary>Opens its files for each operation and checkpoints when it closes them.</summary>
    Shared,
}

/// <summary>An application that moves money between accounts and writes each move into a ledger, as LiteDB would store it: appends to the log, confirms, checkpoints in place, truncates, begins its transaction ids anew.</summary>
internal sealed partial class TinyOwner : IDisposable
{
    public const long Opening = 1000;

    /// <summary>Offsets of values in a block: six bytes of block header, four of length, then type, name and value of each field.</summary>
    private const int IdAt = 15;
    private const int BalanceAt = 28;
    private const int FromAt = 25;
    private const int ToAt = 33;
    private const int AmountAt = 45;

    private readonly TinyLite lite = new(7);
    private readonly TinyCollection accounts;
    private readonly TinyCollection ledger;
    private readonly Address[] blocks;
    private readonly OwnerMode mode;
    private readonly int checkpointPages;
    private readonly double perSecond;
    private readonly Random random = new(3);
    private readonly List<(uint Page, byte[] Image)> confirmed = [];
    private readonly ManualResetEventSlim stop = new();
    private readonly Thread thread;
    private long logLength;
    private uint transaction;
    private long committed;
    private long started;
    private long checkpoints;
    private FileStream? data;
    private FileStream? log;
    private Exception? failure;
    private long longestOperation;

    public TinyOwner(string path, OwnerMode mode, int accounts, int padding, int checkpointPages = 1000, double perSecond = double.PositiveInfinity)
    {
        (Path, this.mode, this.checkpointPages, this.perSecond) = (path, mode, checkpointPages, perSecond);
        LogPath = System.IO.Path.ChangeExtension(path, null) + "-log" + System.IO.Path.GetExtension(path);
        this.accounts = lite.AddCollection("accounts");
        ledger = lite.AddCollection("ledger");
        blocks = new Address[accounts];
        for (var i = 0; i < accounts; i++)
        {
            blocks[i] = lite.AddDocument(this.accounts, TinyKey.Of(i), new TinyBson().Int32("_id", i).Int64("balance", Opening).Binary("padding", new byte[padding]).ToArray());
        }

        using (var file = new FileStream(path, FileMode.CreateNew))
        {
            for (uint page = 0; page <= lite.LastPage; page++)
            {
                file.Write(lite.Pages[page]);
            }
        }

        _ = lite.TakeTransaction(0);
        thread = new Thread(Run) { IsBackground = true, Name = "owner" };
    }

    public string Path { get; }

    public string LogPath { get; }

    /// <summary>Number of the last move that is confirmed in the log.</summary>
    public long Committed => Volatile.Read(ref committed);

    /// <summary>Number of the last move that was begun.</summary>
    public long Started => Volatile.Read(ref started);

    /// <summary>Twice the checkpoints so far, plus one while one runs.</summary>
    public long CheckpointMarks => Volatile.Read(ref checkpoints);

    public TimeSpan LongestOperation => TimeSpan.FromTicks(Volatile.Read(ref longestOperation));

    public void Start() => thread.Start();

    /// <summary>One operation on the caller's thread, in place of <see cref="Start"/>.</summary>
    public void Step() => Operate();

    /// <summary>A checkpoint now, whatever the length of the log: for an owner that is stepped.</summary>
    public void CheckpointNow() => Checkpoint();

    /// <summary>Closes its files, as at the end of the application; the next step opens them again.</summary>
    public void Release() => Close();

    public void Dispose()
    {
        stop.Set();
        if (thread.IsAlive)
        {
            thread.Join();
        }

        stop.Dispose();
        if (failure is not null)
        {
            throw new InvalidOperationException("The owner failed.", failure);
        }
    }

    private void Run()
    {
        try
        {
            var clock = Stopwatch.StartNew();
            for (var done = 1L; !stop.IsSet; done++)
            {
                var begun = clock.Elapsed;
                Operate();
                longestOperation = Math.Max(longestOperation, (clock.Elapsed - begun).Ticks);
                var wait = TimeSpan.FromSeconds(done / perSecond) - clock.Elapsed;
                if (wait > TimeSpan.Zero)
                {
                    stop.Wait(wait);
                }
            }

            Close();
        }
        catch (Exception e)
        {
            failure = e;
        }
    }

    private void Operate()
    {
        Open();
        Move();
        if (mode == OwnerMode.Shared || logLength > checkpointPages * (long)TinyLite.PageSize)
        {
            Checkpoint();
        }

        if (mode == OwnerMode.Shared)
        {
            Close();
        }
    }

    private void Open()
    {
        // As .NET opens a file in LiteDB: a shared flock, which nobody's lease or reading must break.
        data ??= new FileStream(Path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 0);
        log ??= new FileStream(LogPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 0);
    }

    private void Close()
    {
        if (log is not null)
        {
            Checkpoint();
        }

        log?.Dispose();
        data?.Dispose();
        (log, data) = (null, null);
        File.Delete(LogPath);
    }

    private void Move()
    {
        Volatile.Write(ref started, started + 1);
        var (from, to, amount) = (random.Next(blocks.Length), random.Next(blocks.Length), random.Next(1, 50));
        if (started % 10 == 0)
        {
            AppendAbandoned(from);
        }

        Add(from, -amount);
        Add(to, amount);
        var move = (int)started;
        lite.AddDocument(ledger, TinyKey.Of(move), new TinyBson().Int32("_id", move).Int32("from", from).Int32("to", to).Int64("amount", amount).ToArray());
        transaction++;
        foreach (var image in lite.TakeTransaction(transaction))
        {
            Append(image);
            confirmed.Add((TinyLite.Get32(image, 0), image));
        }

        Volatile.Write(ref committed, started);
    }

    /// <summary>A page of a transaction that is rolled back later: nobody may ever see it.</summary>
    private void AppendAbandoned(int account)
    {
        transaction++;
        var image = (byte[])lite.Pages[blocks[account].Page].Clone();
        TinyLite.Put32(image, 14, transaction);
        BinaryPrimitives.WriteInt64LittleEndian(image.AsSpan(TinyLite.Get16(image, TinyLite.PageSize - (4 * (blocks[account].Slot + 1)) + 2) + BalanceAt), 1_000_000);
        Append(image);
    }

    private void Add(int account, long amount)
    {
        var balance = lite.Segment(blocks[account])[BalanceAt..];
        BinaryPrimitives.WriteInt64LittleEndian(balance, BinaryPrimitives.ReadInt64LittleEndian(balance) + amount);
    }

    private void Append(byte[] image)
    {
        RandomAccess.Write(log!.SafeFileHandle, image, logLength);
        logLength += image.Length;
    }

    private void Checkpoint()
    {
        Volatile.Write(ref checkpoints, checkpoints + 1);
        foreach (var (page, image) in confirmed)
        {
            TinyLite.Put32(image, 14, TinyLite.None);
            image[18] = 0;
            RandomAccess.Write(data!.SafeFileHandle, image, page * (long)TinyLite.PageSize);
        }

        RandomAccess.FlushToDisk(data!.SafeFileHandle);
        log!.SetLength(0);
        confirmed.Clear();
        logLength = 0;
        transaction = 0;
        Volatile.Write(ref checkpoints, checkpoints + 1);
    }
}
