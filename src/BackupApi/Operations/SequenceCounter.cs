using System.Globalization;
using System.Text;
using BackupApi.Catalog;
using BackupApi.Files;

namespace BackupApi.Operations;

/// <summary>Gives each backup its number. A number is never given twice, also when the newest archives were removed meanwhile.</summary>
internal sealed class SequenceCounter(WorkFolders folders, BackupCatalog catalog)
{
    private string Path => $"{folders.State}/sequence";

    /// <summary>The highest number that was given so far; 0 before the first.</summary>
    public long Given => Math.Max(Last(), catalog.HighestSequence);

    /// <summary>Takes the next number, durable before it is used. A kill afterwards leaves a gap, which means nothing.</summary>
    public long Take()
    {
        var next = Given + 1;
        AtomicFile.Write(Path, Encoding.ASCII.GetBytes(next.ToString(CultureInfo.InvariantCulture)));
        return next;
    }

    private long Last() =>
        File.Exists(Path) && long.TryParse(File.ReadAllText(Path), NumberStyles.None, CultureInfo.InvariantCulture, out var last) ? last : 0;
}
