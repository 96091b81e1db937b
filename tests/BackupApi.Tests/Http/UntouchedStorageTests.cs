using System.Security.Cryptography;
using BackupApi.Files;
using BackupApi.Model;
using BackupApi.Tests.Support;
using Xunit;

namespace BackupApi.Tests.Http;

/// <summary>The whole service over every real database at once: what its backups and checks leave in the owner's folder, which is nothing.</summary>
public sealed class UntouchedStorageTests
{
    [Fact]
    public async Task After_backups_and_a_check_no_byte_no_time_and_no_name_in_storage_differs()
    {
        var service = new RunningService(folder => Fixtures.CopyTo("", folder.Folder("storage/databases")));
        var before = new List<string>();
        try
        {
            await service.InitializeAsync();
            before = Look(service.Folder["storage"]);
            await service.TakeBackupAsync();
            Assert.Equal(200, (await service.PostAsync("/api/databases/verify")).Status);
            await service.TakeBackupAsync();

            var after = Look(service.Folder["storage"]);
            Assert.Equal([], after.Except(before, StringComparer.Ordinal));
            Assert.Equal(before.Count, after.Count);
            Assert.True(before.Count > 100);
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_storage_mounted_read_only_is_backed_up_with_every_kind_of_database_in_it()
    {
        string[] healthy = ["litedb/a-clean", "litedb/b-log-committed", "sqlite/a-clean", "sqlite/a-clean-wal-mode", "sqlite/b-wal-committed", "sqlite/d-hot-journal", "leveldb/c-multi-level-small"];
        using var place = new TempFolder();
        foreach (var name in healthy)
        {
            Fixtures.CopyTo(name, place.Folder($"owner/{name}"));
        }

        using var mount = TestMount.Bind(place["owner"], place.Folder("mounted"));
        TestMount.Run("mount", "-o", "remount,ro,bind", place["mounted"]);
        var service = new RunningService(_ => { }, ("STORAGE_PATH", place["mounted"]));
        try
        {
            await service.InitializeAsync();
            Assert.Throws<PosixException>(() => Posix.CreateNew(place["mounted/probe"]).Dispose());

            var (status, made) = await service.PostAsync("/api/backup/create");

            Assert.Equal((200, "ok", "engine"), (status, made.GetProperty("outcome").GetString(), made.GetProperty("verification").GetString()));
            var (_, known) = await service.GetAsync("/api/databases");
            Assert.Equal(healthy.Length, known.GetProperty("databases").GetArrayLength());
            Assert.All(known.GetProperty("databases").EnumerateArray(), database => Assert.Equal("engine", database.GetProperty("verification").GetString()));
        }
        finally
        {
            await service.DisposeAsync();
        }
    }

    /// <summary>Names, owners, modes, sizes, times and bytes. SQLite's scratch memory may differ, and the times of change of it and of a <c>-wal</c>.</summary>
    private static List<string> Look(string folder) =>
    [
        .. TreeWalker.Walk(folder).Nodes.Select(node =>
        {
            var s = node.Stat;
            var isScratch = node.Path.EndsWith("-shm", StringComparison.Ordinal);
            var always = $"{node.Path} {s.Kind} {s.Mode} {s.Uid} {s.Gid} {s.Inode} {s.Size}";
            return isScratch ? always
                : $"{always} {s.Modified} {(node.Path.EndsWith("-wal", StringComparison.Ordinal) ? "" : s.Changed)} {(s.Kind == FileKind.File ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes($"{folder}/{node.Path}"))) : "")}";
        }),
    ];
}
