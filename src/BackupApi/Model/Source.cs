namespace BackupApi.Model;

/// <summary>One thing inside storage that is captured as a unit: a database with all its side files, or the plain files.</summary>
/// <param name="Name">The database's file or folder, relative to storage, with <c>/</c>; <c>(files)</c> for the plain files.</param>
/// <param name="Engine">Kind of engine: <c>sqlite</c>, <c>litedb</c>, <c>leveldb</c>, <c>rocksdb</c>, <c>files</c>.</param>
/// <param name="Files">Every path that belongs to it when it was recognised, relative to storage, sorted: by bytes, the plain files in the order of the walk.</param>
internal sealed record Source(string Name, string Engine, IReadOnlyList<string> Files)
{
    /// <summary>The engine of everything that is no database.</summary>
    public const string PlainFiles = "files";

    /// <summary>A finer kind for people: <c>litedb v4</c>, <c>litedb encrypted</c>; null when there is nothing to add.</summary>
    public string? Variant { get; init; }

    /// <summary>What it is to its application, by the settings; null when they do not say.</summary>
    public SourceRole? Role { get; init; }
}

/// <summary>What a source is to its application.</summary>
internal enum SourceRole
{
    /// <summary>It can be rebuilt from the event logs.</summary>
    State,

    /// <summary>The application rebuilds its state by replaying it.</summary>
    Eventlog,
}

/// <summary>Gives a role to what a path or glob names; the first rule that fits a source decides.</summary>
/// <param name="Pattern">Relative to storage; <c>*</c> and <c>?</c> within a part of a path, <c>**</c> across.</param>
internal sealed record SourceRoleRule(string Pattern, SourceRole Role);
