using System.Runtime.InteropServices;

namespace BackupApi.Engines.LiteDb;

/// <summary>How pages of a log become current; the two differ only where transaction ids were used twice.</summary>
internal enum ReplayOrder
{
    /// <summary>As the engine does when it opens the file: at a confirm, all pages seen so far of that transaction id.</summary>
    AtOpening,

    /// <summary>As the engine does at a checkpoint: every page of a confirmed id, in the order of the log.</summary>
    AtCheckpoint,
}

/// <summary>Finds the current image of each page in a log (WalIndexService.cs), without changing anything.</summary>
internal sealed class LogReplay
{
    /// <summary>Work allowed for transaction ids confirmed again and again, in pages for each page of the log.</summary>
    private const int RepeatBudget = 64;
    private const int ChunkPages = 64;

    private readonly PageFile log;
    private readonly string name;
    private readonly PageTable table;
    private readonly Findings findings;
    private readonly List<uint> pages = [];
    private readonly List<int> earlierOfSame = [];
    private readonly Dictionary<uint, Transaction> transactions = [];
    private readonly List<uint> transactionOf = [];
    private readonly Stack<int> toApply = new();
    private long repeated;

    private LogReplay(PageFile log, string name, PageTable table, Findings findings)
    {
        this.log = log;
        this.name = name;
        this.table = table;
        this.findings = findings;
    }

    /// <summary>Number of the image that is the current header page; -1 when the data file's is.</summary>
    public int HeaderImage { get; private set; } = -1;

    /// <summary>Whether a transaction id was used again after its confirmation: legal, and known from restarts of the engine.</summary>
    public bool HasReusedIds { get; private set; }

    /// <summary>Reads the log once and marks in <paramref name="table"/> which image of each page is current.</summary>
    public static LogReplay Run(PageFile log, string name, PageTable table, ReplayOrder order, Findings findings, CancellationToken ct)
    {
        var replay = new LogReplay(log, name, table, findings);
        replay.ReadAll(ct);
        if (order == ReplayOrder.AtCheckpoint)
        {
            replay.ApplyInLogOrder();
        }

        replay.Report();
        return replay;
    }

    private void ReadAll(CancellationToken ct)
    {
        var buffer = new byte[(int)Math.Min(log.PageCount, ChunkPages) * PageFormat.Size];
        var blank = 0L;
        for (long first = 0; first < log.PageCount; first += ChunkPages)
        {
            ct.ThrowIfCancellationRequested();
            var count = (int)Math.Min(ChunkPages, log.PageCount - first);
            log.Read(first, buffer.AsSpan(0, count * PageFormat.Size));
            for (var i = 0; i < count; i++)
            {
                var page = new PageView(buffer.AsSpan(i * PageFormat.Size, PageFormat.Size));
                var isBlank = PageFormat.IsBlank(page.Bytes);
                blank += isBlank ? 1 : 0;
                Add((int)first + i, page, isBlank);
            }
        }

        if (blank > 0)
        {
            findings.Warn(name, $"{blank} pages of the log are blank; the engine skips them.");
        }
    }

    private void Add(int image, PageView page, bool isBlank)
    {
        pages.Add(isBlank ? PageFormat.NoPage : page.PageId);
        transactionOf.Add(page.TransactionId);
        earlierOfSame.Add(-1);
        if (isBlank)
        {
            return;
        }

        if (page.IsConfirmed > 1)
        {
            findings.Error($"{name} image {image}", $"The confirm flag is {page.IsConfirmed}, neither 0 nor 1.");
        }

        ref var transaction = ref CollectionsMarshal.GetValueRefOrAddDefault(transactions, page.TransactionId, out var exists);
        if (!exists)
        {
            transaction = new Transaction { Last = -1, ConfirmedAt = -1 };
        }

        HasReusedIds |= transaction.ConfirmedAt >= 0;
        earlierOfSame[image] = transaction.Last;
        transaction.Last = image;
        transaction.Unconfirmed++;
        if (page.IsConfirmed == 0)
        {
            return;
        }

        Apply(image, transaction.ConfirmedAt);
        transaction.ConfirmedAt = image;
        transaction.Unconfirmed = 0;
        if (page.Type == PageFormat.HeaderPage)
        {
            HeaderImage = image;
        }
    }

    private void Apply(int confirm, int confirmedBefore)
    {
        for (var image = confirm; image >= 0; image = earlierOfSame[image])
        {
            if (image <= confirmedBefore && ++repeated > (long)RepeatBudget * pages.Count)
            {
                break;
            }

            toApply.Push(image);
        }

        while (toApply.TryPop(out var image))
        {
            table[pages[image]].LogImage = image + 1;
        }
    }

    private void ApplyInLogOrder()
    {
        table.ClearLogImages();
        for (var image = 0; image < pages.Count; image++)
        {
            if (pages[image] != PageFormat.NoPage && transactions[transactionOf[image]].ConfirmedAt >= 0)
            {
                table[pages[image]].LogImage = image + 1;
                HeaderImage = pages[image] == 0 ? image : HeaderImage;
            }
        }
    }

    private void Report()
    {
        if (log.RaggedBytes > 0)
        {
            findings.Warn(name, $"The log ends inside a page: its last {log.RaggedBytes} bytes are cut off, as the engine does.");
        }

        if (HasReusedIds)
        {
            findings.Warn(name, "A transaction id is used again after its confirmation, as happens after a restart with a log not yet checkpointed.");
        }

        var confirmed = transactions.Values.Count(transaction => transaction.ConfirmedAt >= 0);
        var dropped = transactions.Values.Where(transaction => transaction.Unconfirmed > 0).ToList();
        if (confirmed > 0)
        {
            findings.Note(name, $"{confirmed} committed transactions of the log are part of this copy.");
        }

        if (dropped.Count > 0)
        {
            findings.Note(name, $"{dropped.Sum(transaction => (long)transaction.Unconfirmed)} pages of {dropped.Count} transactions were never confirmed; the engine drops them.");
        }
    }

    private struct Transaction
    {
        public int Last;
        public int ConfirmedAt;
        public int Unconfirmed;
    }
}
