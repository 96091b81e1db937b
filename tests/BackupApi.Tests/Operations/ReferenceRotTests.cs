using BackupApi.Archive;
using BackupApi.Archive.Encryption;
using BackupApi.Archive.Format;
using BackupApi.Archive.Reading;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Operations;
using BackupApi.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace BackupApi.Tests.Operations;

/// <summary>Rot of the last archive, met when its chunks were to be carried over: told once, by entry and offset, and that archive is not relied on any more.</summary>
public sealed class ReferenceRotTests
{
    private static readonly TimeSpan Settled = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData("notes.txt", "'notes.txt'")]
    [InlineData("data.db", "'data.db'")]
    [InlineData("small/1.txt", "'small … small/2.txt (3 entries)'")]
    public async Task Rot_is_named_once_with_entry_and_offset_and_takes_the_proof_from_its_archive(string entry, string named)
    {
        await using var service = await FilledAsync();
        var first = await CreateAsync(service);
        var offset = Rot(first.Backup.Path, entry);

        var second = await CreateAsync(service);

        var warning = Assert.Single(second.Backup.Warnings);
        Assert.Equal(first.Backup.Name, warning.Where);
        Assert.Contains(named, warning.Message, StringComparison.Ordinal);
        Assert.Contains($"archive offset {offset}", warning.Message, StringComparison.Ordinal);
        Assert.True(second.Backup.IsProven);
        await AssertWholeAsync(service, second.Backup);

        AssertNoLongerProven(service, first.Backup.Name, warning.Message);
    }

    [Theory]
    [InlineData("a page of the index")]
    [InlineData("the directory of the index")]
    [InlineData("the locator")]
    public async Task Rot_of_the_index_means_a_full_run_and_takes_the_proof_from_its_archive(string part)
    {
        await using var service = await FilledAsync();
        var first = await CreateAsync(service);
        using (var file = ArchiveFile.Open(first.Backup.Path, ArchiveKeys.None))
        {
            var at = file.Locator!;
            Flip(first.Backup.Path, part switch { "the locator" => file.Length - 1544 + 100, "a page of the index" => at.IndexOffset + 3, _ => at.DirectoryOffset + 3 });
        }

        var second = await CreateAsync(service);

        Assert.Equal(0, second.BytesCarriedOver);
        var warning = Assert.Single(second.Backup.Warnings);
        Assert.Contains("archive offset", warning.Message, StringComparison.Ordinal);
        Assert.True(second.Backup.IsProven);
        await AssertWholeAsync(service, second.Backup);
        AssertNoLongerProven(service, first.Backup.Name, warning.Message);
    }

    [Fact]
    public async Task A_scheduled_run_after_that_does_not_confirm_the_archive_that_rotted()
    {
        await using var service = await FilledAsync();
        var first = await CreateAsync(service);
        Rot(first.Backup.Path, "notes.txt");
        var second = await CreateAsync(service);

        // Only the archive that rotted is left.
        await service.Manager.StartDelete(second.Backup.Name, force: true).Completion;
        service.Get<ManualClock>().Advance(Settled);
        var scheduled = await service.Manager.StartBackup(new CreateRequest { Trigger = Trigger.Schedule }).Completion;

        Assert.False(scheduled.Confirmed);
        Assert.True(scheduled.Backup.IsProven);
    }

    [Fact]
    public async Task An_index_of_a_later_version_is_no_rot()
    {
        await using var service = await FilledAsync();
        var first = await CreateAsync(service);
        var modified = Posix.Stat(first.Backup.Path).Modified;
        var bytes = await File.ReadAllBytesAsync(first.Backup.Path);
        var locator = bytes.AsMemory(bytes.Length - 1544, 512);
        locator.Span[16] = 2;
        BitConverter.TryWriteBytes(locator.Span[508..], Crc32C.Of(locator.Span[..508]));
        await File.WriteAllBytesAsync(first.Backup.Path, bytes);
        Posix.SetModified(first.Backup.Path, modified);

        var second = await CreateAsync(service);

        Assert.Contains("later version", Assert.Single(second.Backup.Warnings).Message, StringComparison.Ordinal);
        Assert.Null(service.Manager.Get(first.Backup.Name).Damage);
        Assert.True(service.Manager.Get(first.Backup.Name).IsProven);
        await AssertWholeAsync(service, second.Backup);
    }

    [Fact]
    public async Task An_archive_that_is_gone_is_no_rot()
    {
        await using var service = await FilledAsync();
        var first = await CreateAsync(service);
        File.Delete(first.Backup.Path);

        var second = await CreateAsync(service);

        Assert.Equal(0, second.BytesCarriedOver);
        Assert.True(second.Backup.IsProven);
        await AssertWholeAsync(service, second.Backup);
    }

    private static void AssertNoLongerProven(Service service, string name, string message)
    {
        var backup = service.Manager.Get(name);
        Assert.False(backup.IsProven);
        Assert.Equal((Outcome.Failed, VerificationLevel.None), (backup.Outcome, backup.Verification));
        Assert.Equal(message, backup.Damage);
        Assert.Contains(service.Get<WatchHealth>().Refresh().Reasons, reason => reason.Code == "backup-damaged" && reason.Message.Contains(name, StringComparison.Ordinal));
        Assert.DoesNotContain(service.Manager.PlanRetention().Decisions.Single(d => d.Backup.Name == name).Reasons, reason => reason.Contains("proven", StringComparison.Ordinal));
    }

    private static async Task AssertWholeAsync(Service service, Backup backup) =>
        Assert.Empty((await service.Get<ArchiveReader>().VerifyAsync(backup.Path, ArchiveLimits.None, new Progress(), CancellationToken.None)).Errors);

    /// <summary>Alters the last chunk of the segment that holds the entry; gives its offset.</summary>
    private static long Rot(string path, string entry)
    {
        long offset = -1;
        using (var file = ArchiveFile.Open(path, ArchiveKeys.None))
        {
            var cursor = IndexCursor.Open(file)!;
            while (cursor.NextSegment() is { } entries)
            {
                while (cursor.NextChunk() is { } chunk)
                {
                    offset = entries.Any(e => e.Entry.Name == entry) ? file.Locator!.ContentOffset + chunk.Offset : offset;
                }

                cursor.EndSegment();
            }
        }

        Flip(path, offset + 12);
        return offset;
    }

    /// <summary>As a disk rots: no time stamp tells of it.</summary>
    private static void Flip(string path, long offset)
    {
        var modified = Posix.Stat(path).Modified;
        var bytes = File.ReadAllBytes(path);
        bytes[offset] ^= 0x10;
        File.WriteAllBytes(path, bytes);
        Posix.SetModified(path, modified);
    }

    private static async Task<Service> FilledAsync()
    {
        // The storage is older than the clock's now, so that its time stamps are settled.
        var clock = new ManualClock(TimeProvider.System.GetUtcNow() + Settled);
        var service = await Service.StartAsync(replace: services => services.AddSingleton(clock).AddSingleton<TimeProvider>(clock));
        Fixtures.CopyTo("sqlite/a-clean", service.Storage);
        var notes = new byte[200_000];
        new Random(3).NextBytes(notes);
        service.Temp.File("storage/notes.txt", notes);
        service.Temp.File("storage/small/1.txt", "one"u8);
        service.Temp.File("storage/small/2.txt", "two"u8);
        return service;
    }

    private static async Task<CreateResult> CreateAsync(Service service)
    {
        var result = await service.Manager.StartBackup(new CreateRequest()).Completion;
        service.Get<ManualClock>().Advance(Settled);
        return result;
    }
}
