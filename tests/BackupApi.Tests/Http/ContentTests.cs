using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using BackupApi.Files;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>A service over files with difficult names, and one backup of them.</summary>
public sealed class DifficultNames : IAsyncLifetime
{
    internal RunningService Service { get; } = new(folder =>
    {
        var noise = new byte[200_000];
        new Random(7).NextBytes(noise);
        folder.File("storage/a b/ü 100%.txt", "hello"u8);
        folder.File("storage/noise.bin", noise);
        folder.File("storage/back\\slash", "x"u8);
        Posix.MakeSymlink("noise.bin", folder["storage/link"]);
        Posix.CreateNew(folder["storage"] + "/" + PathText.Decode([0x62, 0xFF])).Dispose();
    });

    internal string Name { get; private set; } = "";

    public async Task InitializeAsync()
    {
        await Service.InitializeAsync();
        Name = await Service.TakeBackupAsync();
    }

    public Task DisposeAsync() => Service.DisposeAsync();
}

/// <summary>What is inside a backup, and its bytes.</summary>
public sealed class ContentTests(DifficultNames difficult) : IClassFixture<DifficultNames>
{
    private readonly RunningService service = difficult.Service;
    private readonly string name = difficult.Name;

    [Fact]
    public async Task Files_are_listed_with_names_that_can_be_asked_for()
    {
        var (status, json) = await service.GetAsync($"/api/backup/{name}/files");

        Assert.Equal(200, status);
        Assert.True(json.GetProperty("success").GetBoolean());
        var files = json.GetProperty("files").EnumerateArray().ToDictionary(file => file.GetProperty("name").GetString()!, StringComparer.Ordinal);
        Assert.Equal(["a b", "a b/ü 100%.txt", "b\\xFF", "back\\\\slash", "link", "noise.bin"], files.Keys.Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Equal("symlink", files["link"].GetProperty("kind").GetString());
        Assert.Equal("noise.bin", files["link"].GetProperty("linkTarget").GetString());
        Assert.Equal(200_000, files["noise.bin"].GetProperty("size").GetInt64());
        Assert.Matches("^0[0-7]{3}$", files["noise.bin"].GetProperty("mode").GetString());

        foreach (var file in files.Values.Where(file => file.GetProperty("kind").GetString() == "file"))
        {
            var path = Uri.EscapeDataString(file.GetProperty("name").GetString()!).Replace("%2F", "/", StringComparison.Ordinal);
            var bytes = await service.Client.GetByteArrayAsync(new Uri($"/api/backup/{name}/files/{path}", UriKind.Relative));
            Assert.Equal(file.GetProperty("size").GetInt64(), bytes.Length);
        }
    }

    [Theory]
    [InlineData("a%20b/%C3%BC%20100%25.txt")]
    [InlineData("a%20b%2F%C3%BC%20100%25.txt")]
    public async Task One_file_comes_out_of_a_backup(string path)
    {
        using var response = await service.Client.GetAsync(new Uri($"/api/backup/{name}/files/{path}", UriKind.Relative));

        Assert.Equal("hello", await response.Content.ReadAsStringAsync());
        Assert.Equal("application/octet-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("attachment", response.Content.Headers.ContentDisposition?.DispositionType);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
    }

    [Fact]
    public async Task A_path_that_is_no_file_of_the_backup_is_404() => Assert.Equal(404, (await service.GetAsync($"/api/backup/{name}/files/none")).Status);

    [Fact]
    public async Task The_archive_comes_whole_with_its_checksum()
    {
        using var response = await service.Client.GetAsync(new Uri($"/api/backup/{name}/download", UriKind.Relative));
        var bytes = await response.Content.ReadAsByteArrayAsync();
        var sha256 = SHA256.HashData(bytes);

        Assert.Equal(await File.ReadAllBytesAsync(Path.Combine(service.Backups, name)), bytes);
        Assert.Equal("application/gzip", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(name, response.Content.Headers.ContentDisposition?.FileName);
        Assert.Equal($"\"{Convert.ToHexStringLower(sha256)}\"", response.Headers.ETag?.Tag);
        Assert.Equal(Convert.ToHexStringLower(sha256), Assert.Single(response.Headers.GetValues("X-Checksum-Sha256")));
        Assert.Equal($"sha-256=:{Convert.ToBase64String(sha256)}:", Assert.Single(response.Headers.GetValues("Repr-Digest")));
        Assert.Equal("bytes", Assert.Single(response.Headers.AcceptRanges));
    }

    [Theory]
    [InlineData(0, 9)]
    [InlineData(100, null)]
    [InlineData(null, 50)]
    public async Task A_broken_download_goes_on_where_it_stopped(int? from, int? to)
    {
        var whole = await File.ReadAllBytesAsync(Path.Combine(service.Backups, name));
        var (start, end) = from is { } f ? (f, (to ?? (whole.Length - 1)) + 1) : (whole.Length - to!.Value, whole.Length);

        using var response = await RangeAsync(new RangeHeaderValue(from, to));

        Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
        Assert.Equal(whole[start..end], await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(whole.Length, response.Content.Headers.ContentRange?.Length);
    }

    [Fact]
    public async Task A_range_of_another_archive_is_answered_with_the_whole_one()
    {
        using var response = await RangeAsync(new RangeHeaderValue(0, 9), ("If-Range", "\"another\""));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_range_outside_the_file_is_416()
    {
        using var response = await RangeAsync(new RangeHeaderValue(10_000_000, null));

        Assert.Equal(416, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task What_is_already_there_is_not_sent_again()
    {
        using var first = await service.Client.GetAsync(new Uri($"/api/backup/{name}/download", UriKind.Relative));
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"/api/backup/{name}/download", UriKind.Relative));
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var second = await service.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
    }

    [Fact]
    public async Task Its_size_is_told_by_HEAD()
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, new Uri($"/api/backup/{name}/download", UriKind.Relative));
        using var response = await service.Client.SendAsync(request);

        Assert.Equal(new FileInfo(Path.Combine(service.Backups, name)).Length, response.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task An_archive_that_vanished_is_404()
    {
        var gone = await service.TakeBackupAsync();
        File.Delete(Path.Combine(service.Backups, gone));

        Assert.Equal(404, (await service.GetAsync($"/api/backup/{gone}/download")).Status);
    }

    private Task<HttpResponseMessage> RangeAsync(RangeHeaderValue range, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"/api/backup/{name}/download", UriKind.Relative));
        request.Headers.Range = range;
        foreach (var (header, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(header, value);
        }

        return service.Client.SendAsync(request);
    }
}
