namespace BackupApi.Operations.Alerts;

/// <summary>How long a failing channel is left alone: 5 s, then twice as long each time, up to an hour.</summary>
internal static class BackOff
{
    public static readonly TimeSpan First = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    public static TimeSpan After(TimeSpan pause) => pause * 2 < Longest ? pause * 2 : Longest;
}
