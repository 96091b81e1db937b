using BackupApi.Engines;
using BackupApi.Engines.Sqlite;
using BackupApi.Tests.Support;

namespace BackupApi.Tests.Engines.Sqlite;

public sealed class SqliteContractTests : EngineContract
{
    internal override IEngine NewEngine() => new SqliteEngine(TimeProvider.System);

    protected override void MakeSource(string storage) => Fixtures.CopyTo("sqlite/a-clean", storage);
}

public sealed class SqliteWalContractTests : EngineContract
{
    internal override IEngine NewEngine() => new SqliteEngine(TimeProvider.System);

    protected override void MakeSource(string storage) =>
        Fixtures.CopyTo("sqlite/b-wal-committed", Directory.CreateDirectory($"{storage}/folder").FullName);
}
