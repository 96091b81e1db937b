using System.Globalization;
using System.Text;
using System.Text.Json;

namespace BackupApi.Tests.Http;

/// <summary>One call as its description tells it.</summary>
internal sealed record DescribedCall(string Method, string Path, IReadOnlyList<(string Name, string In)> Parameters, IReadOnlyList<(string Name, string Type)> Fields, string? Example)
{
    public static DescribedCall Of(string method, string path, JsonElement operation, JsonElement document)
    {
        var parameters = operation.TryGetProperty("parameters", out var list)
            ? list.EnumerateArray().Select(parameter => (parameter.GetProperty("name").GetString()!, parameter.GetProperty("in").GetString()!)).ToList()
            : [];
        if (!operation.TryGetProperty("requestBody", out var body))
        {
            return new DescribedCall(method.ToUpperInvariant(), path, parameters, [], null);
        }

        var json = body.GetProperty("content").GetProperty("application/json");
        var schema = json.GetProperty("schema");
        if (schema.TryGetProperty("$ref", out var reference))
        {
            schema = document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]);
        }

        var fields = schema.GetProperty("properties").EnumerateObject()
            .Select(field => (field.Name, field.Value.TryGetProperty("type", out var type) ? type.ToString() : "any")).ToList();
        return new DescribedCall(method.ToUpperInvariant(), path, parameters, fields, json.GetProperty("example").GetRawText());
    }
}

/// <summary>A request as it is to be sent; its path is not tidied up.</summary>
internal sealed record StrangeRequest(string Method, string Path, byte[]? Body, IReadOnlyList<(string Name, string Value)> Headers)
{
    /// <summary>The server may end the connection instead of answering: the request is larger than what it takes.</summary>
    public bool MayBeCut => Path.Length > 8_000 || Body?.Length > 60_000;

    public HttpRequestMessage ToMessage(Uri address)
    {
        var uri = new Uri(address.GetLeftPart(UriPartial.Authority) + Path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var message = new HttpRequestMessage(new HttpMethod(Method), uri) { Content = Body is null ? null : new ByteArrayContent(Body) };
        foreach (var (name, value) in Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, value))
            {
                message.Content?.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return message;
    }

    public override string ToString() =>
        $"{Method} {(Path.Length > 300 ? Path[..300] : Path)} {string.Join(' ', Headers.Select(header => $"{header.Name}: {header.Value}"))} {(Body is null ? "" : Encoding.UTF8.GetString(Body.AsSpan(0, Math.Min(300, Body.Length))))}";
}

/// <summary>Makes requests of a description: most of them nearly right, each wrong in some way of its own; the same seed gives the same ones.</summary>
internal sealed class StrangeRequests(int seed, IReadOnlyList<string> known)
{
    private static readonly string[] Nasty =
    [
        "", " ", ".", "..", "../", "..\\..\\x", "/", "//", "/etc/passwd", "../../../../etc/passwd", "%2e%2e%2f", "%252e%252e%252f", "a/../b", "a//b", "~", "-rf", "*", "**", "?", "[", "a\0b", "a\nb", "\r\n",
        "backup_2020-01-01_000000.tar.gz", "backup_9999-99-99_999999.tar.gz", ".backupapi", ".backupapi/state.json", ".staging", "x.partial", "CON", "ａ", "é", "e\u0301", "\u202Egpj.zg", "\uFEFF", "😀", "\uFFFD", "\uDC80",
        "null", "true", "false", "0", "-1", "1e999", "99999999999999999999", "NaN", "{}", "[]", "'; DROP TABLE x; --", "<script>alert(1)</script>", "${jndi:ldap://x}", "$(id)", "`id`", "%s%n%x", "{name}", "events", "create", "verify",
    ];

    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X"];

    private static readonly (string Name, string[] Values)[] Extra =
    [
        ("Range", ["bytes=0-0", "bytes=-1", "bytes=5-1", "bytes=0-", "bytes=99999999999-", "bytes=0-0,2-3", "bytes=-", "lines=1-2", "bytes=0-18446744073709551616"]),
        ("If-None-Match", ["*", "\"x\"", "W/\"x\"", "x", "\"", ",,,"]),
        ("If-Match", ["*", "\"x\"", "\""]),
        ("If-Range", ["\"x\"", "Fri, 20 Nov 2026 06:00:00 GMT", "x"]),
        ("If-Modified-Since", ["Fri, 20 Nov 2026 06:00:00 GMT", "yesterday"]),
        ("Accept", ["text/html", "*/*;q=x", "application/xml", ",", "application/json;q=0"]),
        ("Accept-Encoding", ["gzip", "br;q=2", "identity;q=0", "*"]),
        ("Content-Type", ["application/json", "text/plain; charset=utf-7", "application/x-www-form-urlencoded", "multipart/form-data; boundary=", "x"]),
        ("Content-Encoding", ["gzip", "x"]),
        ("Expect", ["100-continue"]),
        ("X-HTTP-Method-Override", ["DELETE"]),
        ("X-Forwarded-For", ["127.0.0.1", "x"]),
        ("X-Original-URL", ["/api/settings"]),
        ("X-Api-Key", ["x", ",", "é"]),
        ("Authorization", ["Bearer", "Bearer ", "Basic", "Basic Og==", "Basic %%%", "Digest x", ":"]),
        ("Origin", ["null", "http://evil.example", "x"]),
        ("Cookie", ["a=b; a=c; =; ;"]),
        ("Last-Event-ID", ["-1", "x"]),
    ];

    private readonly Random random = new(seed);

    public StrangeRequest Make(DescribedCall call)
    {
        var path = call.Path;
        var query = new List<string>();
        var headers = new List<(string, string)>();
        foreach (var (name, place) in call.Parameters)
        {
            if (place == "path")
            {
                path = path.Replace($"{{{name}}}", InPath(), StringComparison.Ordinal);
            }
            else if (place == "query" && Chance(0.6))
            {
                query.Add($"{name}={(Chance(0.6) ? (Chance(0.5) ? "true" : "false") : Escape(Text()))}");
            }
            else if (place == "header" && Chance(0.5))
            {
                headers.Add((name, new string([.. Text().Where(c => c is >= ' ' and <= '~')])));
            }
        }

        if (Chance(0.05))
        {
            query.Add($"{Escape(Text())}={Escape(Text())}");
        }

        for (var i = 0; i < 2 && Chance(0.3); i++)
        {
            var (name, values) = Extra[random.Next(Extra.Length)];
            headers.Add((name, values[random.Next(values.Length)]));
        }

        path = Chance(0.03) ? path.Replace("/api/", "/api//", StringComparison.Ordinal) : Chance(0.03) ? path + "/" : Chance(0.02) ? path.ToUpperInvariant() : path;
        var method = Chance(0.05) ? Methods[random.Next(Methods.Length)] : call.Method;
        var body = call.Example is not null || Chance(0.03) ? Body(call) : null;
        return new StrangeRequest(method, path + (query.Count > 0 ? "?" + string.Join('&', query) : ""), method is "TRACE" or "HEAD" or "GET" ? null : body, headers);
    }

    private bool Chance(double part) => random.NextDouble() < part;

    private string InPath() => Chance(0.25) ? Escape(known[0]) : Chance(0.03) ? RawBytes() : Escape(Text());

    private string Text() => random.Next(10) switch
    {
        < 3 => known[random.Next(known.Count)],
        < 8 => Nasty[random.Next(Nasty.Length)],
        8 => new string((char)random.Next(0x20, 0x2000), random.Next(1, Chance(0.1) ? 3000 : 120)),
        _ => string.Concat(Enumerable.Range(0, random.Next(1, 20)).Select(_ => (char)random.Next(1, 0xD7FF))),
    };

    /// <summary>Slashes stay slashes half the time; a text already escaped is sometimes passed on as it is.</summary>
    private string Escape(string text)
    {
        var escaped = Uri.EscapeDataString(text);
        return Chance(0.5) ? escaped : escaped.Replace("%2F", "/", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal);
    }

    private string RawBytes() => string.Concat(Enumerable.Range(0, random.Next(1, 30)).Select(_ => $"%{random.Next(256).ToString("X2", CultureInfo.InvariantCulture)}"));

    private byte[] Body(DescribedCall call)
    {
        var text = random.Next(20) switch
        {
            0 => "",
            1 => "null",
            2 => "[]",
            3 => "\"text\"",
            4 => new string('[', random.Next(1, 5000)),
            5 => string.Concat(Enumerable.Repeat("{\"a\":", random.Next(1, 300))) + "1" + new string('}', 300),
            6 => $"{{\"{Nasty[random.Next(Nasty.Length)]}\":1}}",
            7 => "{\"\\ud800\":1}",
            8 => new string(' ', random.Next(60_000, 80_000)) + "{}",
            9 => call.Example ?? "{}",
            _ => "{" + string.Join(',', call.Fields.Where(_ => Chance(0.7)).Select(field => $"\"{(Chance(0.1) ? field.Name.ToUpperInvariant() : field.Name)}\":{Value(field.Type)}")) + "}",
        };
        var bytes = random.Next(20) switch
        {
            0 => Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(text)).ToArray(),
            1 => Encoding.BigEndianUnicode.GetPreamble().Concat(Encoding.BigEndianUnicode.GetBytes(text)).ToArray(),
            2 => Encoding.UTF8.Preamble.ToArray().Concat(Encoding.UTF8.GetBytes(text)).ToArray(),
            3 => Encoding.Latin1.GetBytes(text),
            _ => Encoding.UTF8.GetBytes(text),
        };
        for (var i = 0; i < 3 && bytes.Length > 0 && Chance(0.1); i++)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        return Chance(0.05) ? bytes[..random.Next(bytes.Length + 1)] : bytes;
    }

    private string Value(string type) => random.Next(12) switch
    {
        0 => "null",
        1 => "1e999",
        2 => "-0",
        3 => "\"\\ud800\\u0000\"",
        4 => "{\"a\":[1,{\"b\":null}]}",
        5 => $"[{string.Join(',', Enumerable.Range(0, random.Next(0, 20)).Select(_ => JsonSerializer.Serialize(Text())))}]",
        6 => $"{new string('[', 70)}{new string(']', 70)}",
        _ when type.Contains("boolean", StringComparison.Ordinal) => Chance(0.5) ? "true" : "false",
        _ when type.Contains("array", StringComparison.Ordinal) => $"[{JsonSerializer.Serialize(Text())}]",
        _ => JsonSerializer.Serialize(Text()),
    };
}
