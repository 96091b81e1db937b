using System.Text.Json;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>What the application says of itself in <c>storage/.backup-app.json</c>; it goes into the manifest as it is.</summary>
internal static class ApplicationFacts
{
    public const string FileName = ".backup-app.json";

    /// <summary>Largest file that is read.</summary>
    private const int MaxBytes = 64 << 10;

    /// <summary>Null when there is none, or it is no JSON object of at most 64 KB: it is the application's, so it never fails a backup.</summary>
    public static JsonElement? Read(string storage)
    {
        var path = $"{storage}/{FileName}";
        try
        {
            if (Posix.FindStat(path) is not { Kind: FileKind.File, Size: > 0 and <= MaxBytes } stat)
            {
                return null;
            }

            using var file = Posix.OpenRead(path);
            var content = new byte[stat.Size];
            var length = RandomAccess.Read(file, content, 0);
            var facts = JsonSerializer.Deserialize<JsonElement>(content.AsSpan(0, length));
            return facts.ValueKind == JsonValueKind.Object ? facts : null;
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>What the application is now, for a gate: where the settings say something, they speak for the version that is about to run. Null when nobody says anything.</summary>
    public static JsonElement? Now(JsonElement? file, ApplicationDeclaration declared) => Merge(file, declared, overrides: true);

    /// <summary>What the data of a backup are, for its manifest: the file was written together with them, so the settings only add what it leaves out.</summary>
    public static JsonElement? OfData(JsonElement? given, ApplicationDeclaration declared) => Merge(given, declared with { ReadsVersions = null }, overrides: false);

    private static JsonElement? Merge(JsonElement? given, ApplicationDeclaration declared, bool overrides)
    {
        if (declared is { SchemaHash: null, StorageFormat: null, ReadsVersions: null } || given is { ValueKind: not JsonValueKind.Object })
        {
            return given;
        }

        // Built anew, so that what the application wrote stays as it is, duplicate names included.
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            var names = new HashSet<string>(StringComparer.Ordinal);
            if (overrides)
            {
                Write(json, declared, names);
            }

            foreach (var field in given?.EnumerateObject() ?? default)
            {
                if (!overrides || !names.Contains(field.Name))
                {
                    field.WriteTo(json);
                    names.Add(field.Name);
                }
            }

            if (!overrides)
            {
                Write(json, declared, names);
            }

            json.WriteEndObject();
        }

        return JsonSerializer.Deserialize<JsonElement>(buffer.ToArray());
    }

    private static void Write(Utf8JsonWriter json, ApplicationDeclaration declared, HashSet<string> names)
    {
        if (declared.SchemaHash is { } hash && names.Add("schemaHash"))
        {
            json.WriteString("schemaHash", hash);
        }

        if (declared.StorageFormat is { } format && names.Add("storageFormat"))
        {
            json.WriteNumber("storageFormat", format);
        }

        if (declared.ReadsVersions is { } versions && names.Add("readsVersions"))
        {
            json.WritePropertyName("readsVersions");
            JsonSerializer.Serialize(json, versions);
        }
    }
}
