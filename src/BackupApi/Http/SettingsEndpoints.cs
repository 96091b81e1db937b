using BackupApi.Http.Access;
using BackupApi.Http.Answers;
using BackupApi.Http.OpenApi;
using BackupApi.Model;
using Microsoft.AspNetCore.Http.HttpResults;

namespace BackupApi.Http;

/// <summary><c>/api/settings</c>: the configuration in force.</summary>
internal static class SettingsEndpoints
{
    public static void MapSettings(this IEndpointRouteBuilder routes) =>
        routes.MapGroup("/api/settings").WithTags("Settings").MapGet("", List).Needs(Role.Admin).Describe(
            "getSettings", "The settings in force", "Each with where its value came from. A secret is shown as ***, whatever it is; null means that it is not set.", Examples.Settings);

    private static Ok<SettingsAnswer> List(EffectiveSettings settings) => TypedResults.Ok(new SettingsAnswer(settings.All));
}
