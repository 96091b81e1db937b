using System.Text.Json;
using System.Text.Json.Serialization;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>What is done with one name. Steps of a plan never lie inside one another, except <see cref="Attributes"/>, whose folder holds others.</summary>
internal enum SwapAction
{
    /// <summary>Both sides exist: the staged one takes the live one's place.</summary>
    Exchange,

    /// <summary>Only the staged side exists.</summary>
    Add,

    /// <summary>Only the live side exists.</summary>
    Remove,

    /// <summary>A folder stays where it is, because something in it stays, and gets the staged one's owner, mode and time.</summary>
    Attributes,
}

/// <summary>Owner, mode and time of a folder.</summary>
internal sealed record SwapAttributes(uint Uid, uint Gid, uint Mode, UnixTime Modified)
{
    public static SwapAttributes Of(FileStat stat) => new(stat.Uid, stat.Gid, stat.Mode, stat.Modified);
}

/// <summary>One step: a name, relative to the root of storage and of the staged tree alike, and what is done with it.</summary>
/// <param name="StagedInode">Inode of the staged side before anything moved; 0 where there is none. Tells whether an exchange was made.</param>
/// <param name="Before">Of a live folder: what it was, for the way back. Else null.</param>
/// <param name="After">Of a folder that comes, or stays and gets new attributes: what it becomes. Else null. XFS changes the time of a folder that is moved to another one.</param>
internal sealed record SwapStep(
    [property: JsonConverter(typeof(PathTextConverter))] string Path,
    SwapAction Action,
    ulong StagedInode = 0,
    SwapAttributes? Before = null,
    SwapAttributes? After = null);

/// <summary>Everything a swap will do, written down before its first step. Pure data: the same plan is executed, taken up again after a kill, and inverted.</summary>
internal sealed record SwapPlan
{
    public required IReadOnlyList<SwapStep> Steps { get; init; }

    /// <summary>Modification time of the root, which the swap must not change.</summary>
    public required UnixTime RootModified { get; init; }

    /// <summary>Two names can be exchanged in one step here, and inodes keep their numbers. Else a name is moved aside first, and is absent for a moment.</summary>
    public required bool CanExchange { get; init; }

    /// <summary>Whose swap it is, in the words of who asked for it; handed back when it is taken up again at a start.</summary>
    public JsonElement? Origin { get; init; }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json.Options);

    public static SwapPlan FromJson(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize<SwapPlan>(json, Json.Options) ?? throw new JsonException("The plan is null.");
}

/// <summary>Names in JSON, bytes that are not UTF-8 included.</summary>
internal sealed class PathTextConverter : JsonConverter<string>
{
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        PathText.Parse(reader.GetString() ?? throw new JsonException("A name is null."));

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(PathText.Show(value));
}
