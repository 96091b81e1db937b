using BackupApi.Model;
using BackupApi.Model.Timing;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BackupApi.Tests.Operations;

public sealed class ScheduleTests
{
    private static readonly DateTimeOffset Start = new(2027, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly ManualClock clock = new(Start);

    private Task<Service> StartAsync(Func<ServiceSettings, ServiceSettings>? change = null) =>
        Service.StartAsync(change, services => services.AddSingleton<TimeProvider>(clock));

    [Fact]
    public async Task The_interval_goes_on_from_the_newest_backup_after_a_restart()
    {
        await using var service = await StartAsync();
        service.Temp.File("storage/a.txt", "a"u8);
        await service.Manager.StartBackup(new CreateRequest()).Completion;
        clock.Advance(TimeSpan.FromMinutes(40));

        service.Get<ScheduleState>().Load();

        Assert.Equal(Start.AddHours(1), service.Get<ScheduleState>().NextAt);
        Assert.False(service.Get<DecideBackup>().AtStart());
    }

    [Fact]
    public async Task Runs_missed_while_the_service_was_down_are_made_up_for_once_at_the_start()
    {
        await using var service = await StartAsync(settings => settings with { Schedules = [new ScheduleRule { Frequency = ScheduleFrequency.Daily, Time = "02:00" }] });
        service.Temp.File("storage/a.txt", "a"u8);
        await service.Manager.StartBackup(new CreateRequest()).Completion;

        clock.Advance(TimeSpan.FromHours(13));
        service.Get<ScheduleState>().Load();
        Assert.False(service.Get<DecideBackup>().AtStart());

        clock.Advance(TimeSpan.FromDays(3));
        service.Get<ScheduleState>().Load();
        Assert.True(service.Get<DecideBackup>().AtStart());
        Assert.Equal(new DateTimeOffset(2027, 3, 5, 2, 0, 0, TimeSpan.Zero), service.Get<ScheduleState>().NextAt);
    }

    [Fact]
    public async Task What_a_person_changed_outlives_a_restart_and_a_damaged_file_gives_way_to_the_settings()
    {
        await using var service = await StartAsync();
        var schedule = service.Get<ScheduleState>();
        schedule.Change(plan => plan with { Schedules = [new ScheduleRule { Cron = "15 4 * * *" }], Paused = true, JitterSeconds = 60, OnStop = StopBackup.Never });
        var changed = schedule.Plan;

        schedule.Load();
        Assert.Equal((true, 60, StopBackup.Never, "15 4 * * *"), (schedule.Plan.Paused, schedule.Plan.JitterSeconds, schedule.Plan.OnStop, schedule.Plan.Schedules[0].Cron));
        Assert.NotSame(changed, schedule.Plan);

        await File.WriteAllTextAsync($"{service.Backups}/.backupapi/schedule.json", "{\"schedules\":[{\"cron\":\"never\"}]}");
        schedule.Load();
        Assert.Equal(3_600_000, schedule.Plan.Schedules[0].IntervalMs);
    }

    [Fact]
    public async Task A_wrong_schedule_is_refused_and_changes_nothing()
    {
        await using var service = await StartAsync();
        var schedule = service.Get<ScheduleState>();

        var refused = Assert.Throws<BackupException>(() => schedule.Change(plan => plan with { Schedules = [new ScheduleRule { Cron = "0 0 30 2 *" }] }));

        Assert.Equal(Fault.InvalidRequest, refused.Fault);
        Assert.Equal(3_600_000, schedule.Plan.Schedules[0].IntervalMs);
        Assert.Equal(Start.AddHours(1), schedule.NextAt);
    }

    [Fact]
    public async Task The_stop_takes_a_backup_only_of_what_changed_and_only_if_it_is_likely_to_fit()
    {
        await using var service = await StartAsync(settings => settings with { ShutdownTimeout = TimeSpan.FromSeconds(20) });
        var decide = service.Get<DecideBackup>();
        service.Temp.File("storage/a.txt", "a"u8);
        await service.Manager.StartBackup(new CreateRequest()).Completion;
        Assert.Equal((false, "nothing changed since the last backup"), decide.AtStop());

        service.Temp.File("storage/b.txt", "b"u8);
        Assert.True(decide.AtStop().Take);

        // A backup that takes a quarter of a minute: half of the grace is ten seconds.
        var slow = service.Get<OperationGate>().Start(OperationKind.Backup, Trigger.Manual, false, false, _ =>
        {
            clock.Advance(TimeSpan.FromSeconds(15));
            return Task.FromResult(0);
        });
        await slow.Completion;
        Assert.Contains("about 15 s, and 10 s are left", decide.AtStop().Skipped, StringComparison.Ordinal);
    }
}
