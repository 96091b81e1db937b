using System.Globalization;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace BackupApi.Engines.Sqlite;

/// <summary>Which native SQLite this process uses: the system's where it is newer than the bundled one, else the bundled one.</summary>
/// <remarks>Never both: two libraries on one file in one process break each other's locks (sqlite.org/howtocorrupt.html, 2.2.1).</remarks>
internal static unsafe class SqliteLibrary
{
    private const string Bundled = "e_sqlite3";
    private const string System = "libsqlite3.so.0";

    private static readonly Lazy<(string Origin, int Version)> Loaded = new(Load);

    /// <summary>SQLITE_VERSION_NUMBER of the library in use: 3040001 for 3.40.1.</summary>
    public static int Version => Loaded.Value.Version;

    /// <summary>For the log: <c>SQLite 3.40.1 (the system's libsqlite3.so.0)</c>.</summary>
    public static string Describe() => $"SQLite {Show(Version)} ({Loaded.Value.Origin})";

    public static string Show(long version) =>
        string.Create(CultureInfo.InvariantCulture, $"{version / 1_000_000}.{version / 1000 % 1000}.{version % 1000}");

    /// <summary>Loads the library and guards it; must be called before the first use of SQLitePCL.</summary>
    public static void Use() => _ = Loaded.Value;

    private static (string Origin, int Version) Load()
    {
        var provider = typeof(SQLite3Provider_e_sqlite3).Assembly;
        var hasSystem = NativeLibrary.TryLoad(System, out var system);
        var hasBundled = NativeLibrary.TryLoad(Bundled, provider, searchPath: null, out var bundled);
        if (!hasSystem && !hasBundled)
        {
            throw new DllNotFoundException($"Neither {System} nor the bundled {Bundled} can be loaded on this machine.");
        }

        var systemVersion = hasSystem ? VersionOf(system) : 0;
        var bundledVersion = hasBundled ? VersionOf(bundled) : 0;
        var useSystem = systemVersion > bundledVersion;
        var library = useSystem ? system : bundled;

        NativeLibrary.SetDllImportResolver(provider, (name, _, _) => name == Bundled ? library : 0);
        raw.SetProvider(new SQLite3Provider_e_sqlite3());
        if (raw.sqlite3_initialize() != raw.SQLITE_OK)
        {
            throw new InvalidOperationException("The SQLite library does not start.");
        }

        SourceGuard.Install(library);
        return useSystem ? ($"the system's {System}", systemVersion) : ("bundled", bundledVersion);
    }

    private static int VersionOf(nint library) =>
        ((delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "sqlite3_libversion_number"))();
}
