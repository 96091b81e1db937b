using BackupApi.Engines;
using BackupApi.Engines.LevelDb;
using BackupApi.Tests.Support;

namespace BackupApi.Tests.Engines.LevelDb;

public sealed class LevelDbContractTests : EngineContract
{
    internal override IEngine NewEngine() => new LevelDbEngine(TimeProvider.System);

    protected override void MakeSource(string storage) => Fixtures.CopyTo("leveldb/c-multi-level-small", storage);
}

public sealed class RocksDbContractTests : EngineContract
{
    internal override IEngine NewEngine() => new RocksDbEngine(TimeProvider.System);

    protected override void MakeSource(string storage)
    {
        var folder = Directory.CreateDirectory($"{storage}/rocks").FullName;
        File.WriteAllText($"{folder}/CURRENT", "MANIFEST-000005\n");
        File.WriteAllBytes($"{folder}/MANIFEST-000005", LevelDbBuilder.LogFile([[1, 3, (byte)'a', (byte)'b', (byte)'c', 0xC9, 1, 0]]));
        File.WriteAllText($"{folder}/IDENTITY", "3d2c");
        File.WriteAllText($"{folder}/000004.log", "wal");
    }
}
