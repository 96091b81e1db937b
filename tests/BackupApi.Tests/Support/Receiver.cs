using System.Net;
using System.Net.Sockets;
using System.Text;

namespace BackupApi.Tests.Support;

/// <summary>A web server of a few lines: answers every request with one status and remembers it.</summary>
internal sealed class Receiver : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly List<(string Head, string Body)> requests = [];

    public Receiver(int status = 200)
    {
        Status = status;
        listener.Start();
        // Off the few threads on which tests run: one of them may be held by a test that blocks.
        _ = Task.Run(ServeAsync);
    }

    public int Status { get; set; }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/hook");

    public List<(string Head, string Body)> Requests
    {
        get
        {
            lock (requests)
            {
                return [.. requests];
            }
        }
    }

    public void Dispose() => listener.Dispose();

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                _ = AnswerAsync(await listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task AnswerAsync(TcpClient accepted)
    {
        using var client = accepted;
        try
        {
            using var reader = new StreamReader(client.GetStream(), Encoding.UTF8, leaveOpen: true);
            var (head, length) = (new StringBuilder(), 0);
            while (await reader.ReadLineAsync() is { Length: > 0 } line)
            {
                head.AppendLine(line);
                length = line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase) ? int.Parse(line[15..], System.Globalization.CultureInfo.InvariantCulture) : length;
            }

            if (head.Length == 0)
            {
                return;
            }

            var body = new char[length];
            if (length > 0)
            {
                // Asked for nothing, it would wait for something all the same.
                await reader.ReadBlockAsync(body);
            }

            lock (requests)
            {
                requests.Add((head.ToString(), new string(body).TrimEnd('\0')));
            }

            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {Status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Whoever asked hung up.
        }
    }
}
