using System.Net;
using System.Text;
using BackupApi.Http.Access;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http.Access;

/// <summary>Keys, right and wrong ones.</summary>
public sealed class WrongKeyTests
{
    private const string Key = "the-right-key-of-all";

    [Fact]
    public async Task Who_guesses_is_not_listened_to_and_named_in_the_log_without_his_guess()
    {
        await using var world = await World.StartAsync(("API_KEY", Key));

        for (var i = 0; i < WrongKeys.Most; i++)
        {
            Assert.Equal(401, await world.AskAsync(("X-Api-Key", $"guess-number-{i}")));
        }

        using var refused = await world.SendAsync(("X-Api-Key", Key));
        Assert.Equal(429, (int)refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Contains("\"fault\":\"tooManyRequests\"", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var health = await world.Service.Client.GetAsync(new Uri("/api/health/ready", UriKind.Relative));
        Assert.Equal(200, (int)health.StatusCode);
        var log = world.Log();
        Assert.Contains("A wrong key came from 127.0.0.1", log, StringComparison.Ordinal);
        Assert.Contains("10 different wrong keys came from 127.0.0.1", log, StringComparison.Ordinal);
        Assert.DoesNotContain("guess-number", log, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_forgotten_client_with_an_old_key_locks_nobody_out()
    {
        await using var world = await World.StartAsync(("API_KEY", Key));

        for (var i = 0; i < 30; i++)
        {
            Assert.Equal(401, await world.AskAsync(("X-Api-Key", "the-key-of-last-year")));
        }

        Assert.Equal(200, await world.AskAsync(("X-Api-Key", Key)));
    }

    [Fact]
    public async Task Several_keys_hold_at_the_same_time_and_come_in_three_ways()
    {
        await using var world = await World.StartAsync(("API_KEY", $"{Key},another-right-key-01"), ("API_KEY_READ_FILE", "keys"));

        Assert.Equal(200, await world.AskAsync(("X-Api-Key", Key)));
        Assert.Equal(200, await world.AskAsync(("Authorization", "bearer another-right-key-01")));
        Assert.Equal(200, await world.AskAsync(("Authorization", $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes("anybody:key-from-a-file-0001"))}")));
        Assert.Equal(200, await world.AskAsync(("X-Api-Key", "key-from-a-file-0002")));
        Assert.Equal(401, await world.AskAsync(("Authorization", "Basic not-base64-at-all")));
        Assert.Equal(401, await world.AskAsync(("X-Api-Key", Key[..^1])));
        Assert.Equal(401, await world.AskAsync(("X-Api-Key", $"{Key},another-right-key-01")));
    }

    [Fact]
    public async Task A_browser_is_asked_for_a_password_and_a_program_is_not()
    {
        await using var world = await World.StartAsync(("API_KEY", Key));

        using var program = await world.SendAsync(("Accept", "application/json"));
        using var browser = await world.SendAsync(("Accept", "text/html,application/xhtml+xml"));

        Assert.Equal(["Bearer"], program.Headers.WwwAuthenticate.Select(challenge => challenge.Scheme));
        Assert.Equal(["Bearer", "Basic"], browser.Headers.WwwAuthenticate.Select(challenge => challenge.Scheme));
    }

    [Fact]
    public async Task Health_tells_everybody_its_status_and_the_rest_to_a_right_key()
    {
        await using var world = await World.StartAsync(("API_KEY_READ", Key));

        foreach (var headers in new (string, string)[][] { [], [("X-Api-Key", "a-wrong-key-for-health")] })
        {
            var (status, health) = await world.Service.SendAsync(HttpMethod.Get, "/api/health", null, headers);
            Assert.Equal(200, status);
            Assert.Equal("{\"status\":\"healthy\"}", health.ToString());
            var (_, live) = await world.Service.SendAsync(HttpMethod.Get, "/api/health/live", null, headers);
            Assert.Equal("{\"status\":\"alive\"}", live.ToString());
        }

        var (_, whole) = await world.Service.SendAsync(HttpMethod.Get, "/api/health", null, ("X-Api-Key", Key));
        Assert.True(whole.TryGetProperty("disk", out _));
    }

    [Fact]
    public async Task The_settings_in_force_are_shown_with_their_origin_and_without_secrets()
    {
        await using var world = await World.StartAsync(("API_KEY", Key), ("API_KEY_READ_FILE", "keys"), ("LITEDB_PASSWORD", "the-password-of-litedb"), ("MAX_BACKUPS", "7"));

        var (status, json) = await world.Service.SendAsync(HttpMethod.Get, "/api/settings", null, ("X-Api-Key", Key));

        Assert.Equal(200, status);
        var settings = json.GetProperty("settings").EnumerateArray().ToDictionary(
            one => one.GetProperty("name").GetString()!, one => $"{one.GetProperty("value").GetString()} from {one.GetProperty("from").GetString()}", StringComparer.Ordinal);
        Assert.Equal("7 from environment", settings["MAX_BACKUPS"]);
        Assert.Equal("100 from default", settings["MIN_FREE_MB"]);
        Assert.Equal("*** from environment", settings["API_KEY"]);
        Assert.Equal($"*** from file {world.Service.Folder["keys"]}", settings["API_KEY_READ"]);
        Assert.Equal("*** from environment", settings["LITEDB_PASSWORD"]);
        Assert.Equal(" from default", settings["API_KEY_OPERATE"]);
        foreach (var secret in new[] { Key, "key-from-a-file", "the-password-of-litedb" })
        {
            Assert.DoesNotContain(secret, json.ToString(), StringComparison.Ordinal);
            Assert.DoesNotContain(secret, world.Log(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Guesses_are_counted_for_each_address_and_forgotten_after_a_minute()
    {
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        var wrong = new WrongKeys(clock);
        var address = IPAddress.Parse("192.0.2.1");
        for (var i = 0; i < WrongKeys.Most; i++)
        {
            Assert.Null(wrong.Wait(address));
            Assert.Equal(i + 1, wrong.Add(address, KeyRing.HashOf($"{i}")));
        }

        Assert.Equal(TimeSpan.FromMinutes(1), wrong.Wait(address));
        Assert.NotNull(wrong.Wait(IPAddress.Parse("::ffff:192.0.2.1")));
        Assert.Null(wrong.Wait(IPAddress.Parse("192.0.2.2")));
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(wrong.Wait(address));
        Assert.Equal(1, wrong.Add(address, KeyRing.HashOf("0")));
        Assert.Equal(0, wrong.Add(address, KeyRing.HashOf("0")));
    }

    [Fact]
    public void An_IPv6_network_counts_as_one()
    {
        var wrong = new WrongKeys(new ManualClock(DateTimeOffset.UnixEpoch));
        for (var i = 0; i < WrongKeys.Most; i++)
        {
            wrong.Add(IPAddress.Parse($"2001:db8::{i + 1}"), KeyRing.HashOf($"{i}"));
        }

        Assert.NotNull(wrong.Wait(IPAddress.Parse("2001:db8::ffff")));
        Assert.Null(wrong.Wait(IPAddress.Parse("2001:db8:0:1::1")));
    }

    [Fact]
    public void Guesses_from_very_many_addresses_are_still_counted_in_bounded_memory()
    {
        var clock = new ManualClock(DateTimeOffset.UnixEpoch);
        var wrong = new WrongKeys(clock);
        for (var i = 0; i < 10_000 + WrongKeys.Most; i++)
        {
            wrong.Add(new IPAddress(0x0A000000L + i), KeyRing.HashOf($"{i}"));
        }

        Assert.NotNull(wrong.Wait(IPAddress.Parse("198.51.100.1")));
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(wrong.Wait(IPAddress.Parse("198.51.100.1")));
    }

    private sealed class World : IAsyncDisposable
    {
        public required RunningService Service { get; init; }

        public static async Task<World> StartAsync(params (string Name, string Value)[] settings)
        {
            RunningService? service = null;
            var paths = settings.Select(setting => (setting.Name, Value: (string?)setting.Value)).ToArray();
            service = new RunningService(
                folder =>
                {
                    folder.File("storage/a.txt", "hello"u8);
                    folder.File("keys", "key-from-a-file-0001\nkey-from-a-file-0002\n"u8);
                    for (var i = 0; i < paths.Length; i++)
                    {
                        paths[i].Value = paths[i].Name.EndsWith("_FILE", StringComparison.Ordinal) ? folder[paths[i].Value!] : paths[i].Value;
                    }
                },
                paths);
            await service.InitializeAsync();
            return new World { Service = service };
        }

        public async Task<HttpResponseMessage> SendAsync(params (string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/api/backup/list", UriKind.Relative));
            foreach (var (name, value) in headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            return await Service.Client.SendAsync(request);
        }

        public async Task<int> AskAsync((string Name, string Value) header)
        {
            using var response = await SendAsync(header);
            return (int)response.StatusCode;
        }

        public string Log() => string.Concat(Directory.GetFiles(Service.Folder["backups/.backupapi/logs"]).Select(ReadShared));

        public async ValueTask DisposeAsync() => await Service.DisposeAsync();

        private static string ReadShared(string path)
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(file);
            return reader.ReadToEnd();
        }
    }
}
