using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>What one running operation carries with it: its id, its progress, whether it should end, and how it went so far.</summary>
internal sealed class OperationContext(string id, OperationKind kind, Trigger trigger, CancellationTokenSource cancellation)
{
    public string Id { get; } = id;

    public OperationKind Kind { get; } = kind;

    public Trigger Trigger { get; } = trigger;

    public Progress Progress { get; } = new();

    public CancellationToken Cancellation => cancellation.Token;

    public string? CancelReason { get; private set; }

    /// <summary>The backup it is about, once that is known.</summary>
    public string? BackupName { get; set; }

    /// <summary>Its outcome if it ends without a failure.</summary>
    public Outcome Outcome { get; set; } = Outcome.Ok;

    public long BytesRead { get; set; }

    public long BytesCompressed { get; set; }

    public long BytesCarriedOver { get; set; }

    public bool Confirmed { get; set; }

    /// <summary>What a person should know of it although it was done.</summary>
    public List<Finding> Warnings { get; } = [];

    /// <summary>Its numbers, for the one line of log at its end.</summary>
    public string Summary { get; set; } = "";

    public void Cancel(string reason)
    {
        CancelReason = reason;
        cancellation.Cancel();
    }
}
