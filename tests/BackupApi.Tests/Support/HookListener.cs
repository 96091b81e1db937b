using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace BackupApi.Tests.Support;

/// <summary>An application that is called by hooks: a web server of a few lines on loopback that remembers each call.</summary>
internal sealed class HookListener : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly List<(string Head, JsonElement Body)> calls = [];

    public HookListener()
    {
        listener.Start();
        _ = ServeAsync();
    }

    public int Status { get; set; } = 200;

    /// <summary>Waited for before a call of this event is answered.</summary>
    public Func<string, Task> Answering { get; set; } = static _ => Task.CompletedTask;

    public string Address => $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/hook";

    public IReadOnlyList<(string Head, JsonElement Body)> Calls
    {
        get
        {
            lock (calls)
            {
                return [.. calls];
            }
        }
    }

    /// <summary><c>beforeCapture</c>, <c>afterCapture ok</c> and so on, in the order of the calls.</summary>
    public IReadOnlyList<string> Told => [.. Calls.Select(call => $"{call.Body.GetProperty("event")} {(call.Body.TryGetProperty("outcome", out var outcome) ? outcome : "")}".Trim())];

    /// <summary>An address where nobody listens.</summary>
    public static string Nobody()
    {
        using var gone = new TcpListener(IPAddress.Loopback, 0);
        gone.Start();
        return $"http://127.0.0.1:{((IPEndPoint)gone.LocalEndpoint).Port}/";
    }

    public async Task<bool> ToldAsync(int count)
    {
        for (var i = 0; i < 3000 && Calls.Count < count; i++)
        {
            await Task.Delay(10);
        }

        return Calls.Count >= count;
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

    private async Task AnswerAsync(TcpClient client)
    {
        using var connection = client;
        using var reader = new StreamReader(client.GetStream(), Encoding.UTF8, leaveOpen: true);
        var (head, length) = (new StringBuilder(), 0);
        while (await reader.ReadLineAsync() is { Length: > 0 } line)
        {
            head.AppendLine(line);
            length = line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase) ? int.Parse(line[15..], CultureInfo.InvariantCulture) : length;
        }

        var text = new char[length];
        var read = await reader.ReadBlockAsync(text);
        var body = JsonDocument.Parse(new string(text, 0, read)).RootElement.Clone();
        lock (calls)
        {
            calls.Add((head.ToString(), body));
        }

        await Answering(body.GetProperty("event").GetString()!);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {Status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    }
}
