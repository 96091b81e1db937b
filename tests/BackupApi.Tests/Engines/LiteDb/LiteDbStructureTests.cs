using System.Buffers.Binary;
using Xunit;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>Databases whose pages are each sound, and which do not fit together; and the largest things the format allows.</summary>
public sealed class LiteDbStructureTests : IDisposable
{
    private readonly Sample sample = new();

    [Fact]
    public void A_chain_of_blocks_that_returns_to_itself_is_damage()
    {
        // The second block leads to the second block.
        var second = Next(sample.LargeDocument);
        second.WriteTo(sample.Segment(second)[1..]);

        IsDamaged("reached before");
    }

    [Fact]
    public void Two_documents_that_share_a_block_are_damage()
    {
        var other = sample.Files.Documents[new Guid(8150, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)];
        Next(sample.LargeDocument).WriteTo(sample.Segment(other)[1..]);

        IsDamaged("reached before");
    }

    [Fact]
    public void A_continuation_that_no_document_leads_to_is_a_warning()
    {
        var (page, slot) = LastBlock(sample.LargeDocument);
        var orphan = sample.Lite.Insert(page, [1, .. Enumerable.Repeat((byte)255, 5), 1, 2, 3]);
        Assert.Equal(slot + 1, orphan.Slot);
        sample.Data = sample.Lite.ToFile();

        var verdict = sample.Verify();

        Assert.Empty(verdict.Errors);
        Assert.Contains(verdict.Warnings, warning => warning.Message.Contains("belong to no document", StringComparison.Ordinal));
    }

    [Fact]
    public void An_index_that_returns_to_itself_is_damage()
    {
        var nodes = sample.People.Indexes[0].Nodes;
        nodes[3].At.WriteTo(sample.Segment(nodes[8].At)[17..]);

        IsDamaged("do not mirror");
    }

    [Fact]
    public void An_index_that_skips_a_node_is_damage()
    {
        var nodes = sample.People.Indexes[1].Nodes;
        var single = Enumerable.Range(1, nodes.Count - 2).First(i => nodes[i].Levels == 1);
        nodes[single + 1].At.WriteTo(sample.Segment(nodes[single - 1].At)[17..]);
        nodes[single - 1].At.WriteTo(sample.Segment(nodes[single + 1].At)[12..]);

        IsDamaged("nodes can be reached");
    }

    [Fact]
    public void Two_entries_for_one_document_are_damage_and_the_entry_is_named()
    {
        var nodes = sample.People.Indexes[0].Nodes;
        sample.Segment(nodes[4].At)[2..7].CopyTo(sample.Segment(nodes[5].At)[2..7]);

        IsDamaged("has another _id");
    }

    [Fact]
    public void Numbers_out_of_order_are_damage()
    {
        var nodes = sample.People.Indexes[0].Nodes;
        var key = 12 + (10 * nodes[5].Levels);
        BinaryPrimitives.WriteInt32LittleEndian(sample.Segment(nodes[5].At)[(key + 1)..], 1_000_000);

        IsDamaged("smaller than the one before it");
    }

    [Fact]
    public void The_same_key_twice_in_a_unique_index_is_damage()
    {
        var nodes = sample.People.Indexes[1].Nodes;
        var (one, other) = (12 + (10 * nodes[5].Levels), 12 + (10 * nodes[6].Levels));
        sample.Segment(nodes[5].At)[one..].CopyTo(sample.Segment(nodes[6].At)[other..]);

        IsDamaged("the index is unique");
    }

    [Fact]
    public void A_list_of_nodes_that_names_another_document_s_is_damage()
    {
        var nodes = sample.People.Indexes[0].Nodes;
        sample.Segment(nodes[4].At)[7..12].CopyTo(sample.Segment(nodes[5].At)[7..12]);

        IsDamaged("belongs to another document");
    }

    [Fact]
    public void A_list_of_nodes_that_returns_to_itself_ends_and_is_damage()
    {
        // The last node of a document with two tags leads back to the first of its list.
        var email = Address(sample.Segment(sample.People.Indexes[0].Nodes[2].At)[7..]);
        var tag = Address(sample.Segment(email)[7..]);
        email.WriteTo(sample.Segment(Address(sample.Segment(tag)[7..]))[7..]);

        IsDamaged("do not cover each node once");
    }

    [Fact]
    public void A_free_list_that_returns_to_itself_is_damage()
    {
        var page = sample.People.Documents[39].Page;
        BinaryPrimitives.WriteUInt32LittleEndian(sample.Page(page)[9..], page);

        IsDamaged("a second time");
    }

    [Fact]
    public void A_broken_list_of_empty_pages_is_a_warning_as_the_engine_heals_it()
    {
        BinaryPrimitives.WriteUInt32LittleEndian(sample.Data.AsSpan(60), sample.People.Page);

        var verdict = sample.Verify();

        Assert.Empty(verdict.Errors);
        Assert.Contains(verdict.Warnings, warning => warning.Message.Contains("free-list defect", StringComparison.Ordinal));
    }

    [Fact]
    public void A_page_never_written_is_a_warning_where_nothing_leads_to_it_and_damage_where_something_does()
    {
        // A number given to a transaction that never ended.
        BinaryPrimitives.WriteUInt32LittleEndian(sample.Data.AsSpan(64), sample.Lite.LastPage + 2);
        Assert.Empty(sample.Verify().Errors);
        Assert.Single(sample.Verify().Warnings);

        sample.Page(sample.People.Documents[0].Page).Clear();
        IsDamaged("");
    }

    [Fact]
    public void A_last_page_stated_too_small_is_damage()
    {
        BinaryPrimitives.WriteUInt32LittleEndian(sample.Data.AsSpan(64), sample.LargeDocument.Page - 1);

        IsDamaged("");
    }

    [Fact]
    public void Room_made_in_advance_is_no_finding()
    {
        sample.Data = [.. sample.Data, .. new byte[10 * TinyLite.PageSize]];

        Assert.Empty(sample.Verify().Errors.Concat(sample.Verify().Warnings));
    }

    [Fact]
    public void A_transaction_id_used_again_after_its_confirmation_is_a_warning()
    {
        var log = new List<byte>();
        foreach (var id in (uint[])[1, 2, 1])
        {
            sample.Lite.AddDocument(sample.People, TinyKey.Of(2000 + log.Count), new TinyBson().Int32("_id", 2000 + log.Count).ToArray(), [TinyKey.Of($"y{log.Count:D9}")]);
            log.AddRange(sample.Lite.TakeTransaction(id).SelectMany(image => image));
        }

        sample.Log = [.. log];
        var verdict = sample.Verify();

        Assert.Empty(verdict.Errors);
        Assert.Equal(43, verdict.Counts["people"]);
        Assert.Contains(verdict.Warnings, warning => warning.Message.Contains("used again", StringComparison.Ordinal));
    }

    [Fact]
    public void Generations_of_a_log_mixed_with_an_older_data_file_are_damage()
    {
        // A checkpoint moved the first transactions into the data file; the copy has the data file from before and the log from after.
        var before = sample.Data;
        for (var i = 0; i < 200; i++)
        {
            sample.Lite.AddDocument(sample.People, TinyKey.Of(3000 + i), new TinyBson().Int32("_id", 3000 + i).Text("pad", new string('x', 300)).ToArray(), [TinyKey.Of($"z{i:D9}")]);
        }

        _ = sample.Lite.ToFile();
        sample.Lite.AddDocument(sample.People, TinyKey.Of(9000), new TinyBson().Int32("_id", 9000).ToArray(), [TinyKey.Of("zz")]);
        sample.Log = [.. sample.Lite.TakeTransaction(1).SelectMany(image => image)];
        sample.Data = before;

        IsDamaged("");
    }

    [Fact]
    public void The_largest_document_the_longest_key_and_the_fullest_page_are_ok()
    {
        var limits = sample.Lite.AddCollection("limits", ("name", false));
        var frame = new TinyBson().Int32("_id", 1).Binary("content", []).ToArray().Length;
        var largest = new TinyBson().Int32("_id", 1).Binary("content", new byte[16_683_050 - frame]).ToArray();
        Assert.Equal(16_683_050, largest.Length);
        sample.Lite.AddDocument(limits, TinyKey.Of(1), largest, [TinyKey.Of(new string('k', 1023))]);
        var small = sample.Lite.AddCollection("small");
        for (var i = 0; i < 600; i++)
        {
            sample.Lite.AddDocument(small, TinyKey.Of(i), new TinyBson().Int32("_id", i).ToArray());
        }

        sample.Data = sample.Lite.ToFile();
        var verdict = sample.Verify();

        Assert.Empty(verdict.Errors);
        Assert.Equal((1L, 1L, 600L), (verdict.Counts["limits"], verdict.Counts["limits.name"], verdict.Counts["small"]));
    }

    [Fact]
    public void A_log_of_a_thousand_pages_is_replayed()
    {
        var log = new List<byte>();
        for (uint id = 1; log.Count < 1000 * TinyLite.PageSize; id++)
        {
            sample.Lite.AddDocument(sample.People, TinyKey.Of(5000 + (int)id), new TinyBson().Int32("_id", 5000 + (int)id).ToArray(), [TinyKey.Of($"log{id:D6}")]);
            log.AddRange(sample.Lite.TakeTransaction(id).SelectMany(image => image));
        }

        sample.Log = [.. log];

        Assert.Empty(sample.Verify().Errors);
        Assert.True(sample.Verify().Counts["people"] > 200);
    }

    public void Dispose() => sample.Dispose();

    private Address Next(Address block) => Address(sample.Segment(block)[1..]);

    private Address LastBlock(Address block) => Next(block) is var next && next == Engines.LiteDb.Address.Nowhere ? block : LastBlock(next);

    private static Address Address(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt32LittleEndian(bytes), bytes[4]);

    private void IsDamaged(string expected)
    {
        var verdict = sample.Verify();
        Assert.True(verdict.IsDamaged, "not seen");
        Assert.True(verdict.Errors.Any(error => error.Message.Contains(expected, StringComparison.Ordinal)), string.Join("; ", verdict.Errors));
    }
}
