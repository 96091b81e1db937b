using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace BackupApi.Http.Access;

/// <summary>What a client may cost before it is known who it is.</summary>
internal static class ServerLimits
{
    /// <summary>Bytes. Calls read <see cref="JsonText.LargestBody"/> and answer 413 beyond it; a body that is only somewhat larger is still taken in, so that its sender reads that answer.</summary>
    private const int LargestBody = 1024 * 1024;

    /// <summary>Bytes. The name of a file in a backup may have 4,096, each of them written as three characters.</summary>
    private const int LongestRequestLine = 16 * 1024;

    public static void Apply(KestrelServerOptions server, int maxConnections)
    {
        server.AddServerHeader = false;
        var limits = server.Limits;
        limits.MaxConcurrentConnections = maxConnections;
        limits.MaxRequestBodySize = LargestBody;
        limits.MaxRequestLineSize = LongestRequestLine;
        limits.MaxRequestHeadersTotalSize = 16 * 1024;
        limits.MaxRequestHeaderCount = 64;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
        // Slower ones are cut after the grace; a phone in a tunnel is still faster.
        limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
        limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(10));
    }
}
