using System.Text.Json;
using BackupApi.Model;

namespace BackupApi.Operations.Alerts;

/// <summary>An alert in the words of each receiver.</summary>
internal static class AlertBody
{
    /// <summary>JSON, except for ntfy, which takes plain text with its facts in headers.</summary>
    public static (string Body, string MediaType) Of(ChannelKind kind, Alert alert) => kind switch
    {
        ChannelKind.Slack => (Write(new { text = Sentence(alert) }), "application/json"),
        ChannelKind.Discord => (Write(new { content = Sentence(alert), allowed_mentions = new { parse = Array.Empty<string>() } }), "application/json"),
        ChannelKind.Teams => (Write(new
        {
            type = "message",
            attachments = new[]
            {
                new
                {
                    contentType = "application/vnd.microsoft.card.adaptive",
                    content = new { type = "AdaptiveCard", version = "1.4", body = new[] { new { type = "TextBlock", text = Sentence(alert), wrap = true } } },
                },
            },
        }), "application/json"),
        ChannelKind.Gotify => (Write(new { title = alert.Title, message = $"{alert.Message} {alert.Hint}", priority = PriorityOf(alert) }), "application/json"),
        ChannelKind.Ntfy => ($"{alert.Message}\n{alert.Hint}", "text/plain"),
        _ => (Write(new { alert.Kind, alert.Code, alert.Title, alert.Message, alert.Hint, alert.At }), "application/json"),
    };

    /// <summary>From 1 to 10, as Gotify has it.</summary>
    public static int PriorityOf(Alert alert) => alert.Kind is AlertKind.Recovery or AlertKind.Test ? 3 : 8;

    private static string Sentence(Alert alert) => $"{alert.Title}: {alert.Message} {alert.Hint}";

    private static string Write<T>(T body) => JsonSerializer.Serialize(body, Json.Options);
}
