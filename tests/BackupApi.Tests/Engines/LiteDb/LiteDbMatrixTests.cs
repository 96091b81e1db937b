using BackupApi.Model;
using Xunit;

namespace BackupApi.Tests.Engines.LiteDb;

/// <summary>Crash and corruption, one test for each kind: what is damage, what is a warning, what is neither.</summary>
public sealed class LiteDbMatrixTests : IDisposable
{
    private readonly Sample sample = new();

    [Fact]
    public void A_data_file_alone_is_ok_with_documents_and_index_entries_counted()
    {
        var verdict = IsOk();

        Assert.Equal((40L, 40L, 26L, 3L), (verdict.Counts["people"], verdict.Counts["people.email"], verdict.Counts["people.tags"], verdict.Counts["files"]));
    }

    [Fact]
    public void A_log_adds_its_confirmed_transactions_and_drops_the_unconfirmed_one()
    {
        AddPeople(1, isConfirmed: true);
        AddPeople(2, isConfirmed: true);
        AddPeople(3, isConfirmed: false);

        Assert.Equal(42, IsOk().Counts["people"]);
    }

    [Fact]
    public void An_empty_log_counts_as_none()
    {
        sample.Log = [];

        Assert.Equal(40, IsOk().Counts["people"]);
    }

    [Fact]
    public void An_empty_database_is_ok()
    {
        sample.Data = new TinyLite().ToFile();

        Assert.Empty(IsOk().Counts);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4095)]
    public void A_file_cut_inside_its_last_page_is_damaged(int bytes)
    {
        sample.Data = sample.Data[..^bytes];

        IsDamaged("ends inside a page");
    }

    [Fact]
    public void A_file_that_lost_pages_in_use_is_damaged()
    {
        sample.Data = sample.Data[..(int)((sample.LargeDocument.Page + 1) * TinyLite.PageSize)];

        IsDamaged("missing");
    }

    [Fact]
    public void A_log_cut_inside_a_page_is_a_warning()
    {
        AddPeople(1, isConfirmed: true);
        AddPeople(2, isConfirmed: true);
        sample.Log = sample.Log![..^100];

        var verdict = IsOk(warnings: 1);

        Assert.Equal(41, verdict.Counts["people"]);
        Assert.Contains("ends inside a page", verdict.Warnings[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_cut_between_any_two_pages_is_the_state_of_an_earlier_transaction()
    {
        for (uint i = 1; i <= 5; i++)
        {
            AddPeople(i, isConfirmed: true);
        }

        var (whole, people) = (sample.Log!, 40L);
        for (var length = 0; length <= whole.Length; length += TinyLite.PageSize)
        {
            sample.Log = whole[..length];
            var verdict = sample.Verify();
            Assert.Empty(verdict.Errors);
            Assert.InRange(verdict.Counts["people"], people, people + 1);
            people = verdict.Counts["people"];
        }

        Assert.Equal(45, people);
    }

    [Theory]
    [InlineData("page id", 0, 1, "calls itself page")]
    [InlineData("type", 4, 2, "")]
    [InlineData("collection", 19, 3, "")]
    [InlineData("items", 23, 1, "states")]
    [InlineData("used bytes", 24, 1, "states")]
    [InlineData("fragmented bytes", 26, 1, "free position")]
    [InlineData("free position", 28, 1, "free position")]
    [InlineData("highest slot", 30, 64, "highest slot")]
    [InlineData("a slot's length", 8188, 1, "")]
    [InlineData("a slot's position", 8190, 255, "")]
    public void A_flipped_field_of_a_data_or_index_page_is_damage(string field, int at, byte flip, string expected)
    {
        foreach (var page in (uint[])[sample.People.Documents[0].Page, sample.People.Indexes[0].Head.Page])
        {
            sample.Page(page)[at] ^= flip;
            IsDamaged(expected, field);
            sample.Page(page)[at] ^= flip;
        }
    }

    [Theory]
    [InlineData("page id", 0, 1)]
    [InlineData("type", 4, 1)]
    [InlineData("collection", 19, 1)]
    [InlineData("count of indexes", 96, 1)]
    [InlineData("slot of an index", 97, 1)]
    [InlineData("type of an index", 98, 1)]
    [InlineData("name of an index", 99, 0x20)]
    [InlineData("uniqueness of an index", 109, 2)]
    [InlineData("page of the head", 110, 1)]
    [InlineData("slot of the head", 114, 1)]
    [InlineData("page of the tail", 115, 1)]
    [InlineData("slot of the tail", 119, 1)]
    public void A_flipped_field_of_a_collection_page_is_damage(string field, int at, byte flip)
    {
        sample.Page(sample.People.Page)[at] ^= flip;

        IsDamaged("", field);
    }

    [Fact]
    public void A_flipped_head_of_a_list_of_free_pages_is_damage_where_it_leads_to_something_else()
    {
        var list = Enumerable.Range(0, 5).First(i => sample.People.DataLists[i] != TinyLite.None);
        BitConverter.TryWriteBytes(sample.Page(sample.People.Page)[(32 + (4 * list))..], sample.People.Indexes[0].Head.Page);

        IsDamaged("leads to this page, which is no data page");
    }

    [Theory]
    [InlineData("magic", 40)]
    [InlineData("page id", 1)]
    [InlineData("type", 4)]
    [InlineData("timeout", 91)]
    [InlineData("checkpoint", 100)]
    [InlineData("limit size", 108)]
    [InlineData("collections", 196)]
    [InlineData("a collection's page", 204)]
    public void A_flipped_field_of_the_header_is_damage(string field, int at)
    {
        sample.Data[at] ^= 0x80;

        IsDamaged("", field);
        Assert.Contains("page 0", string.Concat(sample.Verify().Errors.Select(error => error.Where + "page 0")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_engine_s_own_mark_of_an_invalid_file_is_a_warning()
    {
        sample.Data[191] = 1;

        Assert.Contains("marked this file as invalid", IsOk(warnings: 1).Warnings[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_file_version_is_not_supported_rather_than_damaged()
    {
        sample.Data[59] = 9;

        var verdict = sample.Verify();

        Assert.Equal((VerificationLevel.Archive, false), (verdict.BestLevel, verdict.IsDamaged));
        Assert.Contains("version 9", verdict.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_of_an_unknown_type_is_unsupported_where_nothing_leads_to_it_and_damage_where_something_does()
    {
        var free = sample.Lite.FirstEmpty;
        sample.Page(free)[4] = 7;
        Assert.Equal((VerificationLevel.Archive, false), (sample.Verify().BestLevel, sample.Verify().IsDamaged));

        sample.Page(sample.People.Documents[0].Page)[4] = 7;
        IsDamaged("");
    }

    [Theory]
    [InlineData("extend", 0, 1)]
    [InlineData("next block", 1, 1)]
    [InlineData("document length", 6, 1)]
    [InlineData("element type", 10, 0x40)]
    [InlineData("the _id itself", 15, 1)]
    public void A_flipped_field_of_a_document_s_first_block_is_damage(string field, int at, byte flip)
    {
        foreach (var document in (Address[])[sample.People.Documents[3], sample.LargeDocument])
        {
            sample.Segment(document)[at] ^= flip;
            IsDamaged("", field);
            sample.Segment(document)[at] ^= flip;
        }
    }

    [Theory]
    [InlineData("slot", 0, 4)]
    [InlineData("levels", 1, 32)]
    [InlineData("data block", 2, 1)]
    [InlineData("next node", 7, 1)]
    [InlineData("previous", 12, 1)]
    [InlineData("next", 17, 1)]
    public void A_flipped_field_of_an_index_node_is_damage(string field, int at, byte flip)
    {
        foreach (var index in sample.People.Indexes)
        {
            sample.Segment(index.Nodes[5].At)[at] ^= flip;
            IsDamaged("", field);
            sample.Segment(index.Nodes[5].At)[at] ^= flip;
        }
    }

    [Fact]
    public void A_flipped_key_type_or_length_is_damage()
    {
        var node = sample.People.Indexes[1].Nodes[5];
        var key = 12 + (10 * node.Levels);
        foreach (var at in (int[])[key, key + 1])
        {
            sample.Segment(node.At)[at] ^= 1;
            IsDamaged("its levels or its key make no sense");
            sample.Segment(node.At)[at] ^= 1;
        }
    }

    [Fact]
    public void A_flipped_letter_in_a_document_is_not_seen_because_the_format_has_no_checksums()
    {
        var document = sample.Segment(sample.People.Documents[3]);
        document[document.IndexOf("example"u8)] ^= 1;

        IsOk();
    }

    public void Dispose() => sample.Dispose();

    private void AddPeople(uint transaction, bool isConfirmed)
    {
        var id = 1000 + (int)transaction;
        sample.Lite.AddDocument(sample.People, TinyKey.Of(id), new TinyBson().Int32("_id", id).ToArray(), [TinyKey.Of($"x{id}")]);
        sample.Log = [.. sample.Log ?? [], .. sample.Lite.TakeTransaction(transaction, isConfirmed).SelectMany(image => image)];
    }

    private Verdict IsOk(int warnings = 0)
    {
        var verdict = sample.Verify();
        Assert.Empty(verdict.Errors);
        Assert.Equal(warnings, verdict.Warnings.Count);
        Assert.True(verdict.IsProven);
        return verdict;
    }

    private void IsDamaged(string expected, string what = "")
    {
        var verdict = sample.Verify();
        Assert.True(verdict.IsDamaged, $"{what}: not seen");
        Assert.True(verdict.Errors.Any(error => error.Message.Contains(expected, StringComparison.Ordinal)), $"{what}: {string.Join("; ", verdict.Errors)}");
        Assert.All(verdict.Errors, error => Assert.StartsWith("x", error.Where, StringComparison.Ordinal));
    }
}
