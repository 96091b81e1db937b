using System.Globalization;
using System.Text.Json;
using BackupApi.Archive.Encryption;
using BackupApi.Archive.Writing;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Operations.Restore;

/// <summary>Keeps what self-healing replaces: <c>backups/.backupapi/quarantine/TIME-N/</c> with the files as they were, beside a report. Where archives are encrypted, so are they (<c>x.db.age</c>).</summary>
internal sealed class Quarantine(WorkFolders folders, FindSources findSources, ArchiveKeys keys, DiskGuard guard)
{
    private const int CopyLength = 1 << 20;

    /// <summary>Copies the files of a damaged database. Null when nothing was there. Flushed before it returns.</summary>
    /// <exception cref="BackupException"><see cref="Fault.NoRoom"/>.</exception>
    /// <exception cref="IOException">It could not be kept, so nothing may be replaced.</exception>
    public string? Keep(Wound wound, Backup from, DateTimeOffset now)
    {
        var name = PathText.Parse(wound.Source.Name);
        var source = findSources.In(wound.Tree).FirstOrDefault(found => found.Source.Name == name && found.Source.Engine != Source.PlainFiles)?.Source;
        var members = (source?.Files ?? []).Append(name).ToHashSet(StringComparer.Ordinal);
        var nodes = wound.Tree.Nodes.Where(node => members.Contains(node.Path) || node.Path.StartsWith(name + "/", StringComparison.Ordinal)).ToList();
        if (nodes.Count == 0)
        {
            return null;
        }

        guard.Require("What is replaced", [new RoomNeed(folders.Backups, nodes.Sum(node => node.Stat.Size), "for the quarantine")], spare: from.Name);
        var place = Free(now);
        try
        {
            Fill(place, wound, nodes, from, now);
            return place;
        }
        catch
        {
            TreeRemoval.Remove(place);
            throw;
        }
    }

    private void Fill(string place, Wound wound, List<TreeNode> nodes, Backup from, DateTimeOffset now)
    {
        foreach (var node in nodes.Where(node => node.Stat.Kind == FileKind.File))
        {
            var target = $"{place}/files/{node.Path}";
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            Copy(wound.Tree.FullPath(node.Path), target);
        }

        var report = new
        {
            at = now,
            database = wound.Source.Name,
            wound.What,
            errors = wound.Verdict?.Errors,
            countsThatWereStillReadable = wound.Verdict?.Counts,
            replacedFrom = from.Name,
            countsInTheBackup = from.Sources.First(s => s.Name == wound.Source.Name).Counts,
        };
        AtomicFile.Write($"{place}/report.json", JsonSerializer.SerializeToUtf8Bytes(report, Json.Indented));
        Posix.FlushFileSystem(place);
    }

    private string Free(DateTimeOffset now)
    {
        var stem = $"{folders.State}/quarantine/{now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";
        var place = stem;
        for (var i = 2; Posix.FindStat(place) is not null; i++)
        {
            place = string.Create(CultureInfo.InvariantCulture, $"{stem}-{i}");
        }

        Directory.CreateDirectory(place);
        return place;
    }

    private void Copy(string from, string plain)
    {
        using var source = Posix.OpenRead(from);
        var to = keys.Encrypt ? plain + BackupName.EncryptedEnding : plain;
        using var target = Posix.CreateNew(to);
        using IArchiveSink sink = keys.Encrypt ? new EncryptingSink(target, 0, keys) : new PlainSink(target, 0);
        var buffer = new byte[CopyLength];
        for (long offset = 0; RandomAccess.Read(source, buffer, offset) is var read and > 0; offset += read)
        {
            sink.Append(buffer.AsSpan(0, read));
        }

        sink.Finish([]);
    }
}
