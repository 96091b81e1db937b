using System.Net.Http.Headers;
using System.Net.Mail;
using System.Security.Authentication;
using System.Text;
using BackupApi.Model;

namespace BackupApi.Operations.Alerts;

/// <summary>Brings an alert to one place, once. Whoever calls decides whether to try again.</summary>
internal sealed class SendAlert(AlertSettings settings) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Goes through the proxy of the environment, if there is one: these places lie outside. Of an answer only the status is of interest, so its body is never taken in.</summary>
    private readonly HttpClient http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = Patience };

    /// <returns>Null when it was taken; else what went wrong, without the address, which is a secret.</returns>
    public async Task<string?> SendAsync(AlertChannel channel, Alert alert, CancellationToken ct)
    {
        try
        {
            return channel.Kind == ChannelKind.Mail ? await MailAsync(alert, ct) : await PostAsync(channel, alert, ct);
        }
        catch (Exception e) when (IsExpected(e, ct))
        {
            return Describe(e);
        }
    }

    /// <summary>Asks the dead man's switch: that a backup begins (<c>/start</c>), went well (nothing), or did not (<c>/fail</c>).</summary>
    /// <returns>As of <see cref="SendAsync"/>.</returns>
    public async Task<string?> PingAsync(Uri url, string suffix, CancellationToken ct)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(url.AbsoluteUri.TrimEnd('/') + suffix), HttpCompletionOption.ResponseHeadersRead, ct);
            return answer.IsSuccessStatusCode ? null : $"status {(int)answer.StatusCode}";
        }
        catch (Exception e) when (IsExpected(e, ct))
        {
            return Describe(e);
        }
    }

    public void Dispose() => http.Dispose();

    private static bool IsExpected(Exception e, CancellationToken ct) =>
        e is HttpRequestException or SmtpException or AuthenticationException or IOException or InvalidOperationException or FormatException || (e is OperationCanceledException && !ct.IsCancellationRequested);

    private static string Describe(Exception e) => e switch
    {
        OperationCanceledException => "no answer in time",
        HttpRequestException { HttpRequestError: var error } => error.ToString(),
        AuthenticationException or { InnerException: AuthenticationException } => "its certificate is not trusted",
        SmtpException { StatusCode: var status } => $"mail status {status}",
        _ => e.GetType().Name,
    };

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

        using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        return answer.IsSuccessStatusCode ? null : $"status {(int)answer.StatusCode}";
    }

    private async Task<string?> MailAsync(Alert alert, CancellationToken ct)
    {
        if (settings.Mail is not { } mail)
        {
            return "no mail server is set";
        }

        using var client = new SmtpClient(mail.Host, mail.Port) { EnableSsl = mail.UsesTls };
        if (mail.User is not null)
        {
            client.Credentials = new System.Net.NetworkCredential(mail.User, mail.Password);
        }

        using var message = new MailMessage { From = new MailAddress(mail.From), Subject = $"{alert.Title}: {alert.Code}", Body = $"{alert.Message}\n\n{alert.Hint}\n", SubjectEncoding = Encoding.UTF8, BodyEncoding = Encoding.UTF8, BodyTransferEncoding = System.Net.Mime.TransferEncoding.QuotedPrintable };
        foreach (var to in mail.To)
        {
            message.To.Add(to);
        }

        // Its own Timeout holds for calls that block only.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        await client.SendMailAsync(message, patience.Token);
        return null;
    }
}
