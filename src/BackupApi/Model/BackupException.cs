namespace BackupApi.Model;

/// <summary>An expected failure: one sentence of what happened, a second of what to do about it.</summary>
internal sealed class BackupException : Exception
{
    public BackupException(Fault fault, string message, string hint, Exception? inner = null)
        : base(message, inner)
    {
        Fault = fault;
        Hint = hint;
    }

    public Fault Fault { get; }

    /// <summary>What a person can do about it, one sentence.</summary>
    public string Hint { get; }

    /// <summary>The operation that stands in the way, when <see cref="Fault"/> is <see cref="Fault.Busy"/>.</summary>
    public string? OperationId { get; init; }
}
