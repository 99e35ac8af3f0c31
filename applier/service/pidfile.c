#include "service/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"

#define TRIES_MAX 50
#define TURN_MS   20
/* a process is older than what it writes; its start is known in hundredths of a second only */
#define START_SLACK_MS 100

struct Pidfile {
    char *path;
    int fd;
};

struct PidfileHolder {
    char *path;
    pid_t pid;
    int fd;     /* the file */
    int pid_fd; /* the process; -1: the kernel is too old for it */
};

/* Again: somebody else was quicker. */
typedef enum Attempt { ATTEMPT_DONE, ATTEMPT_AGAIN, ATTEMPT_FAILED } Attempt;

static void
wait_a_turn(void)
{
    static const struct timespec turn = {0, TURN_MS * 1000L * 1000};

    (void)nanosleep(&turn, NULL);
}

/* A FIFO or a device is opened without waiting, and refused. */
static int
open_existing(
    const char *path, int flags, struct stat *ret_status, bool *ret_is_missing, Error *err)
{
    int fd = -1;

    *ret_is_missing = false;

    if (!FAULT("pidfile.open"))
        fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, ret_status) != 0) {
        *ret_is_missing = fd < 0 && errno == ENOENT;
        (void)error_set_errno(err, ERR_IO, "open pidfile %s", path);
        file_close(fd);
        return -1;
    }
    if (!S_ISREG(ret_status->st_mode)) {
        (void)error_set(err, ERR_IO, "pidfile %s: is not a plain file", path);
        file_close(fd);
        return -1;
    }
    return fd;
}

/* The first line; 0 where that is no process's number. */
static pid_t
read_pid(int fd)
{
    char line[32];
    ssize_t len = pread(fd, line, sizeof(line), 0);
    Text text = {line, len < 0 ? 0 : (size_t)len};
    uint64_t pid;

    text.len = text_find(text, '\n');
    if (text.len == sizeof(line) || !text_to_u64(text, &pid) || pid > INT_MAX)
        return 0;
    return (pid_t)pid;
}

static int64_t
clock_ms(clockid_t clock)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* proc(5), /proc/PID/stat: behind the name in brackets, which may hold anything, come state (3)
 * and, 19 words on, starttime (22). False when there is no such process. */
static bool
process_age_ms(pid_t pid, int64_t *ret_age_ms)
{
    CLEANUP(buf_clear) Buf stat = BUF_INIT;
    char path[64];
    const char *at;
    Text start;
    int64_t ticks;
    Error err;

    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    if (!file_read_all(path, 65536, &stat, &err))
        return false;
    at = strrchr(buf_string(&stat), ')');
    if (at == NULL || strncmp(at, ") Z", 3) == 0 || strncmp(at, ") X", 3) == 0)
        return false;
    for (int word = 2; at != NULL && word < 22; word++) {
        at = strchr(at, ' ');
        at = at == NULL ? NULL : at + 1;
    }
    start = text_of(at);
    start.len = text_find(start, ' ');
    if (!text_to_i64(start, &ticks))
        return false;
    *ret_age_ms = clock_ms(CLOCK_BOOTTIME) - ticks * 1000 / sysconf(_SC_CLK_TCK);
    return true;
}

/* Was this process there before the file was changed last? Then the file is its own. */
static bool
process_wrote(pid_t pid, const struct stat *file)
{
    int64_t written_ms = (int64_t)file->st_mtim.tv_sec * 1000 + file->st_mtim.tv_nsec / 1000000;
    int64_t age_ms;

    return pid > 0 && process_age_ms(pid, &age_ms) &&
           age_ms + START_SLACK_MS >= clock_ms(CLOCK_REALTIME) - written_ms;
}

/* Its program's name, for errors. */
static void
add_process(pid_t pid, Buf *out)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    char path[64];
    Error err;

    buf_addf(out, "process %ld", (long)pid);
    (void)snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
    if (file_read_all(path, 256, &name, &err))
        buf_addf(out, " (%.*s)", (int)strcspn(buf_string(&name), "\n"), buf_string(&name));
}

static void
describe_stale(const char *path, pid_t pid, Buf *out)
{
    if (pid == 0)
        buf_addf(out, "pidfile %s is stale: there is no process number in it", path);
    else
        buf_addf(out, "pidfile %s is stale: process %ld, which wrote it, is gone", path, (long)pid);
}

static bool
is_foreign(const char *path, pid_t pid, Error *err)
{
    CLEANUP(buf_clear) Buf process = BUF_INIT;

    add_process(pid, &process);
    return error_set(err, ERR_FENCED,
        "pidfile %s is in use: %s wrote it, runs, and is not dray: stop it, or remove the file",
        path, process.data);
}

/* ---- taking it --------------------------------------------------------------------------------
 */

static bool
is_at_path(int fd, const char *path)
{
    struct stat here;
    struct stat there;

    return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

/* A locked file with our number, under a name of its own. */
static int
write_beside(const char *path, Buf *ret_name, Error *err)
{
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    int fd = -1;

    buf_addf(ret_name, "%s.%ld", path, (long)getpid());
    buf_addf(&line, "%ld\n", (long)getpid());
    /* of a process that had our number, and died in between */
    (void)unlink(ret_name->data);
    if (!FAULT("pidfile.create"))
        fd = open(ret_name->data, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) {
        (void)error_set_errno(err, ERR_IO, "write pidfile %s", path);
        return -1;
    }
    if (FAULT("pidfile.lock") || flock(fd, LOCK_EX | LOCK_NB) != 0)
        (void)error_set_errno(err, ERR_IO, "lock pidfile %s", path);
    else if (file_write(fd, line.data, line.len, path, err))
        return fd;
    (void)unlink(ret_name->data);
    file_close(fd);
    return -1;
}

static int
steal_descriptor(int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

/* Put our file in its place: over a stale one that we have locked, or where there is none. */
static Attempt
put_in_place(const char *path, bool over, int *ret_fd, Error *err)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    CLEANUP(file_close) int fd = write_beside(path, &name, err);
    bool done;
    int failure;

    if (fd < 0)
        return ATTEMPT_FAILED;
    if (over)
        done = !FAULT("pidfile.rename") && rename(name.data, path) == 0;
    else
        done = !FAULT("pidfile.link") && link(name.data, path) == 0;
    failure = errno;
    if (!over || !done)
        (void)unlink(name.data);
    errno = failure;
    if (!done && !over && failure == EEXIST)
        return ATTEMPT_AGAIN;
    if (!done) {
        (void)error_set_errno(err, ERR_IO, "write pidfile %s", path);
        return ATTEMPT_FAILED;
    }
    *ret_fd = steal_descriptor(&fd);
    return ATTEMPT_DONE;
}

static Attempt
take_over(
    const char *path, int old_fd, const struct stat *status, int *ret_fd, Buf *stale, Error *err)
{
    pid_t pid = read_pid(old_fd);
    Attempt attempt;

    if (pid != getpid() && process_wrote(pid, status)) {
        (void)is_foreign(path, pid, err);
        return ATTEMPT_FAILED;
    }
    attempt = put_in_place(path, true, ret_fd, err);
    if (attempt == ATTEMPT_DONE)
        describe_stale(path, pid, stale);
    return attempt;
}

static Attempt
take_once(const char *path, int *ret_fd, Buf *stale, Error *err)
{
    struct stat status;
    bool is_missing;
    CLEANUP(file_close) int old_fd = open_existing(path, O_RDWR, &status, &is_missing, err);

    if (is_missing)
        return put_in_place(path, false, ret_fd, err);
    if (old_fd < 0)
        return ATTEMPT_FAILED;
    if (flock(old_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            (void)error_set_errno(err, ERR_IO, "lock pidfile %s", path);
            return ATTEMPT_FAILED;
        }
        /* who only looks has a lock for a moment, too */
        (void)error_set(err, ERR_FENCED, "pidfile %s: the service already runs, pid %ld", path,
            (long)read_pid(old_fd));
        return ATTEMPT_AGAIN;
    }
    if (!is_at_path(old_fd, path))
        return ATTEMPT_AGAIN;
    return take_over(path, old_fd, &status, ret_fd, stale, err);
}

Pidfile *
pidfile_take(const char *path, Buf *stale, Error *err)
{
    Pidfile *pidfile;
    Attempt attempt = ATTEMPT_AGAIN;
    int fd = -1;

    *err = (Error){.kind = ERR_NONE};
    for (int tries = 0; attempt == ATTEMPT_AGAIN && tries < TRIES_MAX; tries++) {
        if (tries > 0)
            wait_a_turn();
        attempt = take_once(path, &fd, stale, err);
        if (attempt == ATTEMPT_AGAIN && err->kind == ERR_FENCED && tries >= 5)
            return NULL;
    }
    if (attempt == ATTEMPT_AGAIN)
        (void)error_set(
            err, ERR_FENCED, "pidfile %s: others take it and leave it all the time", path);
    if (attempt != ATTEMPT_DONE)
        return NULL;
    pidfile = calloc(1, sizeof(*pidfile));
    if (pidfile == NULL)
        abort();
    pidfile->path = text_dup(text_of(path));
    pidfile->fd = fd;
    return pidfile;
}

void
pidfile_release(Pidfile *pidfile)
{
    if (pidfile == NULL)
        return;
    if (is_at_path(pidfile->fd, pidfile->path))
        (void)unlink(pidfile->path);
    file_close(pidfile->fd);
    free(pidfile->path);
    free(pidfile);
}

/* ---- its holder -------------------------------------------------------------------------------
 */

static PidfileHolder *
holder_new(const char *path, int fd)
{
    PidfileHolder *holder = calloc(1, sizeof(*holder));

    if (holder == NULL)
        abort();
    holder->path = text_dup(text_of(path));
    holder->fd = fd;
    holder->pid = read_pid(fd);
    /* before the lock is looked at: a process that has the lock afterwards had it now, too, so that
     * this is that process and not a later one of its number */
    holder->pid_fd = holder->pid > 0 ? (int)syscall(SYS_pidfd_open, holder->pid, 0) : -1;
    return holder;
}

void
pidfile_holder_free(PidfileHolder *holder)
{
    if (holder == NULL)
        return;
    file_close(holder->pid_fd);
    file_close(holder->fd);
    free(holder->path);
    free(holder);
}

static bool
is_held(int fd)
{
    return flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

/* ATTEMPT_DONE without a reason: it is the holder. */
static Attempt
judge(const PidfileHolder *holder, const struct stat *status, Buf *reason, Error *err)
{
    bool wrote = process_wrote(holder->pid, status);

    if (is_held(holder->fd)) {
        if (wrote)
            return ATTEMPT_DONE;
        /* or a stale file that is being taken over right now: the next look tells */
        (void)error_set(err, ERR_FENCED,
            "pidfile %s is locked, but process %ld is not here: the service runs in another "
            "container or on another machine",
            holder->path, (long)holder->pid);
        return ATTEMPT_AGAIN;
    }
    if (wrote && holder->pid != getpid()) {
        (void)is_foreign(holder->path, holder->pid, err);
        return ATTEMPT_FAILED;
    }
    describe_stale(holder->path, holder->pid, reason);
    return ATTEMPT_DONE;
}

static Attempt
find_once(const char *path, PidfileHolder **ret_holder, Buf *reason, Error *err)
{
    struct stat status;
    bool is_missing;
    int fd = open_existing(path, O_RDONLY, &status, &is_missing, err);
    Attempt attempt;

    if (is_missing) {
        buf_addf(reason, "there is no pidfile %s", path);
        return ATTEMPT_DONE;
    }
    if (fd < 0)
        return ATTEMPT_FAILED;
    *ret_holder = holder_new(path, fd);
    attempt = judge(*ret_holder, &status, reason, err);
    if (attempt != ATTEMPT_DONE || reason->len > 0) {
        pidfile_holder_free(*ret_holder);
        *ret_holder = NULL;
    }
    return attempt;
}

bool
pidfile_find_holder(const char *path, PidfileHolder **ret_holder, Buf *reason, Error *err)
{
    Attempt attempt = ATTEMPT_AGAIN;

    *ret_holder = NULL;
    for (int tries = 0; attempt == ATTEMPT_AGAIN && tries < 5; tries++) {
        if (tries > 0)
            wait_a_turn();
        attempt = find_once(path, ret_holder, reason, err);
    }
    return attempt == ATTEMPT_DONE;
}

pid_t
pidfile_holder_pid(const PidfileHolder *holder)
{
    return holder->pid;
}

bool
pidfile_holder_signal(PidfileHolder *holder, int number, Error *err)
{
    int code;

    if (holder->pid_fd >= 0)
        code = (int)syscall(SYS_pidfd_send_signal, holder->pid_fd, number, NULL, 0);
    else
        code = is_held(holder->fd) ? kill(holder->pid, number) : 0;
    if (code != 0 && errno != ESRCH)
        return error_set_errno(err, ERR_IO, "pidfile %s: send a signal to process %ld",
            holder->path, (long)holder->pid);
    return true;
}

bool
pidfile_holder_wait(PidfileHolder *holder, int wait_ms)
{
    struct pollfd watched = {.fd = holder->pid_fd, .events = POLLIN};
    int64_t end = clock_monotonic_ms() + wait_ms;

    for (;;) {
        int64_t left = wait_ms < 0 ? -1 : end - clock_monotonic_ms();
        int code;

        if (wait_ms >= 0 && left < 0)
            left = 0;
        /* where there is nothing to poll this only waits */
        code = poll(&watched, 1,
            holder->pid_fd >= 0 ? (int)left : (left < 0 || left > TURN_MS ? TURN_MS : (int)left));
        if (code > 0 || (holder->pid_fd < 0 && !is_held(holder->fd)))
            return true;
        if (left == 0)
            return false;
    }
}
