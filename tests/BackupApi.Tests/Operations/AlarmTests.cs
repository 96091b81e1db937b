using System.Security.Cryptography;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>Changes that a person should look at, made by real databases and real files.</summary>
public sealed class AlarmTests
{
    private const string Rows = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 100) insert into t select i from n;";

    private static async Task<Backup> BackUpAsync(Service service)
    {
        var backup = (await service.Manager.StartBackup(new CreateRequest()).Completion).Backup;
        await service.Get<OperationGate>().DrainAsync(TimeSpan.FromSeconds(10), TimeProvider.System);
        return backup;
    }

    private static void Sql(Service service, string statements)
    {
        using var shell = SqliteShell.Open(service.Storage + "/shop.db");
        shell.Run(statements);
    }

    private static string[] Subjects(Service service) => [.. service.Manager.Alarms.Standing().Select(a => a.Subject)];

    [Fact, Provokes("suspicious-change")]
    public async Task Rows_that_vanish_raise_an_alarm_that_keeps_the_backup_before_until_it_is_acknowledged()
    {
        await using var service = await Service.StartAsync(settings => settings with { MaxBackups = 2 });
        Sql(service, "create table t(x);" + Rows);
        var before = await BackUpAsync(service);
        Assert.Empty(Subjects(service));

        Sql(service, "delete from t where x > 30;");
        await BackUpAsync(service);
        var alarm = Assert.Single(service.Manager.Alarms.Standing());
        Assert.Equal(("shop.db", before.Name), (alarm.Subject, alarm.PinnedBackup));
        Assert.Contains("from 100 to 30 entries, by 70 %", alarm.Message, StringComparison.Ordinal);
        Assert.Contains(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "suspicious-change");

        for (var i = 0; i < 4; i++)
        {
            Sql(service, "insert into t values(1);");
            await BackUpAsync(service);
        }

        Assert.Equal(["shop.db"], Subjects(service));
        Assert.NotEmpty(service.Manager.Get(before.Name).Pins);
        Assert.Equal(3, service.Manager.List().Count);

        service.Manager.Acknowledge(alarm.Id);
        Assert.NotNull(service.Manager.Acknowledge(alarm.Id).AcknowledgedAt);
        Assert.Empty(service.Manager.Get(before.Name).Pins);
        Assert.DoesNotContain(service.Get<WatchHealth>().Refresh().Reasons, r => r.Code == "suspicious-change");
        await BackUpAsync(service);
        Assert.Empty(Subjects(service));
        Assert.Throws<BackupException>(() => service.Manager.Acknowledge("none"));
    }

    [Fact]
    public async Task A_database_that_is_gone_and_files_that_went_with_it_are_told()
    {
        await using var service = await Service.StartAsync();
        Sql(service, "create table t(x);" + Rows);
        service.Temp.File("storage/a.txt", "a"u8);
        await BackUpAsync(service);

        File.Delete(service.Storage + "/shop.db");
        await BackUpAsync(service);

        Assert.Equal(["shop.db"], Subjects(service));
        Assert.Contains("is gone", service.Manager.Alarms.Standing()[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Content_that_was_encrypted_by_somebody_else_is_told()
    {
        await using var service = await Service.StartAsync();
        for (var i = 0; i < 20; i++)
        {
            service.Temp.File($"storage/letters/{i}.txt", System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat($"Dear customer number {i}, ", 500))));
        }

        await BackUpAsync(service);
        foreach (var file in Directory.GetFiles(service.Storage, "*", SearchOption.AllDirectories))
        {
            File.WriteAllBytes(file, RandomNumberGenerator.GetBytes((int)new FileInfo(file).Length));
        }

        await BackUpAsync(service);

        Assert.Equal(["compression"], Subjects(service));
    }

    [Fact]
    public async Task Ordinary_growth_and_small_losses_are_told_to_nobody()
    {
        await using var service = await Service.StartAsync();
        Sql(service, "create table t(x);" + Rows);
        await BackUpAsync(service);
        foreach (var statement in new[] { Rows, "delete from t where x > 70;", Rows, "create table u(x);" })
        {
            Sql(service, statement);
            await BackUpAsync(service);
        }

        Assert.Empty(Subjects(service));
    }
}
