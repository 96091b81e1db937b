using BackupApi.Engines;
using BackupApi.Engines.PlainFiles;
using BackupApi.Files;

namespace BackupApi.Tests.Engines.PlainFiles;

public sealed class PlainFilesContractTests : EngineContract
{
    internal override IEngine NewEngine() => new PlainFilesEngine(TimeProvider.System);

    protected override void MakeSource(string storage)
    {
        Directory.CreateDirectory($"{storage}/folder/empty");
        File.WriteAllText($"{storage}/folder/a.txt", "a");
        File.WriteAllText($"{storage}/b.txt", "b");
        Posix.MakeSymlink("b.txt", $"{storage}/link");
    }
}
