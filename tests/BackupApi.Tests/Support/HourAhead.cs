namespace BackupApi.Tests.Support;

/// <summary>By this clock everything was last written an hour ago.</summary>
internal sealed class HourAhead : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromHours(1);
}
