using System.Globalization;

namespace BackupApi.Config;

/// <summary>What the text of a setting means; null for text that means nothing.</summary>
internal static class SettingText
{
    public static bool? Flag(string text) => text.ToUpperInvariant() switch
    {
        "TRUE" or "1" or "YES" or "ON" => true,
        "FALSE" or "0" or "NO" or "OFF" => false,
        _ => null,
    };

    public static long? Whole(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>Seconds as a number, with or without a fraction; or <c>hh:mm:ss</c>, <c>d.hh:mm:ss</c>.</summary>
    public static TimeSpan? Duration(string text)
    {
        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds))
        {
            return seconds < (decimal)TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond)) : null;
        }

        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : null;
    }
}
