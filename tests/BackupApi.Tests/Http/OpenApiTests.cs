using System.Text.Json;
using BackupApi.Http.OpenApi;
using BackupApi.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>Every call is described: what it is for, every answer, an example of each.</summary>
public sealed class OpenApiTests(RunningService service) : IClassFixture<RunningService>
{
    [Fact]
    public async Task Every_call_has_summary_description_and_an_example_of_each_answer()
    {
        var calls = await CallsAsync();

        Assert.True(calls.Count > 15);
        foreach (var (call, operation) in calls)
        {
            Assert.True(Has(operation, "summary") && Has(operation, "description") && Has(operation, "operationId"), call);
            var answers = operation.GetProperty("responses").EnumerateObject().ToDictionary(answer => answer.Name, answer => answer.Value, StringComparer.Ordinal);
            Assert.True(answers.ContainsKey("200") && answers.ContainsKey("500"), $"{call}: {string.Join(' ', answers.Keys)}");
            foreach (var (status, answer) in answers)
            {
                Assert.True(Has(answer, "description"), $"{call} {status}");
                var content = Assert.Single(answer.GetProperty("content").EnumerateObject());
                Assert.True(content.Value.TryGetProperty("schema", out _) && content.Value.TryGetProperty("example", out _), $"{call} {status}");
                Assert.True(status[0] is '2' or '5' || content.Name == "application/problem+json", $"{call} {status} {content.Name}");
            }
        }

        Assert.Equal(calls.Count, calls.Values.Select(operation => operation.GetProperty("operationId").GetString()).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task Every_route_of_ours_is_in_the_document()
    {
        var calls = await CallsAsync();
        await using var inMemory = new StartingService();
        var routes = inMemory.Endpoints.OfType<RouteEndpoint>().Where(route => route.RoutePattern.RawText is "/metrics" || route.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal)).ToList();

        Assert.Equal(calls.Count, routes.Sum(route => route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Count));
        Assert.All(routes, route => Assert.NotNull(route.Metadata.GetMetadata<CallDescription>()));
    }

    [Fact]
    public async Task Calls_with_a_body_describe_it_with_an_example()
    {
        var calls = await CallsAsync();

        foreach (var call in new[] { "post /api/backup/create", "post /api/backup/restore", "post /api/backup/undo-restore" })
        {
            var json = calls[call].GetProperty("requestBody").GetProperty("content").GetProperty("application/json");
            Assert.True(json.TryGetProperty("schema", out _) && json.TryGetProperty("example", out _), call);
        }
    }

    [Fact]
    public async Task An_example_looks_like_the_real_answer()
    {
        var calls = await CallsAsync();
        var example = calls["post /api/backup/create"].GetProperty("responses").GetProperty("200").GetProperty("content").GetProperty("application/json").GetProperty("example");
        var (_, real) = await service.PostAsync("/api/backup/create");

        Assert.Equal(real.EnumerateObject().Select(field => field.Name), example.EnumerateObject().Select(field => field.Name), StringComparer.Ordinal);
    }

    [Fact]
    public async Task The_pages_for_people_are_served()
    {
        Assert.Contains("swagger-ui", await service.Client.GetStringAsync(new Uri("/swagger/index.html", UriKind.Relative)), StringComparison.Ordinal);
        Assert.Contains("/api/health", await service.Client.GetStringAsync(new Uri("/", UriKind.Relative)), StringComparison.Ordinal);
    }

    private async Task<Dictionary<string, JsonElement>> CallsAsync()
    {
        var (status, document) = await service.GetAsync("/openapi/v1.json");
        Assert.Equal(200, status);
        return document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => (Call: $"{method.Name} {path.Name}", method.Value)))
            .ToDictionary(pair => pair.Call, pair => pair.Value, StringComparer.Ordinal);
    }

    private static bool Has(JsonElement element, string field) => element.TryGetProperty(field, out var text) && text.GetString()!.Length > 0;
}
