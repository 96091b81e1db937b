using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>No client holds up the exit: without care each of these takes the whole shutdown timeout of 25 s. The bounds leave room for a busy machine.</summary>
public sealed class StopTests : IDisposable
{
    private readonly TempFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Event_streams_end_at_once_and_the_exit_is_clean()
    {
        folder.Folder("storage");
        var (service, address) = await ServiceProcess.ServeAsync(folder);
        using var running = service;
        using var client = new HttpClient { BaseAddress = address };
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/api/operations/events", UriKind.Relative));
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var clock = Stopwatch.StartNew();

        service.Terminate();
        await response.Content.ReadAsStringAsync();

        Assert.Equal(0, await service.ExitAsync());
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"{clock.Elapsed}");
    }

    [Fact]
    public async Task Clients_that_never_send_or_never_read_are_cut_off()
    {
        var noise = new byte[60_000_000];
        new Random(7).NextBytes(noise);
        folder.File("storage/noise.bin", noise);
        var (service, address) = await ServiceProcess.ServeAsync(folder);
        using var running = service;
        using var client = new HttpClient { BaseAddress = address };
        using var created = await client.PostAsync(new Uri("/api/backup/create", UriKind.Relative), null);
        var name = System.Text.Json.JsonDocument.Parse(await created.Content.ReadAsStringAsync()).RootElement.GetProperty("name").GetString();

        using var neverSends = await SendAsync(address, "POST /api/backup/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
        using var refused = await SendAsync(address, "POST /api/backup/create HTTP/1.1\r\nHost: elsewhere.example\r\nContent-Length: 100\r\n\r\n{");
        using var neverReads = await SendAsync(address, $"GET /api/backup/{name}/download HTTP/1.1\r\nHost: localhost\r\n\r\n");
        await Task.Delay(300);
        var clock = Stopwatch.StartNew();
        service.Terminate();

        Assert.Equal(0, await service.ExitAsync());
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15), $"{clock.Elapsed}");
    }

    private static async Task<TcpClient> SendAsync(Uri address, string head)
    {
        var socket = new TcpClient { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(address.Host, address.Port);
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head));
        return socket;
    }
}
