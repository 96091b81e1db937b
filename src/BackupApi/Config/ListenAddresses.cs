using System.Net;
using System.Net.Sockets;

namespace BackupApi.Config;

/// <summary>Where the service is told to listen, and who can reach that.</summary>
internal sealed record ListenAddresses
{
    private static readonly (string Key, string Variable)[] Ports = [("http_ports", "ASPNETCORE_HTTP_PORTS"), ("https_ports", "ASPNETCORE_HTTPS_PORTS")];

    /// <summary>As they were given: by <c>ASPNETCORE_URLS</c> or <c>--urls</c>, as ports, or as endpoints of Kestrel. All of them, also where the platform lets one overrule another.</summary>
    public required IReadOnlyList<string> Given { get; init; }

    /// <summary>The first address that other machines can reach; null when all of them are this machine's own.</summary>
    public required string? Reachable { get; init; }

    /// <summary>Host names and addresses in <see cref="Given"/>, without those that stand for every interface.</summary>
    public required IReadOnlyList<string> Hosts { get; init; }

    public static ListenAddresses Read(SettingsReader settings, IConfiguration configuration)
    {
        var given = Urls(settings, configuration).ToList();
        var hosts = given.ConvertAll(address => address.Host.Trim('[', ']'));
        return new ListenAddresses
        {
            Given = given.ConvertAll(address => address.ToString()),
            Reachable = given.Find(address => !IsLocal(address))?.ToString(),
            Hosts = [.. hosts.Where(host => host is not ("*" or "+") && !(IPAddress.TryParse(host, out var ip) && IsAny(ip)))],
        };
    }

    private static IEnumerable<BindingAddress> Urls(SettingsReader settings, IConfiguration configuration)
    {
        foreach (var url in Parts(configuration["urls"], ';'))
        {
            if (Parse(settings, "ASPNETCORE_URLS", url) is { } address)
            {
                yield return address;
            }
        }

        foreach (var (key, variable) in Ports)
        {
            foreach (var port in Parts(configuration[key], ';', ','))
            {
                if (SettingText.Whole(port) is >= 0 and <= 65535)
                {
                    yield return BindingAddress.Parse($"{key[..^"_ports".Length]}://*:{port}");
                }
                else
                {
                    settings.Add(variable, port, "port numbers from 0 to 65535, separated by semicolons");
                }
            }
        }

        foreach (var endpoint in configuration.GetSection("Kestrel:Endpoints").GetChildren())
        {
            if (Parse(settings, $"Kestrel__Endpoints__{endpoint.Key}__Url", endpoint["Url"] ?? "") is { } address)
            {
                yield return address;
            }
        }
    }

    private static BindingAddress? Parse(SettingsReader settings, string variable, string url)
    {
        try
        {
            return BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            settings.Add(variable, url, "addresses such as http://127.0.0.1:5050, separated by semicolons");
            return null;
        }
    }

    /// <summary>A name other than <c>localhost</c> makes Kestrel listen on every interface, whatever it resolves to.</summary>
    private static bool IsLocal(BindingAddress address) =>
        address.IsUnixPipe
        || address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));

    private static bool IsAny(IPAddress ip) => ip.Equals(ip.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any);

    private static string[] Parts(string? list, params char[] separators) =>
        (list ?? "").Split(separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
