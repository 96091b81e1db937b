using System.Net;
using BackupApi.Model;

namespace BackupApi.Http.Access;

/// <summary>Refuses a request that calls this service by a name that is not its own, and a browser's request that a foreign page made.</summary>
/// <remarks>
/// A page somewhere in the world can let its own name point at 127.0.0.1 and so make a browser talk to us as if we were its server (DNS rebinding).
/// It cannot do so with an address, nor with a name without a dot, which nobody outside can own. No Host at all (HTTP/1.0) comes from no browser.
/// </remarks>
internal sealed class HostGate(RequestDelegate next, AccessRules rules)
{
    public Task InvokeAsync(HttpContext context)
    {
        var host = context.Request.Host;
        if (host.HasValue && !IsOurs(host.Host))
        {
            throw new BackupException(
                Fault.Forbidden, "This service is not known by the name it was called by.", "Call it by its address, or set ALLOWED_HOSTS to that name.");
        }

        if (Changes(context.Request.Method) && IsForeign(context.Request))
        {
            throw new BackupException(
                Fault.Forbidden, "A page of another site may not change anything here.", "Call from a program, or from a page of this service; a proxy before it must pass the Host header on.");
        }

        return next(context);
    }

    private bool IsOurs(string host)
    {
        var name = host.Trim('[', ']').TrimEnd('.');
        if (IPAddress.TryParse(name, out var address))
        {
            return !rules.IsLocal || IPAddress.IsLoopback(address) || rules.Hosts.Contains(name, StringComparer.OrdinalIgnoreCase);
        }

        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
            || (!rules.IsLocal && name.Length > 0 && !name.Contains('.', StringComparison.Ordinal))
            || rules.Hosts.Any(pattern => Fits(name, pattern));
    }

    private static bool Fits(string name, string pattern) =>
        pattern == "*"
        || name.Equals(pattern, StringComparison.OrdinalIgnoreCase)
        || (pattern.StartsWith("*.", StringComparison.Ordinal) && name.Length > pattern.Length - 1 && name.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase));

    private static bool Changes(string method) => !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method) && !HttpMethods.IsOptions(method);

    /// <summary>Every browser of today sends Sec-Fetch-Site, the older ones an Origin; a page can forge neither. Programs send none.</summary>
    private static bool IsForeign(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site is not ("" or "same-origin" or "none"))
        {
            return true;
        }

        var origin = request.Headers.Origin.ToString();
        return origin.Length > 0
            && !(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.Authority.Equals(WithoutDefaultPort(request.Host, uri), StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>An origin never names the port that its scheme has by default; a Host may.</summary>
    private static string? WithoutDefaultPort(HostString host, Uri origin) => host.Port == (origin.Scheme == Uri.UriSchemeHttps ? 443 : 80) ? host.Host : host.Value;
}
