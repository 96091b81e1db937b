using System.Buffers.Binary;
using System.Text;

namespace BackupApi.Engines.LiteDb;

/// <summary>What page 0 says (HeaderPage.cs, EnginePragmas.cs).</summary>
/// <param name="Collections">Names and their collection pages, in the order of the page.</param>
internal sealed record HeaderPage(uint FreeEmptyList, uint LastPage, Collation Collation, IReadOnlyList<(string Name, uint Page)> Collections)
{
    private const int FreeEmptyListAt = 60;
    private const int LastPageAt = 64;
    private const int LcidAt = 80;
    private const int CompareOptionsAt = 84;
    private const int TimeoutAt = 88;
    private const int CheckpointAt = 97;
    private const int LimitSizeAt = 101;
    private const int InvalidStateAt = 191;
    private const int CollectionsAt = 192;

    /// <summary>The smallest LIMIT_SIZE the engine accepts: four pages.</summary>
    private const long SmallestLimit = 4 * PageFormat.Size;

    /// <summary>Null when the page cannot serve as a header; every reason is a finding.</summary>
    public static HeaderPage? Parse(ReadOnlySpan<byte> page, string where, Findings findings)
    {
        if (!page.Slice(LiteDbSignature.MagicAt, LiteDbSignature.Magic.Length).SequenceEqual(LiteDbSignature.Magic))
        {
            findings.Error(where, "The text that marks a LiteDB file is damaged.");
            return null;
        }

        var view = new PageView(page);
        if (view.PageId != 0 || view.Type != PageFormat.HeaderPage)
        {
            findings.Error(where, $"The header page calls itself page {view.PageId} of type {view.Type}.");
            return null;
        }

        var collation = new Collation(I32(page, LcidAt), I32(page, CompareOptionsAt));
        CheckPragmas(page, collation, where, findings);
        var collections = ParseCollections(page[CollectionsAt..], where, findings);
        return collections is null ? null : new HeaderPage(U32(page, FreeEmptyListAt), U32(page, LastPageAt), collation, collections);
    }

    private static void CheckPragmas(ReadOnlySpan<byte> page, Collation collation, string where, Findings findings)
    {
        if (I32(page, TimeoutAt) is <= 0 and var timeout)
        {
            findings.Error(where, $"The pragma TIMEOUT is {timeout}; it must be positive.");
        }

        if (I32(page, CheckpointAt) is < 0 and var checkpoint)
        {
            findings.Error(where, $"The pragma CHECKPOINT is {checkpoint}; it must not be negative.");
        }

        if (BinaryPrimitives.ReadInt64LittleEndian(page[LimitSizeAt..]) is not 0 and < SmallestLimit and var limit)
        {
            findings.Error(where, $"The pragma LIMIT_SIZE is {limit}; it must be 0 or at least {SmallestLimit}.");
        }

        if (!collation.IsKnown)
        {
            findings.Warn(where, $"The collation's culture {collation.Lcid} is not known.");
        }

        if (page[InvalidStateAt] != 0)
        {
            findings.Warn(where, "The engine itself marked this file as invalid (it rebuilds it at its next start with auto-rebuild).");
        }
    }

    /// <summary>A flat BSON document: name to int32. The engine stops reading where a value goes past the stated length, so bounds are all that matters.</summary>
    private static List<(string Name, uint Page)>? ParseCollections(ReadOnlySpan<byte> area, string where, Findings findings)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(area);
        if (length == 0)
        {
            // A new database that never had a collection: the area was never written.
            return [];
        }

        if (length < 5 || length > area.Length || new BsonWalk().Walk(area[..length]) is not null)
        {
            findings.Error(where, "The list of collections is not a whole BSON document.");
            return null;
        }

        var collections = new List<(string Name, uint Page)>();
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var pages = new HashSet<uint>();
        var rest = area[4..(length - 1)];
        while (!rest.IsEmpty)
        {
            var nameLength = rest[1..].IndexOf((byte)0);
            if (rest[0] != BsonType.Int32 || nameLength < 1)
            {
                findings.Error(where, "The list of collections holds something other than page numbers.");
                return null;
            }

            var name = Encoding.UTF8.GetString(rest.Slice(1, nameLength));
            var page = U32(rest, nameLength + 2);
            if (!names.Add(name) || !pages.Add(page))
            {
                findings.Error(where, $"The collection {Shown(name)} or its page {page} is listed twice.");
                return null;
            }

            collections.Add((name, page));
            rest = rest[(nameLength + 6)..];
        }

        return collections;
    }

    /// <summary>A name out of the file, for people: control characters out, length bounded.</summary>
    public static string Shown(string name) =>
        string.Concat(name.Take(60).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static int I32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]);
}
