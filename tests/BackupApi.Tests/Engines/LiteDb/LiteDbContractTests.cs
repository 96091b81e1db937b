using BackupApi.Engines;
using BackupApi.Engines.LiteDb;
using BackupApi.Tests.Support;

namespace BackupApi.Tests.Engines.LiteDb;

public sealed class LiteDbContractTests : EngineContract
{
    internal override IEngine NewEngine() => new LiteDbEngine(new LiteDbSettings(), TimeProvider.System);

    protected override void MakeSource(string storage) => Fixtures.CopyTo("litedb/b-log-committed", storage);
}
