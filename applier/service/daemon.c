#include "service/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "service/pidfile.h"

/* how long the parent waits for RUN_STARTED once nothing but source and target can fail */
#define START_WAIT_MS 3000
/* behind the stages, as the child tells its end; the Error follows */
#define END_FAILED 'F'

struct Daemon {
    int report_fd; /* -1: the parent has heard enough */
};

/* ---- the parent -------------------------------------------------------------------------------
 */

static bool
died_early(pid_t child, Error *err)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        return error_set(
            err, ERR_INTERNAL, "the daemon was ended by signal %d as it started", WTERMSIG(status));
    return error_set(
        err, ERR_INTERNAL, "the daemon ended with code %d as it started", WEXITSTATUS(status));
}

static bool
read_failure(int fd, pid_t child, Error *err)
{
    Error sent;
    size_t len = 0;
    size_t n = 1;

    while (n > 0 && len < sizeof(sent)) {
        if (!file_read(fd, (char *)&sent + len, sizeof(sent) - len, "the daemon's report", &n, err))
            return false;
        len += n;
    }
    if (len < sizeof(sent))
        return died_early(child, err);
    *err = sent;
    return false;
}

static bool
await_start(int fd, pid_t child, Error *err)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    int64_t end = -1;

    for (;;) {
        int64_t left = end < 0 ? -1 : end - clock_monotonic_ms();
        char stage;
        size_t len;
        int code = end >= 0 && left <= 0 ? 0 : poll(&watched, 1, (int)left);

        if (code == 0)
            return true;
        if (code < 0 && errno != EINTR)
            return error_set_errno(err, ERR_INTERNAL, "wait for the daemon");
        if (code < 0)
            continue;
        if (!file_read(fd, &stage, 1, "the daemon's report", &len, err))
            return false;
        if (len == 0)
            return died_early(child, err);
        if (stage == END_FAILED)
            return read_failure(fd, child, err);
        if (stage == (char)RUN_STARTED)
            return true;
        end = clock_monotonic_ms() + START_WAIT_MS;
    }
}

/* ---- the child --------------------------------------------------------------------------------
 */

static bool
detach(Error *err)
{
    CLEANUP(file_close) int null_fd = -1;

    if (!FAULT("daemon.detach") && setsid() >= 0)
        null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null_fd < 0)
        return error_set_errno(err, ERR_INTERNAL, "leave the terminal");
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (dup2(null_fd, fd) < 0)
            return error_set_errno(err, ERR_INTERNAL, "open /dev/null");
    return true;
}

static void
report(Daemon *daemon, const void *data, size_t len)
{
    Error err;

    /* the parent may have gone: its affair */
    (void)!file_write(daemon->report_fd, data, len, "the daemon's report", &err);
}

static void
report_no_more(Daemon *daemon)
{
    file_close(daemon->report_fd);
    daemon->report_fd = -1;
}

void
daemon_reached(void *context, RunStage stage)
{
    Daemon *daemon = context;
    char byte = (char)stage;

    if (daemon->report_fd < 0)
        return;
    report(daemon, &byte, 1);
    if (stage == RUN_STARTED)
        report_no_more(daemon);
}

void
daemon_end(Daemon *daemon, const Error *err)
{
    static const char failed = END_FAILED;

    if (daemon == NULL)
        return;
    if (err == NULL) {
        daemon_reached(daemon, RUN_STARTED);
    } else if (daemon->report_fd >= 0) {
        report(daemon, &failed, 1);
        report(daemon, err, sizeof(*err));
    }
    report_no_more(daemon);
    free(daemon);
}

static bool
become_daemon(int report_fd, Daemon **ret_daemon, Error *err)
{
    Daemon *daemon = calloc(1, sizeof(*daemon));

    if (daemon == NULL)
        abort();
    daemon->report_fd = report_fd;
    (void)signal(SIGPIPE, SIG_IGN);
    if (!detach(err)) {
        daemon_end(daemon, err);
        return false;
    }
    *ret_daemon = daemon;
    return true;
}

/* Where a caller closed one of the three, a file that is opened next must not get its number. */
static bool
fill_standard_streams(Error *err)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    file_close(fd);
    return fd >= 0 || error_set_errno(err, ERR_INTERNAL, "open /dev/null");
}

bool
daemon_fork(Daemon **ret_daemon, Error *err)
{
    int fds[2] = {-1, -1};
    pid_t child = -1;
    bool ok;

    *ret_daemon = NULL;
    if (!fill_standard_streams(err))
        return false;
    if (FAULT("daemon.pipe") || pipe2(fds, O_CLOEXEC) != 0)
        return error_set_errno(err, ERR_INTERNAL, "pipe");
    /* or both processes would print what waits in stdio */
    (void)fflush(NULL);
    if (!FAULT("daemon.fork"))
        child = fork();
    if (child == 0) {
        file_close(fds[0]);
        return become_daemon(fds[1], ret_daemon, err);
    }
    file_close(fds[1]);
    ok = child > 0 ? await_start(fds[0], child, err) : error_set_errno(err, ERR_INTERNAL, "fork");
    file_close(fds[0]);
    return ok;
}

/* ---- signals ----------------------------------------------------------------------------------
 */

bool
daemon_reload(const char *pidfile, Error *err)
{
    CLEANUP(buf_clear) Buf reason = BUF_INIT;
    CLEANUP(pidfile_holder_free) PidfileHolder *holder = NULL;

    if (!pidfile_find_holder(pidfile, &holder, &reason, err))
        return false;
    if (holder == NULL)
        return error_set(
            err, ERR_IO, "%s: the service does not run, nothing to reload", buf_string(&reason));
    return pidfile_holder_signal(holder, SIGHUP, err);
}

static bool
find_to_stop(const char *pidfile, PidfileHolder **ret_holder, Buf *note, Error *err)
{
    if (!pidfile_find_holder(pidfile, ret_holder, note, err))
        return false;
    if (*ret_holder == NULL)
        buf_add_string(note, ": the service does not run, nothing to stop");
    return true;
}

bool
daemon_stop(const char *pidfile, bool wait, Buf *note, Error *err)
{
    CLEANUP(pidfile_holder_free) PidfileHolder *holder = NULL;

    if (!find_to_stop(pidfile, &holder, note, err))
        return false;
    if (holder == NULL)
        return true;
    if (!pidfile_holder_signal(holder, SIGINT, err))
        return false;
    return !wait || pidfile_holder_wait(holder, -1);
}

bool
daemon_kill(const char *pidfile, int wait_ms, Buf *note, Error *err)
{
    CLEANUP(pidfile_holder_free) PidfileHolder *holder = NULL;

    if (!find_to_stop(pidfile, &holder, note, err))
        return false;
    if (holder == NULL)
        return true;
    if (!pidfile_holder_signal(holder, SIGINT, err) || !pidfile_holder_signal(holder, SIGTERM, err))
        return false;
    if (pidfile_holder_wait(holder, wait_ms))
        return true;
    if (!pidfile_holder_signal(holder, SIGKILL, err))
        return false;
    buf_addf(note,
        "process %ld did not end within %d ms and was killed: the next start goes on "
        "behind the last commit",
        (long)pidfile_holder_pid(holder), wait_ms);
    return pidfile_holder_wait(holder, -1);
}
