using System.Collections.Concurrent;
using System.IO.Compression;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace BackupApi.Tests.Support;

/// <summary>A collector on loopback: takes what OTLP brings, by HTTP or by gRPC (opentelemetry.io/docs/specs/otlp), and reads it.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private const int GrpcFrameHeader = 5;

    private readonly WebApplication server;
    private readonly ConcurrentQueue<(string Path, string Header, OtlpMessage Message)> taken = new();

    private OtlpCollector(bool isGrpc)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = isGrpc ? HttpProtocols.Http2 : HttpProtocols.Http1));
        server = builder.Build();
        server.Run(context => TakeAsync(context, isGrpc));
    }

    public Uri Address => new(server.Urls.Single());

    /// <summary>Spans so far: ResourceSpans 1, ScopeSpans 2, Span 2.</summary>
    public IReadOnlyList<OtlpMessage> Spans => [.. Of("trace").SelectMany(message => message.Messages(1, 2, 2))];

    /// <summary>Metrics of the last export: ResourceMetrics 1, ScopeMetrics 2, Metric 2.</summary>
    public IReadOnlyList<OtlpMessage> Measures => [.. Of("metrics").TakeLast(1).SelectMany(message => message.Messages(1, 2, 2))];

    public IReadOnlyList<Dictionary<string, string>> Resources => [.. taken.SelectMany(t => t.Message.Messages(1, 1)).Select(resource => resource.Attributes(1))];

    public IReadOnlyList<string> Headers => [.. taken.Select(t => t.Header)];

    public IReadOnlyList<string> Paths => [.. taken.Select(t => t.Path).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    public static async Task<OtlpCollector> StartAsync(bool isGrpc = false)
    {
        var collector = new OtlpCollector(isGrpc);
        await collector.server.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    private IEnumerable<OtlpMessage> Of(string signal) => taken.Where(t => t.Path.Contains(signal, StringComparison.OrdinalIgnoreCase)).Select(t => t.Message);

    private async Task TakeAsync(HttpContext context, bool isGrpc)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var bytes = body.ToArray().AsMemory(isGrpc ? GrpcFrameHeader : 0);
        if (context.Request.Headers.ContentEncoding == "gzip")
        {
            using var plain = new MemoryStream();
            await new GZipStream(new MemoryStream(bytes.ToArray()), CompressionMode.Decompress).CopyToAsync(plain);
            bytes = plain.ToArray();
        }

        taken.Enqueue((context.Request.Path, context.Request.Headers["x-token"].ToString(), new OtlpMessage(bytes)));
        context.Response.ContentType = isGrpc ? "application/grpc" : "application/x-protobuf";
        if (isGrpc)
        {
            await context.Response.Body.WriteAsync(new byte[GrpcFrameHeader]);
            context.Response.AppendTrailer("grpc-status", "0");
        }
    }
}
