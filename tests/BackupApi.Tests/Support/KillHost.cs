using System.Runtime.InteropServices;
using System.Text.Json;
using BackupApi.Engines.Sqlite;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Operations.Restore;

namespace BackupApi.Tests.Support;

/// <summary>The test assembly as a program: does one thing to the folders it is given, in a process that a test may kill at any call. <c>serve</c>: one thing after the other, for errors, which a process outlives.</summary>
internal static class KillHost
{
    /// <summary>0: done; 1: ended by an expected fault, printed as <see cref="KillPointEnd.Errors"/> says; anything else is a bug.</summary>
    public static async Task<int> Main(string[] arguments)
    {
        if (arguments[0] == "serve")
        {
            await ServeAsync();
            return 0;
        }

        var (exitCode, errors) = await RunAsync(arguments[0], arguments[1]);
        Console.Error.Write(errors);
        return exitCode;
    }

    /// <summary>Reads orders, one a line, and answers each by a line: both as JSON.</summary>
    private static async Task ServeAsync()
    {
        var arm = Marshal.GetDelegateForFunctionPointer<Arm>(NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "killpoint_arm"));
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var order = JsonSerializer.Deserialize<KillOrder>(line)!;
            _ = arm(order.At, order.Errno, order.Sticky ? 1 : 0);
            var (exitCode, errors) = await RunAsync(order.What, order.Root);
            var calls = arm(0, 0, 0);
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(new KillPointEnd(exitCode, calls, errors)));
        }
    }

    private static async Task<(int ExitCode, string Errors)> RunAsync(string what, string root)
    {
        try
        {
            await DoAsync(what, root);
            return (0, "");
        }
        catch (BackupException e)
        {
            return (1, $"{e.Fault}\n{e.Message}\n{e.Hint}\n");
        }
        catch (IOException e)
        {
            var fault = Errno.ToFault(e);
            return (1, $"{fault.Fault}\n{fault.Message}\n{fault.Hint}\n");
        }
        catch (Exception e)
        {
            return (2, $"{e}\n");
        }
    }

    private static async Task DoAsync(string what, string root)
    {
        switch (what)
        {
            case "swap" or "swap-without-exchange":
                await SwapAsync($"{root}/storage", what == "swap");
                return;
            case "upkeep":
                SqliteUpkeep.Run($"{root}/storage/shop.db", vacuum: true, analyze: true, root, static _ => { }, CancellationToken.None);
                return;
            case "recover":
                await RecoverAsync($"{root}/storage");
                return;
        }

        using var world = new RestoreWorld(root: root, change: settings => settings with { MaxBackups = what == "rotation" ? 1 : settings.MaxBackups });
        if (what.StartsWith("life", StringComparison.Ordinal))
        {
            await NextLife.BeginAsync(world, heals: what == "life-heal");
            return;
        }

        var catalog = world.Get<Catalog.BackupCatalog>();
        await catalog.RefreshAsync(CancellationToken.None);
        switch (what)
        {
            case "restore":
                Require((await world.RestoreAsync(catalog.List()[^1].Name)).Applied, "It was staged.");
                break;
            case "restore-kept":
                Require((await world.RestoreWithoutRoomAsync(catalog.List()[^1].Name)).Applied, "It was staged.");
                break;
            case "stage":
                // Somebody has a file open that the restore replaces.
                using (new FileStream($"{world.Storage}/changed.txt", FileMode.Open, FileAccess.ReadWrite))
                {
                    Require(!(await world.RestoreAsync(catalog.List()[^1].Name)).Applied, "It was not staged.");
                }

                break;
            case "beside":
                await world.RestoreAsync(new RestoreRequest { BackupName = world.Get<Catalog.BackupCatalog>().List()[^1].Name, To = "fresh/folder" });
                break;
            case "undo-kept":
                await world.UndoByKeptFilesAsync();
                break;
            case "undo":
                Require((await world.RestoreAsync(world.Get<UndoRestore>().Request(force: false))).Applied, "It was staged.");
                break;
            case "backup":
                await world.BackUpAsync();
                break;
            case "rotation":
                world.Get<ApplyRetention>().Run();
                break;
            case "start":
                if ((await world.StartAsync()).Failure is { } failure)
                {
                    throw failure;
                }

                break;
            case "heal":
                if (await world.HealAsync() is { Undecided: [var undecided, ..] } healed)
                {
                    // Told by health as one text, which ends with the call that decides.
                    throw new BackupException((healed.Open ?? healed.Refused)?.Fault ?? Fault.VerificationFailed, undecided.Message, undecided.Message);
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(what), what, "Nothing is called so.");
        }
    }

    private static void Require(bool isSo, string otherwise)
    {
        if (!isSo)
        {
            throw new InvalidOperationException(otherwise);
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

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate long Arm(long at, int errno, int sticky);
}
