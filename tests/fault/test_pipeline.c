/*
 * Every fault point of a whole run is made to fail in turn. Whatever comes of the run, the target
 * then holds whole transactions only, and the next run, without a fault, ends with every row
 * exactly once. append.sql shows a row that came twice, merge.sql one that was lost.
 */
#include "base/fault.h"
#include "support/pipeline.h"

static const char config[] =
    "block: {directory: blocks, max_rows: 4, max_interval: 0s, retain: all}\n"
    "retry: {first_wait: 1ms, max_wait: 2ms, max_time: 20ms}\n"
    "log: {level: error}\n"
    "tables: [{match: public.item, merge_script: %s}]\n";

static void
prepare(TestService *service, const char *table)
{
    test_service_init(service);
    for (int i = 1; i <= 12; i++) {
        test_log_begin(service);
        test_log_change(service, 'I', 0, i, "new");
        if (i % 3 == 0)
            test_log_change(service, 'U', i - 1, i - 1, "changed");
        if (i % 4 == 0)
            test_log_change(service, 'D', i - 3, 0, NULL);
        test_log_commit(service);
    }
    test_service_sql(service, table);
    test_service_write_log(service);
}

/* A transaction is whole: every row of seqno 1 … position, none after it. */
static void
check_whole(const TestService *service, const char *sql, const char *expected)
{
    CLEANUP(buf_clear) Buf rows = BUF_INIT;

    test_service_query(service, sql, &rows);
    assert_string_equal(rows.data, expected);
}

static void
run_with_every_fault(const char *script, const char *table, const char *sql, const char *expected)
{
    CLEANUP(buf_clear) Buf yaml = BUF_INIT;
    bool hit = true;
    int nth = 1;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    buf_addf(&yaml, config, script);
#pragma GCC diagnostic pop
    for (; hit; nth++) {
        TestService service;
        PipelineTotals totals;
        Error err;
        bool ok;

        prepare(&service, table);
        fault_arm(nth);
        ok = test_service_start(&service, yaml.data, &totals, &err);
        hit = fault_was_hit();
        fault_arm(0);
        if (!ok && !hit)
            fail_msg("without a fault: %s", err.text);
        assert_ok(test_service_start(&service, yaml.data, &totals, &err), err);
        check_whole(&service, sql, expected);
        check_whole(&service, "SELECT seqno FROM dray_position", "12\n");
        test_service_clear(&service);
    }
    print_message("# %d faults survived with %s\n", nth - 2, script);
#ifdef WITH_FAULTS
    assert_true(nth > 50);
#endif
}

static void
merged_rows_are_exact_after_every_fault(void **state)
{
    (void)state;
    run_with_every_fault("merge.sql", "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)",
        "SELECT count(*), sum(id), sum(name = 'changed') FROM item", "9|63|3\n");
}

static void
appended_lines_come_exactly_once_after_every_fault(void **state)
{
    (void)state;
    run_with_every_fault("append.sql",
        "CREATE TABLE item (dray_opcode TEXT, dray_seqno INTEGER, dray_row_id INTEGER, "
        "dray_timestamp TEXT, id INTEGER, name TEXT)",
        "SELECT count(*), sum(dray_seqno), sum(dray_opcode = 'D') FROM item", "23|162|7\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(merged_rows_are_exact_after_every_fault),
    cmocka_unit_test(appended_lines_come_exactly_once_after_every_fault),
};

TEST_MAIN(tests)
