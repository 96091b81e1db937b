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

            Assert.Equal(before, Look(service.Folder["storage"]));
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
        using var writable = new TempFolder();
        foreach (var name in healthy)
        {
            Fixtures.CopyTo(name, writable.Folder(name));
        }

        TestMount? mount = null;
        var service = new RunningService(folder =>
        {
            mount = TestMount.Bind(writable.Path, folder["storage"]);
            TestMount.Run("mount", "-o", "remount,ro,bind", folder["storage"]);
        });
        try
        {
            await service.InitializeAsync();
            Assert.Throws<PosixException>(() => Posix.CreateNew(service.Folder["storage/probe"]).Dispose());

            var (status, made) = await service.PostAsync("/api/backup/create");

            Assert.Equal((200, "ok", "engine"), (status, made.GetProperty("outcome").GetString(), made.GetProperty("verification").GetString()));
            var (_, known) = await service.GetAsync("/api/databases");
            Assert.Equal(healthy.Length, known.GetProperty("databases").GetArrayLength());
            Assert.All(known.GetProperty("databases").EnumerateArray(), database => Assert.Equal("engine", database.GetProperty("verification").GetString()));
        }
        finally
        {
            mount?.Dispose();
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
            var content = s.Kind == FileKind.File && !isScratch ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes($"{folder}/{node.Path}"))) : "";
            return $"{node.Path} {s.Kind} {s.Mode} {s.Uid} {s.Gid} {s.Inode} {s.Size} {s.Modified} {(isScratch || node.Path.EndsWith("-wal", StringComparison.Ordinal) ? "" : s.Changed)} {content}";
        }),
    ];
}
