/*
 * A source whose position moves without transactions: every fault point of a run is made to fail,
 * or kills the process, in turn. Whatever comes of it, no row is lost or doubled, the target's
 * position is one that the source told, and the source was never told of more than the target has.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "support/live_source.h"

static const char config[] =
    "block: {directory: blocks, max_interval: 0s, max_rows: 2, retain: all}\n"
    "retry: {first_wait: 1ms, max_wait: 2ms, max_time: 20ms}\n"
    "log: {level: error}\n"
    "tables: [{match: public.item, merge_script: append.sql}]\n";

static const RunOptions to_the_end = {.until_end = true};

/* Progress at the start, two transactions, progress, and more of it in a second run. */
static void
prepare(TestService *service)
{
    live_init(service);
    test_service_sql(service,
        "DROP TABLE item; CREATE TABLE item (dray_opcode TEXT, dray_seqno INTEGER, "
        "dray_row_id INTEGER, dray_timestamp TEXT, id INTEGER, name TEXT)");
    live.check = service;
    live.idle = 5;
}

static bool
two_runs(const TestService *service, Error *err)
{
    PipelineTotals totals;

    if (!live_run(service, config, &to_the_end, &totals, err))
        return false;
    live.idle = 100;
    if (live.count == 0) {
        live_add(10, 15, 1);
        live_add(20, 25, 2);
        live_add(30, 35, 0);
    }
    return live_run(service, config, &to_the_end, &totals, err);
}

static void
check_exact(const TestService *service)
{
    live_expect(service, "SELECT count(*), sum(id), sum(dray_seqno) FROM item", "2|3|3\n");
    live_expect(service, "SELECT seqno, source_position FROM dray_position", "3|100\n");
}

static void
every_failing_call_leaves_rows_and_position_exact(void **state)
{
    bool hit = true;
    int nth = 1;

    (void)state;
    for (; hit; nth++) {
        TestService service;
        Error err;
        bool ok;

        prepare(&service);
        fault_arm(nth);
        ok = two_runs(&service, &err);
        hit = fault_was_hit();
        fault_arm(0);
        if (!ok && !hit)
            fail_msg("without a fault: %s", err.text);
        assert_ok(two_runs(&service, &err), err);
        check_exact(&service);
        assert_false(live.ahead);
        test_service_clear(&service);
    }
    print_message("# %d faults survived\n", nth - 2);
    assert_true(nth > 40);
}

static void
every_kill_leaves_rows_and_position_exact(void **state)
{
    bool killed = true;
    int nth = 1;

    (void)state;
    for (; killed; nth++) {
        TestService service;
        int status;
        pid_t child;
        Error err;

        prepare(&service);
        child = fork();
        if (child == 0) {
            bool ok;

            fault_arm_kill(NULL, nth);
            ok = two_runs(&service, &err);
            _exit(!ok ? 1 : live.ahead ? 2 : 0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        killed = WIFSIGNALED(status);
        if (killed)
            assert_int_equal(WTERMSIG(status), SIGKILL);
        else
            assert_int_equal(WEXITSTATUS(status), 0);
        assert_ok(two_runs(&service, &err), err);
        check_exact(&service);
        assert_false(live.ahead);
        test_service_clear(&service);
        assert_true(nth < 2000);
    }
    print_message("# %d kills survived\n", nth - 2);
    assert_true(nth > 40);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_failing_call_leaves_rows_and_position_exact),
    cmocka_unit_test(every_kill_leaves_rows_and_position_exact),
};

TEST_MAIN(tests)
