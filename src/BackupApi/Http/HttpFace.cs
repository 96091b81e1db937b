using BackupApi.Http.Access;
using BackupApi.Http.OpenApi;
using BackupApi.Http.Pipeline;

namespace BackupApi.Http;

/// <summary>Version of this service, as answers tell it.</summary>
internal sealed record ServiceVersion(string Text)
{
    public override string ToString() => Text;
}

/// <summary>What all calls have in common.</summary>
internal static partial class HttpFace
{
    public static void AddHttpFace(this IServiceCollection services, string version, AccessRules access)
    {
        services.AddSingleton(new ServiceVersion(version));
        services.AddSingleton<ClientsAtStop>();
        services.AddSingleton(access);
        services.AddSingleton<KeyRing>();
        services.AddSingleton<WrongKeys>();
        services.ConfigureHttpJsonOptions(json => JsonConventions.Apply(json.SerializerOptions));
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddDocumentation(version);
    }

    /// <summary>From the outside in: a line for each request, an end for each client, an answer for each failure; then who may call.</summary>
    public static void UseHttpFace(this WebApplication app)
    {
        app.Lifetime.ApplicationStarted.Register(() =>
        {
            var addresses = string.Join(", ", app.Urls);
            var version = app.Services.GetRequiredService<ServiceVersion>();
            Listening(app.Logger, version, addresses);
        });
        app.UseMiddleware<RequestLog>();
        app.UseMiddleware<ClientsAtStop>();
        app.UseMiddleware<SecurityHeaders>();
        app.UseMiddleware<FaultAnswers>();
        app.UseMiddleware<PathGuard>();
        app.UseMiddleware<HostGate>();
        app.UseMiddleware<KeyGate>();
        app.UseMiddleware<CrowdGate>();
        app.UseMiddleware<ReadyGate>();
        app.UseMiddleware<QueryGuard>();
        app.UseDefaultFiles();
        app.UseStaticFiles();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "BackupApi {Version} listens on {Addresses}")]
    private static partial void Listening(ILogger log, ServiceVersion version, string addresses);
}
