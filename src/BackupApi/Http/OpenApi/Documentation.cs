using BackupApi.Http.Access;
using Microsoft.OpenApi;

namespace BackupApi.Http.OpenApi;

/// <summary>The description of all calls, and the page that shows it.</summary>
internal static class Documentation
{
    public static void AddDocumentation(this IServiceCollection services, string version) => services.AddOpenApi("v1", options =>
    {
        options.AddOperationTransformer<DescribeCalls>();
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "BackupApi",
                Version = version,
                Description = "Hot, consistent, proven backups of a storage folder. Sizes are bytes and instants UTC unless a name says otherwise.",
            };
            AddKeys(document);
            return Task.CompletedTask;
        });
    });

    /// <summary>So that the page has a place to enter a key, and generated clients a parameter for it.</summary>
    private static void AddKeys(OpenApiDocument document)
    {
        var schemes = new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal)
        {
            ["key"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "X-Api-Key", Description = "Needed where keys are set (API_KEY)." },
            ["bearer"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "The same key, as Authorization: Bearer." },
        };
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = schemes;
        document.Security = [.. schemes.Keys.Select(name => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(name, document)] = [] })];
    }

    public static void MapDocumentation(this WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json").Needs(Role.Read);
        app.UseSwaggerUI(page =>
        {
            page.SwaggerEndpoint("/openapi/v1.json", "BackupApi");
            page.RoutePrefix = "swagger";
            page.DocumentTitle = "BackupApi";
        });
    }
}
