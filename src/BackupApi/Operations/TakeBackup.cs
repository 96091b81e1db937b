using System.Globalization;
using BackupApi.Archive;
using BackupApi.Catalog;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations.Hooks;

namespace BackupApi.Operations;

/// <summary>A backup from the first look at storage to the published archive and the rotation after it.</summary>
internal sealed class TakeBackup(
    WorkFolders folders,
    LookAtStorage look,
    FindSources findSources,
    HeadMemory heads,
    WriteBackup write,
    BackupCatalog catalog,
    DecideBackup decide,
    PredictRoom room,
    DiskGuard guard,
    PinGoodCopies pinGoodCopies,
    WatchChange watchChange,
    ApplyRetention retention,
    HookPair hooks,
    TimeProvider clock,
    ILogger<BackupManager> log)
{
    /// <summary>Between the hooks of the application; the backup before a restore stands between those of the restore.</summary>
    public async Task<CreateResult> RunAsync(CreateRequest request, OperationContext context)
    {
        if (request.Trigger == Trigger.Safety)
        {
            return await CaptureAsync(request, context);
        }

        var result = await hooks.RunAsync(
            HookEvent.BeforeCapture,
            new HookSubject(context.Id, context.Kind, request.Trigger, null),
            context.Warnings,
            () => CaptureAsync(request, context),
            static taken => (taken.Backup.Outcome == Outcome.Partial ? HookOutcome.Partial : HookOutcome.Ok, taken.Backup.Name),
            context.Cancellation);
        return result with { Warnings = [.. context.Warnings] };
    }

    private async Task<CreateResult> CaptureAsync(CreateRequest request, OperationContext context)
    {
        var began = clock.GetTimestamp();
        var ct = context.Cancellation;

        context.Progress.Enter("walk");
        var walkedAt = clock.GetUtcNow();

        // Somebody may have removed the last archive, or a part of it, since the folder was looked at.
        await catalog.RefreshAsync(ct);
        var last = catalog.List().FirstOrDefault(b => b is { IsOurs: true, Damage: null });
        var tree = look.Run(last, request.Trigger == Trigger.Safety, ct);
        var readsAll = request.ReadsAll || decide.WantsFullRead(last);
        if (last is not null && request.Trigger is (Trigger.Schedule or Trigger.Start or Trigger.Stop) && !readsAll && decide.MayConfirm(last, tree))
        {
            return Confirm(last, context, began);
        }

        var sources = findSources.In(tree, heads, readsAll);
        GiveMemoryBack.BetweenPhases();
        var inherit = new InheritCaptures(readsAll ? null : last, tree, walkedAt);
        guard.Require(
            request.Trigger == Trigger.Safety ? "The safety backup before this restore" : "This backup",
            room.OfBackup(ContentBytes(tree, _ => true), ContentBytes(tree, FilesToCopy(sources, inherit).Contains), last),
            spare: context.BackupName);
        return await guard.WhileRoomAsync(
            "This backup", [folders.Backups], token => CaptureAndWriteAsync(request, sources, tree, walkedAt, inherit, last, readsAll, context, began, token), ct);
    }

    private async Task<CreateResult> CaptureAndWriteAsync(
        CreateRequest request, IReadOnlyList<FoundSource> sources, StorageTree tree, DateTimeOffset walkedAt, InheritCaptures inherit, Backup? last, bool readsAll, OperationContext context, long began, CancellationToken ct)
    {
        var rot = new ReferenceRot(catalog, last, clock, log);
        try
        {
            return await CaptureAndWriteAsync(request, sources, tree, inherit, last, readsAll, rot, context, began, ct);
        }
        catch (BackupException e) when (e.Fault == Fault.ArchiveDamaged && !readsAll)
        {
            // A part of the last archive that was to be carried over has rotted: that archive is of no use as a reference.
            return await CaptureAndWriteAsync(request, sources, tree, new InheritCaptures(null, tree, walkedAt), last, readsAll: true, rot, context, began, ct);
        }
    }

    private async Task<CreateResult> CaptureAndWriteAsync(
        CreateRequest request, IReadOnlyList<FoundSource> sources, StorageTree tree, InheritCaptures inherit, Backup? last, bool readsAll, ReferenceRot rot, OperationContext context, long began, CancellationToken ct)
    {
        var staging = folders.NewStaging(context.Id);
        try
        {
            var capture = new CaptureSources(sources, tree, staging, inherit);
            await capture.CaptureAsync(context.Progress, ct);

            // A database that was damaged last time is likely to be so now: its verdict comes before anything is written.
            var damaged = (last?.Sources ?? []).Where(s => s.Errors.Count > 0).Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
            await capture.SettleAsync(context.Progress, ct, source => damaged.Contains(PathText.Show(source.Name)));

            var plan = new WritePlan(request, tree, Files(capture), _ => Task.FromResult(capture.Results), last?.Path, !readsAll) { Warnings = [.. context.Warnings], Rot = rot };
            GiveMemoryBack.BetweenPhases();
            var written = await WriteWhileVerifyingAsync(plan, capture, context, ct);
            if (written is null)
            {
                await capture.SettleAsync(context.Progress, ct);
                written = await write.RunAsync(plan with { Files = Files(capture) }, context, ct);
            }

            var (name, archive) = written.Value;
            var backup = Record(name, archive, tree, new BackupState
            {
                FullReadAt = readsAll ? clock.GetUtcNow() : last?.FullReadAt ?? clock.GetUtcNow(),
                WalkedAt = inherit.WalkedAt,
                Memory = Remember(capture, inherit),
            }, context);
            pinGoodCopies.Run(backup);
            watchChange.Run(backup);
            retention.Run();
            return new CreateResult
            {
                Backup = backup,
                Duration = clock.GetElapsedTime(began),
                BytesRead = archive.BytesRead,
                BytesCompressed = archive.BytesCompressed,
                BytesCarriedOver = archive.BytesCarriedOver,
            };
        }
        finally
        {
            TreeRemoval.Remove(staging);
        }
    }

    private static Dictionary<string, SourceMemory> Remember(CaptureSources capture, InheritCaptures inherit) =>
        (from source in capture.Results
         let memory = source.Capture is { } taken ? inherit.Remember(source.Source, taken.Files.Select(file => file.Name)) : null
         where memory is not null
         select (Name: PathText.Show(source.Source.Name), memory)).ToDictionary(m => m.Name, m => m.memory, StringComparer.Ordinal);

    /// <summary>Writes the archive while the copies are verified. Null when a copy did not stand: what was written is gone, and the copy must be taken anew.</summary>
    private async Task<(string Name, ArchiveFacts Facts)?> WriteWhileVerifyingAsync(WritePlan plan, CaptureSources capture, OperationContext context, CancellationToken ct)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var verifying = VerifyAsync();
        try
        {
            return await write.RunAsync(
                plan with
                {
                    Verified = async token =>
                    {
                        await verifying.WaitAsync(token);
                        token.ThrowIfCancellationRequested();
                        return capture.Results;
                    },
                },
                context,
                giveUp.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            await giveUp.CancelAsync();
            await verifying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task VerifyAsync()
        {
            if (!await Task.Run(() => capture.VerifyAsync(giveUp.Token), CancellationToken.None))
            {
                await giveUp.CancelAsync();
            }
        }
    }

    /// <summary>Nothing changed since the last backup: it is as good as a new one, and ten equal copies would only push history out.</summary>
    private CreateResult Confirm(Backup last, OperationContext context, long began)
    {
        var confirmed = catalog.Record(last.Name, state => state with { ConfirmedAt = clock.GetUtcNow() });
        context.BackupName = last.Name;
        context.Confirmed = true;
        context.Summary = "nothing changed since: confirmed, no new archive";
        return new CreateResult { Backup = confirmed, Duration = clock.GetElapsedTime(began), Confirmed = true };
    }

    private Backup Record(string name, ArchiveFacts archive, StorageTree tree, BackupState state, OperationContext context)
    {
        var backup = catalog.Record(name, _ => state with
        {
            Sha256 = archive.Sha256,
            Manifest = archive.Manifest,
            Report = archive.Report,
            VerifiedAt = clock.GetUtcNow(),
            TreeDigest = TreeDigest.Of(tree),
        });
        context.Outcome = backup.Outcome;
        (context.BytesRead, context.BytesCompressed, context.BytesCarriedOver) = (archive.BytesRead, archive.BytesCompressed, archive.BytesCarriedOver);
        context.Summary = string.Create(
            CultureInfo.InvariantCulture,
            $"{archive.Observations.Entries} entries, {archive.Observations.ContentBytes} bytes in {archive.SizeBytes}, {archive.BytesRead} read, {archive.BytesCompressed} compressed, {archive.BytesCarriedOver} carried over, {archive.Manifest.Sources.Count} sources, {backup.Warnings.Count} warnings, {backup.Errors.Count} errors");
        return backup;
    }

    private static AllFiles Files(CaptureSources capture) => new(capture.Results);

    private static HashSet<string> FilesToCopy(IReadOnlyList<FoundSource> sources, InheritCaptures inherit) =>
        sources.Where(s => s.Source.Engine != Source.PlainFiles && inherit.Find(s.Source) is null).SelectMany(s => s.Source.Files).ToHashSet(StringComparer.Ordinal);

    private static long ContentBytes(StorageTree tree, Func<string, bool> isCounted) =>
        tree.Nodes.Where(n => n.Stat.Kind == FileKind.File && isCounted(n.Path)).Sum(n => n.Stat.Size);
}
