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
            return Task.CompletedTask;
        });
    });

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
