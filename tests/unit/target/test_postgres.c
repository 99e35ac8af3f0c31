#include "target/postgres.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#define D          target_postgres
#define OPTIONS    PostgresOptions
#define CONNECTION "host=%s user=postgres dbname=postgres "
#include "driver_test.h"

/* ---- connecting ---- */

static void
the_session_is_set_up(void **state)
{
    (void)state;
    assert_string_equal(ask("SELECT current_setting('TimeZone'), current_setting('DateStyle'),"
                            " current_setting('client_encoding'),"
                            " current_setting('IntervalStyle'),"
                            " current_setting('application_name'),"
                            " current_setting('default_transaction_isolation')"),
        "UTC|ISO, MDY|UTF8|postgres|dray|read committed\n");
}

static void
a_bad_connection_string_is_not_shown(void **state)
{
    Error err = {0};

    (void)state;
    options.connection = "host=here password=secret word user=dray";
    assert_null(D.open(&options, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(err.retriable);
    assert_null(strstr(err.text, "secret"));
    assert_null(strstr(err.text, "word "));
}

static void
an_unreachable_server_is_retriable(void **state)
{
    Error err = {0};

    (void)state;
    options.connection = "host=/nowhere user=postgres password=secret dbname=x";
    assert_null(D.open(&options, &err));
    assert_int_equal(err.kind, ERR_TARGET);
    assert_true(err.retriable);
    assert_null(strstr(err.text, "secret"));
}

static void
a_missing_database_is_not_retriable(void **state)
{
    Error err = {0};

    (void)state;
    options.connection = conninfo("dbname=nodb password=secret");
    assert_null(D.open(&options, &err));
    assert_int_equal(err.kind, ERR_TARGET);
    assert_false(err.retriable);
    assert_string_equal(err.sqlstate, "3D000");
    assert_non_null(strstr(err.text, "database \"nodb\" does not exist"));
    assert_null(strstr(err.text, "LOCATION"));
    assert_null(strstr(err.text, "secret"));
}

static void
a_password_in_the_servers_text_is_hidden(void **state)
{
    Error err;

    (void)state;
    D.close(target);
    target = connect_with("password=topsecret");
    err = refused("SELECT * FROM topsecret", NULL);
    assert_null(strstr(err.text, "topsecret"));
    assert_non_null(strstr(err.text, "relation \"****\" does not exist"));
}

static void
connecting_gives_up_in_time(void **state)
{
    Error err = {0};
    time_t start = time(NULL);
    Server silent = server;

    (void)state;
    /* a stopped process accepts nothing, its socket's queue does */
    options.connect_timeout_ms = 1000;
    options.connection = conninfo("");
    (void)kill(silent.pid, SIGSTOP);
    assert_null(D.open(&options, &err));
    (void)kill(silent.pid, SIGCONT);
    assert_true(err.retriable);
    assert_non_null(strstr(err.text, "connect_timeout"));
    assert_true(time(NULL) - start < 5);
}

/* ---- statements and errors ---- */

static void
rows_are_counted(void **state)
{
    (void)state;
    assert_int_equal(run("CREATE TEMP TABLE r(i int)"), -1);
    assert_int_equal(run("INSERT INTO r SELECT generate_series(1, 10)"), 10);
    assert_int_equal(run("UPDATE r SET i = i + 1 WHERE i > 5"), 5);
    assert_int_equal(run("DELETE FROM r WHERE i > 100"), 0);
    assert_int_equal(run("SELECT * FROM r"), 10);
    assert_int_equal(run("-- nothing"), -1);
    assert_int_equal(run("COPY r TO STDOUT"), 10);
}

static void
one_text_is_one_statement(void **state)
{
    Error err = refused("SELECT 1; SELECT 2", NULL);

    (void)state;
    assert_int_equal(err.kind, ERR_SCRIPT);
    assert_string_equal(err.sqlstate, "42601");
    assert_string_equal(ask("SELECT 3"), "3\n");
}

static void
an_error_has_all_the_server_says_on_one_line(void **state)
{
    Error err;

    (void)state;
    run("CREATE TEMP TABLE e(id int PRIMARY KEY, n int)");
    run("INSERT INTO e VALUES (1, 1)");
    err = refused("INSERT INTO e VALUES (1, 2)", NULL);
    assert_int_equal(err.kind, ERR_DATA);
    assert_string_equal(err.text, "duplicate key value violates unique constraint \"e_pkey\"; "
                                  "detail: Key (id)=(1) already exists.");
    /* characters are counted, not bytes */
    err = refused("SELECT '\xc3\xa4',\n '\xc3\xa4', nosuchthing FROM e", NULL);
    assert_string_equal(
        err.text, "column \"nosuchthing\" does not exist (line 2, column 7 of the statement)");
    err = refused("SELECT 1\n FROM e WHERE nn = 1", NULL);
    assert_int_equal(err.kind, ERR_SCRIPT);
    assert_string_equal(err.text, "column \"nn\" does not exist (line 2, column 15 of the "
                                  "statement); hint: Perhaps you meant to reference the column "
                                  "\"e.n\".");
    err = refused("DO $$ BEGIN RAISE NOTICE 'look here'; RAISE 'bad\nthing'; END $$", NULL);
    assert_int_equal(err.kind, ERR_SCRIPT);
    assert_null(strchr(err.text, '\n'));
    assert_non_null(strstr(err.text, "bad thing"));
    assert_non_null(strstr(err.text, "look here"));
}

static void
a_nul_byte_is_refused(void **state)
{
    Error err = {0};
    int64_t rows;

    (void)state;
    assert_false(D.execute(target, TEXT("SELECT 1\0; DROP"), NULL, &rows, &err));
    assert_int_equal(err.kind, ERR_SCRIPT);
}

static void
sqlstates_tell_kind_and_retry(void **state)
{
    static const struct {
        const char *sqlstate;
        ErrorKind kind;
        bool retriable;
    } cases[] = {
        {"08006", ERR_TARGET, true},
        {"40001", ERR_TARGET, true},
        {"40P01", ERR_TARGET, true},
        {"53100", ERR_TARGET, true},
        {"57P01", ERR_TARGET, true},
        {"57P03", ERR_TARGET, true},
        {"55P03", ERR_TARGET, true},
        {"25P03", ERR_TARGET, true},
        {"25006", ERR_TARGET, true},
        {"25P02", ERR_SCRIPT, false},
        {"28P01", ERR_TARGET, false},
        {"42501", ERR_TARGET, false},
        {"42P01", ERR_SCRIPT, false},
        {"22P02", ERR_DATA, false},
        {"23505", ERR_DATA, false},
        {"P0001", ERR_SCRIPT, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ErrorKind kind;
        bool retriable;

        postgres_classify(cases[i].sqlstate, &kind, &retriable);
        assert_int_equal(kind, cases[i].kind);
        assert_int_equal(retriable, cases[i].retriable);
    }
}

static void
a_lock_timeout_is_retriable(void **state)
{
    Target *other;
    Error err;

    (void)state;
    run("CREATE TABLE locked(i int)");
    D.close(target);
    options.lock_timeout_ms = 100;
    target = connect_with("");
    other = connect_with("");
    run_on(other, "BEGIN");
    run_on(other, "LOCK TABLE locked");
    err = refused("SELECT * FROM locked", NULL);
    D.close(other);
    assert_int_equal(err.kind, ERR_TARGET);
    assert_true(err.retriable);
    assert_string_equal(err.sqlstate, "55P03");
    run("DROP TABLE locked");
}

static bool
stop_at_two(void *context, const Value *values, size_t count, Error *err)
{
    (void)values;
    (void)count;
    if (++*(int *)context == 2)
        return error_set(err, ERR_DATA, "enough");
    return true;
}

static void
a_query_can_be_ended_early(void **state)
{
    const char *sql = "SELECT generate_series(1, 1000000)";
    Error err = {0};
    int count = 0;

    (void)state;
    assert_false(D.query(target, text_of(sql), stop_at_two, &count, &err));
    assert_string_equal(err.text, "enough");
    assert_int_equal(count, 2);
    /* and a transaction goes on */
    begin();
    count = 0;
    assert_false(D.query(target, text_of(sql), stop_at_two, &count, &err));
    assert_string_equal(ask("SELECT 1, NULL, ''"), "1|(null)|\n");
    D.rollback(target);
}

static void
a_query_of_many_rows_takes_no_memory(void **state)
{
    long before = server_peak_memory();

    (void)state;
    assert_int_equal(run("SELECT repeat('x', 10000) FROM generate_series(1, 5000)"), 5000);
    assert_true(server_peak_memory() - before < 10000);
}

static void *
cancel_later(void *context)
{
    struct timespec wait = {0, 300 * 1000L * 1000};

    (void)nanosleep(&wait, NULL);
    D.cancel(context);
    return NULL;
}

static void
a_statement_can_be_cancelled(void **state)
{
    pthread_t thread;
    Error err;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, cancel_later, target), 0);
    err = refused("SELECT pg_sleep(60)", NULL);
    (void)pthread_join(thread, NULL);
    assert_string_equal(err.sqlstate, "57014");
}

static void
the_second_stop_ends_a_statement(void **state)
{
    Error err;

    (void)state;
    stop_request(STOP_NOW);
    err = refused("SELECT pg_sleep(60)", NULL);
    assert_int_equal(err.kind, ERR_STOPPED);
    /* a quick one still works */
    run("SELECT 1");
}

/* ---- COPY ---- */

#define COPY "COPY c FROM STDIN WITH (FORMAT csv, NULL 'null')"

static void
copy_table(void)
{
    run("CREATE TEMP TABLE c(id int PRIMARY KEY, t text)");
}

static int64_t
load(LoadFeed *feed)
{
    Error err = {0};
    int64_t rows = -2;

    if (!D.execute(target, TEXT(COPY), feed, &rows, &err))
        fail_msg("%s", err.text);
    load_feed_close(feed);
    return rows;
}

static void
copy_keeps_hard_values(void **state)
{
    (void)state;
    copy_table();
    assert_int_equal(load(feed_of("\"1\",null\n\"2\",\"null\"\n\"3\",\"\"\n\"4\",\"a\"\"b\\n,\"\n"
                                  "\"5\",\"cr\rlf\ncrlf\r\n tab\t\"\n\"6\",\"\xf0\x9f\x90\x8e\"\n"
                                  "\"7\",\"\\.\"\n")),
        7);
    assert_string_equal(
        ask("SELECT id, t FROM c WHERE id < 5 ORDER BY id"), "1|(null)\n2|null\n3|\n4|a\"b\\n,\n");
    assert_string_equal(ask("SELECT t FROM c WHERE id = 5"), "cr\rlf\ncrlf\r\n tab\t\n");
    assert_string_equal(ask("SELECT t FROM c WHERE id > 5 ORDER BY id"), "\xf0\x9f\x90\x8e\n\\.\n");
}

static void
copy_of_an_empty_file_loads_nothing(void **state)
{
    (void)state;
    copy_table();
    assert_int_equal(load(feed_of("")), 0);
}

static void
copy_of_a_value_of_50_megabytes_takes_no_memory(void **state)
{
    long before;

    (void)state;
    copy_table();
    before = server_peak_memory();
    assert_int_equal(load(feed_large("\"1\",\"", 50, "\"\n")), 1);
    assert_true(server_peak_memory() - before < 10000);
    assert_string_equal(ask("SELECT length(t) FROM c"), "52428800\n");
}

static void
copy_names_line_and_column_of_a_bad_value(void **state)
{
    LoadFeed *feed = feed_of("\"1\",\"a\"\n\"x\",\"b\"\n");
    Error err;

    (void)state;
    copy_table();
    err = refused(COPY, feed);
    load_feed_close(feed);
    assert_int_equal(err.kind, ERR_DATA);
    assert_string_equal(err.text, "invalid input syntax for type integer: \"x\"; context: COPY c, "
                                  "line 2, column id: \"x\"");
    assert_string_equal(ask("SELECT count(*) FROM c"), "0\n");
}

static void
an_early_error_ends_a_long_copy(void **state)
{
    LoadFeed *feed = feed_repeat("\"1\",\"the same key\"\n", 2000000);
    Error err;

    (void)state;
    copy_table();
    err = refused(COPY, feed);
    assert_int_equal(err.kind, ERR_DATA);
    assert_non_null(strstr(err.text, "line 2"));
    load_feed_close(feed);
}

static void
a_feed_that_fails_leaves_nothing_and_its_own_error(void **state)
{
    LoadFeed *feed = feed_repeat("\"1\",null\n", 1);
    Error err;

    (void)state;
    copy_table();
    feed_fail_after(feed, 1);
    err = refused(COPY, feed);
    load_feed_close(feed);
    assert_int_equal(err.kind, ERR_DATA);
    assert_string_equal(err.text, "the file's checksum differs from the manifest");
    assert_string_equal(ask("SELECT count(*) FROM c"), "0\n");
}

static void
copy_without_a_file_is_refused(void **state)
{
    Error err;

    (void)state;
    copy_table();
    err = refused(COPY, NULL);
    assert_int_equal(err.kind, ERR_SCRIPT);
    assert_string_equal(err.text, "COPY FROM STDIN: there is no CSV file to load here");
    assert_string_equal(ask("SELECT 1"), "1\n");
}

static void
end_server(void *context)
{
    server_kill(context);
}

static void
a_server_that_goes_in_mid_copy_is_retriable(void **state)
{
    char row[1024];
    LoadFeed *feed;
    Error err;

    (void)state;
    (void)snprintf(row, sizeof(row), "\"1\",\"%*s\"\n", (int)sizeof(row) - 8, "x");
    copy_table();
    run("ALTER TABLE c DROP CONSTRAINT c_pkey");
    feed = feed_repeat(row, 100000);
    feed_call_after(feed, 5000, end_server, &server);
    begin();
    err = refused(COPY, feed);
    load_feed_close(feed);
    server_restart(&server);
    assert_int_equal(err.kind, ERR_TARGET);
    assert_true(err.retriable);
    assert_true(text_starts_with(text_of(err.text), "connection lost: "));
    assert_false(D.in_transaction(target));
    D.rollback(target);
    err = refused("SELECT 1", NULL);
    assert_true(err.retriable);
}

/* ---- transactions ---- */

static void
commit_and_rollback_do_as_they_say(void **state)
{
    Error err = {0};
    bool unknown = true;

    (void)state;
    run("CREATE TEMP TABLE t(i int)");
    assert_false(D.in_transaction(target));
    begin();
    assert_true(D.in_transaction(target));
    run("INSERT INTO t VALUES (1)");
    assert_true(D.commit(target, &unknown, &err));
    assert_false(unknown);
    begin();
    run("INSERT INTO t VALUES (2)");
    D.rollback(target);
    assert_false(D.in_transaction(target));
    assert_string_equal(ask("SELECT i FROM t"), "1\n");
}

static void
a_script_that_commits_is_noticed(void **state)
{
    Error err = {0};
    bool unknown = true;

    (void)state;
    begin();
    run("COMMIT");
    assert_false(D.in_transaction(target));
    assert_false(D.commit(target, &unknown, &err));
    assert_false(unknown);
    assert_int_equal(err.kind, ERR_SCRIPT);
    assert_string_equal(err.text, "COMMIT: no transaction is open: an earlier statement ended it");
}

static void
commit_of_a_failed_transaction_is_an_error(void **state)
{
    Error err = {0};
    bool unknown = true;

    (void)state;
    begin();
    err = refused("SELECT 1 / 0", NULL);
    assert_int_equal(err.kind, ERR_DATA);
    assert_true(D.in_transaction(target));
    assert_false(D.commit(target, &unknown, &err));
    assert_false(unknown);
    assert_non_null(strstr(err.text, "answered with ROLLBACK"));
}

static void
a_deferred_constraint_fails_the_commit_for_certain(void **state)
{
    Error err = {0};
    bool unknown = true;

    (void)state;
    run("CREATE TEMP TABLE d(i int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    begin();
    run("INSERT INTO d VALUES (1), (1)");
    assert_false(D.commit(target, &unknown, &err));
    assert_false(unknown);
    assert_int_equal(err.kind, ERR_DATA);
}

#ifdef WITH_FAULTS
static void
commit_once(const char *point, bool expect_unknown, const char *expect_rows)
{
    Error err = {0};
    bool unknown = false;

    run("DROP TABLE IF EXISTS outcome");
    run("CREATE TABLE outcome(i int)");
    begin();
    run("INSERT INTO outcome VALUES (1)");
    fault_arm_point(point, 1, 5);
    assert_false(D.commit(target, &unknown, &err));
    assert_true(fault_was_hit());
    fault_arm(0);
    assert_int_equal(unknown, expect_unknown);
    assert_true(err.retriable);
    assert_false(D.in_transaction(target));
    D.close(target);
    target = connect_with("");
    assert_string_equal(ask("SELECT count(*) FROM outcome"), expect_rows);
}

static void
a_lost_commit_says_whether_its_outcome_is_known(void **state)
{
    (void)state;
    commit_once("postgres.commit", false, "0\n");
    commit_once("postgres.commit_unsent", true, "0\n");
    commit_once("postgres.commit_sent", true, "1\n");
}
#endif

static void
a_backend_that_is_ended_makes_the_commit_unknown(void **state)
{
    Target *other = connect_with("");
    Error err = {0};
    bool unknown = false;
    const char *pid;

    (void)state;
    begin();
    pid = ask("SELECT pg_backend_pid()");
    run_on(other, arena_printf(arena, "SELECT pg_terminate_backend(%s, 5000)", pid));
    D.close(other);
    assert_false(D.commit(target, &unknown, &err));
    assert_true(unknown);
    assert_true(err.retriable);
}

#ifdef WITH_FAULTS
static void
every_fault_point_is_a_lost_connection(void **state)
{
    static const char *const points[] = {"postgres.execute", "postgres.copy", "postgres.query",
        "postgres.describe", "postgres.begin"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        CLEANUP(load_feed_close) LoadFeed *feed = feed_of("\"1\",null\n");
        CLEANUP(buf_clear) Buf text = BUF_INIT;
        TargetTable *table;
        Error err = {0};
        int64_t rows;

        copy_table();
        fault_arm_point(points[i], 1, 5);
        assert_false(D.begin(target, &err) && D.execute(target, TEXT(COPY), feed, &rows, &err) &&
                     D.query(target, TEXT("SELECT 1"), keep_text, &text, &err) &&
                     D.describe(target, TEXT(""), TEXT("c"), arena, &table, &err));
        assert_true(fault_was_hit());
        assert_int_equal(err.kind, ERR_TARGET);
        assert_true(err.retriable);
        assert_false(D.in_transaction(target));
        fault_arm(0);
        D.close(target);
        target = connect_with("");
    }
}
#endif

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(the_session_is_set_up),
        EACH(a_bad_connection_string_is_not_shown),
        EACH(an_unreachable_server_is_retriable),
        EACH(a_missing_database_is_not_retriable),
        EACH(a_password_in_the_servers_text_is_hidden),
        EACH(connecting_gives_up_in_time),
        EACH(rows_are_counted),
        EACH(one_text_is_one_statement),
        EACH(an_error_has_all_the_server_says_on_one_line),
        EACH(a_nul_byte_is_refused),
        EACH(sqlstates_tell_kind_and_retry),
        EACH(a_lock_timeout_is_retriable),
        EACH(a_query_can_be_ended_early),
        EACH(a_query_of_many_rows_takes_no_memory),
        EACH(a_statement_can_be_cancelled),
        EACH(the_second_stop_ends_a_statement),
        EACH(copy_keeps_hard_values),
        EACH(copy_of_an_empty_file_loads_nothing),
        EACH(copy_of_a_value_of_50_megabytes_takes_no_memory),
        EACH(copy_names_line_and_column_of_a_bad_value),
        EACH(an_early_error_ends_a_long_copy),
        EACH(a_feed_that_fails_leaves_nothing_and_its_own_error),
        EACH(copy_without_a_file_is_refused),
        EACH(a_server_that_goes_in_mid_copy_is_retriable),
        EACH(commit_and_rollback_do_as_they_say),
        EACH(a_script_that_commits_is_noticed),
        EACH(commit_of_a_failed_transaction_is_an_error),
        EACH(a_deferred_constraint_fails_the_commit_for_certain),
#ifdef WITH_FAULTS
        EACH(a_lost_commit_says_whether_its_outcome_is_known),
#endif
        EACH(a_backend_that_is_ended_makes_the_commit_unknown),
#ifdef WITH_FAULTS
        EACH(every_fault_point_is_a_lost_connection),
#endif
    };

    if (!server_has_postgres())
        return server_skip("PostgreSQL");
    server_start_postgres(&server);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
