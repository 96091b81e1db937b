using System.Globalization;
using BackupApi.Model;
using Xunit;
using static BackupApi.Tests.Model.SampleBackups;

namespace BackupApi.Tests.Model;

/// <summary>What holds for every policy over every set of backups, tried on thousands of random ones; a failure names its seed.</summary>
public class RetentionPropertyTests
{
    private const int Cases = 4000;

    [Fact]
    public void Planning_what_was_kept_keeps_it() => ForAll((policy, backups, now, _) =>
    {
        var kept = policy.Plan(backups, now).Keep.ToList();
        return NamesOf(policy.Plan(kept, now).Keep).SequenceEqual(NamesOf(kept));
    });

    [Fact]
    public void The_order_of_the_list_does_not_matter() => ForAll((policy, backups, now, random) =>
    {
        var shuffled = backups.ToArray();
        random.Shuffle(shuffled);
        return NamesOf(policy.Plan(shuffled, now).Keep).SequenceEqual(NamesOf(policy.Plan(backups, now).Keep));
    });

    [Fact]
    public void The_newest_the_newest_proven_and_each_databases_newest_proven_are_always_kept() => ForAll((policy, backups, now, _) =>
    {
        var kept = policy.Plan(backups, now).Keep.ToHashSet(ReferenceEqualityComparer.Instance);
        var newestFirst = backups.Where(b => b.IsOurs).OrderByDescending(b => b.Sequence).ToList();
        var names = newestFirst.SelectMany(b => b.Sources).Select(s => s.Name).Distinct(StringComparer.Ordinal);
        IEnumerable<Backup?> needed =
        [
            newestFirst.Find(b => !b.IsSafety),
            newestFirst.Find(b => b.IsProven),
            .. names.Select(name => newestFirst.Find(b => b.Damage is null && b.Sources.Any(s => s.Name == name && s.IsProven))),
            .. backups.Where(b => !b.IsOurs || b.Pins.Count > 0),
        ];
        return needed.All(b => b is null || kept.Contains(b)) && (backups.Count == 0 || kept.Count > 0);
    });

    [Fact]
    public void Every_keep_and_every_removal_has_a_reason() => ForAll((policy, backups, now, _) =>
        policy.Plan(backups, now).Decisions is var decisions && decisions.Count == backups.Count && decisions.All(d => d.Reasons.Count > 0 && (d.Keep || d.Slots.Count == 0)));

    [Fact]
    public void Where_proven_and_unproven_share_a_period_the_proven_one_has_its_place() => ForAll((policy, backups, now, _) =>
    {
        var plan = policy.Plan(backups, now);
        return plan.Decisions.Where(d => !d.Backup.IsProven).All(unproven => unproven.Slots.Where(s => s.StartsWith("daily", StringComparison.Ordinal)).All(slot =>
            !backups.Exists(b => b.IsProven && b is { IsOurs: true, IsSafety: false, Pins.Count: 0 } && !(b.SizeBytes > policy.Rules.MaxArchiveBytes)
                && "daily " + TimeZoneInfo.ConvertTime(b.CreatedAt, policy.TimeZone).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) == slot)));
    });

    private static void ForAll(Func<RetentionPolicy, List<Backup>, DateTimeOffset, Random, bool> holds)
    {
        for (var seed = 0; seed < Cases; seed++)
        {
            var random = new Random(seed);
            var policy = Policy(random);
            var backups = Backups(random);
            Assert.True(holds(policy, backups, Noon, random), string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {policy}"));
        }
    }

    private static RetentionPolicy Policy(Random random)
    {
        int Some() => random.Next(3) == 0 ? random.Next(1, 6) : 0;
        return new RetentionPolicy(random.Next(1, 6), random.Next(1, 3))
        {
            TimeZone = TimeZoneInfo.FindSystemTimeZoneById(random.Next(2) == 0 ? "America/St_Johns" : "Europe/Berlin"),
            Rules = new RetentionRules
            {
                Recent = Some(),
                Hourly = Some(),
                Daily = Some(),
                Weekly = Some(),
                Monthly = Some(),
                Yearly = Some(),
                MaxAge = random.Next(3) == 0 ? TimeSpan.FromDays(random.Next(1, 60)) : null,
                MaxTotalBytes = random.Next(3) == 0 ? random.Next(1, 20_000) : null,
                MaxArchiveBytes = random.Next(4) == 0 ? random.Next(500, 2500) : null,
            },
        };
    }

    private static List<Backup> Backups(Random random)
    {
        var at = Noon.AddDays(-random.Next(1, 100));
        var backups = new List<Backup>();
        for (var i = 0; i < random.Next(0, 25); i++)
        {
            // Mostly forward, by minutes or by weeks; now and then the clock jumps, or two archives carry one number.
            at = at.AddMinutes(random.Next(10) == 0 ? random.Next(-100_000, 100_000) : random.Next(1, random.Next(2) == 0 ? 60 : 10_000));
            var source = Database(random.Next(2) == 0 ? "a.db" : "b.db", random.Next(4) > 0);
            var isProven = source.IsProven && random.Next(4) > 0;
            backups.Add(Make(i + 1, at, isProven, random.Next(100, 3000), random.Next(8) == 0 ? Trigger.Safety : Trigger.Schedule, random.Next(10) == 0 ? ["by request"] : null, source) with
            {
                IsOurs = random.Next(12) > 0,
                Damage = !isProven && random.Next(5) == 0 ? "cut" : null,
                ConfirmedAt = random.Next(10) == 0 ? at.AddHours(3) : null,
            });
        }

        return backups;
    }
}
