using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Restore;

namespace BackupApi.Tests.Support;

/// <summary>The test assembly as a program: does one thing to the folders it is given, in a process that a test may kill at any call.</summary>
internal static class KillHost
{
    /// <summary>0: done; 1: ended by an expected fault, which is printed; anything else is a bug.</summary>
    public static async Task<int> Main(string[] arguments)
    {
        try
        {
            await RunAsync(arguments[0], arguments[1]);
            return 0;
        }
        catch (BackupException e)
        {
            Console.Error.WriteLine($"{e.Fault}: {e.Message} {e.Hint}");
            return 1;
        }
        catch (IOException e)
        {
            var fault = Errno.ToFault(e);
            Console.Error.WriteLine($"{fault.Fault}: {fault.Message} {fault.Hint}");
            return 1;
        }
    }

    private static async Task RunAsync(string what, string root)
    {
        if (what is "swap" or "swap-without-exchange")
        {
            await SwapAsync($"{root}/storage", what == "swap");
            return;
        }

        if (what == "upkeep")
        {
            SqliteUpkeep.Run($"{root}/storage/shop.db", vacuum: true, analyze: true, root, static _ => { }, CancellationToken.None);
            return;
        }

        if (what == "recover")
        {
            await RecoverAsync($"{root}/storage");
            return;
        }

        using var world = new RestoreWorld(root: root, change: settings => settings with { MaxBackups = what == "rotation" ? 1 : settings.MaxBackups });
        await world.Get<Catalog.BackupCatalog>().RefreshAsync(CancellationToken.None);
        switch (what)
        {
            case "restore":
                await world.RestoreAsync(world.Get<Catalog.BackupCatalog>().List()[^1].Name);
                break;
            case "restore-kept":
                await world.RestoreWithoutRoomAsync(world.Get<Catalog.BackupCatalog>().List()[^1].Name);
                break;
            case "stage":
                // Somebody has a file open that the restore replaces.
                using (Posix.Open($"{world.Storage}/changed.txt", OpenFlags.ReadWrite))
                {
                    await world.RestoreAsync(world.Get<Catalog.BackupCatalog>().List()[^1].Name);
                }

                break;
            case "beside":
                await world.RestoreAsync(new RestoreRequest { BackupName = world.Get<Catalog.BackupCatalog>().List()[^1].Name, To = "fresh/folder" });
                break;
            case "undo-kept":
                await world.UndoByKeptFilesAsync();
                break;
            case "undo":
                await world.RestoreAsync(world.Get<UndoRestore>().Request(force: false));
                break;
            case "backup":
                await world.BackUpAsync();
                break;
            case "rotation":
                world.Get<ApplyRetention>().Run();
                break;
            case "start":
                var start = await world.StartAsync();
                if (start.Failure is { } failure)
                {
                    throw failure;
                }

                break;
            case "heal":
                await world.HealAsync();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(what), what, "Nothing is called so.");
        }
    }

    /// <summary>The whole life of a swap, staging included.</summary>
    private static async Task SwapAsync(string storage, bool canExchange)
    {
        var folder = SwapFolder.Create(storage, "1");
        SampleTrees.WriteNew(folder.New);
        var live = TreeWalker.Walk(storage, static (path, _) => SwapFolder.IsReserved(path));
        var steps = TreeCompare.Of(live, TreeWalker.Walk(folder.New), SwapRules.Everything(static _ => false), CancellationToken.None).Steps;
        var plan = new SwapPlan { Steps = steps, RootModified = Posix.Stat(storage).Modified, CanExchange = canExchange && JournaledSwap.CanExchange(folder) };
        var end = await JournaledSwap.RunAsync(folder, plan, static _ => Task.FromResult<IReadOnlyList<Finding>>([]), CancellationToken.None);
        try
        {
            folder.Remove();
        }
        catch (IOException)
        {
            // As the service does: storage is what it should be, and the next start clears up.
        }

        if (!end.Applied)
        {
            throw new BackupException(Fault.VerificationFailed, $"Taken back: {end.Problems[0].Message}", "");
        }
    }

    private static async Task RecoverAsync(string storage)
    {
        foreach (var folder in SwapFolder.FindAll(storage))
        {
            if (await JournaledSwap.RecoverAsync(folder, static (_, _) => Task.FromResult<IReadOnlyList<Finding>>([])) is not null)
            {
                folder.Remove();
            }
        }

        SwapFolder.RemoveDiscarded(storage);
    }
}
