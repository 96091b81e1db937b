using System.Globalization;
using BackupApi.Model;

namespace BackupApi.Archive;

/// <summary>The faults of a reader, worded once.</summary>
internal static class ArchiveFaults
{
    public const string UseAnother = "Use another backup; what is still whole in this one can be taken out by name with force.";

    /// <param name="where">Entry and offset; they are part of the sentence.</param>
    public static BackupException Damaged(string what, string where) => new(
        Fault.ArchiveDamaged,
        $"{what} ({where})",
        UseAnother);

    /// <param name="offset">Of the piece in the file.</param>
    public static string NotAuthentic(long offset) => string.Create(CultureInfo.InvariantCulture, $"An encrypted piece was changed, or is damaged (file offset {offset}).");

    public static BackupException NoSuchEntry(string name) => new(
        Fault.NotFound,
        $"The archive has no file '{EntryName.Short(name)}'.",
        "Ask for the list of its files; names are relative to storage.");

    public static BackupException LinkToLink(string name, string target) => EntryName.Hostile(name, $"is a hard link to '{EntryName.Short(target)}', which is not a file");

    /// <param name="at">The entry that is one too many; null where it has no name yet.</param>
    public static BackupException TooMany(long limit, string? at = null) => new(
        Fault.ArchiveHostile,
        $"The archive holds more than {limit.ToString("N0", CultureInfo.InvariantCulture)} entries{(at is null ? "" : $" ('{EntryName.Short(at)}' is one too many)")}, so it was refused.",
        "Split it, or look at who made this archive.");

    /// <param name="at">The entry in which it gets there; null where that is known beforehand.</param>
    public static BackupException TooLarge(long limit, string? at = null) => new(
        Fault.ArchiveHostile,
        $"The archive unpacks to more than {limit.ToString("N0", CultureInfo.InvariantCulture)} bytes{(at is null ? "" : $" (that many are reached in '{EntryName.Short(at)}')")}, so it was refused.",
        "Free some room on the disk of storage, or look at who made this archive.");
}
