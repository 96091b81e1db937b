namespace BackupApi.Config;

/// <summary>One wrong setting, in words a person can act on.</summary>
/// <param name="Variable">As it is set: <c>MAX_BACKUPS</c>, <c>Backup__Threads</c>.</param>
/// <param name="Value">What it was set to; null where there is none to show (a secret, or not a matter of one value).</param>
/// <param name="Allowed">What would have been right, a full clause.</param>
internal sealed record SettingError(string Variable, string? Value, string Allowed)
{
    private const int LongestValueShown = 200;

    public override string ToString() => Value is null
        ? $"{Variable}: {Allowed}."
        : $"{Variable} is \"{(Value.Length > LongestValueShown ? Value[..LongestValueShown] + "…" : Value)}\": {Allowed}.";
}
