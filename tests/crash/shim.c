/* What a disk, a clock and a power supply may do to a process, for tests: loaded with LD_PRELOAD.

Only files below SHIM_ROOT are concerned. `shim_set` arms it, after a fork, so that one process can be forked for many
trials:

  kill_at N      SIGKILL before the Nth step (a write, truncation, sync, new file, link, rename or unlink)
  fail_at N      from the Nth step of the kinds in `fail_kind` on, it fails with `fail_errno`; `fail_for` times (0: ever)
  fail_kind      1 sync, 2 write and truncation, 4 opening for writing, 8 link, rename, unlink
  lie 1          syncs say that they are done, and do nothing
  clock_at N     from the Nth look at the clock on it is off by `clock_by` milliseconds
  trace 1        steps are written to SHIM_TRACE, with their bytes, and each commit of SQLite when it has returned
  count 1        the number of steps (of all kinds, and of `fail_kind`) is written to SHIM_TRACE at the end
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FILES 4096
enum { SYNC = 1, WRITE = 2, OPEN = 4, NAME = 8 };

static char *held[FILES];        /* paths of open files below the root; "" for one without a name */
static long long kill_at, fail_at, fail_kind, fail_errno = EIO, fail_for, lie, clock_at, clock_by, counting;
static long long steps, matching, looks;
static int trace = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name, ...) \
    static type (*real_##name)(__VA_ARGS__); \
    if (!real_##name) real_##name = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static int concerned(const char *path) {
    const char *root = getenv("SHIM_ROOT");
    return root && path && strncmp(path, root, strlen(root)) == 0;
}

static int wants_trace(const char *path) {
    size_t length = path ? strlen(path) : 0;
    return trace >= 0 && length && !(length > 4 && strcmp(path + length - 4, "-shm") == 0);
}

static void put(const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    const char *at = data;
    while (size) {
        ssize_t done = real_write(trace, at, size);
        if (done <= 0) abort();
        at += done;
        size -= (size_t)done;
    }
}

/* A record: kind, length of path, offset, length of data (all little-endian), path, data. */
static void record(char kind, const char *path, uint64_t offset, const void *data, uint64_t size) {
    struct __attribute__((packed)) { char kind; uint32_t path; uint64_t offset, size; } head;
    head.kind = kind;
    head.path = (uint32_t)strlen(path);
    head.offset = offset;
    head.size = size;
    pthread_mutex_lock(&lock);
    put(&head, sizeof head);
    put(path, head.path);
    if (data) put(data, size);
    pthread_mutex_unlock(&lock);
}

/* Counts a step; 1 when it is to fail. */
static int step(int kind) {
    pthread_mutex_lock(&lock);
    long long at = ++steps, nth = (kind & fail_kind) ? ++matching : 0;
    pthread_mutex_unlock(&lock);
    if (kill_at && at >= kill_at) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    if (fail_at && nth >= fail_at && (!fail_for || nth < fail_at + fail_for)) {
        errno = (int)fail_errno;
        return 1;
    }
    return 0;
}

int shim_set(const char *name, long long value) {
    struct { const char *name; long long *at; } all[] = {
        {"kill_at", &kill_at}, {"fail_at", &fail_at}, {"fail_kind", &fail_kind}, {"fail_errno", &fail_errno},
        {"fail_for", &fail_for}, {"lie", &lie}, {"clock_at", &clock_at}, {"clock_by", &clock_by}, {"count", &counting}};
    steps = matching = looks = 0;
    if (strcmp(name, "trace") == 0) {
        REAL(int, open64, const char *, int, ...);
        trace = real_open64(getenv("SHIM_TRACE"), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
        return trace < 0;
    }
    for (size_t n = 0; n < sizeof all / sizeof *all; n++)
        if (strcmp(all[n].name, name) == 0) {
            *all[n].at = value;
            return 0;
        }
    return 1;
}

/* Called by the child before it ends without running destructors. */
void shim_end(void) {
    if (!counting) return;
    FILE *out = fopen(getenv("SHIM_TRACE"), "w");
    if (out) {
        fprintf(out, "%lld %lld %lld\n", steps, matching, looks);
        fclose(out);
    }
}

static int opened(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    if (!concerned(path)) return real(path, flags, mode);
    int anonymous = (flags & O_TMPFILE) == O_TMPFILE, writing = (flags & O_ACCMODE) != O_RDONLY;
    struct stat before;
    int made = (flags & O_CREAT) && !anonymous && stat(path, &before) != 0;
    if ((made || writing) && step(OPEN)) return -1;
    int file = real(path, flags, mode);
    if (file >= 0 && file < FILES) {
        free(held[file]);
        held[file] = strdup(anonymous ? "" : path);
        if (made && wants_trace(path)) record('C', path, 0, NULL, 0);
        if ((flags & O_TRUNC) && !made && wants_trace(path)) record('T', path, 0, NULL, 0);
    }
    return file;
}

#define MODE mode_t mode = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); \
    mode = va_arg(more, mode_t); va_end(more); }

int open(const char *path, int flags, ...) {
    REAL(int, open, const char *, int, ...);
    MODE return opened(real_open, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    REAL(int, open64, const char *, int, ...);
    MODE return opened(real_open64, path, flags, mode);
}

static const char *path_of(int file) { return file >= 0 && file < FILES ? held[file] : NULL; }

int close(int file) {
    REAL(int, close, int);
    if (path_of(file)) {
        free(held[file]);
        held[file] = NULL;
    }
    return real_close(file);
}

static ssize_t at_offset(ssize_t (*real)(int, const void *, size_t, off64_t), int file, const void *data, size_t size,
                         off64_t offset) {
    const char *path = path_of(file);
    if (!path) return real(file, data, size, offset);
    if (step(WRITE)) {
        int error = errno;
        ssize_t half = real(file, data, size / 2, offset); /* a disk that fills up takes the first part */
        if (half > 0 && wants_trace(path)) record('W', path, (uint64_t)offset, data, (uint64_t)half);
        errno = error;
        return -1;
    }
    ssize_t done = real(file, data, size, offset);
    if (done > 0 && wants_trace(path)) record('W', path, (uint64_t)offset, data, (uint64_t)done);
    return done;
}

ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    return at_offset(real_pwrite64, file, data, size, offset);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t offset) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    return at_offset(real_pwrite64, file, data, size, offset);
}

ssize_t write(int file, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    const char *path = path_of(file);
    if (!path) return real_write(file, data, size);
    off_t offset = lseek(file, 0, SEEK_CUR);
    if (step(WRITE)) return -1;
    ssize_t done = real_write(file, data, size);
    if (done > 0 && wants_trace(path)) record('W', path, (uint64_t)offset, data, (uint64_t)done);
    return done;
}

static int truncated(int (*real)(int, off64_t), int file, off64_t size) {
    const char *path = path_of(file);
    if (!path) return real(file, size);
    if (step(WRITE)) return -1;
    int done = real(file, size);
    if (done == 0 && wants_trace(path)) record('T', path, (uint64_t)size, NULL, 0);
    return done;
}

int ftruncate64(int file, off64_t size) {
    REAL(int, ftruncate64, int, off64_t);
    return truncated(real_ftruncate64, file, size);
}

int ftruncate(int file, off_t size) {
    REAL(int, ftruncate64, int, off64_t);
    return truncated(real_ftruncate64, file, size);
}

static int synced(int (*real)(int), int file) {
    const char *path = path_of(file);
    if (!path) return real(file);
    if (step(SYNC)) return -1;
    if (lie) return 0;
    int done = real(file);
    if (done == 0 && wants_trace(path)) record('S', path, 0, NULL, 0);
    return done;
}

int fsync(int file) {
    REAL(int, fsync, int);
    return synced(real_fsync, file);
}

int fdatasync(int file) {
    REAL(int, fdatasync, int);
    return synced(real_fdatasync, file);
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    if (!concerned(path)) return real_unlink(path);
    if (step(NAME)) return -1;
    int done = real_unlink(path);
    if (done == 0 && wants_trace(path)) record('U', path, 0, NULL, 0);
    return done;
}

static int renamed(int (*real)(const char *, const char *), char kind, const char *from, const char *to) {
    if (!concerned(to)) return real(from, to);
    if (step(NAME)) return -1;
    int done = real(from, to);
    if (done == 0 && wants_trace(to)) record(kind, from, 0, to, strlen(to));
    return done;
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    return renamed(real_rename, 'R', from, to);
}

int link(const char *from, const char *to) {
    REAL(int, link, const char *, const char *);
    return renamed(real_link, 'L', from, to);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(int, clock_gettime, clockid_t, struct timespec *);
    int done = real_clock_gettime(clock, now);
    if (done == 0 && clock == CLOCK_REALTIME) {
        long long nth = __sync_add_and_fetch(&looks, 1);
        if (clock_at && nth >= clock_at) {
            now->tv_sec += clock_by / 1000;
            now->tv_nsec += clock_by % 1000 * 1000000;
            if (now->tv_nsec >= 1000000000) { now->tv_nsec -= 1000000000; now->tv_sec++; }
            if (now->tv_nsec < 0) { now->tv_nsec += 1000000000; now->tv_sec--; }
        }
    }
    return done;
}

/* SQLite told its caller that something is committed: what it says from then on must outlive a power cut. */
int sqlite3_step(void *statement) {
    static int (*real)(void *), (*autocommit)(void *), (*readonly)(void *);
    static void *(*handle)(void *);
    static const char *(*text)(void *);
    if (!real) {
        void *library = dlopen("libsqlite3.so.0", RTLD_LAZY | RTLD_NOLOAD);
        if (!library) abort();
        autocommit = (int (*)(void *))dlsym(library, "sqlite3_get_autocommit");
        readonly = (int (*)(void *))dlsym(library, "sqlite3_stmt_readonly");
        handle = (void *(*)(void *))dlsym(library, "sqlite3_db_handle");
        text = (const char *(*)(void *))dlsym(library, "sqlite3_sql");
        real = (int (*)(void *))dlsym(library, "sqlite3_step");
    }
    int done = real(statement);
    if (trace >= 0 && done == 101 && autocommit(handle(statement))) {
        const char *sql = text(statement);
        if (!readonly(statement) || (sql && strncasecmp(sql, "COMMIT", 6) == 0)) record('M', "", 0, NULL, 0);
    }
    return done;
}
