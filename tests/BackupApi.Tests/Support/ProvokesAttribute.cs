namespace BackupApi.Tests.Support;

/// <summary>Says of a test that it provokes these reasons of health by a real cause, and sees them go with it. <c>HealthCodesTests</c> wants one for each.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ProvokesAttribute(params string[] codes) : Attribute
{
    public IReadOnlyList<string> Codes { get; } = codes;
}
