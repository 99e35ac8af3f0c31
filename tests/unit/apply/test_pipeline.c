/* The whole pipeline in this process, with both its threads: also run under ThreadSanitizer. */
#include "support/pipeline.h"

static void
changes_of_many_blocks_end_as_the_last_state(void **state)
{
    TestService service;
    PipelineTotals totals;
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    Error err;

    (void)state;
    test_service_init(&service);
    for (int i = 1; i <= 500; i++) {
        test_log_begin(&service);
        test_log_change(&service, 'I', 0, i, "new");
        if (i > 1)
            test_log_change(&service, 'U', i - 1, i - 1, "changed");
        if (i % 5 == 0)
            test_log_change(&service, 'D', i - 2, 0, NULL);
        test_log_commit(&service);
    }
    test_service_sql(&service, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
    assert_ok(test_service_run(&service,
                  "block: {directory: blocks, max_rows: 20, max_interval: 0s}\n", &totals, &err),
        err);
    assert_int_equal(totals.transactions, 500);
    assert_int_equal(totals.seqno, 500);
    assert_true(totals.blocks >= 30);
    test_service_query(
        &service, "SELECT count(*), sum(id), sum(name = 'changed') FROM item", &rows);
    assert_string_equal(rows.data, "400|100200|399\n");
    test_service_query(&service, "SELECT service, seqno, fence FROM dray_position", &rows);
    assert_string_equal(rows.data, "test|500|1\n");
    test_service_clear(&service);
}

static void
a_second_run_goes_on_where_the_first_ended(void **state)
{
    TestService service;
    PipelineTotals totals;
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    Error err;

    (void)state;
    test_service_init(&service);
    test_service_sql(&service, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
    for (int i = 1; i <= 3; i++) {
        test_log_begin(&service);
        test_log_change(&service, 'I', 0, i, "x");
        test_log_commit(&service);
        assert_ok(test_service_run(&service, "", &totals, &err), err);
        assert_int_equal(totals.transactions, 1);
        assert_int_equal(totals.seqno, i);
    }
    assert_ok(test_service_run(&service, "", &totals, &err), err);
    assert_int_equal(totals.transactions, 0);
    test_service_query(&service, "SELECT count(*) FROM item", &rows);
    assert_string_equal(rows.data, "3\n");
    test_service_query(&service, "SELECT seqno, fence FROM dray_position", &rows);
    assert_string_equal(rows.data, "3|4\n");
    test_service_clear(&service);
}

static void
whole_transactions_before_a_bad_line_are_committed(void **state)
{
    TestService service;
    PipelineTotals totals;
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    Error err;

    (void)state;
    test_service_init(&service);
    test_service_sql(&service, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
    for (int i = 1; i <= 3; i++) {
        test_log_begin(&service);
        test_log_change(&service, 'I', 0, i, "x");
        test_log_commit(&service);
    }
    test_log_begin(&service);
    test_log_change(&service, 'I', 0, 4, "x");
    buf_add_string(&service.log, "{\"action\":\"I\",,}\n");
    test_log_commit(&service);
    assert_false(test_service_run(&service, "", &totals, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_non_null(strstr(err.text, "log.jsonl:12: "));
    test_service_query(&service, "SELECT count(*), max(id) FROM item", &rows);
    assert_string_equal(rows.data, "3|3\n");
    test_service_query(&service, "SELECT seqno FROM dray_position", &rows);
    assert_string_equal(rows.data, "3\n");
    test_service_clear(&service);
}

static void
a_transaction_that_the_log_ends_in_is_left_out(void **state)
{
    TestService service;
    PipelineTotals totals;
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    Error err;

    (void)state;
    test_service_init(&service);
    test_service_sql(&service, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
    test_log_begin(&service);
    test_log_change(&service, 'I', 0, 1, "x");
    test_log_commit(&service);
    test_log_begin(&service);
    test_log_change(&service, 'I', 0, 2, "x");
    assert_ok(test_service_run(&service, "", &totals, &err), err);
    test_service_query(&service, "SELECT id FROM item", &rows);
    assert_string_equal(rows.data, "1\n");
    test_log_commit(&service);
    assert_ok(test_service_run(&service, "", &totals, &err), err);
    test_service_query(&service, "SELECT id FROM item ORDER BY id", &rows);
    assert_string_equal(rows.data, "1\n2\n");
    test_service_clear(&service);
}

static void
committed_blocks_that_the_target_forgot_are_loaded_again(void **state)
{
    static const char config[] =
        "block: {directory: blocks, retain: all, max_rows: 1, max_interval: 0s}\n";
    TestService service;
    PipelineTotals totals;
    CLEANUP(buf_clear) Buf rows = BUF_INIT;
    Error err;

    (void)state;
    test_service_init(&service);
    test_service_sql(&service, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
    for (int i = 1; i <= 3; i++) {
        test_log_begin(&service);
        test_log_change(&service, 'I', 0, i, "x");
        test_log_commit(&service);
        assert_ok(test_service_run(&service, config, &totals, &err), err);
    }
    test_service_sql(&service, "UPDATE dray_position SET seqno = 1; DELETE FROM item WHERE id > 1");
    assert_ok(test_service_run(&service, config, &totals, &err), err);
    assert_int_equal(totals.seqno, 3);
    test_service_query(&service, "SELECT count(*) FROM item", &rows);
    assert_string_equal(rows.data, "3\n");
    test_service_clear(&service);
}

static void
retained_blocks_are_kept_when_the_target_went_back_too_far(void **state)
{
    static const char config[] =
        "block: {directory: blocks, retain: all, max_rows: 1, max_interval: 0s}\n";
    TestService service;
    PipelineTotals totals;
    CLEANUP(buf_clear) Buf expected = BUF_INIT;
    char *first;
    char *second;
    Error err;

    (void)state;
    test_service_init(&service);
    test_service_sql(&service, "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)");
    for (int i = 1; i <= 2; i++) {
        test_log_begin(&service);
        test_log_change(&service, 'I', 0, i, "x");
        test_log_commit(&service);
        assert_ok(test_service_run(&service, config, &totals, &err), err);
    }
    first = test_service_path(&service, "blocks/00000000000000000001");
    second = test_service_path(&service, "blocks/00000000000000000002");
    assert_ok(file_remove_tree(first, &err), err);
    test_service_sql(&service, "UPDATE dray_position SET seqno = 0, source_position = ''");
    assert_false(test_service_run(&service, config, &totals, &err));
    buf_addf(&expected,
        "%s was committed once, but the target's position is seqno 0 and the blocks between them "
        "are not here: the target lost what came after its position (restored from a backup, or "
        "another database?); replay the missing blocks with dray replay, or move this one away to "
        "read its transactions from the source again",
        second);
    assert_string_equal(err.text, expected.data);
    assert_int_equal(err.kind, ERR_TARGET);
    assert_true(file_exists(second));
    free(first);
    free(second);
    test_service_clear(&service);
}

static void
a_table_without_a_key_names_the_rule_to_write(void **state)
{
    TestService service;
    PipelineTotals totals;
    Error err;

    (void)state;
    test_service_init(&service);
    test_service_sql(&service, "CREATE TABLE log (a INTEGER)");
    test_log_begin(&service);
    buf_add_string(&service.log,
        "{\"action\":\"I\",\"schema\":\"public\",\"table\":\"log\",\"columns\":[{\"name\":\"a\","
        "\"type\":\"integer\",\"value\":1}]}\n");
    test_log_commit(&service);
    assert_false(test_service_run(&service, "", &totals, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "table public.log has no key"));
    assert_non_null(
        strstr(err.text, "write a rule with key: [column, …], or with merge_script: append.sql"));
    assert_non_null(strstr(err.text, "log.jsonl:2"));
    test_service_clear(&service);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(changes_of_many_blocks_end_as_the_last_state),
    cmocka_unit_test(a_second_run_goes_on_where_the_first_ended),
    cmocka_unit_test(whole_transactions_before_a_bad_line_are_committed),
    cmocka_unit_test(a_transaction_that_the_log_ends_in_is_left_out),
    cmocka_unit_test(committed_blocks_that_the_target_forgot_are_loaded_again),
    cmocka_unit_test(retained_blocks_are_kept_when_the_target_went_back_too_far),
    cmocka_unit_test(a_table_without_a_key_names_the_rule_to_write),
};

TEST_MAIN(tests)
