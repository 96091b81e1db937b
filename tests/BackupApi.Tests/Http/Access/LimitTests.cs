using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http.Access;

/// <summary>No client takes so much that nothing is left for the others.</summary>
public sealed class LimitTests : IAsyncLifetime
{
    private readonly RunningService service = new(
        static folder => folder.File("storage/large.bin", RandomNumberGenerator.GetBytes(40_000_000)), ("Backup__MaxDownloads", "1"), ("Backup__MaxConnections", "64"));

    public Task InitializeAsync() => service.InitializeAsync();

    public Task DisposeAsync() => service.DisposeAsync();

    [Fact]
    public async Task More_downloads_than_allowed_wait_and_a_client_that_hangs_up_makes_room()
    {
        var path = new Uri($"/api/backup/{await service.TakeBackupAsync()}/download", UriKind.Relative);
        using (var first = await service.Client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.Equal(200, (int)first.StatusCode);
            using var second = await service.Client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(429, (int)second.StatusCode);
            Assert.NotNull(second.Headers.RetryAfter);
            Assert.Contains("tooManyRequests", await second.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.Equal(200, (await service.GetAsync("/api/backup/list")).Status);
        }

        var status = 429;
        for (var i = 0; i < 100 && status == 429; i++)
        {
            await Task.Delay(50);
            using var third = await service.Client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            status = (int)third.StatusCode;
        }

        Assert.Equal(200, status);
    }

    [Fact]
    public async Task Headers_beyond_their_bounds_are_refused_and_a_long_name_is_not()
    {
        Assert.StartsWith("HTTP/1.1 431", await SayAsync($"GET /api/health HTTP/1.1\r\nHost: localhost\r\nX-Long: {new string('x', 20_000)}\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 431", await SayAsync($"GET /api/health HTTP/1.1\r\nHost: localhost\r\n{string.Concat(Enumerable.Repeat("X: y\r\n", 100))}\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 414", await SayAsync($"GET /{new string('x', 20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith(
            "HTTP/1.1 404", await SayAsync($"GET /api/backup/backup_2020-01-01_000000.tar.gz/files/{string.Concat(Enumerable.Repeat("%c3%a9", 2_000))} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_beyond_their_number_are_closed_and_room_comes_back()
    {
        var idle = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 70; i++)
            {
                idle.Add(await ConnectAsync());
            }

            Assert.Equal("", await SayAsync("GET /api/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        }
        finally
        {
            idle.ForEach(client => client.Dispose());
        }

        var answer = "";
        for (var i = 0; i < 100 && answer.Length == 0; i++)
        {
            await Task.Delay(50);
            answer = await SayAsync("GET /api/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        }

        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slow_clients_hold_up_nobody()
    {
        var slow = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 20; i++)
            {
                var client = await ConnectAsync();
                slow.Add(client);
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(i % 2 == 0
                    ? "GET /api/health HTTP/1.1\r\nHost: local"
                    : "POST /api/backup/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{"));
            }

            var watch = Stopwatch.StartNew();
            Assert.Equal(200, (await service.GetAsync("/api/health/live")).Status);
            Assert.Equal(400, (await service.PostAsync("/api/backup/create", "{\"unknown\":1}")).Status);
            // A second is what it takes on a busy machine; the slow ones are cut after ten at the earliest, and their bodies after half a minute.
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{watch.Elapsed}");
        }
        finally
        {
            slow.ForEach(client => client.Dispose());
        }
    }

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("GET /api/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", 30)]
    [InlineData("POST /api/backup/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n{\"label\":\"", 30)]
    public async Task A_client_that_trickles_is_cut(string beginning, int seconds)
    {
        using var client = await ConnectAsync();
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(beginning));
        var watch = Stopwatch.StartNew();
        var answer = ReadAsync(stream);
        while (!answer.IsCompleted && watch.Elapsed < TimeSpan.FromSeconds(60))
        {
            await Task.WhenAny(answer, Task.Delay(250));
            try
            {
                await stream.WriteAsync("x"u8.ToArray());
            }
            catch (IOException)
            {
                break;
            }
        }

        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(seconds), $"{watch.Elapsed.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s");
        Assert.True(await answer is var text && (text.Length == 0 || text.StartsWith("HTTP/1.1 408", StringComparison.Ordinal)), await answer);
    }

    [Fact]
    [Trait("Category", "Long")]
    public async Task A_client_that_takes_nothing_of_its_download_is_cut_and_gives_its_place_back()
    {
        var name = await service.TakeBackupAsync();
        using var client = await ConnectAsync();
        client.ReceiveBufferSize = 4096;
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET /api/backup/{name}/download HTTP/1.1\r\nHost: localhost\r\n\r\n"));

        var (status, tries) = (0, 0);
        for (var wasFull = false; tries < 400 && !(wasFull && status == 200); tries++)
        {
            await Task.Delay(500);
            using var other = await service.Client.GetAsync(new Uri($"/api/backup/{name}/download", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
            status = (int)other.StatusCode;
            wasFull |= status == 429;
        }

        Assert.True(status == 200 && tries > 1, $"{status} after {tries} tries");
    }

    [Fact]
    public async Task More_event_streams_than_allowed_are_refused_and_one_that_ends_makes_room()
    {
        var events = new Uri("/api/operations/events", UriKind.Relative);
        var open = new List<HttpResponseMessage>();
        try
        {
            for (var i = 0; i < 32; i++)
            {
                open.Add(await service.Client.GetAsync(events, HttpCompletionOption.ResponseHeadersRead));
                Assert.Equal(200, (int)open[^1].StatusCode);
            }

            using (var more = await service.Client.GetAsync(events, HttpCompletionOption.ResponseHeadersRead))
            {
                Assert.Equal(429, (int)more.StatusCode);
            }

            open[0].Dispose();
            var status = 429;
            for (var i = 0; i < 600 && status == 429; i++)
            {
                await Task.Delay(50);
                using var again = await service.Client.GetAsync(events, HttpCompletionOption.ResponseHeadersRead);
                status = (int)again.StatusCode;
            }

            Assert.Equal(200, status);
        }
        finally
        {
            open.ForEach(response => response.Dispose());
        }
    }

    [Fact]
    [Trait("Category", "Long")]
    public async Task A_body_that_comes_just_fast_enough_for_the_server_is_given_up_after_half_a_minute()
    {
        using var client = await ConnectAsync();
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("POST /api/backup/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\nConnection: close\r\n\r\n"));
        var watch = Stopwatch.StartNew();
        var answer = ReadAsync(stream);
        var piece = Encoding.ASCII.GetBytes(new string(' ', 100));
        while (!answer.IsCompleted && watch.Elapsed < TimeSpan.FromSeconds(60))
        {
            await stream.WriteAsync(piece);
            await Task.WhenAny(answer, Task.Delay(200));
        }

        Assert.StartsWith("HTTP/1.1 408", await answer, StringComparison.Ordinal);
        Assert.True(watch.Elapsed.TotalSeconds > 25, $"{watch.Elapsed}");
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(service.Client.BaseAddress!.Host, service.Client.BaseAddress.Port);
        return client;
    }

    /// <summary>What comes back until the connection ends; nothing when it was closed without a word.</summary>
    private async Task<string> SayAsync(string request)
    {
        using var client = await ConnectAsync();
        var stream = client.GetStream();
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        }
        catch (IOException)
        {
            // Closed already: what was said before that is still to be read.
        }

        return await ReadAsync(stream);
    }

    private static async Task<string> ReadAsync(NetworkStream stream)
    {
        var kept = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (await stream.ReadAsync(buffer) is > 0 and var length)
            {
                kept.Append(Encoding.ASCII.GetString(buffer, 0, length));
            }
        }
        catch (IOException)
        {
            // A reset ends the connection too.
        }

        return kept.ToString();
    }
}
