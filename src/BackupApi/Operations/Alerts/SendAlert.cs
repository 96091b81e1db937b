using System.Net.Http.Headers;
using System.Net.Mail;
using System.Text;
using BackupApi.Model;

namespace BackupApi.Operations.Alerts;

/// <summary>Brings an alert to one place, once. Whoever calls decides whether to try again.</summary>
internal sealed class SendAlert(AlertSettings settings) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = Patience };

    /// <returns>Null when it was taken; else what went wrong, without the address, which is a secret.</returns>
    public async Task<string?> SendAsync(AlertChannel channel, Alert alert, CancellationToken ct)
    {
        try
        {
            return channel.Kind == ChannelKind.Mail ? await MailAsync(alert, ct) : await PostAsync(channel, alert, ct);
        }
        catch (Exception e) when (e is HttpRequestException or SmtpException or IOException or InvalidOperationException or FormatException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return e is OperationCanceledException ? "no answer in time" : e is HttpRequestException { HttpRequestError: var error } ? error.ToString() : e.GetType().Name;
        }
    }

    /// <summary>Tells the dead man's switch that a backup begins (<c>/start</c>), went well, or did not (<c>/fail</c>). What becomes of it matters to nobody here: its silence is the message.</summary>
    public async Task PingAsync(string suffix, CancellationToken ct)
    {
        if (settings.PingUrl is { } url)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(url.AbsoluteUri.TrimEnd('/') + suffix), ct);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                // The service behind it notices.
            }
        }
    }

    public void Dispose() => http.Dispose();

    private async Task<string?> PostAsync(AlertChannel channel, Alert alert, CancellationToken ct)
    {
        var (body, mediaType) = AlertBody.Of(channel.Kind, alert);
        using var request = new HttpRequestMessage(HttpMethod.Post, channel.Address) { Content = new StringContent(body, Encoding.UTF8, mediaType) };
        if (channel.Kind == ChannelKind.Ntfy)
        {
            request.Headers.TryAddWithoutValidation("Title", alert.Title);
            request.Headers.TryAddWithoutValidation("Priority", AlertBody.PriorityOf(alert) > 5 ? "high" : "default");
        }

        if (channel.Token is { } token)
        {
            if (channel.Kind == ChannelKind.Gotify)
            {
                request.Headers.TryAddWithoutValidation("X-Gotify-Key", token);
            }
            else
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            }
        }

        using var answer = await http.SendAsync(request, ct);
        return answer.IsSuccessStatusCode ? null : $"status {(int)answer.StatusCode}";
    }

    private async Task<string?> MailAsync(Alert alert, CancellationToken ct)
    {
        if (settings.Mail is not { } mail)
        {
            return "no mail server is set";
        }

        using var client = new SmtpClient(mail.Host, mail.Port) { EnableSsl = mail.UsesTls, Timeout = (int)Patience.TotalMilliseconds };
        if (mail.User is not null)
        {
            client.Credentials = new System.Net.NetworkCredential(mail.User, mail.Password);
        }

        using var message = new MailMessage { From = new MailAddress(mail.From), Subject = $"{alert.Title}: {alert.Code}", Body = $"{alert.Message}\n\n{alert.Hint}\n", SubjectEncoding = Encoding.UTF8, BodyEncoding = Encoding.UTF8, BodyTransferEncoding = System.Net.Mime.TransferEncoding.QuotedPrintable };
        foreach (var to in mail.To)
        {
            message.To.Add(to);
        }

        await client.SendMailAsync(message, ct);
        return null;
    }
}
