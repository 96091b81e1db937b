using System.Text.Json;
using System.Text.Unicode;
using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines.LevelDb;

/// <summary>Brings the newest readable version of every key out of a damaged LevelDB folder, as JSON lines in <c>keys.jsonl</c>.</summary>
/// <remarks>
/// A line is <c>{"key":"…","value":"…"}</c>; what is no UTF-8 stands as <c>keyBase64</c> or <c>valueBase64</c>. Where the MANIFEST can be read, the tables and logs it calls live are read;
/// else all there are, and deletions that a compaction had already carried out can be undone by that.
/// </remarks>
internal sealed class LevelDbSalvage(string folder, string prefix, CancellationToken ct)
{
    public const string OutputName = "keys.jsonl";

    private const int MaxCurrentBytes = 4096;

    private readonly Findings findings = new(prefix);
    private readonly KeySpaces spaces = new();
    private List<FileName> names = [];

    public Salvaged Run(string into)
    {
        names = [.. Posix.ListNames(folder).Select(FileName.Parse)];
        var state = FindManifest();
        var verification = new Verification(folder, findings, ct) { IsOrdered = state?.Comparator is null or ManifestState.BytewiseComparator };
        if (!verification.IsOrdered)
        {
            findings.Note("", $"The order of keys by comparator '{PathText.Show(state!.Comparator!)}' is not known here: several versions of a key may stand in the result, the newest not always first.");
        }

        var logs = names.Where(name => name.Role == FileRole.Log && state?.IsLiveLog(name.Number) != false).OrderBy(name => name.Number).Select(name => name.Name);
        List<Func<IEntryCursor>> open = [.. new SalvageLogs(verification, into).Read(logs), .. Tables(state).Select(run => (Func<IEntryCursor>)(() => new SalvageTables(verification, run)))];
        Write($"{into}/{OutputName}", open, new SalvageMerge(into, ct));
        return Describe();
    }

    private ManifestState? FindManifest()
    {
        using var current = OpenedFile.Find(folder, FileName.Parse("CURRENT"));
        var name = current is null ? null : FileName.ManifestNamedBy(current.ReadHead(MaxCurrentBytes));
        using var file = name is null ? null : OpenedFile.Find(folder, FileName.Parse(name));
        var manifest = file is null ? null : Manifest.Read(file.Handle, file.Stat.Size, ct);
        if (manifest is { Problems.Count: 0, HasTornTail: false })
        {
            return manifest.State;
        }

        findings.Error(name ?? "CURRENT", "What is live cannot be told from the MANIFEST: all tables and logs in the folder were read, and keys that were deleted may be among the result.");
        return null;
    }

    /// <summary>Tables that follow each other in one list; those that overlap each in one of their own.</summary>
    private List<IReadOnlyList<(string Name, ulong Size)>> Tables(ManifestState? state)
    {
        var present = names.Where(name => name.Role == FileRole.Table).DistinctBy(name => name.Number).ToDictionary(name => name.Number, name => name.Name);
        if (state is null)
        {
            return [.. present.Values.Select(name => (IReadOnlyList<(string, ulong)>)[(name, (ulong)Posix.Stat($"{folder}/{name}").Size)])];
        }

        var runs = new List<IReadOnlyList<(string, ulong)>>();
        foreach (var level in state.Live.GroupBy(table => table.Level).OrderBy(level => level.Key))
        {
            var tables = level.OrderBy(table => table.Smallest, TableListCheck.ByKey).Select(table => (present.GetValueOrDefault(table.Number) ?? $"{table.Number:D6}.ldb", table.Size)).ToList();
            runs.AddRange(level.Key == 0 ? tables.Select(table => (IReadOnlyList<(string, ulong)>)[table]) : [tables]);
        }

        return runs;
    }

    private void Write(string path, List<Func<IEntryCursor>> open, SalvageMerge merge)
    {
        using var output = new FileStream(Posix.CreateNew(path), FileAccess.Write, 1 << 20);
        using var json = new Utf8JsonWriter(output);
        merge.Run(open, newest =>
        {
            if ((byte)newest.Tag == InternalKey.Value)
            {
                spaces.Add(newest.UserKey);
                WriteLine(json, output, newest);
            }
        });
    }

    private static void WriteLine(Utf8JsonWriter json, FileStream output, IEntryCursor entry)
    {
        json.WriteStartObject();
        WriteBytes(json, "key", "keyBase64", entry.UserKey);
        WriteBytes(json, "value", "valueBase64", entry.Value);
        json.WriteEndObject();
        json.Flush();
        output.WriteByte((byte)'\n');
        json.Reset();
    }

    private static void WriteBytes(Utf8JsonWriter json, string asText, string asBase64, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            json.WriteString(asText, bytes);
        }
        else
        {
            json.WriteBase64String(asBase64, bytes);
        }
    }

    private Salvaged Describe()
    {
        if (findings.HasErrors)
        {
            findings.Note("", "Where the newest version of a key lay in what could not be read, an older one may stand in the result, also of a key that was deleted.");
        }

        var verdict = findings.ToVerdict(spaces.Counts);
        return new Salvaged { Method = "key by key", Files = [OutputName], Counts = verdict.Counts, NotReadable = verdict.Errors, Notes = [.. verdict.Warnings, .. verdict.Notes] };
    }
}
