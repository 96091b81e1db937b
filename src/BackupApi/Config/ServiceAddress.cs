using System.Net;

namespace BackupApi.Config;

/// <summary>Where a command finds the service that was started with the same settings.</summary>
internal static class ServiceAddress
{
    /// <summary>The address of the running service, by <c>BACKUPAPI_URL</c>, else by what the service itself reads.</summary>
    /// <value>Plain HTTP where there is a choice: it needs no certificate, and the service is on this machine. An address for all interfaces becomes the loopback one.</value>
    public static Uri? Find(IConfiguration configuration)
    {
        if (configuration["BACKUPAPI_URL"] is { Length: > 0 } given)
        {
            return Uri.TryCreate(given, UriKind.Absolute, out var uri) ? uri : null;
        }

        var urls = Split(configuration["urls"]);
        if (urls.Count == 0)
        {
            urls = [.. Split(configuration["http_ports"]).Select(port => $"http://*:{port}"), .. Split(configuration["https_ports"]).Select(port => $"https://*:{port}")];
        }

        if (urls.Count == 0)
        {
            urls = [ServiceOptions.DefaultAddress];
        }

        return Reachable(urls.Find(url => url.StartsWith("http://", StringComparison.OrdinalIgnoreCase)) ?? urls[0]);
    }

    /// <summary>The service's own environment, without the rest of a host: a probe runs every few seconds.</summary>
    public static IConfiguration Environment() =>
        new ConfigurationBuilder().AddEnvironmentVariables("DOTNET_").AddEnvironmentVariables("ASPNETCORE_").AddEnvironmentVariables().Build();

    private static Uri? Reachable(string url)
    {
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            return null;
        }

        var isEverywhere = address.Host is "*" or "+" || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && (ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)));
        return address.IsUnixPipe ? null : new UriBuilder(address.Scheme, isEverywhere ? "127.0.0.1" : address.Host, address.Port, address.PathBase).Uri;
    }

    private static List<string> Split(string? list) =>
        [.. (list ?? "").Split([';', ','], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
}
