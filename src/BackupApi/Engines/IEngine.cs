using BackupApi.Files;
using BackupApi.Model;

namespace BackupApi.Engines;

/// <summary>Knows one kind of source: how to recognise it, how to copy it while its owner writes, and how to tell a good copy from a bad one.</summary>
internal interface IEngine
{
    /// <summary>The name used in settings, manifest and answers: <c>sqlite</c>, <c>litedb</c>, <c>leveldb</c>, <c>files</c>.</summary>
    string Kind { get; }

    /// <summary>Whether a regular file, by its name and first bytes, may belong to a source of this kind. No for all kinds: nobody reads it a second time, and its head is empty from then on.</summary>
    /// <remarks>Asked once for each file before <see cref="Recognise"/>, so that a tree of a million small files is opened once and not once for each engine. In any doubt yes.</remarks>
    bool MayOwn(TreeNode node, ReadOnlySpan<byte> head);

    /// <summary>Finds the sources of this kind by content, never by name alone; side files belong to their database.</summary>
    /// <remarks>Engines are asked in the order of <c>Wiring</c>; <paramref name="isFree"/> tells whether a path was claimed by an earlier one. Reads file heads only, writes nothing.</remarks>
    IEnumerable<Source> Recognise(StorageTree tree, Func<string, bool> isFree);

    /// <summary>Copies a source as it stood at one committed instant into the empty folder <paramref name="into"/>, while its owner goes on.</summary>
    /// <remarks>
    /// Never writes, creates, locks against opening, or checkpoints anything under <see cref="StorageTree.Root"/>. May be cancelled at any point: the caller deletes <paramref name="into"/>.
    /// Files keep the relative path they have in storage, under <paramref name="into"/>, so that <see cref="VerifyAsync"/> finds them there.
    /// </remarks>
    /// <exception cref="BackupException"><see cref="Fault.SourceBusy"/>: no consistent copy within the time allowed. <see cref="Fault.NotFound"/>: the source is gone.</exception>
    Task<Capture> CaptureAsync(Source source, StorageTree tree, string into, CancellationToken ct);

    /// <summary>Reads all of a quiet copy under <paramref name="folder"/> (captured or unpacked; same relative paths as in storage) and judges it.</summary>
    /// <returns>A verdict, also for hostile bytes: never throws for what the copy holds, never hangs, memory bounded. Leaves the copy as it was.</returns>
    Task<Verdict> VerifyAsync(Source source, string folder, CancellationToken ct);
}
