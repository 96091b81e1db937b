namespace BackupApi.Http.Access;

/// <summary>What browsers are told of every answer: take it for what it says it is, frame it nowhere, load nothing from elsewhere, keep no copy of what the calls answer.</summary>
internal sealed class SecurityHeaders(RequestDelegate next)
{
    /// <summary>An answer of a call is data: it loads nothing, also when a person looks at it.</summary>
    private const string ForData = "default-src 'none'; frame-ancestors 'none'";

    /// <summary>The page and the description of the calls load what lies beside them. Their style is in the page itself; their icons are data: addresses.</summary>
    private const string ForPages =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    public Task InvokeAsync(HttpContext context)
    {
        // At the last moment: a failure clears what was set before.
        context.Response.OnStarting(static state => Set((HttpContext)state), context);
        return next(context);
    }

    private static Task Set(HttpContext context)
    {
        var headers = context.Response.Headers;
        var isCall = context.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase);
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers.ContentSecurityPolicy = isCall ? ForData : ForPages;
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        if (isCall && headers.CacheControl.Count == 0)
        {
            headers.CacheControl = "no-store";
        }

        return Task.CompletedTask;
    }
}
