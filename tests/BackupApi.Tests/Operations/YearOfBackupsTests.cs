using System.Globalization;
using BackupApi.Catalog;
using BackupApi.Engines.LiteDb;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using BackupApi.Triggers;
using Microsoft.Extensions.DependencyInjection;
using Quartz;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>Time is injected into the real scheduler, the real manager and the real rules of health, and months pass in seconds; what must hold is checked after every hour.</summary>
public sealed class YearOfBackupsTests
{
    private const int Limit = 10;

    private readonly ManualClock clock = new(new DateTimeOffset(2027, 3, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly Random random = new(20261120);

    [Fact]
    public Task Ten_days_of_hourly_runs_with_failures_restarts_and_clock_jumps() => SimulateAsync(10 * 24);

    [Fact, Trait("Category", "Long")]
    public Task A_year_of_hourly_runs_with_failures_restarts_and_clock_jumps() => SimulateAsync(365 * 24);

    private async Task SimulateAsync(int hours)
    {
        using var temp = new TempFolder();
        temp.File("storage/a.txt", "a"u8);
        var life = await Life.StartAsync(temp, clock);
        var (scheduled, restarts, failures, jumps) = (0, 0, 0, 0);
        try
        {
            for (var hour = 0; hour < hours; hour++)
            {
                var chance = random.Next(200);
                if (chance < 100)
                {
                    temp.File("storage/a.txt", System.Text.Encoding.ASCII.GetBytes(hour.ToString(CultureInfo.InvariantCulture)));
                }

                if (chance is 150)
                {
                    // The volume is away for a few hours: runs fail, nothing is removed, and all is well afterwards.
                    var before = life.Names();
                    Directory.Move(temp["storage"], temp["away"]);
                    for (var i = 0; i < 3; i++)
                    {
                        await life.PassAsync(TimeSpan.FromHours(1));
                    }

                    Assert.Equal(before, life.Names());
                    Assert.Contains("storage-missing", life.Codes(), StringComparer.Ordinal);
                    Assert.Contains("last-backup-failed", life.Codes(), StringComparer.Ordinal);
                    Assert.Contains("proven-backup-too-old", life.Codes(), StringComparer.Ordinal);
                    Assert.DoesNotContain("overdue", life.Codes(), StringComparer.Ordinal);
                    Directory.Move(temp["away"], temp["storage"]);
                    failures++;
                }
                else if (chance is 160 or 161)
                {
                    // A restart after a while: one backup makes up for all that were missed.
                    await life.StopAsync();
                    clock.Advance(TimeSpan.FromMinutes(random.Next(1, 600)));
                    life = await Life.StartAsync(temp, clock);
                    restarts++;
                }
                else if (chance is 170 or 171)
                {
                    clock.Jump(TimeSpan.FromHours(chance == 170 ? 50 : -30));
                    Assert.Contains("clock-jumped", life.Codes(), StringComparer.Ordinal);
                    await life.NoticeAsync();
                    jumps++;
                }
                else if (chance is 180)
                {
                    // The scheduler hangs: the watchdog does not.
                    await life.StopScheduleAsync();
                    clock.Advance(TimeSpan.FromMinutes(70));
                    Assert.Contains("overdue", life.Codes(), StringComparer.Ordinal);
                    await life.StartScheduleAsync();
                }

                await life.PassAsync(TimeSpan.FromHours(1));
                Check(life);
                scheduled++;
            }
        }
        finally
        {
            await life.StopAsync();
        }

        Assert.True(restarts + failures + jumps >= hours / 200, "the simulation met nothing");
        Assert.Equal(hours, scheduled);
    }

    private static void Check(Life life)
    {
        var backups = life.Backups();
        Assert.InRange(backups.Count, 1, Limit + 1);
        Assert.True(backups[0].IsProven, "the newest backup is proven after a good run");
        Assert.Equal(backups.Count, backups.Select(b => b.Sequence).Distinct().Count());
        Assert.Empty(life.Codes().Except(["archive-from-the-future"], StringComparer.Ordinal));
        Assert.All(life.Plan().Decisions, d => Assert.True(d.Keep, "what rotation left, it keeps"));
    }

    /// <summary>One life of the service, from start to stop.</summary>
    private sealed class Life(ServiceProvider provider, ManualClock clock)
    {
        private ScheduleTrigger trigger = Trigger(provider);

        public static async Task<Life> StartAsync(TempFolder temp, ManualClock clock)
        {
            var services = new ServiceCollection();
            services.AddLogging();
            services.AddSingleton<TimeProvider>(clock);
            services.AddOperations(
                new ServiceSettings { StoragePath = temp["storage"], BackupsPath = temp["backups"], RestorePath = temp["restore"], MinFreeBytes = 1, MaxBackups = Limit },
                new LiteDbSettings());
            services.AddSchedule();
            var provider = services.BuildServiceProvider();
            provider.GetRequiredService<StartUp>().TakeFolders();
            await provider.GetRequiredService<StartUp>().PrepareAsync(CancellationToken.None);
            var life = new Life(provider, clock);
            var manager = provider.GetRequiredService<BackupManager>();
            manager.OpenDoor();
            if (provider.GetRequiredService<DecideBackup>().AtStart())
            {
                await manager.StartBackup(new CreateRequest { Trigger = BackupApi.Model.Trigger.Start }).Completion;
            }

            await life.StartScheduleAsync();
            return life;
        }

        public List<Backup> Backups() => [.. provider.GetRequiredService<BackupCatalog>().List()];

        public string[] Names() => [.. Backups().Select(b => b.Name)];

        public RetentionPlan Plan() => provider.GetRequiredService<BackupManager>().PlanRetention();

        public string[] Codes() => [.. provider.GetRequiredService<WatchHealth>().Refresh().Reasons.Select(r => r.Code)];

        /// <summary>Lets time pass, and waits until the scheduler did what was due.</summary>
        public async Task PassAsync(TimeSpan time)
        {
            clock.Advance(time);
            var (schedule, gate) = (provider.GetRequiredService<ScheduleState>(), provider.GetRequiredService<OperationGate>());
            for (var looks = 1; schedule.NextAt <= clock.GetUtcNow() || gate.CurrentId is not null; looks++)
            {
                await Task.Delay(1);
                if (looks % 10 == 0)
                {
                    // It had fallen asleep just before: its longest sleep is short.
                    clock.Advance(TimeSpan.FromSeconds(31));
                }
            }
        }

        /// <summary>Lets the schedule wake from its short sleep and see that the clock was set: a run is then due within the hour.</summary>
        public async Task NoticeAsync()
        {
            var schedule = provider.GetRequiredService<ScheduleState>();
            for (var looks = 1; schedule.NextAt - clock.GetUtcNow() > TimeSpan.FromHours(1); looks++)
            {
                Assert.True(looks < 30_000, $"The next run stays at {schedule.NextAt:u}, now it is {clock.GetUtcNow():u}.");
                await Task.Delay(1);
                if (looks % 10 == 0)
                {
                    clock.Advance(TimeSpan.FromSeconds(31));
                }
            }
        }

        public async Task StopScheduleAsync()
        {
            await trigger.StopAsync(CancellationToken.None);
            await (await SchedulerAsync()).Standby();
        }

        public async Task StartScheduleAsync()
        {
            await (await SchedulerAsync()).Start();
            trigger = Trigger(provider);
            await trigger.StartAsync(CancellationToken.None);
        }

        public async Task StopAsync()
        {
            await trigger.StopAsync(CancellationToken.None);
            await (await SchedulerAsync()).Shutdown(waitForJobsToComplete: true);
            await provider.GetRequiredService<OperationGate>().StopAsync(TimeSpan.FromSeconds(5), TimeProvider.System);
            await provider.DisposeAsync();
        }

        private static ScheduleTrigger Trigger(ServiceProvider provider) => ActivatorUtilities.CreateInstance<ScheduleTrigger>(provider);

        private async Task<IScheduler> SchedulerAsync() => await provider.GetRequiredService<ISchedulerFactory>().GetScheduler();
    }
}
