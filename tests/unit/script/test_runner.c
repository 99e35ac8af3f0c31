#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "script/runner.h"

/* ---- a feed in memory, in the place of block/load_feed.c ---- */

struct LoadFeed {
    Text content;
    size_t at;
    bool finished;
    const BlockFile *file;
    uint64_t asked_line;
};

bool
load_feed_read(LoadFeed *feed, Text *ret_piece, Error *err)
{
    (void)err;
    /* three bytes at a time, so that nothing depends on whole lines */
    *ret_piece =
        (Text){feed->content.data + feed->at, MIN((size_t)3, feed->content.len - feed->at)};
    feed->at += ret_piece->len;
    feed->finished = ret_piece->len == 0;
    return true;
}

bool
load_feed_rewind(LoadFeed *feed, Error *err)
{
    (void)err;
    feed->at = 0;
    feed->finished = false;
    return true;
}

bool
load_feed_is_finished(const LoadFeed *feed)
{
    return feed->finished;
}

const BlockFile *
load_feed_file(const LoadFeed *feed)
{
    return feed->file;
}

bool
load_feed_locate(LoadFeed *feed, uint64_t served_line, uint64_t *ret_row_id, uint64_t *ret_seqno,
    uint64_t *ret_file_line, Error *err)
{
    (void)err;
    feed->asked_line = served_line;
    *ret_row_id = 7;
    *ret_seqno = 12;
    *ret_file_line = served_line + 4;
    return true;
}

/* ---- a target that does as it is told ---- */

typedef struct FakeTarget {
    Target base;
    Buf log;
    bool in_transaction;
    int64_t rows;
    const char *error; /* of the statement that holds "fail" */
    bool reads;        /* a load reads the feed to its end */
} FakeTarget;

static bool
fake_execute(Target *target, Text sql, LoadFeed *feed, int64_t *ret_rows, Error *err)
{
    FakeTarget *fake = (FakeTarget *)target;
    Text piece;

    buf_addf(&fake->log, "[%s" TEXT_FMT "]", feed != NULL ? "fed: " : "", TEXT_ARG(sql));
    if (text_equal(sql, TEXT("call it")))
        fake->in_transaction = false;
    while (feed != NULL && fake->reads) {
        if (!load_feed_read(feed, &piece, err))
            return false;
        if (piece.len == 0)
            break;
    }
    if (fake->error != NULL)
        return error_set(err, ERR_DATA, "%s", fake->error);
    *ret_rows = fake->rows;
    return true;
}

static bool
fake_in_transaction(Target *target)
{
    return ((FakeTarget *)target)->in_transaction;
}

static const TargetDriver fake_driver = {
    .name = "fake", .execute = fake_execute, .in_transaction = fake_in_transaction};

typedef struct Bench {
    Fixture fixture;
    FakeTarget target;
    LoadFeed feed;
    ScriptTiming timing;
} Bench;

static void
bench_init(Bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    fixture_init(&bench->fixture, &sql_dialect_postgres);
    bench->target =
        (FakeTarget){.base = {&fake_driver}, .in_transaction = true, .rows = 3, .reads = true};
    bench->feed.content = TEXT("\"1\",\"a\nb\"\n\"2\",\"\"\"\n\"\n\"3\",\"c\"\n");
    bench->feed.file = &bench->fixture.file;
}

static void
bench_clear(Bench *bench)
{
    fixture_clear(&bench->fixture);
    buf_clear(&bench->target.log);
}

/* Run @apply; expected is the error, or NULL. */
static void
expect_run(Bench *bench, const char *apply, const char *expected)
{
    CLEANUP(script_free) Script *script = NULL;
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Error err = {0};
    ScriptRun run = {.feed = &bench->feed, .table = TEXT("public.orders"), .in_transaction = true};
    bool ok;

    buf_addf(&text, "-- @apply\n%s", apply);
    script = script_parse("m.sql", buf_text(&text), &sql_dialect_postgres, &err);
    assert_non_null(script);
    run.script = script;
    run.params = merge_params_new(&bench->fixture.table, bench->fixture.arena);
    ok = script_run(&bench->target.base, &run, SECTION_APPLY, &bench->timing, &err);
    assert_string_equal(ok ? "" : err.text, expected == NULL ? "" : expected);
}

static void
test_statements_run_in_order_and_loads_are_fed(void **state)
{
    Bench bench;

    (void)state;
    bench_init(&bench);
    expect_run(
        &bench, "a %%STAGE_TABLE%%;\nCOPY x FROM STDIN;\n-- @expect rows %%CSV_ROWS%%\nb;", NULL);
    assert_string_equal(
        buf_string(&bench.target.log), "[a \"stage_orders\"][fed: COPY x FROM STDIN][b]");
    bench_clear(&bench);
}

static void
test_conditions_leave_statements_out(void **state)
{
    Bench bench;

    (void)state;
    bench_init(&bench);
    expect_run(&bench, "-- @if kept\na %%KEPT_SET%%;\n-- @if values\nb;\nc;", NULL);
    assert_string_equal(buf_string(&bench.target.log), "[a \"note\" = base.\"note\"][b][c]");
    buf_reset(&bench.target.log, 0);
    bench.fixture.base.column_count = 2;
    bench.fixture.file.column_count = 2;
    expect_run(
        &bench, "-- @if kept\na %%KEPT_SET%%;\n-- @expect rows 77\n-- @if values\nb;\nc;", NULL);
    assert_string_equal(buf_string(&bench.target.log), "[c]");
    bench_clear(&bench);
}

static void
test_statements_follow_what_becomes_of_deletes(void **state)
{
    static const char script[] = "-- @deletes\n-- @if deletes\na;\n-- @if no deletes\nb;\nc;";
    Bench bench;

    (void)state;
    bench_init(&bench);
    expect_run(&bench, script, NULL);
    assert_string_equal(buf_string(&bench.target.log), "[b][c]");
    buf_reset(&bench.target.log, 0);
    bench.fixture.table.keeps_deletes = true;
    expect_run(&bench, script, NULL);
    assert_string_equal(buf_string(&bench.target.log), "[a][c]");
    bench_clear(&bench);
}

static void
test_row_counts_are_compared(void **state)
{
    Bench bench;

    (void)state;
    bench_init(&bench);
    expect_run(&bench, "\na;\n-- @expect rows 4\n",
        "m.sql:3: table public.orders: CSV file shop.orders.csv: 4 rows expected, the statement "
        "changed 3");
    bench.target.rows = -1;
    expect_run(&bench, "a;\n-- @expect rows %%CSV_ROWS%%\n",
        "m.sql:2: table public.orders: CSV file shop.orders.csv: @expect rows 3: the target does "
        "not tell how many rows it "
        "changed");
    expect_run(&bench, "a;\n-- @expect rows %%SERVICE%%\n",
        "m.sql:2: table public.orders: CSV file shop.orders.csv: @expect rows: %%SERVICE%% is not "
        "a number");
    bench_clear(&bench);
}

static void
test_values_left_out_are_looked_for_in_the_partition_alone(void **state)
{
    static const char script[] =
        "-- @if unchanged\na;\n-- @if unchanged\nb;\n-- @expect rows %%UNCHANGED_ROWS%%\n";
    Bench bench;

    (void)state;
    bench_init(&bench);
    bench.fixture.table.origins = 4;
    expect_run(&bench, script,
        "m.sql:5: table public.orders: CSV file shop.orders.csv: 4 lines leave out values that "
        "updates left unchanged, and the target has the rows of 3 of them only: it lacks rows that "
        "the source has updated; dray verify --repair brings them in, dray bootstrap loads the "
        "table anew");
    bench.fixture.table.is_partition = true;
    expect_run(&bench, script,
        "m.sql:5: table public.orders: CSV file shop.orders.csv: 4 lines leave out values that "
        "updates left unchanged, and the partition has the rows of 3 of them only; they are not "
        "looked for in other partitions: give the source table REPLICA IDENTITY FULL");
    bench_clear(&bench);
}

static void
test_a_lost_transaction_is_noticed_at_once(void **state)
{
    Bench bench;

    (void)state;
    bench_init(&bench);
    expect_run(&bench, "a;\ncall it;\nb;",
        "m.sql:3: table public.orders: CSV file shop.orders.csv: the statement ended the block's "
        "transaction (it commits "
        "implicitly); what it had changed until then is committed");
    assert_string_equal(buf_string(&bench.target.log), "[a][call it]");
    bench_clear(&bench);
}

static void
test_a_load_must_read_the_whole_file(void **state)
{
    Bench bench;

    (void)state;
    bench_init(&bench);
    bench.target.reads = false;
    expect_run(&bench, "COPY x FROM STDIN;",
        "m.sql:2: table public.orders: CSV file shop.orders.csv: the load did not read the file to "
        "its end");
    bench_clear(&bench);
}

static void
test_errors_of_a_load_name_the_line_of_the_file(void **state)
{
    static const struct {
        const char *error;
        const char *expected;
        uint64_t line;
    } cases[] = {
        {"bad: CONTEXT: COPY stage_orders, line 3, column amount: \"x, line 9\"",
            "m.sql:2: table public.orders: CSV file shop.orders.csv line 7 (row_id 7, seqno 12): ",
            3},
        {"Data too long for column 'a' at row 2",
            "m.sql:2: table public.orders: CSV file shop.orders.csv line 7 (row_id 7, seqno 12): ",
            3},
        {"Data too long for column 'a' at row 3",
            "m.sql:2: table public.orders: CSV file shop.orders.csv line 9 (row_id 7, seqno 12): ",
            5},
        {"Data too long for column 'a' at row 99",
            "m.sql:2: table public.orders: CSV file shop.orders.csv: ", 0},
        {"permission denied", "m.sql:2: table public.orders: CSV file shop.orders.csv: ", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf expected = BUF_INIT;
        Bench bench;

        bench_init(&bench);
        bench.target.error = cases[i].error;
        buf_addf(&expected, "%s%s", cases[i].expected, cases[i].error);
        expect_run(&bench, "COPY x FROM STDIN;", buf_string(&expected));
        assert_int_equal(bench.feed.asked_line, cases[i].line);
        bench_clear(&bench);
    }
}

static void
test_errors_of_other_statements_and_commands(void **state)
{
    Bench bench;

    (void)state;
    bench_init(&bench);
    bench.target.error = "no such table at row 3";
    expect_run(&bench, "a;",
        "m.sql:2: table public.orders: CSV file shop.orders.csv: no such table at row 3");
    bench.target.error = NULL;
    expect_run(&bench, "\\! test \"$DRAY_SERVICE\" = sales\n\\! echo %%BASE_TABLE%%; exit 5",
        "m.sql:3: table public.orders: CSV file shop.orders.csv: the command exited with 5: "
        "shop.orders");
    expect_run(&bench, "%%TIMESTAMP%%;", "m.sql:2:1: %%TIMESTAMP%% has no value here");
    bench_clear(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements_run_in_order_and_loads_are_fed),
        cmocka_unit_test(test_conditions_leave_statements_out),
        cmocka_unit_test(test_statements_follow_what_becomes_of_deletes),
        cmocka_unit_test(test_row_counts_are_compared),
        cmocka_unit_test(test_values_left_out_are_looked_for_in_the_partition_alone),
        cmocka_unit_test(test_a_lost_transaction_is_noticed_at_once),
        cmocka_unit_test(test_a_load_must_read_the_whole_file),
        cmocka_unit_test(test_errors_of_a_load_name_the_line_of_the_file),
        cmocka_unit_test(test_errors_of_other_statements_and_commands),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
