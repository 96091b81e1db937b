using BackupApi.Model;

namespace BackupApi.Config;

/// <summary>Where alerts go to: webhooks, mail, and a dead man's switch.</summary>
internal static class AlertOptions
{
    private static readonly Dictionary<string, ChannelKind> Kinds = new(StringComparer.OrdinalIgnoreCase)
    {
        ["webhook"] = ChannelKind.Webhook,
        ["slack"] = ChannelKind.Slack,
        ["discord"] = ChannelKind.Discord,
        ["teams"] = ChannelKind.Teams,
        ["ntfy"] = ChannelKind.Ntfy,
        ["gotify"] = ChannelKind.Gotify,
    };

    /// <value>
    /// <c>Backup__Alerts__0__Kind</c> (webhook, slack, discord, teams, ntfy, gotify), <c>Backup__Alerts__0__Url</c>, <c>Backup__Alerts__0__Token</c>, and so on from 0;
    /// <c>Backup__Mail__Host</c>, <c>Port</c> (587), <c>Tls</c> (true), <c>From</c>, <c>To</c> (several with commas), <c>User</c>, <c>Password</c>;
    /// <c>Backup__PingUrl</c>. Each also as <c>…_FILE</c>. Default: none.
    /// </value>
    public static AlertSettings Read(SettingsReader settings)
    {
        var channels = new List<AlertChannel>();
        foreach (var number in settings.Below("Backup__Alerts").Where(key => key.Length <= 2 && key.All(char.IsAsciiDigit)).ToList())
        {
            var name = $"Backup__Alerts__{number}__";
            var kind = settings.Choice(name + "Kind", ChannelKind.Webhook, Kinds);
            channels.Add(new AlertChannel($"{number}-{kind.ToString().ToLowerInvariant()}", kind, ReadUrl(settings, name + "Url", isNeeded: true), settings.Secret(name + "Token")));
        }

        var mail = ReadMail(settings);
        if (mail is not null)
        {
            channels.Add(new AlertChannel("mail", ChannelKind.Mail));
        }

        return new AlertSettings
        {
            Channels = channels.Count > 0 ? channels : Array.Empty<AlertChannel>(),
            Mail = mail,
            PingUrl = ReadUrl(settings, "Backup__PingUrl", isNeeded: false),
        };
    }

    private static MailSettings? ReadMail(SettingsReader settings)
    {
        var host = settings.Text("Backup__Mail__Host", "", 255);
        var (from, to) = (settings.Text("Backup__Mail__From", "", 255), settings.Text("Backup__Mail__To", "", 2000));
        var port = (int)settings.Whole("Backup__Mail__Port", 587, 1, 65535, "port numbers");
        var usesTls = settings.Flag("Backup__Mail__Tls", true);
        var (user, password) = (settings.Text("Backup__Mail__User", "", 255), settings.Secret("Backup__Mail__Password"));
        if (host.Length == 0)
        {
            return null;
        }

        var receivers = to.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var address in receivers.Append(from).Where(address => !System.Net.Mail.MailAddress.TryCreate(address, out _)))
        {
            settings.Add(address == from ? "Backup__Mail__From" : "Backup__Mail__To", address, "a mail address, such as backup@example.org");
        }

        if (receivers.Length == 0)
        {
            settings.Add("Backup__Mail__To", to, "at least one mail address");
        }

        return new MailSettings(host, port, usesTls, from, receivers, user.Length == 0 ? null : user, password);
    }

    private static Uri? ReadUrl(SettingsReader settings, string name, bool isNeeded)
    {
        var text = settings.Secret(name);
        if (text is null && !isNeeded)
        {
            return null;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        {
            return url;
        }

        // The value may hold a token: it is not shown.
        settings.Add(name, null, "an address such as https://hooks.example.org/x");
        return null;
    }
}
