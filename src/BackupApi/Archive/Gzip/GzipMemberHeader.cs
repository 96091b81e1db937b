namespace BackupApi.Archive.Gzip;

/// <summary>The header of a gzip member (RFC 1952 2.3).</summary>
internal static class GzipMemberHeader
{
    public const string NoGzip = "This is not a gzip file";

    private const int Deflate = 8;
    private const int HasHeaderCrc = 0x02, HasExtra = 0x04, HasName = 0x08, HasComment = 0x10, Reserved = 0xE0;

    /// <summary>Takes the header byte by byte from <paramref name="next"/>, which throws at the end of the file.</summary>
    /// <returns>What is wrong with it; null when it is one.</returns>
    public static string? Skip(Func<int> next)
    {
        if (next() != 0x1f || next() != 0x8b)
        {
            return NoGzip;
        }

        var method = next();
        var flags = next();
        if (method != Deflate || (flags & Reserved) != 0)
        {
            return "The gzip header asks for something unknown";
        }

        // Time, extra flags, operating system.
        Skip(next, 6);
        if ((flags & HasExtra) != 0)
        {
            Skip(next, next() | (next() << 8));
        }

        for (var texts = ((flags & HasName) != 0 ? 1 : 0) + ((flags & HasComment) != 0 ? 1 : 0); texts > 0; texts--)
        {
            while (next() != 0)
            {
                // A zero ends the text.
            }
        }

        Skip(next, (flags & HasHeaderCrc) != 0 ? 2 : 0);
        return null;
    }

    private static void Skip(Func<int> next, int count)
    {
        for (; count > 0; count--)
        {
            next();
        }
    }
}
