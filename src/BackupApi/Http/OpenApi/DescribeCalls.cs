using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using BackupApi.Http.Answers;
using BackupApi.Http.Pipeline;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace BackupApi.Http.OpenApi;

/// <summary>Brings <see cref="CallDescription"/> into the document: the body, examples, and what each failure means.</summary>
internal sealed class DescribeCalls : IOpenApiOperationTransformer
{
    private const string Json = "application/json";

    public async Task TransformAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<CallDescription>().LastOrDefault() is not { } description)
        {
            return;
        }

        if (context.Description.HttpMethod == HttpMethods.Head)
        {
            operation.OperationId += "Head";
        }

        if (description.BodyType is { } bodyType)
        {
            operation.RequestBody = new OpenApiRequestBody
            {
                Description = "Read as JSON whatever the Content-Type says; at most 64 KB. Unknown fields are refused.",
                Required = bodyType == typeof(RestoreBody),
                Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
                {
                    [Json] = new()
                    {
                        Schema = await context.GetOrCreateSchemaAsync(bodyType, null, cancellationToken),
                        Example = NodeOf(description.BodyExample),
                    },
                },
            };
        }

        foreach (var parameter in (operation.Parameters ?? []).OfType<OpenApiParameter>())
        {
            Explain(parameter);
        }

        foreach (var (status, response) in operation.Responses ?? [])
        {
            Explain(status, (OpenApiResponse)response, description);
        }
    }

    private static void Explain(OpenApiParameter parameter)
    {
        (parameter.Description, var isFlag) = parameter.Name switch
        {
            "wait" => ("false: answer 202 at once and let the work go on. Default: true.", true),
            "force" => ("true: do it although it is protected, in use or not fitting. Default: false.", true),
            "dryRun" => ("true: change nothing, only say what would be done. Default: false.", true),
            "to" => ("A new folder under storage to unpack into; left out: into place.", false),
            "mode" => ("full (the default), or eventlog: only the sources of that role.", false),
            "Idempotency-Key" => ("A text of your own, up to 255 characters. A second call with the same one gets the first one's operation.", false),
            "name" when parameter.In == ParameterLocation.Query => ("Name of a database, as the list shows it; left out: all of them.", false),
            "name" => ("Name of a backup, as the list shows it.", false),
            "path" => ("Name of an entry, as the files of the backup show it.", false),
            "id" => ("Identifier of an operation.", false),
            _ => (parameter.Description, false),
        };
        if (isFlag)
        {
            parameter.Schema = new OpenApiSchema { Type = JsonSchemaType.Boolean };
        }
    }

    private static void Explain(string status, OpenApiResponse response, CallDescription description)
    {
        foreach (var (type, content) in response.Content ?? new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal))
        {
            if (type == Problem.ContentType)
            {
                var faults = description.Faults.Concat(CallDescriptionExtensions.Always).Where(fault => Text(Problems.StatusOf(fault)) == status).ToList();
                response.Description = string.Join("; ", faults.Select(Examples.Explain));
                content.Example = NodeOf(Examples.Of(faults[0]));
            }
            else if (status == "202")
            {
                response.Description = "Accepted; the Location header says where to ask for it.";
                content.Example = NodeOf(Examples.Accepted);
            }
            else
            {
                response.Description = status == "200" ? "Done." : "The same, with a status for monitors.";
                content.Example = description.Example is string text ? JsonValue.Create(text) : NodeOf(description.Example);
            }
        }
    }

    private static JsonNode? NodeOf(object? example) => JsonSerializer.SerializeToNode(example, JsonConventions.Options);

    private static string Text(int status) => status.ToString(CultureInfo.InvariantCulture);
}
