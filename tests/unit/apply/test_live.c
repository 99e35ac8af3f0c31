/* A source that goes on without transactions for us, fails, waits for the target, ends at a place.
 */
#include "support/live_source.h"

#define POSITION "SELECT seqno, source_position FROM dray_position"
#define SMALL    "block: {directory: blocks, max_interval: 0s, retain: all}\n"
#define QUICK    SMALL "retry: {first_wait: 1ms, max_wait: 5ms}\n"

static const RunOptions to_the_end = {.until_end = true};

static void
progress_without_transactions_moves_the_position_and_uses_no_seqno(void **state)
{
    TestService service;
    PipelineTotals totals;
    FileList blocks;
    char *directory;
    Error err = {.kind = ERR_NONE};

    (void)state;
    live_init(&service);
    live.check = &service;
    live_add(10, 15, 1);
    live.idle = 100;
    assert_ok(live_run(&service, SMALL, &to_the_end, &totals, &err), err);
    live_expect(&service, POSITION, "1|100\n");
    assert_int_equal(totals.blocks, 1);
    assert_true(totals.complete);
    /* and the source may forget it, but not before */
    assert_int_equal(live.acknowledged, 100);
    assert_false(live.ahead);
    live.idle = 200;
    assert_ok(live_run(&service, SMALL, &to_the_end, &totals, &err), err);
    live_expect(&service, POSITION, "1|200\n");
    assert_int_equal(totals.blocks, 0);
    /* a position before ours, as a server may tell it after a start, is no way back */
    live.idle = 150;
    assert_ok(live_run(&service, SMALL, &to_the_end, &totals, &err), err);
    live_expect(&service, POSITION, "1|200\n");
    live_add(210, 215, 2);
    assert_ok(live_run(&service, SMALL, &to_the_end, &totals, &err), err);
    live_expect(&service, POSITION, "2|215\n");
    live_expect(&service, "SELECT count(*) FROM item", "2\n");
    directory = test_service_path(&service, "blocks");
    assert_ok(file_list(directory, &blocks, &err), err);
    assert_int_equal(blocks.count, 4); /* two blocks, lock, status.json */
    file_list_free(&blocks);
    free(directory);
    test_service_clear(&service);
}

static void
the_first_position_comes_soon_and_the_source_hears_of_it(void **state)
{
    TestService service;
    LiveRun run;

    (void)state;
    live_init(&service);
    live.idle = 7;
    live_start(&run, &service, SMALL);
    live_wait(&service, "SELECT count(*) FROM sqlite_master WHERE name = 'dray_position'", "1\n");
    live_wait(&service, POSITION, "0|7\n");
    for (int i = 0; i < 300; i++) {
        uint64_t acknowledged;

        (void)pthread_mutex_lock(&live.mutex);
        acknowledged = live.acknowledged;
        (void)pthread_mutex_unlock(&live.mutex);
        if (acknowledged == 7)
            break;
        (void)stop_wait(STOP_NOW, 10);
    }
    assert_int_equal(live.acknowledged, 7);
    live_stop(&run);
    test_service_clear(&service);
}

static void
a_position_does_not_move_in_a_target_that_went_back(void **state)
{
    TestService service;
    LiveRun run;

    (void)state;
    live_init(&service);
    live_add(10, 15, 1);
    live_start(&run, &service, "block: {directory: blocks, max_interval: 0s}\n");
    live_wait(&service, "SELECT count(*) FROM item", "1\n");
    live_wait(&service, POSITION, "1|15\n");
    /* an older state comes back while nothing else is to do; then the run ends */
    test_service_sql(&service, "UPDATE dray_position SET seqno = 0, source_position = '3'");
    live_set(idle, 100);
    stop_wait(STOP_NOW, 50);
    for (int i = 0; i < 100 && !run.ok; i++)
        (void)stop_wait(STOP_NOW, 2);
    stop_request(STOP_AFTER_BLOCK);
    assert_int_equal(pthread_join(run.thread, NULL), 0);
    stop_reset();
    assert_false(run.ok);
    assert_int_equal(run.err.kind, ERR_FENCED);
    live_expect(&service, POSITION, "0|3\n");
    test_service_clear(&service);
}

static void
transactions_without_rows_are_committed_at_the_end(void **state)
{
    TestService service;
    PipelineTotals totals;
    Error err = {.kind = ERR_NONE};

    (void)state;
    live_init(&service);
    live_add(10, 15, 0);
    live_add(20, 25, 0);
    live.idle = 30;
    assert_ok(live_run(&service, SMALL, &to_the_end, &totals, &err), err);
    live_expect(&service, POSITION, "2|30\n");
    assert_int_equal(totals.blocks, 1);
    test_service_clear(&service);
}

static void
a_run_ends_before_the_transaction_at_its_limit(void **state)
{
    static const struct {
        const char *until;
        const char *position;
    } cases[] = {{"20", "1|15\n"}, {"21", "2|25\n"}, {"30", "2|25\n"}, {"31", "3|35\n"},
        {"36", "3|40\n"}, {"40", "3|40\n"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        RunOptions options = {.until_position = text_of(cases[i].until)};
        TestService service;
        PipelineTotals totals;
        Error err = {.kind = ERR_NONE};

        live_init(&service);
        live_add(10, 15, 1);
        live_add(20, 25, 2);
        live_add(30, 35, 3);
        live.idle = 40;
        assert_ok(live_run(&service, SMALL, &options, &totals, &err), err);
        assert_true(totals.complete);
        live_expect(&service, POSITION, cases[i].position);
        /* there already: nothing more is read */
        options.until_position = TEXT("12");
        assert_ok(live_run(&service, SMALL, &options, &totals, &err), err);
        assert_int_equal(totals.transactions, 0);
        assert_true(totals.complete);
        test_service_clear(&service);
    }
}

static void
a_limit_that_cannot_be_compared_is_refused(void **state)
{
    RunOptions options = {.until_position = TEXT("nonsense")};
    TestService service;
    PipelineTotals totals;
    Error err = {.kind = ERR_NONE};

    (void)state;
    live_init(&service);
    assert_false(live_run(&service, SMALL, &options, &totals, &err));
    assert_string_equal(err.text, "position \"nonsense\" is none of source type live");
    assert_int_equal(err.kind, ERR_USAGE);
    test_service_clear(&service);
}

static void
whole_transactions_before_a_failing_one_are_committed_and_it_is_tried_again(void **state)
{
    TestService service;
    PipelineTotals totals;
    Error err = {.kind = ERR_NONE};

    (void)state;
    live_init(&service);
    for (uint64_t i = 1; i <= 5; i++)
        live_add(i * 10, i * 10 + 5, (int)i);
    live.fail_at = 40;
    live.fail_times = 3;
    assert_ok(live_run(&service,
                  "block: {directory: blocks, max_interval: 10min}\n"
                  "retry: {first_wait: 1ms, max_wait: 5ms}\n",
                  &to_the_end, &totals, &err),
        err);
    live_expect(&service, "SELECT count(*), sum(id) FROM item", "5|15\n");
    live_expect(&service, POSITION, "5|55\n");
    /* one block before the transaction that failed, one from there on */
    assert_int_equal(totals.blocks, 2);
    assert_int_equal(live.fail_times, 0);
    test_service_clear(&service);
}

static void
a_source_that_fails_between_blocks_goes_on_behind_what_is_queued(void **state)
{
    TestService service;
    PipelineTotals totals;
    Error err = {.kind = ERR_NONE};

    (void)state;
    live_init(&service);
    live_add(10, 15, 1);
    live_add(20, 25, 2);
    live.fail_idle = true;
    assert_ok(live_run(&service,
                  "block: {directory: blocks, max_rows: 1, retain: all}\n"
                  "retry: {first_wait: 1ms, max_wait: 5ms}\n",
                  &to_the_end, &totals, &err),
        err);
    live_expect(&service, POSITION, "2|25\n");
    assert_int_equal(totals.transactions, 2);
    assert_int_equal(live.opens, 2);
    test_service_clear(&service);
}

static Text
status_of(const TestService *service, Buf *buf)
{
    char *path = test_service_path(service, "blocks/status.json");
    Error err = {.kind = ERR_NONE};

    buf_reset(buf, SIZE_MAX);
    assert_ok(file_read_all(path, 65536, buf, &err), err);
    free(path);
    return buf_text(buf);
}

static void
wait_for_status(const TestService *service, const char *words)
{
    CLEANUP(buf_clear) Buf buf = BUF_INIT;

    for (int i = 0; i < 500; i++) {
        if (strstr(status_of(service, &buf).data, words) != NULL)
            return;
        (void)stop_wait(STOP_NOW, 10);
    }
    fail_msg("%s", buf_string(&buf));
}

static void
a_schema_error_commits_what_comes_before_and_waits_for_the_target(void **state)
{
    TestService service;
    LiveRun run;

    (void)state;
    live_init(&service);
    for (uint64_t i = 1; i <= 4; i++)
        live_add(i * 10, i * 10 + 5, (int)i);
    live.fail_at = 30;
    live.fail_times = -1;
    live.fail_kind = ERR_SCHEMA;
    log_set_level((LogLevel)-1); /* the error line that is expected is not for this test's output */
    live_start(&run, &service, "block: {directory: blocks, max_interval: 10min}\n");
    live_wait(&service, "SELECT count(*) FROM sqlite_master WHERE name = 'dray_position'", "1\n");
    live_wait(&service, POSITION, "2|25\n");
    wait_for_status(&service, "\"state\": \"waiting\"");
    wait_for_status(&service, "\"last_error\": \"played failure at 30\"");
    live_set(fail_times, 0);
    wait_for_status(&service, "\"state\": \"running\"");
    live_stop(&run);
    live_expect(&service, POSITION, "4|45\n");
    live_expect(&service, "SELECT count(*) FROM item", "4\n");
    test_service_clear(&service);
}

static void
a_schema_error_gives_up_after_retry_max_time(void **state)
{
    TestService service;
    PipelineTotals totals;
    Error err = {.kind = ERR_NONE};

    (void)state;
    live_init(&service);
    live_add(10, 15, 1);
    live_add(20, 25, 2);
    live.fail_at = 20;
    live.fail_times = -1;
    live.fail_kind = ERR_SCHEMA;
    assert_false(live_run(&service, SMALL "retry: {first_wait: 1ms, max_wait: 5ms, max_time: 1s}\n",
        &to_the_end, &totals, &err));
    assert_string_equal(err.text, "gave up after 1 tries: played failure at 20");
    assert_int_equal(err.kind, ERR_SCHEMA);
    assert_false(totals.complete);
    live_expect(&service, POSITION, "1|15\n");
    test_service_clear(&service);
}

static void
a_failing_loader_ends_its_own_pipeline_and_stops_nobody_else(void **state)
{
    RunOptions options = {.embedded = true};
    TestService service;
    PipelineTotals totals;
    char *path;
    Error err = {.kind = ERR_NONE};

    (void)state;
    live_init(&service);
    test_service_sql(&service, "DROP TABLE item; CREATE TABLE item (id INTEGER PRIMARY KEY, "
                               "name TEXT CHECK (name <> 'x'))");
    live_add(10, 15, 1);
    assert_false(live_run(&service, SMALL, &options, &totals, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_int_equal(stop_level(), STOP_NONE);
    assert_false(totals.complete);
    /* another one in the same process goes its way */
    test_service_sql(&service, "DROP TABLE item; CREATE TABLE item (id INTEGER PRIMARY KEY, "
                               "name TEXT)");
    options.until_position = TEXT("20");
    live.idle = 20;
    assert_ok(live_run(&service, SMALL, &options, &totals, &err), err);
    assert_true(totals.complete);
    live_expect(&service, POSITION, "1|20\n");
    /* a part of another command leaves no traces of a service */
    path = test_service_path(&service, "blocks/status.json");
    assert_false(file_exists(path));
    free(path);
    path = test_service_path(&service, "blocks/lock");
    assert_false(file_exists(path));
    free(path);
    test_service_clear(&service);
}

static void
only_the_tables_asked_for_are_carried(void **state)
{
    Text other = TEXT("public.other");
    Text item = TEXT("public.item");
    RunOptions options = {.until_end = true, .embedded = true, .only = &other, .only_count = 1};
    TestService service;
    PipelineTotals totals;
    Error err = {.kind = ERR_NONE};

    (void)state;
    live_init(&service);
    live_add(10, 15, 1);
    assert_ok(live_run(&service, SMALL, &options, &totals, &err), err);
    live_expect(&service, "SELECT count(*) FROM item", "0\n");
    live_expect(&service, POSITION, "1|15\n");
    live_add(20, 25, 2);
    options.only = &item;
    assert_ok(live_run(&service, SMALL, &options, &totals, &err), err);
    live_expect(&service, "SELECT id FROM item", "2\n");
    test_service_clear(&service);
}

static void
a_stop_is_no_completion(void **state)
{
    TestService service;
    LiveRun run;

    (void)state;
    live_init(&service);
    live_add(10, 15, 1);
    live_start(&run, &service, QUICK);
    live_wait(&service, "SELECT count(*) FROM item", "1\n");
    live_stop(&run);
    assert_false(run.totals.complete);
    assert_int_equal(live.acknowledged, 15);
    test_service_clear(&service);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(progress_without_transactions_moves_the_position_and_uses_no_seqno),
    cmocka_unit_test(the_first_position_comes_soon_and_the_source_hears_of_it),
    cmocka_unit_test(a_position_does_not_move_in_a_target_that_went_back),
    cmocka_unit_test(transactions_without_rows_are_committed_at_the_end),
    cmocka_unit_test(a_run_ends_before_the_transaction_at_its_limit),
    cmocka_unit_test(a_limit_that_cannot_be_compared_is_refused),
    cmocka_unit_test(whole_transactions_before_a_failing_one_are_committed_and_it_is_tried_again),
    cmocka_unit_test(a_source_that_fails_between_blocks_goes_on_behind_what_is_queued),
    cmocka_unit_test(a_schema_error_commits_what_comes_before_and_waits_for_the_target),
    cmocka_unit_test(a_schema_error_gives_up_after_retry_max_time),
    cmocka_unit_test(a_failing_loader_ends_its_own_pipeline_and_stops_nobody_else),
    cmocka_unit_test(only_the_tables_asked_for_are_carried),
    cmocka_unit_test(a_stop_is_no_completion),
};

TEST_MAIN(tests)
