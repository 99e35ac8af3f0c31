#include "script/command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"

#define KILL_AFTER_MS  5000
#define POLL_MS        50
#define LINE_MAX_BYTES 4096
/* of the output's end, for the error text */
#define TAIL_BYTES 600

typedef struct Command {
    pid_t pid; /* also the group's; 0: none */
    int output;
    Buf line; /* begun, not logged yet */
    Buf tail;
    int64_t deadline_ms; /* 0: none */
    int64_t kill_ms;     /* when SIGKILL follows; 0: not terminated */
    const char *reason;  /* why it is being terminated */
} Command;

static void
command_clear(Command *command)
{
    if (command->pid > 0) {
        (void)kill(-command->pid, SIGKILL);
        (void)waitpid(command->pid, NULL, 0);
    }
    file_close(command->output);
    buf_clear(&command->line);
    buf_clear(&command->tail);
}

static void
command_clear_auto(Command *command)
{
    command_clear(command);
}

/* ---- start ---- */

static char **
make_environment(const char *service, Arena *arena)
{
    static const char *const kept[] = {"PATH", "HOME", "LANG", "TZ", "TMPDIR"};
    char **environment = ARENA_ARRAY(arena, char *, ARRAY_LEN(kept) + 2);
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const char *value = getenv(kept[i]);

        if (value != NULL)
            environment[count++] = arena_printf(arena, "%s=%s", kept[i], value);
    }
    environment[count] = arena_printf(arena, "DRAY_SERVICE=%s", service);
    return environment;
}

static int
set_actions(posix_spawn_file_actions_t *actions, int output)
{
    int code = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);

    if (code == 0)
        code = posix_spawn_file_actions_adddup2(actions, output, 1);
    if (code == 0)
        code = posix_spawn_file_actions_adddup2(actions, output, 2);
    if (code == 0)
        code = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    return code;
}

/* A group of its own; no blocked and no ignored signal is handed on. */
static int
set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    int code;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    code = posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (code == 0)
        code = posix_spawnattr_setsigmask(attributes, &none);
    if (code == 0)
        code = posix_spawnattr_setsigdefault(attributes, &all);
    return code;
}

static int
spawn(const char *text, char **environment, int output, pid_t *ret_pid)
{
    /* posix_spawn() takes arguments that are not const, and does not write to them */
    char shell[] = "sh";
    char option[] = "-c";
    char *copy = text_dup(text_of(text));
    char *const arguments[] = {shell, option, copy, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code;

    if (posix_spawn_file_actions_init(&actions) != 0 || posix_spawnattr_init(&attributes) != 0)
        abort();
    code = set_actions(&actions, output);
    if (code == 0)
        code = set_attributes(&attributes);
    if (code == 0 && FAULT("command.spawn"))
        code = EIO;
    if (code == 0)
        code = posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, arguments, environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    free(copy);
    return code;
}

static bool
start(Command *command, const char *text, const char *service, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    CLEANUP(file_close) int end = -1;
    int ends[2];
    int code;

    if (FAULT("command.pipe") || pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, ERR_IO, "pipe for a command");
    command->output = ends[0];
    end = ends[1];
    code = fcntl(command->output, F_SETFL, O_NONBLOCK);
    if (code == 0)
        code = spawn(text, make_environment(service, arena), end, &command->pid);
    if (code == 0)
        return true;
    command->pid = 0;
    errno = code;
    return error_set_errno(err, ERR_IO, "start /bin/sh");
}

/* ---- output ---- */

static void
log_output_line(Command *command)
{
    log_line(LOG_INFO, "command", TEXT_FMT, TEXT_ARG(buf_text(&command->line)));
    buf_reset(&command->line, LINE_MAX_BYTES);
}

static void
keep_tail(Command *command, Text piece)
{
    Buf *tail = &command->tail;

    buf_add_text(tail, piece);
    if (tail->len > TAIL_BYTES) {
        memmove(tail->data, tail->data + tail->len - TAIL_BYTES, TAIL_BYTES);
        tail->len = TAIL_BYTES;
    }
}

static void
take_output(Command *command, Text piece)
{
    keep_tail(command, piece);
    for (size_t i = 0; i < piece.len; i++) {
        if (piece.data[i] != '\n')
            buf_add_char(&command->line, piece.data[i]);
        if (piece.data[i] == '\n' || command->line.len >= LINE_MAX_BYTES)
            log_output_line(command);
    }
}

/* All that is there; closes the pipe at its end. */
static void
read_output(Command *command)
{
    char data[8192];
    ssize_t len;

    while (command->output >= 0) {
        len = read(command->output, data, sizeof(data));
        if (len > 0) {
            take_output(command, (Text){data, (size_t)len});
        } else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
            file_close(command->output);
            command->output = -1;
        } else if (errno == EAGAIN) {
            break;
        }
    }
}

/* ---- wait ---- */

static void
terminate(Command *command, const char *reason)
{
    if (command->kill_ms != 0)
        return;
    command->reason = reason;
    command->kill_ms = clock_monotonic_ms() + KILL_AFTER_MS;
    (void)kill(-command->pid, SIGTERM);
}

static void
watch_limits(Command *command)
{
    int64_t now_ms = clock_monotonic_ms();

    if (command->kill_ms != 0 && now_ms >= command->kill_ms)
        (void)kill(-command->pid, SIGKILL);
    if (stop_level() == STOP_NOW)
        terminate(command, "stop");
    else if (command->deadline_ms != 0 && now_ms >= command->deadline_ms)
        terminate(command, "limit");
}

/* Until the shell has ended; its children may live on, unless it had to be terminated. */
static void
wait_for_end(Command *command, siginfo_t *ret_info)
{
    for (;;) {
        struct pollfd wait = {.fd = command->output, .events = POLLIN};
        int wait_ms = command->output >= 0 ? POLL_MS : POLL_MS / 10;

        ret_info->si_pid = 0;
        if (waitid(P_PID, (id_t)command->pid, ret_info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
            ret_info->si_pid != 0)
            break;
        watch_limits(command);
        (void)poll(&wait, 1, wait_ms);
        read_output(command);
    }
    /* not reaped yet, so that the group's number is still ours */
    if (command->kill_ms != 0)
        (void)kill(-command->pid, SIGKILL);
    read_output(command);
    if (command->line.len > 0)
        log_output_line(command);
    (void)waitpid(command->pid, NULL, 0);
    command->pid = 0;
}

/* The last lines as one, for the end of an error text. */
static Text
last_lines(const Command *command)
{
    Text text = text_trim(buf_text(&command->tail));
    size_t lines = 0;

    for (size_t i = text.len; i > 0; i--) {
        if (text.data[i - 1] == '\n' && ++lines == 3)
            return (Text){text.data + i, text.len - i};
    }
    return text;
}

static bool
report(const Command *command, const siginfo_t *info, int64_t time_limit_ms, Error *err)
{
    Text lines = last_lines(command);
    const char *colon = lines.len > 0 ? ": " : "";

    if (command->reason != NULL && strcmp(command->reason, "stop") == 0)
        return error_set(err, ERR_STOPPED, "the command was stopped");
    if (command->reason != NULL)
        return error_set(err, ERR_SCRIPT,
            "the command was still running after its time limit of %" PRId64
            " ms, and was ended%s" TEXT_FMT,
            time_limit_ms, colon, TEXT_ARG(lines));
    if (info->si_code != CLD_EXITED)
        return error_set(err, ERR_SCRIPT, "the command was ended by signal %d%s" TEXT_FMT,
            info->si_status, colon, TEXT_ARG(lines));
    if (info->si_status != 0)
        return error_set(err, ERR_SCRIPT, "the command exited with %d%s" TEXT_FMT, info->si_status,
            colon, TEXT_ARG(lines));
    return true;
}

bool
command_run(const char *text, const char *service, int64_t time_limit_ms, Error *err)
{
    CLEANUP(command_clear) Command command = {.output = -1, .line = BUF_INIT, .tail = BUF_INIT};
    siginfo_t info = {0};

    if (!start(&command, text, service, err))
        return false;
    if (time_limit_ms > 0)
        command.deadline_ms = clock_monotonic_ms() + time_limit_ms;
    wait_for_end(&command, &info);
    return report(&command, &info, time_limit_ms, err);
}
