#include "target/mysql.h"

#include <pthread.h>
#include <time.h>

#include "base/file.h"

#define D                 target_mysql
#define OPTIONS           MysqlOptions
#define CONNECTION_OPTION options.client.connection
#define CONNECTION        "socket=%s user=root dbname=dw "
#include "driver_test.h"

static int
make_database(void **state)
{
    Error err = {0};
    int64_t rows;

    (void)state;
    arena = arena_new();
    field_set_presets(D.fields, ".", arena, &options);
    options.client.connection = arena_printf(arena, "socket=%s user=root", server.socket);
    target = D.open(&options, &err);
    if (target == NULL || !D.execute(target, TEXT("CREATE DATABASE dw"), NULL, &rows, &err))
        print_error("%s\n", err.text);
    return tear_down(state);
}

/* ---- connecting ---- */

static void
the_session_is_set_up(void **state)
{
    (void)state;
    assert_string_equal(ask("SELECT @@time_zone, @@autocommit, @@tx_isolation,"
                            " @@character_set_client, @@sql_notes, DATABASE()"),
        "+00:00|1|READ-COMMITTED|utf8mb4|0|dw\n");
    assert_string_equal(ask("SELECT @@sql_mode"),
        "NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
        "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION\n");
}

static void
options_can_stand_by_themselves(void **state)
{
    Error err = {0};

    (void)state;
    D.close(target);
    options.client.connection = "";
    options.client.socket = server.socket;
    options.client.user = "root";
    options.client.database = "dw";
    options.lock_timeout_ms = 3000;
    options.isolation = ISOLATION_REPEATABLE_READ;
    target = D.open(&options, &err);
    assert_non_null(target);
    assert_string_equal(ask("SELECT @@innodb_lock_wait_timeout, @@tx_isolation, DATABASE()"),
        "3|REPEATABLE-READ|dw\n");
}

static void
an_option_file_gives_user_and_database(void **state)
{
    const char *path = arena_printf(arena, "%s/my.cnf", server.directory);
    const char *text =
        arena_printf(arena, "[dray]\nsocket=%s\nuser=root\ndatabase=dw\n", server.socket);
    Error err = {0};

    (void)state;
    assert_true(file_write_durable(path, text, strlen(text), &err));
    D.close(target);
    options.client.connection = "";
    options.client.defaults_file = path;
    options.client.defaults_group = "dray";
    target = D.open(&options, &err);
    if (target == NULL)
        fail_msg("%s", err.text);
    assert_string_equal(ask("SELECT DATABASE()"), "dw\n");
}

static void
a_bad_connection_string_is_not_shown(void **state)
{
    static const char *const bad[] = {"host=here password=secret word user=dray",
        "host=here password='secret", "host=here password=a secret=b", "secret", "=secret",
        "connection=secret", "ssl_mode=secret"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        Error err = {0};

        options.client.connection = bad[i];
        assert_null(D.open(&options, &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        assert_null(strstr(err.text, "secret"));
    }
}

static void
quoted_values_keep_blanks(void **state)
{
    (void)state;
    run("CREATE DATABASE `a b'c`");
    D.close(target);
    target = connect_with(" database = 'a b\\'c' port=0");
    assert_string_equal(ask("SELECT DATABASE()"), "a b'c\n");
    run("DROP DATABASE `a b'c`");
}

static void
an_unreachable_server_is_retriable(void **state)
{
    Error err = {0};

    (void)state;
    options.client.connection = "socket=/nowhere user=root password=secret";
    assert_null(D.open(&options, &err));
    assert_int_equal(err.kind, ERR_TARGET);
    assert_true(err.retriable);
    assert_null(strstr(err.text, "secret"));
}

static void
a_bad_password_is_not_shown_and_not_retriable(void **state)
{
    Error err = {0};

    (void)state;
    run("CREATE USER someone@localhost IDENTIFIED BY 'right'");
    options.client.connection = conninfo("user=someone password=wrongsecret");
    assert_null(D.open(&options, &err));
    run("DROP USER someone@localhost");
    assert_int_equal(err.kind, ERR_TARGET);
    assert_false(err.retriable);
    assert_string_equal(err.text,
        "cannot connect: Access denied for user 'someone'@'localhost' (using password: YES) (error "
        "1045)");
    options.client.connection = conninfo("dbname=nodb");
    assert_null(D.open(&options, &err));
    assert_false(err.retriable);
    assert_int_equal(err.kind, ERR_TARGET);
}

static void
a_password_in_the_servers_text_is_hidden(void **state)
{
    Error err;

    (void)state;
    run("CREATE USER someone@localhost IDENTIFIED BY 'topsecret'");
    run("GRANT ALL ON dw.* TO someone@localhost");
    D.close(target);
    target = connect_with("user=someone password=topsecret");
    err = refused("SELECT * FROM topsecret", NULL);
    assert_string_equal(err.text, "Table 'dw.****' doesn't exist (error 1146)");
    assert_int_equal(err.kind, ERR_SCRIPT);
    D.close(target);
    target = connect_with("");
    run("DROP USER someone@localhost");
}

static void
tls_is_missed_where_it_is_required(void **state)
{
    Error err = {0};

    (void)state;
    options.client.ssl_mode = SSL_REQUIRED;
    options.client.connection = conninfo("");
    assert_null(D.open(&options, &err));
    assert_false(err.retriable);
    assert_non_null(strstr(err.text, "TLS"));
}

/* ---- statements and errors ---- */

static void
rows_are_counted(void **state)
{
    (void)state;
    run("CREATE TEMPORARY TABLE r(i int)");
    assert_int_equal(run("INSERT INTO r SELECT seq FROM seq_1_to_10"), 10);
    /* found rows, also those that are the same afterwards */
    assert_int_equal(run("UPDATE r SET i = 5 WHERE i > 5"), 5);
    assert_int_equal(run("UPDATE r SET i = 5 WHERE i = 5"), 6);
    assert_int_equal(run("DELETE FROM r WHERE i > 100"), 0);
    (void)run("SELECT * FROM r");
    assert_string_equal(ask("SELECT COUNT(*) FROM r"), "10\n");
}

static void
one_text_is_one_statement(void **state)
{
    Error err = refused("SELECT 1; SELECT 2", NULL);

    (void)state;
    assert_int_equal(err.kind, ERR_SCRIPT);
    assert_string_equal(err.sqlstate, "42000");
    assert_string_equal(ask("SELECT 3"), "3\n");
}

static void
a_procedure_may_give_several_results(void **state)
{
    (void)state;
    run("CREATE PROCEDURE many() BEGIN SELECT 1; SELECT 2; INSERT INTO p VALUES (1), (2); END");
    run("CREATE TEMPORARY TABLE p(i int)");
    run("CALL many()");
    assert_string_equal(ask("SELECT COUNT(*) FROM p"), "2\n");
    run("DROP PROCEDURE many");
}

static void
data_errors_are_told_apart(void **state)
{
    static const struct {
        const char *sql;
        ErrorKind kind;
    } cases[] = {
        {"INSERT INTO e VALUES (1, 1, 'x')", ERR_DATA},
        {"INSERT INTO e VALUES (2, 1000, 'x')", ERR_DATA},
        {"INSERT INTO e VALUES (2, 'abc', 'x')", ERR_DATA},
        {"INSERT INTO e VALUES (2, 1, 'too long')", ERR_DATA},
        {"INSERT INTO e VALUES (2, NULL, 'x')", ERR_DATA},
        {"INSERT INTO e (id) VALUES (2)", ERR_DATA},
        {"INSERT INTO e SELECT 2, 1 / 0, 'x'", ERR_DATA},
        {"INSERT INTO e VALUES (2, 1)", ERR_SCRIPT},
        {"INSERT INTO nowhere VALUES (2, 1)", ERR_SCRIPT},
        {"INSERT IGNORE INTO e VALUES (1, 1, 'x')", ERR_DATA},
        {"INSERT IGNORE INTO e VALUES (3, 1000, 'x')", ERR_DATA},
        {"  -- a comment\n /* another */ INSERT IGNORE INTO e VALUES (4, 1000, 'x')", ERR_DATA},
    };

    (void)state;
    run("CREATE TEMPORARY TABLE e(id int PRIMARY KEY, n tinyint NOT NULL, t varchar(3) NOT NULL)");
    run("INSERT INTO e VALUES (1, 1, 'a')");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Error err = refused(cases[i].sql, NULL);

        if (err.kind != cases[i].kind || err.retriable)
            fail_msg("%s: %s", cases[i].sql, err.text);
    }
    run("CREATE TABLE IF NOT EXISTS dw.known(i int)");
    run("CREATE TABLE IF NOT EXISTS dw.known(i int)");
    run("DROP TABLE IF EXISTS dw.known, dw.unknown");
}

static void
zero_stays_zero(void **state)
{
    (void)state;
    run("CREATE TEMPORARY TABLE z(id int AUTO_INCREMENT PRIMARY KEY)");
    run("INSERT INTO z VALUES (0)");
    assert_string_equal(ask("SELECT id FROM z"), "0\n");
}

static void
error_numbers_tell_kind_and_retry(void **state)
{
    static const struct {
        unsigned number;
        const char *message;
        ErrorKind kind;
        bool retriable;
    } cases[] = {
        {1205, "", ERR_TARGET, true},
        {1213, "", ERR_TARGET, true},
        {1040, "", ERR_TARGET, true},
        {1053, "", ERR_TARGET, true},
        {1927, "", ERR_TARGET, true},
        {1836, "", ERR_TARGET, true},
        {2002, "", ERR_TARGET, true},
        {2006, "", ERR_TARGET, true},
        {2013, "", ERR_TARGET, true},
        {2026, "", ERR_TARGET, false},
        {1045, "", ERR_TARGET, false},
        {1142, "", ERR_TARGET, false},
        {1290, "running with the --read-only option", ERR_TARGET, true},
        {1290, "running with the --secure-file-priv option", ERR_SCRIPT, false},
        {1062, "", ERR_DATA, false},
        {1452, "", ERR_DATA, false},
        {1064, "", ERR_SCRIPT, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ErrorKind kind;
        bool retriable;

        target_mysql_classify(cases[i].number, "HY000", cases[i].message, &kind, &retriable);
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
    run("CREATE TABLE locked(i int PRIMARY KEY)");
    run("INSERT INTO locked VALUES (1)");
    D.close(target);
    options.lock_timeout_ms = 1000;
    target = connect_with("");
    other = connect_with("");
    run_on(other, "START TRANSACTION");
    run_on(other, "UPDATE locked SET i = 2");
    err = refused("UPDATE locked SET i = 3", NULL);
    D.close(other);
    assert_int_equal(err.kind, ERR_TARGET);
    assert_true(err.retriable);
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
    const char *sql = "SELECT seq FROM seq_1_to_100000";
    Error err = {0};
    int count = 0;

    (void)state;
    assert_false(D.query(target, text_of(sql), stop_at_two, &count, &err));
    assert_string_equal(err.text, "enough");
    assert_int_equal(count, 2);
    assert_string_equal(ask("SELECT 1, NULL, ''"), "1|(null)|\n");
}

static void
a_query_of_many_rows_takes_no_memory(void **state)
{
    long before = server_peak_memory();

    (void)state;
    (void)run("SELECT REPEAT('x', 10000) FROM seq_1_to_5000");
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
    const char *sql = "SELECT COUNT(*) FROM seq_1_to_100000 a, seq_1_to_100000 b";
    pthread_t thread;
    Error err;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, cancel_later, target), 0);
    err = refused(sql, NULL);
    (void)pthread_join(thread, NULL);
    assert_true(err.retriable);
    assert_string_equal(ask("SELECT 1"), "1\n");
}

/* ---- LOAD DATA LOCAL ---- */

#define LOAD                                                                          \
    "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE c CHARACTER SET utf8mb4 FIELDS " \
    "TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' (id, t)"

static void
load_table(void)
{
    run("CREATE OR REPLACE TEMPORARY TABLE c(id int PRIMARY KEY, t longtext)"
        " ENGINE=InnoDB CHARACTER SET utf8mb4");
}

static int64_t
load(LoadFeed *feed)
{
    Error err = {0};
    int64_t rows = -2;

    if (!D.execute(target, TEXT(LOAD), feed, &rows, &err))
        fail_msg("%s", err.text);
    load_feed_close(feed);
    return rows;
}

static void
load_keeps_hard_values(void **state)
{
    (void)state;
    load_table();
    assert_int_equal(load(feed_of("\"1\",NULL\n\"2\",\"NULL\"\n\"3\",\"\"\n\"4\",\"a\"\"b\\n,\"\n"
                                  "\"5\",\"cr\rlf\ncrlf\r\n tab\t\"\n\"6\",\"\xf0\x9f\x90\x8e\"\n"
                                  "\"7\",\"\\N\"\n\"8\",\"\\\"\n")),
        8);
    assert_string_equal(
        ask("SELECT id, t FROM c WHERE id < 5 ORDER BY id"), "1|(null)\n2|NULL\n3|\n4|a\"b\\n,\n");
    assert_string_equal(ask("SELECT t FROM c WHERE id = 5"), "cr\rlf\ncrlf\r\n tab\t\n");
    assert_string_equal(
        ask("SELECT t FROM c WHERE id > 5 ORDER BY id"), "\xf0\x9f\x90\x8e\n\\N\n\\\n");
}

static void
load_of_an_empty_file_loads_nothing(void **state)
{
    (void)state;
    load_table();
    assert_int_equal(load(feed_of("")), 0);
}

static void
load_of_a_value_of_50_megabytes_takes_no_memory(void **state)
{
    long before;

    (void)state;
    load_table();
    before = server_peak_memory();
    assert_int_equal(load(feed_large("\"1\",\"", 50, "\"\n")), 1);
    assert_true(server_peak_memory() - before < 10000);
    assert_string_equal(ask("SELECT LENGTH(t) FROM c"), "52428800\n");
}

static void
refuse_load(const char *csv, const char *text)
{
    LoadFeed *feed = feed_of(csv);
    Error err = refused(LOAD, feed);

    load_feed_close(feed);
    assert_int_equal(err.kind, ERR_DATA);
    assert_false(err.retriable);
    assert_string_equal(err.text, text);
    /* it was in a transaction of its own */
    assert_false(D.in_transaction(target));
    assert_string_equal(ask("SELECT COUNT(*) FROM c"), "0\n");
}

static void
warnings_of_a_load_are_errors(void **state)
{
    (void)state;
    load_table();
    refuse_load("\"1\",\"a\"\n\"x\",\"b\"\n",
        "rows would be changed or lost: 1 warning: Incorrect integer value: 'x' for column "
        "`dw`.`c`.`id` at row 2 (1366)");
    refuse_load("\"1\",\"a\"\n\"1\",\"b\"\n",
        "rows would be changed or lost: 1 row skipped, 1 warning: Duplicate entry '1' for key "
        "'PRIMARY' (1062)");
    refuse_load("\"1\"\n", "rows would be changed or lost: 1 warning: Row 1 doesn't contain data "
                           "for all columns (1261)");
    refuse_load("\"1\",\"a\",\"b\"\n",
        "rows would be changed or lost: 1 warning: Row 1 was truncated; it contained more data "
        "than there were input columns (1262)");
    refuse_load("\"1\",\"\xff\"\n",
        "rows would be changed or lost: 1 warning: Incorrect string value: '\\xFF' for column "
        "`dw`.`c`.`t` at row 1 (1366)");
}

static void
a_load_in_a_transaction_stays_in_it(void **state)
{
    LoadFeed *feed = feed_of("\"1\",\"a\"\n\"1\",\"b\"\n");
    Error err;

    (void)state;
    load_table();
    begin();
    run("INSERT INTO c VALUES (7, 'kept')");
    err = refused(LOAD, feed);
    load_feed_close(feed);
    assert_int_equal(err.kind, ERR_DATA);
    assert_true(D.in_transaction(target));
    D.rollback(target);
    assert_string_equal(ask("SELECT COUNT(*) FROM c"), "0\n");
}

static void
a_feed_that_fails_leaves_nothing_and_its_own_error(void **state)
{
    LoadFeed *feed = feed_repeat("\"1\",NULL\n", 1);
    Error err;

    (void)state;
    load_table();
    feed_fail_after(feed, 1);
    err = refused(LOAD, feed);
    load_feed_close(feed);
    assert_int_equal(err.kind, ERR_DATA);
    assert_string_equal(err.text, "the file's checksum differs from the manifest");
    assert_string_equal(ask("SELECT COUNT(*) FROM c"), "0\n");
}

static void
a_server_gets_no_file_without_a_feed(void **state)
{
    Error err;

    (void)state;
    load_table();
    err = refused(LOAD, NULL);
    assert_int_equal(err.kind, ERR_SCRIPT);
    assert_string_equal(err.text, "LOAD DATA LOCAL: there is no CSV file to load here");
    assert_string_equal(ask("SELECT COUNT(*) FROM c"), "0\n");
    /* nor after a load that had one */
    assert_int_equal(load(feed_of("\"1\",\"mine\"\n")), 1);
    err = refused(LOAD, NULL);
    assert_int_equal(err.kind, ERR_SCRIPT);
    assert_string_equal(ask("SELECT t FROM c"), "mine\n");
}

static void
the_second_stop_ends_a_load(void **state)
{
    LoadFeed *feed = feed_repeat("\"1\",NULL\n", 10);
    Error err;

    (void)state;
    load_table();
    stop_request(STOP_NOW);
    err = refused(LOAD, feed);
    load_feed_close(feed);
    assert_int_equal(err.kind, ERR_STOPPED);
}

static void
end_server(void *context)
{
    server_kill(context);
}

static void
a_server_that_goes_in_mid_load_is_retriable(void **state)
{
    LoadFeed *feed = feed_repeat("\"1\",NULL\n", 2000000);
    Error err;

    (void)state;
    load_table();
    feed_call_after(feed, 100000, end_server, &server);
    begin();
    err = refused(LOAD, feed);
    load_feed_close(feed);
    server_restart(&server);
    assert_int_equal(err.kind, ERR_TARGET);
    assert_true(err.retriable);
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
    run("CREATE TEMPORARY TABLE t(i int)");
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
an_implicit_commit_is_noticed(void **state)
{
    Error err = {0};
    bool unknown = true;

    (void)state;
    begin();
    run("CREATE TABLE implicit(i int)");
    assert_false(D.in_transaction(target));
    run("INSERT INTO implicit VALUES (1)");
    assert_false(D.in_transaction(target));
    assert_false(D.commit(target, &unknown, &err));
    assert_false(unknown);
    assert_int_equal(err.kind, ERR_SCRIPT);
    run("DROP TABLE implicit");
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
    assert_string_equal(ask("SELECT COUNT(*) FROM outcome"), expect_rows);
    run("DROP TABLE outcome");
}

static void
a_lost_commit_says_whether_its_outcome_is_known(void **state)
{
    (void)state;
    commit_once("mysql.commit", false, "0\n");
    commit_once("mysql.commit_unsent", true, "0\n");
    commit_once("mysql.commit_sent", true, "1\n");
}
#endif

static void
a_connection_that_is_killed_makes_the_commit_unknown(void **state)
{
    Target *other = connect_with("");
    Error err = {0};
    bool unknown = false;

    (void)state;
    begin();
    run_on(other, arena_printf(arena, "KILL %s", ask("SELECT CONNECTION_ID()")));
    D.close(other);
    assert_false(D.commit(target, &unknown, &err));
    assert_true(unknown);
    assert_true(err.retriable);
}

#ifdef WITH_FAULTS
static void
every_fault_point_is_a_lost_connection(void **state)
{
    static const char *const points[] = {
        "mysql.execute", "mysql.load", "mysql.query", "mysql.describe", "mysql.begin"};

    (void)state;
    run("CREATE TABLE faulty(i int)");
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        CLEANUP(load_feed_close) LoadFeed *feed = feed_of("\"1\",NULL\n");
        CLEANUP(buf_clear) Buf text = BUF_INIT;
        TargetTable *table;
        Error err = {0};
        int64_t rows;

        load_table();
        fault_arm_point(points[i], 1, 5);
        assert_false(D.begin(target, &err) && D.execute(target, TEXT(LOAD), feed, &rows, &err) &&
                     D.query(target, TEXT("SELECT 1"), keep_text, &text, &err) &&
                     D.describe(target, TEXT(""), TEXT("faulty"), arena, &table, &err));
        assert_true(fault_was_hit());
        assert_int_equal(err.kind, ERR_TARGET);
        assert_true(err.retriable);
        assert_false(D.in_transaction(target));
        fault_arm(0);
        D.close(target);
        target = connect_with("");
    }
    run("DROP TABLE faulty");
}
#endif

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(the_session_is_set_up),
        EACH(options_can_stand_by_themselves),
        EACH(an_option_file_gives_user_and_database),
        EACH(a_bad_connection_string_is_not_shown),
        EACH(quoted_values_keep_blanks),
        EACH(an_unreachable_server_is_retriable),
        EACH(a_bad_password_is_not_shown_and_not_retriable),
        EACH(a_password_in_the_servers_text_is_hidden),
        EACH(tls_is_missed_where_it_is_required),
        EACH(rows_are_counted),
        EACH(one_text_is_one_statement),
        EACH(a_procedure_may_give_several_results),
        EACH(data_errors_are_told_apart),
        EACH(zero_stays_zero),
        EACH(error_numbers_tell_kind_and_retry),
        EACH(a_lock_timeout_is_retriable),
        EACH(a_query_can_be_ended_early),
        EACH(a_query_of_many_rows_takes_no_memory),
        EACH(a_statement_can_be_cancelled),
        EACH(load_keeps_hard_values),
        EACH(load_of_an_empty_file_loads_nothing),
        EACH(load_of_a_value_of_50_megabytes_takes_no_memory),
        EACH(warnings_of_a_load_are_errors),
        EACH(a_load_in_a_transaction_stays_in_it),
        EACH(a_feed_that_fails_leaves_nothing_and_its_own_error),
        EACH(a_server_gets_no_file_without_a_feed),
        EACH(the_second_stop_ends_a_load),
        EACH(a_server_that_goes_in_mid_load_is_retriable),
        EACH(commit_and_rollback_do_as_they_say),
        EACH(an_implicit_commit_is_noticed),
#ifdef WITH_FAULTS
        EACH(a_lost_commit_says_whether_its_outcome_is_known),
#endif
        EACH(a_connection_that_is_killed_makes_the_commit_unknown),
#ifdef WITH_FAULTS
        EACH(every_fault_point_is_a_lost_connection),
#endif
    };

    if (!server_has_mariadb())
        return server_skip("MariaDB");
    server_start_mariadb(&server);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_database, NULL);
}
