/* Ends the process, or makes a call fail, at the N-th call that changes something below given folders.
 *
 * Preloaded (LD_PRELOAD). Environment:
 *   KILLPOINT_UNDER  folders, separated by ':'; calls elsewhere are not counted
 *   KILLPOINT_AT     N, from 1; 0 or absent: only count
 *   KILLPOINT_ERRNO  0 or absent: SIGKILL before the call is made; else the call fails with this errno
 *   KILLPOINT_STICKY 1: every counted call from N on fails, as on a full or dead disk
 *   KILLPOINT_CUT    a mount: at N its file system is shut down without a flush, as by a power cut (FS_IOC_SHUTDOWN of ext4 and XFS), then SIGKILL
 *   KILLPOINT_STOP   a mount: every counted call is told on standard output as "N NAME PATH" and waits for a letter on standard input, so that the disk
 *                    can be looked at as it is at this moment. g: go on; f: write the file system out and freeze it (FIFREEZE),
 *                    say "frozen", thaw it at the next letter, and wait again. The end of the input ends the process
 *   KILLPOINT_COUNT  file that the number of counted calls is written to at the process's own end
 *   KILLPOINT_TRACE  1: each counted call is named on stderr
 * killpoint_arm() begins anew within a process: for errors, which a process outlives.
 * The counter is one atomic number over all threads. Calls that the C library makes by itself, without its own symbols, are not seen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;
static long kill_at;
static int fail_with;
static int sticky;
static int trace;
static int cut = -1;
static int stop_on = -1;
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static char *folders[16];

__attribute__((constructor)) static void setup(void) {
    const char *under = getenv("KILLPOINT_UNDER");
    const char *at = getenv("KILLPOINT_AT");
    const char *error = getenv("KILLPOINT_ERRNO");
    const char *stick = getenv("KILLPOINT_STICKY");
    const char *tell = getenv("KILLPOINT_TRACE");
    kill_at = at ? atol(at) : 0;
    fail_with = error ? atoi(error) : 0;
    sticky = stick && *stick == '1';
    trace = tell && *tell == '1';
    const char *mount = getenv("KILLPOINT_CUT");
    cut = mount && *mount ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    const char *stop = getenv("KILLPOINT_STOP");
    stop_on = stop && *stop ? open(stop, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (under) {
        char *copy = strdup(under), *rest = copy;
        for (int i = 0; i < 15 && (folders[i] = strsep(&rest, ":")); i++) { }
    }
}

/* From here on the calls are counted from 1; gives how many were counted before. at 0 only counts. */
long killpoint_arm(long at, int error, int stick) {
    kill_at = 0;
    long before = atomic_exchange(&calls, 0);
    fail_with = error;
    sticky = stick;
    kill_at = at;
    return before;
}

__attribute__((destructor)) static void report(void) {
    const char *file = getenv("KILLPOINT_COUNT");
    FILE *out = file ? fopen(file, "w") : NULL;
    if (out) {
        fprintf(out, "%ld\n", atomic_load(&calls));
        fclose(out);
    }
}

static int concerns(const char *path) {
    for (int i = 0; folders[i]; i++) {
        size_t length = strlen(folders[i]);
        if (length && strncmp(path, folders[i], length) == 0 && (path[length] == '/' || path[length] == 0)) {
            return 1;
        }
    }
    return 0;
}

/* The path of a descriptor, or of a name below one; empty when it cannot be told. */
static void resolve(int fd, const char *name, char *into) {
    into[0] = 0;
    if (name && name[0] == '/') {
        snprintf(into, PATH_MAX, "%s", name);
        return;
    }
    char link[64], base[PATH_MAX];
    ssize_t length;
    if (fd == AT_FDCWD) {
        length = readlink("/proc/self/cwd", base, sizeof base - 1);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        length = readlink(link, base, sizeof base - 1);
    }
    if (length < 0) {
        return;
    }
    base[length] = 0;
    if (name && *name) {
        snprintf(into, PATH_MAX, "%.2000s/%.2000s", base, name);
    } else {
        snprintf(into, PATH_MAX, "%s", base);
    }
}

static char letter(void) {
    char answer;
    ssize_t length;
    while ((length = read(0, &answer, 1)) < 0 && errno == EINTR) { }
    return length > 0 ? answer : 0;
}

/* Tells about a call and waits. Other threads wait before their next counted call meanwhile. */
static void stop_here(const char *call, const char *path) {
    pthread_mutex_lock(&one_at_a_time);
    dprintf(1, "%ld %s %s\n", atomic_fetch_add(&calls, 1) + 1, call, path);
    char answer = letter();
    if (answer == 'f') {
        int frozen = ioctl(stop_on, FIFREEZE, 0);
        dprintf(1, frozen < 0 ? "freeze: %s\n" : "frozen\n", strerror(errno));
        answer = letter();
        ioctl(stop_on, FITHAW, 0);
        answer = answer ? letter() : 0;
    }
    if (!answer) {
        kill(getpid(), SIGKILL);
    }
    pthread_mutex_unlock(&one_at_a_time);
}

/* 1: the call must fail; errno is set. Does not return when the process ends here. */
static int strike(const char *call, int fd, const char *name) {
    if (!folders[0]) {
        return 0;
    }
    int saved = errno;
    char path[PATH_MAX];
    resolve(fd, name, path);
    errno = saved;
    if (!concerns(path)) {
        return 0;
    }
    if (stop_on >= 0) {
        stop_here(call, path);
        errno = saved;
        return 0;
    }
    long n = atomic_fetch_add(&calls, 1) + 1;
    if (trace) {
        dprintf(2, "%ld %s %s\n", n, call, path);
    }
    if (kill_at == 0 || n < kill_at || (n > kill_at && !sticky)) {
        return 0;
    }
    if (fail_with) {
        errno = fail_with;
        return 1;
    }
    if (cut >= 0) {
        unsigned no_log_flush = 2;
        if (ioctl(cut, _IOR('X', 125, unsigned), &no_log_flush) < 0) {
            dprintf(2, "shutdown: %s\n", strerror(errno));
        }
    }
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

#define NEXT(name) ({ static __typeof__(&name) next; if (!next) { next = (__typeof__(&name))dlsym(RTLD_NEXT, #name); } next; })
#define WRAP(result, name, parameters, fd, path, arguments) \
    result name parameters { return strike(#name, fd, path) ? (result)-1 : NEXT(name) arguments; }

WRAP(ssize_t, write, (int fd, const void *b, size_t n), fd, NULL, (fd, b, n))
WRAP(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o), fd, NULL, (fd, b, n, o))
WRAP(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), fd, NULL, (fd, b, n, o))
WRAP(ssize_t, writev, (int fd, const struct iovec *v, int n), fd, NULL, (fd, v, n))
WRAP(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t o), fd, NULL, (fd, v, n, o))
WRAP(ssize_t, pwritev64, (int fd, const struct iovec *v, int n, off64_t o), fd, NULL, (fd, v, n, o))
WRAP(int, rename, (const char *a, const char *b), AT_FDCWD, a, (a, b))
WRAP(int, renameat, (int d, const char *a, int e, const char *b), d, a, (d, a, e, b))
WRAP(int, renameat2, (int d, const char *a, int e, const char *b, unsigned f), d, a, (d, a, e, b, f))
WRAP(int, link, (const char *a, const char *b), AT_FDCWD, b, (a, b))
WRAP(int, linkat, (int d, const char *a, int e, const char *b, int f), e, b, (d, a, e, b, f))
WRAP(int, symlink, (const char *a, const char *b), AT_FDCWD, b, (a, b))
WRAP(int, symlinkat, (const char *a, int e, const char *b), e, b, (a, e, b))
WRAP(int, unlink, (const char *a), AT_FDCWD, a, (a))
WRAP(int, unlinkat, (int d, const char *a, int f), d, a, (d, a, f))
WRAP(int, rmdir, (const char *a), AT_FDCWD, a, (a))
WRAP(int, mkdir, (const char *a, mode_t m), AT_FDCWD, a, (a, m))
WRAP(int, mkdirat, (int d, const char *a, mode_t m), d, a, (d, a, m))
WRAP(int, truncate, (const char *a, off_t n), AT_FDCWD, a, (a, n))
WRAP(int, ftruncate, (int fd, off_t n), fd, NULL, (fd, n))
WRAP(int, ftruncate64, (int fd, off64_t n), fd, NULL, (fd, n))
WRAP(int, fallocate, (int fd, int m, off_t o, off_t n), fd, NULL, (fd, m, o, n))
WRAP(int, posix_fallocate, (int fd, off_t o, off_t n), fd, NULL, (fd, o, n))
WRAP(int, fsync, (int fd), fd, NULL, (fd))
WRAP(int, fdatasync, (int fd), fd, NULL, (fd))
WRAP(int, syncfs, (int fd), fd, NULL, (fd))
WRAP(int, chmod, (const char *a, mode_t m), AT_FDCWD, a, (a, m))
WRAP(int, fchmod, (int fd, mode_t m), fd, NULL, (fd, m))
WRAP(int, fchmodat, (int d, const char *a, mode_t m, int f), d, a, (d, a, m, f))
WRAP(int, fchown, (int fd, uid_t u, gid_t g), fd, NULL, (fd, u, g))
WRAP(int, fchownat, (int d, const char *a, uid_t u, gid_t g, int f), d, a, (d, a, u, g, f))
WRAP(int, futimens, (int fd, const struct timespec t[2]), fd, NULL, (fd, t))
WRAP(int, utimensat, (int d, const char *a, const struct timespec t[2], int f), d, a, (d, a, t, f))
WRAP(ssize_t, copy_file_range, (int i, off64_t *a, int o, off64_t *b, size_t n, unsigned f), o, NULL, (i, a, o, b, n, f))

/* Opening counts only where it makes or empties a file. */
#define OPENS(flags) ((flags) & (O_CREAT | O_TRUNC))
#define MODE(last) mode_t m = 0; if ((f) & (O_CREAT | __O_TMPFILE)) { va_list l; va_start(l, last); m = va_arg(l, mode_t); va_end(l); }

int open(const char *a, int f, ...) { MODE(f) return OPENS(f) && strike("open", AT_FDCWD, a) ? -1 : NEXT(open)(a, f, m); }
int open64(const char *a, int f, ...) { MODE(f) return OPENS(f) && strike("open64", AT_FDCWD, a) ? -1 : NEXT(open64)(a, f, m); }
int openat(int d, const char *a, int f, ...) { MODE(f) return OPENS(f) && strike("openat", d, a) ? -1 : NEXT(openat)(d, a, f, m); }
int openat64(int d, const char *a, int f, ...) { MODE(f) return OPENS(f) && strike("openat64", d, a) ? -1 : NEXT(openat64)(d, a, f, m); }

/* Threads that step back behind everybody else make a run that nobody waits beside take as long as the machine is busy. */
int setpriority(__priority_which_t which, id_t who, int value) { (void)which; (void)who; (void)value; return 0; }
