using System.Globalization;
using BackupApi.Model;

namespace BackupApi.Archive.Tar;

/// <summary>Times of pax records: decimal seconds since 1970 with any number of decimals, a minus sign for earlier instants.</summary>
internal static class PaxTime
{
    public static string Format(UnixTime time)
    {
        // -1.5 is the instant that the kernel calls second -2, nanosecond 500,000,000.
        var isNegative = time is { Seconds: < 0, Nanoseconds: > 0 };
        var seconds = isNegative ? time.Seconds + 1 : time.Seconds;
        var fraction = isNegative ? 1_000_000_000 - time.Nanoseconds : time.Nanoseconds;
        var sign = isNegative && seconds == 0 ? "-" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{sign}{seconds}.{fraction:D9}");
    }

    /// <summary>Digits beyond the ninth are dropped. False when the text is not such a number.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out UnixTime time)
    {
        time = default;
        var isNegative = text.StartsWith("-");
        var digits = isNegative ? text[1..] : text;
        var point = digits.IndexOf('.');
        var whole = point < 0 ? digits : digits[..point];
        var decimals = point < 0 ? [] : digits[(point + 1)..];
        if (!long.TryParse(whole, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || decimals.ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        uint nanoseconds = 0;
        for (var i = 0; i < 9; i++)
        {
            nanoseconds = (nanoseconds * 10) + (uint)(i < decimals.Length ? decimals[i] - '0' : 0);
        }

        time = !isNegative ? new UnixTime(seconds, nanoseconds)
            : nanoseconds == 0 ? new UnixTime(-seconds, 0)
            : new UnixTime(-seconds - 1, 1_000_000_000 - nanoseconds);
        return true;
    }
}
