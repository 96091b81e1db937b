using System.Globalization;
using BackupApi.Model;
using Microsoft.Extensions.Configuration.CommandLine;

namespace BackupApi.Config;

/// <summary>Reads settings by the name a person sets, collects every error, and knows which names were asked for.</summary>
/// <remarks>
/// A name <c>Backup__X__Y</c> is the configuration key <c>Backup:X:Y</c>. Each name can also be given as <c>NAME_FILE</c>, the path of a file that holds the value.
/// An empty value means "not set": compose files pass empty strings for variables that nobody defined. A wrong value gives the default here, and an error in <see cref="Errors"/>.
/// </remarks>
internal sealed class SettingsReader(IConfiguration configuration)
{
    private const string FileSuffix = "_FILE";

    /// <summary>Bytes; a secret or a command is far shorter.</summary>
    private const int LargestValueFile = 64 * 1024;

    private readonly HashSet<string> asked = new(StringComparer.OrdinalIgnoreCase);

    private readonly SortedDictionary<string, SettingFact> facts = new(StringComparer.Ordinal);

    public List<SettingError> Errors { get; } = [];

    /// <summary>Every name that was asked for, in no order.</summary>
    public IReadOnlyCollection<string> Asked => asked;

    /// <summary>What is in force, without secrets. An error leaves the default in force.</summary>
    public IReadOnlyList<SettingFact> Facts => [.. facts.Values];

    /// <summary>Whether somebody gave a value, right or wrong.</summary>
    public bool IsSet(string name) => Trimmed(configuration[KeyOf(name)]) is not null || Trimmed(configuration[KeyOf(name + FileSuffix)]) is not null;

    /// <summary>Whether somebody gave the value itself, and not a file that holds it.</summary>
    public bool IsSetPlainly(string name) => Trimmed(configuration[KeyOf(name)]) is not null;

    /// <summary>The names that stand directly below <paramref name="name"/>, for lists.</summary>
    public IEnumerable<string> Below(string name) => configuration.GetSection(KeyOf(name)).GetChildren().Select(child => child.Key);

    public bool Flag(string name, bool byDefault) =>
        Read(name, byDefault, SettingText.Flag, "true or false (also 1/0, yes/no, on/off)");

    public long Whole(string name, long byDefault, long from, long to, string unit)
    {
        var range = string.Create(CultureInfo.InvariantCulture, $"a whole number of {unit} from {from} to {to}");
        return Read(name, byDefault, text => SettingText.Whole(text) is { } value && value >= from && value <= to ? value : null, range);
    }

    /// <summary>A plain number is seconds; else <c>hh:mm:ss</c> or <c>d.hh:mm:ss</c>.</summary>
    public TimeSpan Duration(string name, TimeSpan byDefault, TimeSpan from, TimeSpan to)
    {
        var range = $"seconds or [d.]hh:mm:ss, from {from:c} to {to:c}";
        return Read(name, byDefault, text => SettingText.Duration(text) is { } value && value >= from && value <= to ? value : null, range);
    }

    public T Choice<T>(string name, T byDefault, IReadOnlyDictionary<string, T> choices)
        where T : struct =>
        Read(name, byDefault, text => choices.TryGetValue(text, out var value) ? value : null, string.Join(", ", choices.Keys));

    public string Text(string name, string byDefault, int maxLength)
    {
        var text = Find(name) ?? byDefault;
        Keep(name, text);
        if (text.Length > maxLength || text.Any(char.IsControl))
        {
            Keep(name, byDefault);
            Add(name, text, $"text of one line, up to {maxLength.ToString(CultureInfo.InvariantCulture)} characters");
            return byDefault;
        }

        return text;
    }

    /// <summary>A value that is never shown; null when it is not set.</summary>
    public string? Secret(string name)
    {
        var secret = Find(name);
        Keep(name, secret is null ? null : "***");
        return secret;
    }

    public void Add(string name, string? value, string allowed) => Errors.Add(new SettingError(name, value, $"allowed is {allowed}"));

    /// <summary>Complains about every <c>Backup__</c> name that is set and that nobody asked for.</summary>
    public void RefuseUnknown()
    {
        foreach (var (key, value) in configuration.GetSection("Backup").AsEnumerable().Where(pair => pair.Value is not null))
        {
            var name = key.Replace(":", "__", StringComparison.Ordinal);
            if (!asked.Contains(name))
            {
                Errors.Add(new SettingError(name, null, NearestName.Find(name, asked) is { } near ? $"there is no such setting; did you mean {near}" : "there is no such setting"));
            }
        }
    }

    private T Read<T>(string name, T byDefault, Func<string, T?> parse, string allowed)
        where T : struct
    {
        Keep(name, Shown(byDefault));
        if (Find(name) is not { } text)
        {
            return byDefault;
        }

        if (parse(text) is { } value)
        {
            Keep(name, Shown(value));
            return value;
        }

        Add(name, text, allowed);
        return byDefault;
    }

    private void Keep(string name, string? value) => facts[name] = new SettingFact(name, value, OriginOf(name));

    private static string Shown<T>(T value)
        where T : struct => value switch
        {
            bool flag => flag ? "true" : "false",
            Enum choice => choice.ToString().ToLowerInvariant(),
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString() ?? "",
        };

    private string OriginOf(string name)
    {
        if (Trimmed(configuration[KeyOf(name)]) is null)
        {
            return Trimmed(configuration[KeyOf(name + FileSuffix)]) is { } file ? $"file {file}" : "default";
        }

        // The last provider that has a value is the one that counts.
        var provider = (configuration as IConfigurationRoot)?.Providers.LastOrDefault(candidate => candidate.TryGet(KeyOf(name), out _));
        return provider switch
        {
            CommandLineConfigurationProvider => "command line",
            FileConfigurationProvider => "settings file",
            _ => "environment",
        };
    }

    private string? Find(string name)
    {
        asked.Add(name);
        asked.Add(name + FileSuffix);
        var plain = Trimmed(configuration[KeyOf(name)]);
        var file = Trimmed(configuration[KeyOf(name + FileSuffix)]);
        if (plain is not null && file is not null)
        {
            Errors.Add(new SettingError(name + FileSuffix, file, $"{name} is set as well; set one of the two"));
        }

        return plain ?? (file is null ? null : ReadFile(name + FileSuffix, file));
    }

    private string? ReadFile(string name, string path)
    {
        try
        {
            if (new FileInfo(path).Length > LargestValueFile)
            {
                Errors.Add(new SettingError(name, path, "the file is larger than 64 KB"));
                return null;
            }

            return Trimmed(File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            Errors.Add(new SettingError(name, path, $"allowed is the path of a readable file ({e.Message.TrimEnd('.')})"));
            return null;
        }
    }

    private static string? Trimmed(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static string KeyOf(string name) => name.Replace("__", ":", StringComparison.Ordinal);
}
