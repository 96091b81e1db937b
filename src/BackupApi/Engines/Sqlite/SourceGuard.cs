using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BackupApi.Engines.Sqlite;

/// <summary>Makes it impossible for the SQLite library to create, remove or re-own a file while it reads an owner's database.</summary>
/// <remarks>
/// A read-only connection to a WAL database whose owner closes it just before ours opens would create <c>-wal</c> and <c>-shm</c>, and as root gives them
/// another owner. SQLite lets its system calls be replaced (sqlite3_vfs.xSetSystemCall): ours refuse those on a thread that is inside a scope.
/// A refused creation makes the open fail, which the capture answers with a stable copy of the files.
/// </remarks>
internal static unsafe class SourceGuard
{
    /// <summary>Offset of xSetSystemCall and xGetSystemCall in struct sqlite3_vfs, version 3, 64-bit (sqlite3.h).</summary>
    private const int SetSystemCallAt = 144;
    private const int GetSystemCallAt = 152;
    private const int FirstVersionWithSystemCalls = 3;

    private const int Creating = 0x40; // O_CREAT
    private const int PermissionDenied = 13; // EACCES

    private static delegate* unmanaged[Cdecl]<byte*, int, int, int> open;
    private static delegate* unmanaged[Cdecl]<byte*, int> unlink;
    private static delegate* unmanaged[Cdecl]<int, uint, int> changeMode;
    private static delegate* unmanaged[Cdecl]<int, uint, uint, int> changeOwner;

    [ThreadStatic]
    private static int depth;

    /// <summary>Guards the calling thread until disposed. Must not be held over an await.</summary>
    public static Scope Enter()
    {
        depth++;
        return default;
    }

    /// <summary>Replaces the system calls of the library's default file layer; once for each process, before any database is opened.</summary>
    public static void Install(nint library)
    {
        var find = (delegate* unmanaged[Cdecl]<byte*, byte*>)NativeLibrary.GetExport(library, "sqlite3_vfs_find");
        var vfs = find(null);
        if (vfs is null || *(int*)vfs < FirstVersionWithSystemCalls)
        {
            throw new InvalidOperationException("The SQLite library has no file layer whose system calls can be replaced.");
        }

        open = (delegate* unmanaged[Cdecl]<byte*, int, int, int>)Replace(vfs, "open\0"u8, (delegate* unmanaged[Cdecl]<byte*, int, int, int>)&Open);
        unlink = (delegate* unmanaged[Cdecl]<byte*, int>)Replace(vfs, "unlink\0"u8, (delegate* unmanaged[Cdecl]<byte*, int>)&Unlink);
        changeMode = (delegate* unmanaged[Cdecl]<int, uint, int>)Replace(vfs, "fchmod\0"u8, (delegate* unmanaged[Cdecl]<int, uint, int>)&ChangeMode);
        changeOwner = (delegate* unmanaged[Cdecl]<int, uint, uint, int>)Replace(vfs, "fchown\0"u8, (delegate* unmanaged[Cdecl]<int, uint, uint, int>)&ChangeOwner);
    }

    private static void* Replace(byte* vfs, ReadOnlySpan<byte> name, void* with)
    {
        fixed (byte* call = name)
        {
            var original = (*(delegate* unmanaged[Cdecl]<byte*, byte*, void*>*)(vfs + GetSystemCallAt))(vfs, call);
            var result = (*(delegate* unmanaged[Cdecl]<byte*, byte*, void*, int>*)(vfs + SetSystemCallAt))(vfs, call, with);
            return original is not null && result == 0 ? original : throw new InvalidOperationException("The SQLite library refuses a replaced system call.");
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Open(byte* path, int flags, int mode)
    {
        var fd = open(path, depth > 0 ? flags & ~Creating : flags, mode);
        KeepErrno();
        return fd;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Unlink(byte* path)
    {
        if (depth > 0)
        {
            Marshal.SetLastSystemError(PermissionDenied);
            return -1;
        }

        var result = unlink(path);
        KeepErrno();
        return result;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ChangeMode(int fd, uint mode) => depth > 0 ? 0 : changeMode(fd, mode);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ChangeOwner(int fd, uint uid, uint gid) => depth > 0 ? 0 : changeOwner(fd, uid, gid);

    /// <summary>SQLite reads errno next; the runtime's way back may pass through other system calls.</summary>
    private static void KeepErrno() => Marshal.SetLastSystemError(Marshal.GetLastSystemError());

    internal readonly struct Scope : IDisposable
    {
        public void Dispose() => depth--;
    }
}
