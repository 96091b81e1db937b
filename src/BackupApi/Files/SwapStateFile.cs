using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using BackupApi.Model;

namespace BackupApi.Files;

/// <summary>Why a swap goes back, kept with its state: whoever takes it up after a kill must know it too.</summary>
/// <param name="Fault"><see cref="Fault.VerificationFailed"/>: the check in place. Else what refused a step: the disk, for the most part.</param>
/// <param name="Problems">At least one.</param>
internal sealed record SwapSetback(Fault Fault, IReadOnlyList<Finding> Problems)
{
    /// <summary>What is assumed where the reason was lost.</summary>
    public static SwapSetback Unknown { get; } = new(Fault.VerificationFailed, [new Finding("storage", "The check in place had failed.")]);

    public static SwapSetback Of(Exception failure) => new(
        failure switch
        {
            IOException io => Errno.ToFault(io).Fault,
            UnauthorizedAccessException => Fault.PermissionDenied,
            BackupException known => known.Fault,
            _ => Fault.VerificationFailed,
        },
        [new Finding("storage", failure.Message)]);
}

/// <summary>The file <c>state</c> of a working folder: the state, the SHA-256 of the plan that it speaks of, and why a swap goes back.</summary>
internal static class SwapStateFile
{
    public static SwapState Read(string folder) => Lines(folder) is [var word, ..] && Enum.TryParse<SwapState>(word, out var state) ? state : SwapState.Unfinished;

    /// <summary>One rename, flushed with its folder.</summary>
    public static void Write(string folder, SwapState state, SwapSetback? why = null)
    {
        var reason = why is null ? "" : JsonSerializer.Serialize(why, Json.Options) + "\n";
        AtomicFile.Write($"{folder}/state", Encoding.UTF8.GetBytes($"{state}\n{PlanHash(folder)}\n{reason}"));
    }

    /// <summary>Null when none was written, or it cannot be read.</summary>
    public static SwapSetback? ReadSetback(string folder)
    {
        try
        {
            return Lines(folder) is [_, _, { Length: > 0 } reason, ..] ? JsonSerializer.Deserialize<SwapSetback>(reason, Json.Options) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether the plan is the one that the state was written for.</summary>
    public static bool SpeaksOfThePlan(string folder) => Lines(folder) is [_, var hash, ..] && hash == PlanHash(folder);

    private static string PlanHash(string folder) =>
        Posix.FindStat($"{folder}/plan.json") is null ? "none" : Convert.ToHexStringLower(SHA256.HashData(SwapFolder.ReadAll($"{folder}/plan.json")));

    private static string[] Lines(string folder) => Posix.FindStat($"{folder}/state") is null ? [] : Encoding.UTF8.GetString(SwapFolder.ReadAll($"{folder}/state")).Split('\n');
}
