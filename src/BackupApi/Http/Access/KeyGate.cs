using System.Globalization;
using System.Net;
using System.Text;
using BackupApi.Http.Pipeline;
using BackupApi.Model;

namespace BackupApi.Http.Access;

/// <summary>Lets a request through when its key allows what it asks for: 401 without a right key, 403 when its role is too small, 429 after too many wrong ones.</summary>
/// <remarks>
/// The key comes as <c>X-Api-Key</c>, as <c>Authorization: Bearer</c>, or as the password of <c>Authorization: Basic</c>, which is what a browser asks a person for.
/// An open call never fails for its key: a wrong one counts, and the caller is told what everybody is told.
/// </remarks>
internal sealed partial class KeyGate(RequestDelegate next, AccessRules rules, KeyRing keys, WrongKeys wrong, ILogger<KeyGate> log)
{
    private const string Bearer = "Bearer ";
    private const string Basic = "Basic ";

    public Task InvokeAsync(HttpContext context)
    {
        var needed = NeededFor(context);
        if (keys.IsEmpty)
        {
            if (IsStranger(context.Connection))
            {
                return Problems.RefuseAsync(new BackupException(Fault.Forbidden, "Without a key, only this machine itself is served.", "Set API_KEY, or ALLOW_ANONYMOUS=true."), context);
            }

            Caller.Remember(context, Role.Admin);
            return next(context);
        }

        var key = KeyIn(context.Request);
        var wait = key is null ? null : wrong.Wait(context.Connection.RemoteIpAddress);
        var role = key is null || wait is not null ? null : RoleOf(key, context.Connection.RemoteIpAddress);
        if (role is { } known)
        {
            Caller.Remember(context, known);
        }

        return needed is not { } least || role >= least ? next(context)
            : wait is { } time ? RefuseForNowAsync(time, context)
            : role is { } small ? RefuseRoleAsync(small, least, context)
            : AskForKeyAsync(key is null, context);
    }

    /// <summary>The least role for the call at hand. What is no call of ours (the page, an unknown address, a wrong method) is for whoever may look.</summary>
    private static Role? NeededFor(HttpContext context) => context.GetEndpoint() is RouteEndpoint call
        ? call.Metadata.GetMetadata<Needed>() is { } needed ? needed.Role : Role.Admin
        : Role.Read;

    /// <summary>The start refuses to listen beyond this machine without a key. Should a socket come by a way that it did not see, nobody is served through it.</summary>
    private bool IsStranger(ConnectionInfo connection) =>
        !rules.ServesAnybody && connection.LocalIpAddress is { } local && !IPAddress.IsLoopback(local.IsIPv4MappedToIPv6 ? local.MapToIPv4() : local);

    private Role? RoleOf(string key, IPAddress? address)
    {
        var hash = KeyRing.HashOf(key);
        if (keys.Find(hash) is { } role)
        {
            return role;
        }

        switch (wrong.Add(address, hash))
        {
            case 0:
                break;
            case WrongKeys.Most:
                ManyWrongKeys(log, WrongKeys.Most, Shown(address));
                break;
            default:
                WrongKey(log, Shown(address));
                break;
        }

        return null;
    }

    private static Task RefuseForNowAsync(TimeSpan wait, HttpContext context)
    {
        context.Response.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return Problems.RefuseAsync(
            new BackupException(Fault.TooManyRequests, "Too many wrong keys came from your address.", "Wait as long as Retry-After says, then send the right one."), context);
    }

    private static Task RefuseRoleAsync(Role role, Role least, HttpContext context) => Problems.RefuseAsync(
        new BackupException(Fault.Forbidden, $"This key has the role {Word(role)}; the call needs {Word(least)}.", "Use a key of that role; the operator gives them."), context);

    private static Task AskForKeyAsync(bool hasNone, HttpContext context)
    {
        context.Response.Headers.Append("WWW-Authenticate", "Bearer realm=\"BackupApi\"");
        if (context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase))
        {
            // A browser then asks for a password; programs would only be confused by a second way.
            context.Response.Headers.Append("WWW-Authenticate", "Basic realm=\"BackupApi: any name, the key as password\", charset=\"UTF-8\"");
        }

        return Problems.RefuseAsync(
            new BackupException(
                Fault.Unauthorized, hasNone ? "This call needs a key." : "The key is wrong.", "Send the key in the header X-Api-Key, or as Authorization: Bearer KEY."),
            context);
    }

    private static string? KeyIn(HttpRequest request)
    {
        var key = request.Headers["X-Api-Key"].ToString();
        if (key.Length > 0)
        {
            return key.Trim();
        }

        var authorization = request.Headers.Authorization.ToString();
        return authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization[Bearer.Length..].Trim()
            : authorization.StartsWith(Basic, StringComparison.OrdinalIgnoreCase) ? Password(authorization[Basic.Length..].Trim())
            : null;
    }

    /// <summary>RFC 7617: base64 of <c>name:password</c>. What is not that is a wrong key.</summary>
    private static string Password(string credentials)
    {
        var bytes = new byte[credentials.Length];
        if (!Convert.TryFromBase64String(credentials, bytes, out var length))
        {
            return credentials;
        }

        var text = Encoding.UTF8.GetString(bytes, 0, length);
        return text[(text.IndexOf(':', StringComparison.Ordinal) + 1)..];
    }

    private static IPAddress? Shown(IPAddress? address) => address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;

    private static string Word(Role role) => role.ToString().ToLowerInvariant();

    [LoggerMessage(Level = LogLevel.Warning, Message = "A wrong key came from {Address}")]
    private static partial void WrongKey(ILogger log, IPAddress? address);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} different wrong keys came from {Address}: it is not listened to for the rest of the minute")]
    private static partial void ManyWrongKeys(ILogger log, int count, IPAddress? address);
}
