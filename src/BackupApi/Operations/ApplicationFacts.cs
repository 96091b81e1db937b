using System.Globalization;
using System.Text;
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

    /// <summary>Null when there is none, or it is not as it should be.</summary>
    public static JsonElement? Read(string storage) => Look(storage).Facts;

    /// <summary>The file is the application's, so it never fails a backup; but whoever wrote it believes that it counts, so it is told when it does not.</summary>
    public static (JsonElement? Facts, Finding? Trouble) Look(string storage)
    {
        var path = $"{storage}/{FileName}";
        try
        {
            if (Posix.FindStat(path) is not { } stat)
            {
                return (null, null);
            }

            if (stat is not { Kind: FileKind.File, Size: > 0 and <= MaxBytes })
            {
                return (null, PassedOver(stat.Kind != FileKind.File ? "it is no regular file" : stat.Size == 0 ? "it is empty" : "it is larger than 64 KB"));
            }

            using var file = Posix.OpenRead(path);
            var content = new byte[stat.Size];
            var json = WithoutMark(content.AsSpan(0, RandomAccess.Read(file, content, 0)));
            var facts = JsonSerializer.Deserialize<JsonElement>(json);
            return facts.ValueKind != JsonValueKind.Object ? (null, PassedOver("it is no JSON object"))
                : PlainJson.IsPlain(facts) ? (facts, null)
                : (null, PassedOver(string.Create(CultureInfo.InvariantCulture, $"it is nested deeper than {PlainJson.MaxDepth}, or holds a text that is no UTF-8")));
        }
        catch (JsonException)
        {
            return (null, PassedOver("it is no JSON"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, PassedOver(e.Message));
        }
    }

    private static Finding PassedOver(string why) => new(FileName, $"What the application says of itself was passed over: {why}. Until that is put right, no restore is checked for whether it fits the application.");

    /// <summary>Editors and PowerShell put a byte order mark before JSON.</summary>
    private static byte[] WithoutMark(ReadOnlySpan<byte> content) =>
        content.StartsWith(Encoding.UTF8.Preamble) ? content[Encoding.UTF8.Preamble.Length..].ToArray()
        : content.StartsWith(Encoding.Unicode.Preamble) ? Encoding.UTF8.GetBytes(Encoding.Unicode.GetString(content[2..]))
        : content.ToArray();

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
