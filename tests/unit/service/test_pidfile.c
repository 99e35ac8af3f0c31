/* The pidfile: whole or absent, one holder, and stale exactly when its process is gone. */
#include "service/pidfile.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/fault.h"
#include "processes.h"

static void
assert_content(const World *world, const char *expected)
{
    CLEANUP(buf_clear) Buf now = BUF_INIT;
    Error err;

    assert_ok(file_read_all(world->path, 1 << 21, &now, &err), err);
    assert_string_equal(buf_string(&now), expected);
}

static void
assert_files(const World *world, size_t count)
{
    FileList storage;
    CLEANUP(file_list_free) FileList *list = &storage;
    Error err;

    assert_ok(file_list(world->directory, list, &err), err);
    assert_int_equal(list->count, count);
}

static void
assert_ours(const World *world)
{
    char line[32];

    (void)snprintf(line, sizeof(line), "%ld\n", (long)getpid());
    assert_content(world, line);
}

/* Take it over; the reason names what was found, NULL: nothing was. */
static void
assert_taken(const World *world, const char *found)
{
    CLEANUP(buf_clear) Buf stale = BUF_INIT;
    Error err;
    Pidfile *pidfile = pidfile_take(world->path, &stale, &err);

    assert_ok(pidfile != NULL, err);
    assert_ours(world);
    if (found == NULL)
        assert_int_equal(stale.len, 0);
    else if (strstr(buf_string(&stale), found) == NULL)
        fail_msg("\"%s\" is not in: %s", found, buf_string(&stale));
    assert_files(world, 1);
    pidfile_release(pidfile);
    assert_files(world, 0);
}

static void
assert_refused(const World *world, ErrorKind kind, const char *expected)
{
    CLEANUP(buf_clear) Buf stale = BUF_INIT;
    Error err;

    if (pidfile_take(world->path, &stale, &err) != NULL)
        fail_msg("taken, expected: %s", expected);
    if (strstr(err.text, expected) == NULL)
        fail_msg("\"%s\" is not in: %s", expected, err.text);
    assert_int_equal(err.kind, kind);
    assert_int_equal(stale.len, 0);
}

static void
it_holds_our_number_and_goes_at_the_end(void **state)
{
    CLEANUP(buf_clear) Buf stale = BUF_INIT;
    World *world = *state;
    struct stat status;
    mode_t before = umask(022);
    Error err;
    Pidfile *pidfile = pidfile_take(world->path, &stale, &err);

    assert_ok(pidfile != NULL, err);
    assert_ours(world);
    assert_int_equal(stat(world->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_files(world, 1);
    pidfile_release(pidfile);
    assert_files(world, 0);
    (void)umask(0077);
    pidfile = pidfile_take(world->path, &stale, &err);
    assert_ok(pidfile != NULL, err);
    assert_int_equal(stat(world->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    (void)umask(before);
    /* somebody else's by now: it stays */
    assert_int_equal(unlink(world->path), 0);
    write_text(world->path, "1\n");
    pidfile_release(pidfile);
    assert_content(world, "1\n");
    pidfile_release(NULL);
}

static void
a_second_one_is_refused_while_the_first_one_lives(void **state)
{
    World *world = *state;
    pid_t child = child_start(world, child_takes);
    char expected[100];

    (void)snprintf(
        expected, sizeof(expected), "a.pid: the service already runs, pid %ld", (long)child);
    assert_refused(world, ERR_FENCED, expected);
    /* nor does an old file help */
    make_old(world->path);
    assert_refused(world, ERR_FENCED, expected);
    child_kill(child);
    (void)snprintf(expected, sizeof(expected),
        "a.pid is stale: process %ld, which wrote it, is gone", (long)child);
    assert_taken(world, expected);
}

static void
what_is_no_process_number_is_stale(void **state)
{
    static const char *const texts[] = {"", "\n", "garbage\n", "-5\n", "0\n", "12x\n", " 12\n",
        "2147483648\n", "99999999999999999999999\n", "1234567890123456789012345678901234567890"};
    World *world = *state;
    CLEANUP(buf_clear) Buf large = BUF_INIT;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        write_text(world->path, texts[i]);
        assert_taken(world, "there is no process number in it");
    }
    for (int i = 0; i < 1 << 20; i++)
        buf_add_char(&large, '1');
    write_text(world->path, large.data);
    assert_taken(world, "there is no process number in it");
    write_text(world->path, "2147483647\n");
    assert_taken(world, "process 2147483647, which wrote it, is gone");
    /* with and without a line end, and lines behind it */
    write_text(world->path, "2147483647");
    assert_taken(world, "process 2147483647, which wrote it, is gone");
    write_text(world->path, "2147483647\nmore\n");
    assert_taken(world, "process 2147483647, which wrote it, is gone");
}

/* In a container the same number comes back with every start. */
static void
our_own_number_is_stale_where_we_did_not_write_it(void **state)
{
    World *world = *state;
    char line[32];

    (void)snprintf(line, sizeof(line), "%ld\n", (long)getpid());
    write_text(world->path, line);
    assert_taken(world, "which wrote it, is gone");
}

static void
a_number_that_another_process_has_by_now_is_stale(void **state)
{
    World *world = *state;
    pid_t child = child_start(world, child_idle);
    char line[32];

    (void)snprintf(line, sizeof(line), "%ld\n", (long)child);
    write_text(world->path, line);
    make_old(world->path);
    assert_taken(world, "which wrote it, is gone");
    child_kill(child);
    /* pid 1 is older than everything but this file */
    write_text(world->path, "1\n");
    make_old(world->path);
    assert_taken(world, "process 1, which wrote it, is gone");
}

/* Another program's pidfile, such as that of the consumer that is to be replaced. */
static void
a_process_that_is_older_than_the_file_keeps_it(void **state)
{
    World *world = *state;
    pid_t child = child_start(world, child_idle);
    char line[32];
    char expected[200];
    PidfileHolder *holder = NULL;
    CLEANUP(buf_clear) Buf reason = BUF_INIT;
    Error err;

    (void)snprintf(line, sizeof(line), "%ld\n", (long)child);
    write_text(world->path, line);
    (void)snprintf(expected, sizeof(expected),
        "a.pid is in use: process %ld (test_service_pi) wrote it, runs, and is not dray: stop it, "
        "or remove the file",
        (long)child);
    assert_refused(world, ERR_FENCED, expected);
    assert_content(world, line);
    assert_false(pidfile_find_holder(world->path, &holder, &reason, &err));
    assert_non_null(strstr(err.text, expected));
    assert_int_equal(kill(child, 0), 0);
    /* a zombie is gone */
    (void)kill(child, SIGKILL);
    {
        siginfo_t info;

        assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    }
    assert_taken(world, "which wrote it, is gone");
    (void)child_wait(child);
}

static void
only_a_plain_file_is_touched(void **state)
{
    World *world = *state;
    char *other = file_join(world->directory, "other");
    char *missing = file_join(world->directory, "no/a.pid");
    World elsewhere = {world->directory, missing};

    assert_int_equal(mkdir(world->path, 0750), 0);
    assert_refused(world, ERR_IO, "a.pid: Is a directory");
    assert_int_equal(rmdir(world->path), 0);
    assert_int_equal(mkfifo(world->path, 0600), 0);
    assert_refused(world, ERR_IO, "a.pid: is not a plain file");
    assert_int_equal(unlink(world->path), 0);
    write_text(other, "precious");
    assert_int_equal(symlink(other, world->path), 0);
    assert_refused(world, ERR_IO, "a.pid: Too many levels of symbolic links");
    assert_int_equal(unlink(world->path), 0);
    {
        CLEANUP(buf_clear) Buf now = BUF_INIT;
        Error err;

        assert_ok(file_read_all(other, 100, &now, &err), err);
        assert_string_equal(now.data, "precious");
    }
    assert_refused(&elsewhere, ERR_IO, "no/a.pid: No such file or directory");
    if (geteuid() != 0) {
        write_text(world->path, "1\n");
        assert_int_equal(chmod(world->path, 0), 0);
        assert_refused(world, ERR_IO, "a.pid: Permission denied");
    }
    free(missing);
    free(other);
}

#ifdef WITH_FAULTS
static void
a_failure_leaves_what_was_there(void **state)
{
    World *world = *state;
    int hits = 0;

    for (int round = 0; round < 2; round++) {
        for (int nth = 1;; nth++) {
            CLEANUP(buf_clear) Buf stale = BUF_INIT;
            Pidfile *pidfile;
            Error err;

            if (round == 1)
                write_text(world->path, "2147483647\n");
            fault_arm(nth);
            pidfile = pidfile_take(world->path, &stale, &err);
            if (pidfile != NULL) {
                bool hit = fault_was_hit();

                fault_arm(0);
                pidfile_release(pidfile);
                assert_files(world, 0);
                /* what fails in /proc is not asked again */
                if (!hit)
                    break;
                continue;
            }
            fault_arm(0);
            hits++;
            assert_int_equal(err.kind, ERR_IO);
            assert_files(world, round == 1 ? 1 : 0);
            if (round == 1)
                assert_content(world, "2147483647\n");
        }
        assert_taken(world, NULL);
    }
    assert_true(hits >= 6);
}
#endif

#define TAKERS 6

static void
take_and_leave(const World *world, int64_t until_ms)
{
    char *marker = file_join(world->directory, "marker");
    unsigned seed = (unsigned)getpid();

    while (clock_monotonic_ms() < until_ms) {
        CLEANUP(buf_clear) Buf stale = BUF_INIT;
        Error err;
        Pidfile *pidfile = pidfile_take(world->path, &stale, &err);
        int fd;

        if (pidfile == NULL && err.kind != ERR_FENCED)
            _exit(2);
        if (pidfile == NULL)
            continue;
        fd = open(marker, O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (fd < 0)
            _exit(3);
        (void)close(fd);
        (void)unlink(marker);
        /* sometimes the holder dies, and its file stays */
        if (rand_r(&seed) % 2 == 0)
            _exit(0);
        pidfile_release(pidfile);
    }
    _exit(1);
}

/* Over stale files and dying holders: never two, and no reader sees half a file. */
static void
it_is_whole_whenever_it_is_read(void **state)
{
    World *world = *state;
    int64_t until_ms = clock_monotonic_ms() + 250;
    pid_t children[TAKERS] = {0};
    size_t seen = 0;
    size_t starts = 0;

    while (clock_monotonic_ms() < until_ms) {
        CLEANUP(buf_clear) Buf now = BUF_INIT;
        Error err;

        for (size_t i = 0; i < TAKERS; i++) {
            int status = 0;

            if (children[i] != 0 && waitpid(children[i], &status, WNOHANG) == 0)
                continue;
            if (children[i] != 0 && (!WIFEXITED(status) || WEXITSTATUS(status) > 1))
                fail_msg("a taker ended with %d", status);
            children[i] = fork();
            if (children[i] == 0)
                take_and_leave(world, until_ms);
            starts++;
        }
        if (!file_read_all(world->path, 100, &now, &err))
            continue;
        seen++;
        if (now.len < 2 || now.data[now.len - 1] != '\n')
            fail_msg("half a file: \"%s\"", buf_string(&now));
    }
    for (size_t i = 0; i < TAKERS; i++) {
        int status = child_wait(children[i]);

        if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
            fail_msg("a taker ended with %d", status);
    }
    assert_true(seen > 10);
    assert_true(starts > TAKERS);
}

/* All at the same moment; the ones that have it say so, and keep it. */
static size_t
race(const World *world)
{
    pid_t children[TAKERS];
    int go[2];
    int won[2];
    char wins[TAKERS];
    ssize_t count = 0;

    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    assert_int_equal(pipe2(won, O_CLOEXEC), 0);
    for (size_t i = 0; i < TAKERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            char byte;

            (void)close(go[1]);
            /* nothing comes: it ends for all of them at once */
            (void)!read(go[0], &byte, 1);
            child_takes(world);
            (void)!write(won[1], "w", 1);
            for (;;)
                (void)pause();
        }
    }
    (void)close(go[0]);
    (void)close(go[1]);
    assert_int_equal(read(won[0], wins, 1), 1);
    /* another one would be about as quick */
    (void)usleep(8000);
    assert_int_equal(fcntl(won[0], F_SETFL, O_NONBLOCK), 0);
    count = read(won[0], wins, sizeof(wins));
    for (size_t i = 0; i < TAKERS; i++)
        (void)kill(children[i], SIGKILL);
    for (size_t i = 0; i < TAKERS; i++)
        (void)child_wait(children[i]);
    (void)close(won[0]);
    (void)close(won[1]);
    return 1 + (count > 0 ? (size_t)count : 0);
}

static void
of_several_at_once_one_has_it(void **state)
{
    World *world = *state;

    for (int round = 0; round < 60; round++) {
        (void)unlink(world->path);
        if (round % 2 == 0)
            write_text(world->path, "2147483647\n");
        if (race(world) != 1)
            fail_msg("two have it, round %d", round);
    }
}

static void
its_holder_is_found_told_and_waited_for(void **state)
{
    World *world = *state;
    CLEANUP(buf_clear) Buf reason = BUF_INIT;
    CLEANUP(pidfile_holder_free) PidfileHolder *holder = NULL;
    pid_t child;
    Error err;

    assert_ok(pidfile_find_holder(world->path, &holder, &reason, &err), err);
    assert_null(holder);
    assert_non_null(strstr(reason.data, "there is no pidfile "));
    buf_reset(&reason, SIZE_MAX);
    child = child_start(world, child_takes);
    assert_ok(pidfile_find_holder(world->path, &holder, &reason, &err), err);
    assert_non_null(holder);
    assert_int_equal(pidfile_holder_pid(holder), child);
    assert_false(pidfile_holder_wait(holder, 0));
    assert_false(pidfile_holder_wait(holder, 30));
    assert_ok(pidfile_holder_signal(holder, SIGTERM, &err), err);
    assert_true(pidfile_holder_wait(holder, -1));
    assert_int_equal(WTERMSIG(child_wait(child)), SIGTERM);
    /* nobody is there any more: no failure, and no other process gets it */
    assert_ok(pidfile_holder_signal(holder, SIGKILL, &err), err);
    assert_true(pidfile_holder_wait(holder, 0));
    pidfile_holder_free(holder);
    holder = NULL;
    buf_reset(&reason, SIZE_MAX);
    assert_ok(pidfile_find_holder(world->path, &holder, &reason, &err), err);
    assert_null(holder);
    assert_non_null(strstr(reason.data, "which wrote it, is gone"));
}

/* As it looks where the file is shared with another container: locked, and the number is nobody's.
 */
static void
a_holder_that_is_not_here_gets_no_signal(void **state)
{
    World *world = *state;
    pid_t bystander = child_start(world, child_idle);
    char line[32];
    int fd;
    CLEANUP(buf_clear) Buf reason = BUF_INIT;
    PidfileHolder *holder = NULL;
    Error err;

    (void)snprintf(line, sizeof(line), "%ld\n", (long)bystander);
    fd = file_lock(world->path, &err);
    assert_ok(fd >= 0, err);
    write_text(world->path, line);
    make_old(world->path);
    assert_false(pidfile_find_holder(world->path, &holder, &reason, &err));
    assert_int_equal(err.kind, ERR_FENCED);
    assert_non_null(strstr(err.text, "is locked, but process "));
    assert_non_null(strstr(err.text, "runs in another container or on another machine"));
    (void)close(fd);
    child_kill(bystander);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(
        it_holds_our_number_and_goes_at_the_end, world_setup, world_teardown),
    cmocka_unit_test_setup_teardown(
        a_second_one_is_refused_while_the_first_one_lives, world_setup, world_teardown),
    cmocka_unit_test_setup_teardown(
        what_is_no_process_number_is_stale, world_setup, world_teardown),
    cmocka_unit_test_setup_teardown(
        our_own_number_is_stale_where_we_did_not_write_it, world_setup, world_teardown),
    cmocka_unit_test_setup_teardown(
        a_number_that_another_process_has_by_now_is_stale, world_setup, world_teardown),
    cmocka_unit_test_setup_teardown(
        a_process_that_is_older_than_the_file_keeps_it, world_setup, world_teardown),
    cmocka_unit_test_setup_teardown(only_a_plain_file_is_touched, world_setup, world_teardown),
#ifdef WITH_FAULTS
    cmocka_unit_test_setup_teardown(a_failure_leaves_what_was_there, world_setup, world_teardown),
#endif
    cmocka_unit_test_setup_teardown(it_is_whole_whenever_it_is_read, world_setup, world_teardown),
    cmocka_unit_test_setup_teardown(of_several_at_once_one_has_it, world_setup, world_teardown),
    cmocka_unit_test_setup_teardown(
        its_holder_is_found_told_and_waited_for, world_setup, world_teardown),
    cmocka_unit_test_setup_teardown(
        a_holder_that_is_not_here_gets_no_signal, world_setup, world_teardown),
};
TEST_MAIN(tests)
