using BackupApi.Model;
using BackupApi.Model.Timing;

namespace BackupApi.Config;

/// <summary>Which databases are looked after, and when. None by default: what is an owner's is then never written.</summary>
internal sealed record UpkeepOptions
{
    /// <summary>SQLite databases by name, each with its times in <c>TZ</c> as cron expressions, or <c>never</c>.</summary>
    /// <value><c>Backup__Upkeep__0__Database</c> (path relative to storage), <c>Backup__Upkeep__0__Vacuum</c> (default: <c>0 3 * * 0</c>, Sundays at 03:00), <c>Backup__Upkeep__0__Analyze</c> (default: <c>0 3 * * *</c>, daily), then <c>__1__</c> and so on. Default: none.</value>
    public required IReadOnlyList<UpkeepRule> Rules { get; init; }

    /// <summary>How long after its time an upkeep may still begin; while a process holds the database it is tried again until then.</summary>
    /// <value><c>Backup__UpkeepWindow</c>, in seconds or <c>hh:mm:ss</c>. Default: 1 hour. From 1 minute to 12 hours.</value>
    public required TimeSpan Window { get; init; }

    private const string Sundays = "0 3 * * 0";
    private const string Daily = "0 3 * * *";

    public static UpkeepOptions Read(SettingsReader settings)
    {
        var rules = new List<UpkeepRule>();
        foreach (var number in settings.Below("Backup__Upkeep").Where(key => key.Length <= 2 && key.All(char.IsAsciiDigit)).ToList())
        {
            var name = $"Backup__Upkeep__{number}__";
            var database = settings.Text(name + "Database", "", 4000).Trim('/');
            var rule = new UpkeepRule(database, ReadTimes(settings, name + "Vacuum", Sundays), ReadTimes(settings, name + "Analyze", Daily));
            if (database.Length == 0 || database.Split('/').Any(part => part is "" or "." or ".."))
            {
                settings.Add(name + "Database", database, "the path of a SQLite database, relative to storage");
            }
            else if (rules.Exists(other => other.Database == database))
            {
                settings.Add(name + "Database", database, "a path that no other entry names");
            }
            else
            {
                rules.Add(rule);
            }
        }

        return new UpkeepOptions
        {
            Rules = rules.Count > 0 ? rules : Array.Empty<UpkeepRule>(),
            Window = settings.Duration("Backup__UpkeepWindow", TimeSpan.FromHours(1), TimeSpan.FromMinutes(1), TimeSpan.FromHours(12)),
        };
    }

    private static ScheduleRule? ReadTimes(SettingsReader settings, string name, string byDefault)
    {
        var text = settings.Text(name, byDefault, 200);
        if (string.Equals(text, "never", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var rule = new ScheduleRule { Cron = text };
        try
        {
            rule.Check();
            return rule;
        }
        catch (FormatException e)
        {
            settings.Add(name, text, $"a cron expression such as \"{byDefault}\", or never: {e.Message}");
            return null;
        }
    }
}
