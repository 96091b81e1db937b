using System.Diagnostics;
using System.Text;
using BackupApi.Http;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>What people really send, byte by byte, and what is refused.</summary>
public sealed class BodyTests(RunningService service) : IClassFixture<RunningService>
{
    [Theory]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("text/plain")]
    [InlineData("nonsense/at all; charset=nonsense")]
    [InlineData(null)]
    public async Task A_label_arrives_whatever_the_content_type_says(string? contentType) =>
        Assert.Equal("migration-export", await LabelOfAsync(Encoding.UTF8.GetBytes("""{"label":"migration-export"}"""), contentType));

    [Fact]
    public async Task Windows_PowerShell_sends_Latin1_and_is_understood() =>
        Assert.Equal("Grüße vor Umzug", await LabelOfAsync(Encoding.Latin1.GetBytes("""{"label":"Grüße vor Umzug"}"""), "application/x-www-form-urlencoded"));

    [Fact]
    public async Task Every_Unicode_form_with_its_mark_is_understood()
    {
        foreach (var encoding in new[] { Encoding.UTF8, Encoding.Unicode, Encoding.BigEndianUnicode })
        {
            Assert.Equal("備份 🗄", await LabelOfAsync([.. encoding.Preamble, .. encoding.GetBytes("""{"label":"備份 🗄"}""")], "application/json"));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("  \r\n")]
    [InlineData("{}")]
    [InlineData("""{"label":null,"metadata":null}""")]
    [InlineData("""{"Label":""}""")]
    public async Task No_body_and_an_empty_one_are_a_backup_without_label(string body) =>
        Assert.Null(await LabelOfAsync(Encoding.UTF8.GetBytes(body), "application/x-www-form-urlencoded"));

    [Theory]
    [InlineData("-X POST URL/api/backup/create", "")]
    [InlineData("-X POST URL/api/backup/create -d {\"label\":\"by-curl\"}", "by-curl")]
    [InlineData("-X POST URL/api/backup/create -H Content-Type:application/json -d {\"label\":\"by-curl\"}", "by-curl")]
    [InlineData("-X POST URL/api/backup/create -H Transfer-Encoding:chunked -d {\"label\":\"by-curl\"}", "by-curl")]
    public async Task Curl_as_typed_takes_a_backup(string arguments, string label)
    {
        var address = service.Client.BaseAddress!.ToString().TrimEnd('/');
        using var curl = Process.Start(new ProcessStartInfo("curl", ["-s", "-f", .. arguments.Replace("URL", address, StringComparison.Ordinal).Split(' ')]) { RedirectStandardOutput = true })!;
        var text = await curl.StandardOutput.ReadToEndAsync();
        await curl.WaitForExitAsync();

        Assert.Equal(0, curl.ExitCode);
        Assert.Equal(label, System.Text.Json.JsonDocument.Parse(text).RootElement.GetProperty("label").GetString() ?? "");
    }

    [Theory]
    [InlineData("{\"label\":", "line 1, position 10")]
    [InlineData("{\n  \"label\": bare\n}", "line 2, position 12")]
    [InlineData("label=x", "line 1, position 1")]
    [InlineData("{\"label\":\"a\",\"label\":\"b\"}", "not valid JSON")]
    [InlineData("[1]", "not an object")]
    [InlineData("null", "not an object")]
    [InlineData("{\"label\":5}", "$.label")]
    [InlineData("{\"lable\":\"x\"}", "unknown field \"lable\"")]
    [InlineData("{\"label\":\"\\ud800\"}", "$.label")]
    [InlineData("{\"label\":\"a\\nb\"}", "control character")]
    public async Task A_wrong_body_is_refused_naming_the_place(string body, string part)
    {
        var (status, json) = await service.PostAsync("/api/backup/create", body);

        Assert.Equal(400, status);
        Assert.Equal("invalidRequest", json.GetProperty("fault").GetString());
        Assert.Contains(part, json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("BackupApi.", json.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(json.GetProperty("hint").GetString()!);
    }

    [Fact]
    public async Task A_body_nested_too_deep_is_refused() =>
        Assert.Equal(400, (await service.PostAsync("/api/backup/create", "{\"metadata\":" + new string('[', 30_000))).Status);

    [Theory]
    [InlineData(31, 200)]
    [InlineData(33, 400)]
    [InlineData(60, 400)]
    public async Task Metadata_are_kept_as_long_as_every_answer_can_hold_them(int depth, int expected)
    {
        var (status, json) = await service.PostAsync("/api/backup/create", $$"""{"metadata":{{new string('[', depth)}}{{new string(']', depth)}}}""");

        Assert.Equal(expected, status);
        if (status == 200)
        {
            Assert.Equal(200, (await service.GetAsync($"/api/backup/{json.GetProperty("name").GetString()}")).Status);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_over_64_KB_is_too_large(bool isChunked)
    {
        using var content = new StringContent("{\"metadata\":\"" + new string('x', 70_000) + "\"}");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/api/backup/create", UriKind.Relative)) { Content = content };
        request.Headers.TransferEncodingChunked = isChunked;
        using var response = await service.Client.SendAsync(request);

        Assert.Equal(413, (int)response.StatusCode);
        Assert.Contains("\"fault\":\"tooLarge\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_of_64_KB_is_not() =>
        Assert.Equal(200, (await service.PostAsync("/api/backup/create", "{\"label\":\"x\"}" + new string(' ', (64 * 1024) - 13))).Status);

    [Fact]
    public async Task A_label_has_up_to_100_characters_of_any_script()
    {
        Assert.Equal(200, (await service.PostAsync("/api/backup/create", $$"""{"label":"{{string.Concat(Enumerable.Repeat("🗄", 100))}}"}""")).Status);
        var (status, json) = await service.PostAsync("/api/backup/create", $$"""{"label":"{{new string('x', 101)}}"}""");
        Assert.Equal(400, status);
        Assert.Contains("100 characters", json.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"backupName":""}""")]
    [InlineData("""{"backupName":"../../etc/passwd"}""")]
    [InlineData("""{"backupName":"/etc/passwd"}""")]
    [InlineData("""{"backupName":"a\\b"}""")]
    [InlineData("""{"backupName":"a\u0000b"}""")]
    [InlineData("""{"backupName":"%2e%2e%2fx"}""")]
    [InlineData("""{"backupName":".."}""")]
    [InlineData("""{"backupName":"x.tar.gz","paths":["../x"]}""")]
    [InlineData("""{"backupName":"x.tar.gz","paths":[null]}""")]
    [InlineData("""{"backupName":"x.tar.gz","to":"/tmp"}""")]
    [InlineData("""{"backupName":"x.tar.gz","forse":true}""")]
    public async Task A_restore_of_what_is_no_name_is_refused(string body) =>
        Assert.Equal(400, (await service.PostAsync("/api/backup/restore", body)).Status);

    [Fact]
    public async Task A_restore_of_an_unknown_name_is_404() =>
        Assert.Equal(404, (await service.PostAsync("/api/backup/restore", """{"backupName":"backup_2020-01-01_000000.tar.gz"}""")).Status);

    [Fact]
    public async Task Nothing_to_undo_is_404() => Assert.Equal(404, (await service.PostAsync("/api/backup/undo-restore", "{}")).Status);

    [Fact]
    public void The_first_error_of_a_body_is_an_expected_failure() =>
        Assert.Equal(Fault.InvalidRequest, Assert.Throws<BackupException>(() => JsonText.Parse<CreateBody>("{")).Fault);

    private async Task<string?> LabelOfAsync(byte[] body, string? contentType)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.Remove("Content-Type");
        if (contentType is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        var (status, json) = await service.SendAsync(HttpMethod.Post, "/api/backup/create", content);
        Assert.True(status == 200, json.ToString());
        return json.GetProperty("label").GetString();
    }
}
