/* Into the background, how the parent hears of it, and the signals through the pidfile. */
#include "service/daemon.h"

#include "base/clock.h"
#include "base/fault.h"
#include "processes.h"

/* What the daemon does of its start; it ends when this returns. */
typedef void (*DaemonMain)(Daemon *daemon);

typedef struct Outcome {
    bool ok;
    int64_t took_ms;
    Error err;
} Outcome;

/* daemon_fork() in a process of its own, since cmocka must not go on twice. */
static Outcome
start(DaemonMain daemon_main, bool without_streams)
{
    Outcome outcome = {.took_ms = 0};
    int fds[2];
    pid_t parent;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    parent = fork();
    if (parent == 0) {
        Daemon *daemon = NULL;
        int64_t began_ms = clock_monotonic_ms();

        for (int fd = 0; without_streams && fd < 3; fd++)
            (void)close(fd);
        outcome.ok = daemon_fork(&daemon, &outcome.err);
        if (daemon != NULL) {
            daemon_main(daemon);
            _exit(0);
        }
        outcome.took_ms = clock_monotonic_ms() - began_ms;
        (void)!write(fds[1], &outcome, sizeof(outcome));
        _exit(0);
    }
    (void)close(fds[1]);
    assert_int_equal(read(fds[0], &outcome, sizeof(outcome)), sizeof(outcome));
    (void)close(fds[0]);
    assert_int_equal(child_wait(parent), 0);
    return outcome;
}

static void
starts(Daemon *daemon)
{
    daemon_reached(daemon, RUN_LOCKED);
    daemon_reached(daemon, RUN_STARTED);
    /* a reload starts it again */
    daemon_reached(daemon, RUN_LOCKED);
    daemon_reached(daemon, RUN_STARTED);
    daemon_end(daemon, NULL);
}

static void
ends_before_it_started(Daemon *daemon)
{
    daemon_end(daemon, NULL);
}

static void
fails(Daemon *daemon)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Error err;

    for (size_t i = 0; i < sizeof(err.text) - 1; i++)
        buf_add_char(&text, (char)('a' + i % 26));
    (void)error_set(&err, ERR_TARGET, "%s", text.data);
    daemon_reached(daemon, RUN_LOCKED);
    daemon_end(daemon, &err);
}

static void
is_killed(Daemon *daemon)
{
    (void)daemon;
    (void)raise(SIGKILL);
}

static void
leaves(Daemon *daemon)
{
    (void)daemon;
    _exit(3);
}

static void
fails_after_its_start(Daemon *daemon)
{
    Error err;

    (void)error_set(&err, ERR_TARGET, "later");
    daemon_reached(daemon, RUN_STARTED);
    daemon_end(daemon, &err);
}

static void
takes_long(Daemon *daemon)
{
    daemon_reached(daemon, RUN_LOCKED);
    (void)usleep(5 * 1000 * 1000);
    daemon_end(daemon, NULL);
}

static void
the_parent_hears_how_the_start_went(void **state)
{
    Outcome outcome;

    (void)state;
    outcome = start(starts, false);
    assert_ok(outcome.ok, outcome.err);
    outcome = start(ends_before_it_started, false);
    assert_ok(outcome.ok, outcome.err);
    outcome = start(fails_after_its_start, false);
    assert_ok(outcome.ok, outcome.err);
    outcome = start(fails, false);
    assert_false(outcome.ok);
    assert_int_equal(outcome.err.kind, ERR_TARGET);
    assert_int_equal(strlen(outcome.err.text), sizeof(outcome.err.text) - 1);
    outcome = start(is_killed, false);
    assert_false(outcome.ok);
    assert_int_equal(outcome.err.kind, ERR_INTERNAL);
    assert_string_equal(outcome.err.text, "the daemon was ended by signal 9 as it started");
    outcome = start(leaves, false);
    assert_false(outcome.ok);
    assert_string_equal(outcome.err.text, "the daemon ended with code 3 as it started");
}

static void
a_source_that_takes_long_does_not_keep_the_parent(void **state)
{
    Outcome outcome = start(takes_long, false);

    (void)state;
    assert_ok(outcome.ok, outcome.err);
    assert_in_range(outcome.took_ms, 2000, 4500);
}

/* What differs from the parent, as an error, so that the parent can show it. */
static void
looks_around(Daemon *daemon)
{
    char link[64];
    Error err;
    bool ok = getsid(0) == getpid() && getpgrp() == getpid() && open("/dev/tty", O_RDWR) < 0;

    if (!ok)
        (void)error_set(&err, ERR_INTERNAL, "not detached");
    for (int fd = 0; ok && fd < 3; fd++) {
        char name[64];
        ssize_t len;

        (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        len = readlink(name, link, sizeof(link) - 1);
        link[len < 0 ? 0 : len] = '\0';
        if (strcmp(link, "/dev/null") != 0)
            ok = error_set(&err, ERR_INTERNAL, "stream %d is %s", fd, link);
    }
    if (ok && umask(0) != 0027)
        ok = error_set(&err, ERR_INTERNAL, "another umask");
    daemon_end(daemon, ok ? NULL : &err);
}

static void
the_daemon_has_no_terminal_and_keeps_the_rest(void **state)
{
    mode_t before = umask(0027);
    Outcome outcome = start(looks_around, false);

    (void)state;
    assert_ok(outcome.ok, outcome.err);
    outcome = start(looks_around, true);
    assert_ok(outcome.ok, outcome.err);
    (void)umask(before);
}

#ifdef WITH_FAULTS
static void
what_fails_before_and_after_the_fork_is_told(void **state)
{
    static const char *const points[] = {"daemon.pipe", "daemon.fork", "daemon.detach"};
    static const char *const texts[] = {"pipe: ", "fork: ", "leave the terminal: "};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        Outcome outcome;

        fault_arm_point(points[i], 1, 12);
        outcome = start(starts, false);
        fault_arm(0);
        assert_false(outcome.ok);
        assert_non_null(strstr(outcome.err.text, texts[i]));
    }
}
#endif

static void
stop_and_kill_do_nothing_where_nothing_runs(void **state)
{
    World *world = *state;
    CLEANUP(buf_clear) Buf note = BUF_INIT;
    Error err;

    assert_ok(daemon_stop(world->path, true, &note, &err), err);
    assert_non_null(strstr(note.data, "there is no pidfile "));
    assert_non_null(strstr(note.data, ": the service does not run, nothing to stop"));
    buf_reset(&note, SIZE_MAX);
    write_text(world->path, "2147483647\n");
    assert_ok(daemon_kill(world->path, 1000, &note, &err), err);
    assert_non_null(
        strstr(note.data, "a.pid is stale: process 2147483647, which wrote it, is gone"));
    assert_false(daemon_reload(world->path, &err));
    assert_int_equal(err.kind, ERR_IO);
    assert_non_null(strstr(err.text, ": the service does not run, nothing to reload"));
}

static void
each_sends_its_signal(void **state)
{
    World *world = *state;
    CLEANUP(buf_clear) Buf note = BUF_INIT;
    pid_t child;
    Error err;

    child = child_start(world, child_takes);
    assert_ok(daemon_reload(world->path, &err), err);
    assert_int_equal(WTERMSIG(child_wait(child)), SIGHUP);
    child = child_start(world, child_takes);
    assert_ok(daemon_stop(world->path, true, &note, &err), err);
    assert_int_equal(WTERMSIG(child_wait(child)), SIGINT);
    child = child_start(world, child_takes);
    assert_ok(daemon_kill(world->path, 5000, &note, &err), err);
    assert_true(WIFSIGNALED(child_wait(child)));
    assert_int_equal(note.len, 0);
}

static void
kill_insists_where_stop_is_not_heard(void **state)
{
    World *world = *state;
    CLEANUP(buf_clear) Buf note = BUF_INIT;
    pid_t child = child_start(world, child_takes_and_is_deaf);
    Error err;

    assert_ok(daemon_stop(world->path, false, &note, &err), err);
    assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
    assert_int_equal(note.len, 0);
    assert_ok(daemon_kill(world->path, 50, &note, &err), err);
    assert_int_equal(WTERMSIG(child_wait(child)), SIGKILL);
    assert_non_null(strstr(note.data, "did not end within 50 ms and was killed"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_parent_hears_how_the_start_went),
    cmocka_unit_test(a_source_that_takes_long_does_not_keep_the_parent),
    cmocka_unit_test(the_daemon_has_no_terminal_and_keeps_the_rest),
#ifdef WITH_FAULTS
    cmocka_unit_test(what_fails_before_and_after_the_fork_is_told),
#endif
    cmocka_unit_test_setup_teardown(
        stop_and_kill_do_nothing_where_nothing_runs, world_setup, world_teardown),
    cmocka_unit_test_setup_teardown(each_sends_its_signal, world_setup, world_teardown),
    cmocka_unit_test_setup_teardown(
        kill_insists_where_stop_is_not_heard, world_setup, world_teardown),
};
TEST_MAIN(tests)
