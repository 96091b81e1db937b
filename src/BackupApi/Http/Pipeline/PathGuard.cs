using BackupApi.Model;
using Microsoft.AspNetCore.Http.Features;

namespace BackupApi.Http.Pipeline;

/// <summary>Refuses a request whose path climbs, as it was typed. The server resolves such parts before any route sees them, and would answer for another address.</summary>
internal sealed class PathGuard(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var query = target.IndexOf('?', StringComparison.Ordinal);
        return Climbs(query < 0 ? target : target[..query])
            ? throw new BackupException(Fault.InvalidRequest, "The path leaves its folder.", "Take names from GET /api/backup/list; they hold no folder.")
            : next(context);
    }

    private static bool Climbs(string path) =>
        path.Contains('.', StringComparison.Ordinal) || path.Contains("%2e", StringComparison.OrdinalIgnoreCase)
            ? Uri.UnescapeDataString(path).Split('/', '\\').Any(part => part == "..")
            : false;
}
