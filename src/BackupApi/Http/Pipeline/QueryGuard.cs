using System.Collections.Concurrent;
using System.Reflection;
using BackupApi.Http.OpenApi;
using BackupApi.Model;
using Microsoft.AspNetCore.Mvc;

namespace BackupApi.Http.Pipeline;

/// <summary>Of a call that changes something, refuses what it does not know: a misspelt <c>?dryRun</c> must not become a restore for real.</summary>
/// <remarks>What is known is read off the signature of the call. Calls that only read ignore what they do not know, as web servers do.</remarks>
internal sealed class QueryGuard(RequestDelegate next)
{
    private readonly ConcurrentDictionary<Endpoint, IReadOnlyList<string>> known = new();

    public async Task InvokeAsync(HttpContext context)
    {
        if (IsChange(context.Request.Method) && context.GetEndpoint() is RouteEndpoint call && call.Metadata.GetMetadata<CallDescription>() is { } description)
        {
            RefuseUnknown(context.Request.Query, known.GetOrAdd(call, static call => ParametersOf((RouteEndpoint)call)), description.BodyType);
            if (description.BodyType is null)
            {
                await RefuseBodyAsync(context, known[call]);
            }
        }

        await next(context);
    }

    private static bool IsChange(string method) => !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method) && !HttpMethods.IsOptions(method);

    private static List<string> ParametersOf(RouteEndpoint call) =>
    [
        .. (call.Metadata.GetMetadata<MethodInfo>()?.GetParameters() ?? [])
            .Where(parameter => parameter.ParameterType == typeof(string) && parameter.GetCustomAttribute<FromHeaderAttribute>() is null
                && call.RoutePattern.GetParameter(parameter.Name!) is null)
            .Select(parameter => parameter.Name!)
            .Order(StringComparer.Ordinal),
    ];

    private static void RefuseUnknown(IQueryCollection query, IReadOnlyList<string> known, Type? bodyType)
    {
        foreach (var (name, values) in query)
        {
            if (!known.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                throw new BackupException(Fault.InvalidRequest, $"The address holds an unknown parameter \"{JsonText.Shorten(name)}\", so nothing was done.", Allowed(known, bodyType));
            }

            if (values.Count > 1)
            {
                throw new BackupException(Fault.InvalidRequest, $"The address holds the parameter {name} more than once, so nothing was done.", "Give it once.");
            }
        }
    }

    /// <summary>Read only as far as it takes to see that there is one.</summary>
    private static async Task RefuseBodyAsync(HttpContext context, IReadOnlyList<string> known)
    {
        string text;
        try
        {
            text = await JsonText.ReadAsync(context.Request, context.RequestServices.GetRequiredService<TimeProvider>(), context.RequestAborted);
        }
        catch (BackupException e) when (e.Fault == Fault.TooLarge)
        {
            text = "?";
        }

        if (string.Concat(text.Where(c => !char.IsWhiteSpace(c))) is not ("" or "{}"))
        {
            throw new BackupException(Fault.InvalidRequest, "The call takes no body and was sent one, so nothing was done.", Allowed(known, null));
        }
    }

    private static string Allowed(IReadOnlyList<string> known, Type? bodyType) =>
        (known.Count == 0 ? "The address takes no parameters" : $"Known in the address are: {string.Join(", ", known)}")
        + (bodyType is null ? "." : $"; in the body: {string.Join(", ", JsonText.FieldsOf(bodyType))}.");
}
