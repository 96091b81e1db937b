using System.Globalization;
using BackupApi.Model;
using BackupApi.Operations;

namespace BackupApi.Cli;

/// <summary>What can be done with an archive when no service runs: prove it, unpack it.</summary>
internal sealed class ArchiveCommands(LooseArchive archives, TextWriter output)
{
    /// <summary>0 when the archive is whole, 1 with every defect when it is not.</summary>
    public async Task<int> VerifyAsync(string file, CancellationToken ct) => Show(file, await archives.ProveAsync(file, ct));

    /// <summary>Proves the archive, then unpacks it. 0 when everything is back; what an unprivileged user cannot give back is listed.</summary>
    public async Task<int> RestoreAsync(string file, string folder, CancellationToken ct)
    {
        if (Show(file, await archives.ProveAsync(file, ct)) != 0)
        {
            output.WriteLine("Nothing was unpacked.");
            return CommandLine.Failed;
        }

        var notGivenBack = await archives.UnpackAsync(file, folder, ct);
        output.WriteLine($"Unpacked into {folder}.");
        foreach (var finding in notGivenBack)
        {
            output.WriteLine($"  {finding.Where}: {finding.Message}");
        }

        return 0;
    }

    private int Show(string file, LooseProof proof)
    {
        foreach (var error in proof.Errors)
        {
            output.WriteLine($"{error.Where}: {error.Message}");
        }

        if (proof.Errors.Count > 0)
        {
            output.WriteLine($"{file} is DAMAGED.");
            return CommandLine.Failed;
        }

        var checksums = proof.HasChecksums ? "every byte agrees with its checksum" : "it carries no checksums of its files, only the archive's own";
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{file} is whole: {proof.Entries} entries, {proof.ContentBytes} bytes; {checksums}. SHA-256 {proof.Sha256}"));
        if (proof.Manifest is { } manifest)
        {
            var label = manifest.Label is null ? "" : $", \"{manifest.Label}\"";
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  made {manifest.CreatedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC by BackupApi {manifest.ServiceVersion}, number {manifest.Sequence}{label}, outcome {Word(proof.Report?.Outcome)}"));
            foreach (var source in manifest.Sources)
            {
                output.WriteLine($"  {source.Name} ({source.Engine}): {Describe(source)}");
            }
        }

        return 0;
    }

    private static string Describe(ManifestSource source)
    {
        if (source.CapturedAt is null)
        {
            return $"NOT in this archive: {source.Reason}";
        }

        var counts = string.Join(", ", source.Counts.Select(count => string.Create(CultureInfo.InvariantCulture, $"{count.Key} {count.Value}")));
        var proven = source.IsProven ? "proven when it was made" : "not proven when it was made";
        return $"{proven} (level {Word(source.Verification)}){(counts.Length == 0 ? "" : $": {counts}")}{(source.Reason is null ? "" : $"; {source.Reason}")}";
    }

    private static string Word(object? value) => value is null ? "unknown" : string.Create(CultureInfo.InvariantCulture, $"{value}").ToLowerInvariant();
}
