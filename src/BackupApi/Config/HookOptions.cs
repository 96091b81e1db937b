using BackupApi.Model;

namespace BackupApi.Config;

/// <summary>Addresses of the application that are called before and after a capture and a restore.</summary>
internal static class HookOptions
{
    private enum Failure
    {
        Warn,
        Stop,
    }

    private static readonly Dictionary<string, Failure> Failures = new(StringComparer.OrdinalIgnoreCase) { ["warn"] = Failure.Warn, ["stop"] = Failure.Stop };

    /// <value>
    /// <c>Backup__Hooks__BeforeCapture</c>, <c>AfterCapture</c>, <c>BeforeRestore</c>, <c>AfterRestore</c>: http or https addresses. Default: none.
    /// <c>Backup__Hooks__Timeout</c>, in seconds or <c>hh:mm:ss</c>. Default: 10 seconds. From 1 second to 10 minutes.
    /// <c>Backup__Hooks__OnFailure</c>: warn or stop. Default: warn.
    /// </value>
    public static HookSettings Read(SettingsReader settings) => new()
    {
        BeforeCapture = ReadAddress(settings, "Backup__Hooks__BeforeCapture"),
        AfterCapture = ReadAddress(settings, "Backup__Hooks__AfterCapture"),
        BeforeRestore = ReadAddress(settings, "Backup__Hooks__BeforeRestore"),
        AfterRestore = ReadAddress(settings, "Backup__Hooks__AfterRestore"),
        Timeout = settings.Duration("Backup__Hooks__Timeout", TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
        StopsOnFailure = settings.Choice("Backup__Hooks__OnFailure", Failure.Warn, Failures) == Failure.Stop,
    };

    private static Uri? ReadAddress(SettingsReader settings, string name)
    {
        if (settings.Secret(name) is not { } text)
        {
            return null;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
        {
            return address;
        }

        // The value may hold a password: it is not shown.
        settings.Add(name, null, "an address such as http://app:8080/backup-hook");
        return null;
    }
}
