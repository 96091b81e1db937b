using System.Security.Cryptography;
using BackupApi.Archive.Format;
using BackupApi.Archive.Writing;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace BackupApi.Tests.Archive;

public sealed class TrailingReadBackTests : IAsyncLifetime, IDisposable
{
    private const int HeadLength = 1000;

    private readonly TempFolder temp = new();
    private readonly byte[] bytes = new byte[5_000_000];
    private readonly TaskCompletionSource<byte[]> head = new();
    private readonly Progress progress = new();
    private readonly SafeFileHandle handle;
    private readonly TrailingReadBack trail;

    public TrailingReadBackTests()
    {
        new Random(4).NextBytes(bytes);
        handle = Posix.CreateNew(ArchivePath);
        trail = new TrailingReadBack(handle, ArchivePath, HeadLength, head.Task);
    }

    private string ArchivePath => $"{temp.Path}/archive";

    private ReadBack.Expected Expected => new(HeadLength, Crc32C.Of(bytes.AsSpan(0, HeadLength)), Crc32C.Of(bytes.AsSpan(HeadLength)));

    [Fact]
    public async Task An_archive_that_was_read_while_it_was_written_has_the_sums_of_the_whole_file()
    {
        await WriteAsync(1_000_000, 1_048_577, 1_048_578, bytes.Length);
        await ReadUpToAsync(HeadLength);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(ArchivePath))), await FindSha256Async());
        Assert.Equal(bytes.Length, progress.BytesDone);
    }

    [Fact]
    public async Task A_byte_that_changes_before_it_is_read_is_noticed()
    {
        RandomAccess.Write(handle, bytes.AsSpan(HeadLength), HeadLength);
        RandomAccess.Write(handle, [(byte)(bytes[3_000_000] ^ 1)], 3_000_000);
        GiveHead();
        trail.Written(bytes.Length - HeadLength);
        await ReadUpToAsync(bytes.Length);
        var sums = await FinishAsync();
        Assert.Null(sums!.FindSha256(bytes.Length, Expected));
    }

    [Fact]
    public async Task A_body_that_is_longer_or_shorter_than_expected_is_noticed()
    {
        await WriteAsync(bytes.Length);
        await ReadUpToAsync(HeadLength);
        var sums = await FinishAsync();
        Assert.Null(sums!.FindSha256(bytes.Length + 1, Expected));
        Assert.Null(sums.FindSha256(bytes.Length - 1, Expected));
    }

    [Fact]
    public async Task A_body_cut_back_behind_what_was_read_is_left_to_the_reading_of_the_whole_file()
    {
        await WriteAsync(3_000_000);
        await ReadUpToAsync(3_000_000);
        trail.Cut(2_000_000 - HeadLength);
        await WriteFromAsync(2_000_000, bytes.Length);
        Assert.Null(await FinishAsync());
    }

    [Fact]
    public async Task A_body_cut_back_before_it_was_read_does_no_harm()
    {
        RandomAccess.Write(handle, new byte[4_000_000], HeadLength);
        trail.Written(4_000_000);
        trail.Cut(0);
        await WriteAsync(bytes.Length);
        await ReadUpToAsync(HeadLength);
        Assert.NotNull(await FindSha256Async());
    }

    [Fact]
    public async Task A_head_that_comes_when_all_is_written_leaves_the_reading_to_the_end()
    {
        RandomAccess.Write(handle, bytes.AsSpan(HeadLength), HeadLength);
        trail.Written(bytes.Length - HeadLength);
        var finishing = FinishAsync();
        GiveHead();
        Assert.Null(await finishing);
    }

    [Fact]
    public async Task The_head_is_written_once_here_or_by_whoever_finishes_the_archive()
    {
        var lateHead = new TaskCompletionSource<byte[]>();
        var late = new TrailingReadBack(handle, ArchivePath, HeadLength, lateHead.Task);
        Assert.False(late.HoldsHead());
        lateHead.SetResult(bytes[..HeadLength]);
        await late.DisposeAsync();
        Assert.Equal(0, RandomAccess.GetLength(handle));

        await using var early = new TrailingReadBack(handle, ArchivePath, HeadLength, Task.FromResult(bytes[..HeadLength]));
        while (early.Position < HeadLength)
        {
            await Task.Delay(1);
        }

        Assert.True(early.HoldsHead());
        Assert.Equal(bytes[..HeadLength], await File.ReadAllBytesAsync(ArchivePath));
    }

    [Fact]
    public async Task A_cancelled_caller_waits_for_no_reading()
    {
        await WriteAsync(bytes.Length);
        await ReadUpToAsync(HeadLength);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => trail.FinishAsync(progress, cancelled.Token));
    }

    [Fact]
    public async Task A_head_that_outgrew_its_room_or_never_comes_leaves_the_reading_to_the_end()
    {
        head.SetResult([]);
        Assert.Null(await FinishAsync());
        var failed = new TrailingReadBack(handle, ArchivePath, HeadLength, Task.FromException<byte[]>(new IOException("none")));
        Assert.Null(await failed.FinishAsync(new Progress(), CancellationToken.None));
        await failed.DisposeAsync();
    }

    [Fact]
    public async Task A_file_that_lost_its_end_is_left_to_the_reading_of_the_whole_file()
    {
        GiveHead();
        trail.Written(bytes.Length - HeadLength);
        Assert.Null(await FinishAsync());
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        head.TrySetCanceled();
        await trail.DisposeAsync();
        Dispose();
    }

    public void Dispose()
    {
        handle.Dispose();
        temp.Dispose();
    }

    /// <summary>An archive that is finished before the reading has begun is read as a whole.</summary>
    private async Task ReadUpToAsync(int position)
    {
        while (trail.Position < position)
        {
            await Task.Delay(1);
        }
    }

    private Task<ReadBackSums?> FinishAsync() => trail.FinishAsync(progress, CancellationToken.None);

    private void GiveHead() => head.SetResult(bytes[..HeadLength]);

    private Task WriteAsync(params int[] ends)
    {
        GiveHead();
        return WriteFromAsync(HeadLength, ends);
    }

    private async Task WriteFromAsync(int start, params int[] ends)
    {
        foreach (var end in ends)
        {
            RandomAccess.Write(handle, bytes.AsSpan(start..end), start);
            trail.Written(end - HeadLength);
            start = end;
            await Task.Yield();
        }
    }

    private async Task<string?> FindSha256Async() => (await FinishAsync())?.FindSha256(bytes.Length, Expected);
}
