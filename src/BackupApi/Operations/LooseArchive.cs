using System.Globalization;
using BackupApi.Archive;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations;

/// <summary>An archive that lies anywhere, in nobody's catalogue: proven and unpacked by hand, with no service running.</summary>
internal sealed class LooseArchive(ArchiveReader reader)
{
    /// <summary>Room that stays free on the disk unpacked to.</summary>
    private const long Floor = 16 << 20;

    /// <summary>Reads every byte. Damage is in the answer, not thrown.</summary>
    /// <exception cref="BackupException">The file is not there or cannot be read.</exception>
    public async Task<LooseProof> ProveAsync(string path, CancellationToken ct)
    {
        Require(path);
        var proof = await reader.VerifyAsync(path, ArchiveLimits.None, new Progress(), ct);
        return new LooseProof(proof.Manifest, proof.Report, proof.Sha256, proof.Entries, proof.ContentBytes, proof.HasChecksums, proof.Errors);
    }

    /// <summary>Unpacks a proven archive into a folder that is empty or is made; what was unpacked is on the disk when this returns. A failure leaves the folder empty.</summary>
    /// <returns>What an unprivileged process could not give back: owners.</returns>
    public async Task<IReadOnlyList<Finding>> UnpackAsync(string path, string folder, CancellationToken ct)
    {
        Require(path);
        try
        {
            Directory.CreateDirectory(folder);
            RequireEmpty(folder);
            var limits = new ArchiveLimits(Math.Max(0, MountFacts.Of(folder).FreeBytes - Floor));
            var isDone = false;
            try
            {
                var result = await reader.UnpackAsync(path, folder, _ => true, limits, new Progress(), ct);
                Posix.FlushFileSystem(folder);
                isDone = true;
                return result.NotGivenBack;
            }
            finally
            {
                if (!isDone)
                {
                    Clear(folder);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw e is IOException failure ? Errno.ToFault(failure) : new BackupException(Fault.PermissionDenied, e.Message, $"Give this process the right to write to {folder}.", e);
        }
    }

    private static void Require(string path)
    {
        try
        {
            if (Posix.FindTargetStat(path) is not { Kind: FileKind.File })
            {
                throw new BackupException(Fault.NotFound, string.Create(CultureInfo.InvariantCulture, $"There is no file {path}."), "In a container, name it as it is mounted there.");
            }
        }
        catch (IOException e)
        {
            throw Errno.ToFault(e);
        }
    }

    private static void RequireEmpty(string folder)
    {
        if (Left(folder).Any())
        {
            throw new BackupException(Fault.InvalidRequest, $"{folder} is not empty, and nothing is ever unpacked over something.", "Name a new folder, or an empty one.");
        }
    }

    private static void Clear(string folder)
    {
        foreach (var name in Left(folder))
        {
            TreeRemoval.Remove($"{folder}/{name}");
        }
    }

    /// <summary>The root of a mounted disk holds <c>lost+found</c>, which is nobody's.</summary>
    private static IEnumerable<string> Left(string folder) => Posix.ListNames(folder).Where(name => name != "lost+found");
}

/// <summary>What a full reading of an archive showed.</summary>
/// <param name="Manifest">Null for an archive that carries none of ours.</param>
/// <param name="Errors">Every defect; empty when it is whole.</param>
internal sealed record LooseProof(
    Manifest? Manifest, Report? Report, string Sha256, long Entries, long ContentBytes, bool HasChecksums, IReadOnlyList<Finding> Errors);
