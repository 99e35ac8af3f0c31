#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"
#include "script/command.h"

static char directory[] = "/tmp/dray_command_XXXXXX";

static char *
path_of(const char *name)
{
    return file_join(directory, name);
}

/* What the command wrote to the log. */
static char *
run_logged(const char *command, int64_t limit_ms, bool *ret_ok, Error *err)
{
    char *path = path_of("log");
    Buf log = BUF_INIT;

    (void)unlink(path);
    assert_true(log_set_file(path, err));
    *ret_ok = command_run(command, "sales", limit_ms, err);
    assert_true(log_set_file(NULL, &(Error){0}));
    assert_true(file_read_all(path, 1 << 20, &log, &(Error){0}));
    free(path);
    return log.data == NULL ? text_dup(TEXT("")) : buf_steal(&log);
}

static void
test_output_goes_to_the_log_line_by_line(void **state)
{
    Error err = {0};
    bool ok;
    char *log = run_logged("echo one; echo two >&2; printf three", 0, &ok, &err);

    (void)state;
    assert_true(ok);
    assert_non_null(strstr(log, "command: one\n"));
    assert_non_null(strstr(log, "command: two\n"));
    assert_non_null(strstr(log, "command: three\n"));
    free(log);
}

static void
test_a_failed_command_says_so_with_its_last_lines(void **state)
{
    Error err = {0};
    bool ok;

    (void)state;
    free(run_logged("echo 1; echo 2; echo 3; echo 4 >&2; exit 3", 0, &ok, &err));
    assert_false(ok);
    assert_int_equal(err.kind, ERR_SCRIPT);
    assert_false(err.retriable);
    assert_string_equal(err.text, "the command exited with 3: 2\n3\n4");
    free(run_logged("exit 1", 0, &ok, &err));
    assert_string_equal(err.text, "the command exited with 1");
    free(run_logged("kill -9 $$", 0, &ok, &err));
    assert_string_equal(err.text, "the command was ended by signal 9");
    free(run_logged("nosuchcommand", 0, &ok, &err));
    assert_non_null(strstr(err.text, "the command exited with 127: "));
}

static void
test_the_environment_and_the_descriptors_are_clean(void **state)
{
    Error err = {0};
    bool ok;
    char *log;
    int leak = open("/dev/null", O_RDONLY);

    (void)state;
    assert_true(leak > 2);
    assert_int_equal(setenv("PGPASSWORD", "secret", 1), 0);
    log = run_logged("env; ls /proc/self/fd | wc -l; wc -c; trap", 0, &ok, &err);
    assert_true(ok);
    assert_null(strstr(log, "secret"));
    assert_non_null(strstr(log, "command: DRAY_SERVICE=sales\n"));
    assert_non_null(strstr(log, "command: PATH="));
    /* 0, 1, 2 and the directory itself */
    assert_non_null(strstr(log, "command: 4\n"));
    assert_non_null(strstr(log, "command: 0\n"));
    free(log);
    (void)close(leak);
}

static void
test_blocked_signals_are_not_handed_on(void **state)
{
    Error err = {0};
    sigset_t all;
    sigset_t before;
    bool ok;

    (void)state;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    free(run_logged("kill -TERM $$; sleep 5", 0, &ok, &err));
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_string_equal(err.text, "the command was ended by signal 15");
}

static void
test_the_time_limit_ends_the_whole_group(void **state)
{
    CLEANUP(buf_clear) Buf command = BUF_INIT;
    Error err = {0};
    int64_t started = clock_monotonic_ms();
    char *mark = path_of("mark");
    bool ok;

    (void)state;
    buf_addf(&command, "(sleep 2; touch %s) & echo begun; sleep 20", mark);
    free(run_logged(buf_string(&command), 300, &ok, &err));
    assert_false(ok);
    assert_string_equal(err.text,
        "the command was still running after its time limit of 300 ms, and was ended: begun");
    assert_true(clock_monotonic_ms() - started < 3000);
    (void)sleep(2);
    assert_false(file_exists(mark));
    free(mark);
}

static void
test_a_child_left_in_the_background_is_not_waited_for(void **state)
{
    Error err = {0};
    int64_t started = clock_monotonic_ms();
    bool ok;

    (void)state;
    free(run_logged("sleep 3 & exit 0", 0, &ok, &err));
    assert_true(ok);
    assert_true(clock_monotonic_ms() - started < 2000);
    /* output closed, and still at work */
    free(run_logged("exec >&- 2>&-; sleep 1; exit 4", 0, &ok, &err));
    assert_string_equal(err.text, "the command exited with 4");
}

static void
test_stop_now_ends_it(void **state)
{
    Error err = {0};
    bool ok;

    (void)state;
    stop_request(STOP_AFTER_BLOCK);
    free(run_logged("sleep 0.2", 0, &ok, &err));
    assert_true(ok);
    stop_request(STOP_NOW);
    free(run_logged("sleep 20", 0, &ok, &err));
    assert_false(ok);
    assert_int_equal(err.kind, ERR_STOPPED);
    stop_reset();
}

static void
test_a_long_output_is_taken_whole(void **state)
{
    Error err = {0};
    bool ok;
    char *log = run_logged("head -c 300000 /dev/zero | tr '\\0' x; echo; echo end", 0, &ok, &err);

    (void)state;
    assert_true(ok);
    assert_true(strlen(log) > 300000);
    assert_non_null(strstr(log, "command: end\n"));
    free(log);
}

#ifdef WITH_FAULTS
static void
test_a_command_that_cannot_start_is_an_error(void **state)
{
    int hits = 0;

    (void)state;
    for (int n = 1;; n++) {
        Error err = {0};
        bool ok;

        fault_arm_point(n == 1 ? "command.pipe" : "command.spawn", 1, 0);
        ok = command_run("exit 0", "sales", 0, &err);
        fault_arm(0);
        if (n > 2)
            break;
        assert_false(ok);
        assert_int_equal(err.kind, ERR_IO);
        hits++;
    }
    assert_int_equal(hits, 2);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_goes_to_the_log_line_by_line),
        cmocka_unit_test(test_a_failed_command_says_so_with_its_last_lines),
        cmocka_unit_test(test_the_environment_and_the_descriptors_are_clean),
        cmocka_unit_test(test_blocked_signals_are_not_handed_on),
        cmocka_unit_test(test_the_time_limit_ends_the_whole_group),
        cmocka_unit_test(test_a_child_left_in_the_background_is_not_waited_for),
        cmocka_unit_test(test_stop_now_ends_it),
        cmocka_unit_test(test_a_long_output_is_taken_whole),
#ifdef WITH_FAULTS
        cmocka_unit_test(test_a_command_that_cannot_start_is_an_error),
#endif
    };
    int failed;

    if (mkdtemp(directory) == NULL)
        return 1;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    return file_remove_tree(directory, &(Error){0}) ? failed : 1;
}
