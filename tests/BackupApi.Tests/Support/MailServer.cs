using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace BackupApi.Tests.Support;

/// <summary>A mail server of a few lines (RFC 5321): takes one message and gives everything that was said to it; with a certificate, only after STARTTLS (RFC 3207) and AUTH LOGIN.</summary>
internal sealed class MailServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2? certificate;

    public MailServer(X509Certificate2? certificate = null)
    {
        this.certificate = certificate;
        listener.Start();
        // Off the few threads on which tests run: one of them may be held by a test that blocks.
        Said = Task.Run(ServeAsync);
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public Task<string> Said { get; }

    public void Dispose() => listener.Dispose();

    private async Task<string> ServeAsync()
    {
        using var client = await listener.AcceptTcpClientAsync();
        var said = new StringBuilder();
        await using var plain = client.GetStream();
        await WriteAsync(plain, "220 here");
        if (certificate is null)
        {
            await TakeAsync(plain, said);
            return said.ToString();
        }

        try
        {
            await TakeAsync(plain, said, "STARTTLS");
            await using var secure = new SslStream(plain);
            await secure.AuthenticateAsServerAsync(certificate);
            said.AppendLine("-- TLS --");
            await TakeAsync(secure, said);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            said.AppendLine("-- no TLS --");
        }

        return said.ToString();
    }

    /// <summary>Until the message was taken, or <paramref name="end"/> was said and agreed to.</summary>
    private static async Task TakeAsync(Stream stream, StringBuilder said, string? end = null)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        var (isData, login) = (false, 0);
        while (await reader.ReadLineAsync() is { } line)
        {
            said.AppendLine(line);
            if (isData)
            {
                isData = line != ".";
                if (!isData)
                {
                    await WriteAsync(stream, "250 taken");
                    return;
                }

                continue;
            }

            isData = line == "DATA";
            login = line.StartsWith("AUTH LOGIN", StringComparison.OrdinalIgnoreCase) ? 1 : login == 1 ? 2 : 0;
            await WriteAsync(
                stream,
                login == 1 ? "334 UGFzc3dvcmQ6" : login == 2 ? "235 welcome"
                : line.StartsWith("EHLO", StringComparison.Ordinal) ? "250-here\r\n250-STARTTLS\r\n250 AUTH LOGIN"
                : isData ? "354 go on" : line == "QUIT" ? "221 bye" : line == end ? "220 go on" : "250 ok");
            if (line == end)
            {
                return;
            }
        }
    }

    private static ValueTask WriteAsync(Stream stream, string line) => stream.WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"));
}
