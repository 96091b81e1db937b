using System.Security.Cryptography;
using System.Text;
using BackupApi.Archive.Format;
using BackupApi.Archive.Tar;
using BackupApi.Archive.Writing;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Archive.Reading;

/// <summary>Reads an archive from front to back, as every tar does: for archives that carry no index of ours, and for those whose index is damaged.</summary>
internal sealed class StreamVerification(ArchiveLimits limits, Progress progress)
{
    private readonly List<Finding> errors = [];
    private readonly List<Sha256Value> hashes = [];
    private readonly byte[] buffer = new byte[ArchiveLayout.ChunkLength];
    private Manifest? manifest;
    private Report? report;
    private long entries;
    private long contentBytes;
    private bool hasChecksums;
    private Fault fault = Fault.ArchiveDamaged;

    /// <param name="tar">Not disposed.</param>
    public async Task<ArchiveProof> RunAsync(TarEntryStream tar, string fileName, CancellationToken ct)
    {
        try
        {
            while (await tar.NextAsync(ct) is { } entry)
            {
                await (EntryName.IsOwn(entry.Name) ? TakeOwnAsync(tar, entry, ct) : TakeAsync(tar, entry, ct));
            }

            if (manifest is not null && !hasChecksums)
            {
                Add(ChecksumList.EntryName, "The archive has lost its list of checksums.");
            }
        }
        catch (BackupException e)
        {
            Add(fileName, e.Message);
            fault = e.Fault;
        }

        return new ArchiveProof { Fault = fault, Manifest = manifest, Report = report, Sha256 = "", Entries = entries, ContentBytes = contentBytes, Errors = errors, HasChecksums = hasChecksums };
    }

    private async Task TakeAsync(TarEntryStream tar, ArchiveEntry entry, CancellationToken ct)
    {
        entries++;
        progress.AddFiles();
        if (entry.Kind != EntryKind.File)
        {
            return;
        }

        if (entry.Size > limits.MaxBytes - contentBytes)
        {
            throw ArchiveFaults.TooLarge(limits.MaxBytes, entry.Name);
        }

        contentBytes += entry.Size;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int length;
        while ((length = await tar.ReadAsync(buffer, ct)) > 0)
        {
            hash.AppendData(buffer, 0, length);
            progress.AddBytes(length);
        }

        hashes.Add(Sha256Value.From(hash.GetHashAndReset()));
    }

    private async Task TakeOwnAsync(TarEntryStream tar, ArchiveEntry entry, CancellationToken ct)
    {
        switch (entry.Name)
        {
            case Manifest.EntryName when entry.Kind == EntryKind.File:
                manifest = ArchiveJson.Read<Manifest>(await SmallEntry.ReadAsync(tar, entry.Size, ct));
                break;
            case Report.EntryName when entry.Kind == EntryKind.File:
                report = ArchiveJson.Read<Report>(await SmallEntry.ReadAsync(tar, entry.Size, ct));
                break;
            case ChecksumList.EntryName when entry.Kind == EntryKind.File && manifest is not null:
                hasChecksums = true;
                await CompareAsync(tar, ct);
                break;
        }
    }

    /// <summary>The list holds the files in the order of the archive, one line each.</summary>
    private async Task CompareAsync(TarEntryStream tar, CancellationToken ct)
    {
        var lines = new ChecksumLines(tar.ReadAsync);
        var number = 0;
        for (; await lines.NextAsync(ct) is { } line; number++)
        {
            var text = line.TrimStart('\\');
            if (number >= hashes.Count || !text.StartsWith(hashes[number].ToString(), StringComparison.Ordinal))
            {
                Add(PathText.Decode(Encoding.Latin1.GetBytes(text.Length > 66 ? text[66..] : text)), "The content does not match its SHA-256.");
            }
        }

        if (number != hashes.Count)
        {
            Add(ChecksumList.EntryName, $"The list of checksums has {number} files, the archive {hashes.Count}.");
        }
    }

    private void Add(string where, string message)
    {
        if (errors.Count < Verdict.MaxFindings)
        {
            errors.Add(new Finding(EntryName.Short(where), message));
        }
    }
}
