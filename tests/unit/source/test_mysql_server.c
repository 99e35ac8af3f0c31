#include "mysql_world.h"

#include <sys/socket.h>
#include <sys/un.h>

#define WAIT_MS 20000

/* ---- what the server is ---- */

static void
the_kind_and_the_version_are_known(void **state)
{
    (void)state;
    assert_int_equal(admin->is_mariadb, !on_mysql);
    assert_string_equal(buf_string(&admin->version_text), ask("SELECT VERSION()"));
    assert_true(admin->version > (on_mysql ? 80000 : 100500));
    assert_true(
        admin->version % 10000 == (admin->version / 100 % 100) * 100 + admin->version % 100);
}

static void
the_session_is_set_up(void **state)
{
    CLEANUP(source_mysql_server_close) MysqlServer *opened = NULL;
    CLEANUP(buf_clear) Buf value = BUF_INIT;
    Error err;
    bool found;

    (void)state;
    run("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES', GLOBAL time_zone = '+05:00',"
        " GLOBAL net_write_timeout = 7, GLOBAL wait_timeout = 8");
    opened = source_mysql_server_open(&options, &err);
    run("SET GLOBAL sql_mode = DEFAULT, GLOBAL time_zone = DEFAULT, GLOBAL net_write_timeout ="
        " DEFAULT, GLOBAL wait_timeout = DEFAULT");
    assert_ok(opened != NULL, err);
    assert_ok(source_mysql_server_value(opened,
                  TEXT("SELECT CONCAT_WS('|', @@sql_mode, @@time_zone, @@character_set_client,"
                       " @@character_set_results, @@autocommit + 0, @@net_write_timeout,"
                       " @@wait_timeout)"),
                  &value, &found, &err),
        err);
    assert_string_equal(buf_string(&value), "|+00:00|utf8mb4|utf8mb4|1|31536000|31536000");
    assert_false(
        source_mysql_server_query(opened, TEXT("CREATE TABLE s.no (i int)"), NULL, NULL, &err));
    assert_non_null(strstr(err.text, "1792: Cannot execute statement in a READ ONLY transaction"));
}

static void
values_come_as_the_server_writes_them(void **state)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf value = BUF_INIT;
    Error err;
    bool found = true;

    (void)state;
    buf_add_string(&sql, "SELECT ");
    source_mysql_add_string(&sql, TEXT("it's a \\ and a \" and \n and \xf0\x9f\x9a\x9a"));
    assert_ok(source_mysql_server_value(admin, buf_text(&sql), &value, &found, &err), err);
    assert_string_equal(buf_string(&value), "it's a \\ and a \" and \n and \xf0\x9f\x9a\x9a");
    assert_true(found);
    assert_ok(source_mysql_server_value(admin, TEXT("SELECT NULL"), &value, &found, &err), err);
    assert_false(found);
    assert_ok(source_mysql_server_value(
                  admin, TEXT("SELECT 1 FROM DUAL WHERE FALSE"), &value, &found, &err),
        err);
    assert_false(found);
    buf_reset(&sql, 0);
    buf_add_string(&sql, "CREATE TABLE ");
    source_mysql_add_name(&sql, TEXT("a`b"));
    buf_add_string(&sql, " (i int)");
    run(buf_string(&sql));
    run("INSERT INTO `a``b` VALUES (1)");
}

/* ---- errors ---- */

static void
an_error_has_number_text_and_kind(void **state)
{
    Error err;

    (void)state;
    assert_false(
        source_mysql_server_query(admin, TEXT("SELECT * FROM s.nowhere"), NULL, NULL, &err));
    assert_string_equal(err.text, "1146: Table 's.nowhere' doesn't exist");
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_false(err.retriable);
    assert_string_equal(err.sqlstate, "42S02");
    assert_string_equal(ask("SELECT 1"), "1");
}

static bool
refuse_the_second(void *context, const Value *values, size_t count, Error *err)
{
    int *seen = context;

    assert_int_equal(count, 1);
    assert_int_equal(values[0].kind, VALUE_TEXT);
    return ++*seen < 2 || error_set(err, ERR_DATA, "row %d", *seen);
}

static void
a_refused_row_ends_the_statement_and_not_the_connection(void **state)
{
    int seen = 0;
    Error err;

    (void)state;
    assert_false(source_mysql_server_query(admin,
        TEXT("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3"), refuse_the_second, &seen, &err));
    assert_string_equal(err.text, "row 2");
    assert_int_equal(seen, 2);
    assert_string_equal(ask("SELECT 4"), "4");
}

static void
a_bad_password_is_told_without_it(void **state)
{
    Error err;

    (void)state;
    run("CREATE USER someone@localhost IDENTIFIED BY 'right'");
    options.client.user = "someone";
    options.client.password = "wrongsecret";
    assert_null(source_mysql_server_open(&options, &err));
    run("DROP USER someone@localhost");
    assert_string_equal(err.text,
        "cannot connect to the source: 1045: Access denied for user 'someone'@'localhost' (using "
        "password: YES); user and password are those of source.connection, source.user, "
        "source.password or source.defaults_file");
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_false(err.retriable);
}

static void
words_of_the_connection_string_win_and_are_not_shown(void **state)
{
    CLEANUP(source_mysql_server_close) MysqlServer *opened = NULL;
    Error err;

    (void)state;
    options.client.socket = "/nowhere";
    options.client.connection = socket_option;
    opened = source_mysql_server_open(&options, &err);
    assert_ok(opened != NULL, err);
    options.client.connection = "socket=/nowhere tables=secret";
    assert_null(source_mysql_server_open(&options, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_null(strstr(err.text, "secret"));
    options.client.connection = "socket=/nowhere password=secret";
    assert_null(source_mysql_server_open(&options, &err));
    assert_true(err.retriable);
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_null(strstr(err.text, "secret"));
}

static void
a_lost_connection_is_retriable_and_stays_lost(void **state)
{
    CLEANUP(source_mysql_server_close) MysqlServer *opened = connect_server();
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    Error err;

    (void)state;
    buf_addf(&sql, "KILL %lu", mysql_thread_id(opened->mysql));
    run(buf_string(&sql));
    assert_false(source_mysql_server_query(opened, TEXT("SELECT 1"), NULL, NULL, &err));
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_true(err.retriable);
    assert_false(source_mysql_server_query(opened, TEXT("SELECT 1"), NULL, NULL, &err));
    assert_string_equal(err.text, "the connection to the source was lost before");
    assert_true(err.retriable);
}

static void
fault_points_lose_the_connection(void **state)
{
    Error err;
    MysqlServer *opened;

    (void)state;
    fault_arm_point("source.mysql.open", 1, EIO);
    assert_null(source_mysql_server_open(&options, &err));
    assert_true(err.retriable);
    fault_arm(0);
    opened = source_mysql_server_open(&options, &err);
    assert_ok(opened != NULL, err);
    fault_arm_point("source.mysql.query", 1, EIO);
    assert_false(source_mysql_server_query(opened, TEXT("SELECT 1"), NULL, NULL, &err));
    assert_true(err.retriable);
    fault_arm(0);
    assert_false(source_mysql_server_query(opened, TEXT("SELECT 1"), NULL, NULL, &err));
    source_mysql_server_close(opened);
}

/* ---- stop ---- */

static void *
stop_soon(void *context)
{
    (void)usleep(300000);
    stop_request(*(StopLevel *)context);
    return NULL;
}

static void
a_stop_ends_a_statement_that_waits(void **state)
{
    StopLevel now = STOP_NOW;
    CLEANUP(source_mysql_server_close) MysqlServer *opened = connect_server();
    int64_t begun = clock_monotonic_ms();
    pthread_t thread;
    Error err;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &now), 0);
    assert_false(source_mysql_server_query(opened, TEXT("SELECT SLEEP(60)"), NULL, NULL, &err));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(err.kind, ERR_STOPPED);
    assert_true(clock_monotonic_ms() - begun < WAIT_MS);
    stop_reset();
}

static void
a_stop_ends_a_statement_that_waits_with_tls(void **state)
{
    if (!on_mysql)
        return;
    options.client.ssl_mode = SSL_REQUIRED;
    a_stop_ends_a_statement_that_waits(state);
}

/* A server that takes the connection and says nothing. libmysqlclient waits for it until the
 * timeout. */
static void
a_stop_ends_connecting(void **state)
{
    StopLevel now = STOP_NOW;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int64_t begun = clock_monotonic_ms();
    pthread_t thread;
    Error err;

    (void)state;
    (void)begun;
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/silent", server.directory);
    (void)unlink(address.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    options.client.socket = address.sun_path;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &now), 0);
    assert_null(source_mysql_server_open(&options, &err));
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(fd);
    assert_int_equal(err.kind, ERR_STOPPED);
#ifdef MARIADB_PACKAGE_VERSION
    assert_true(clock_monotonic_ms() - begun < options.client.connect_timeout_ms / 2);
#endif
    stop_reset();
}

static void
a_stop_after_the_block_lets_a_statement_end(void **state)
{
    StopLevel after = STOP_AFTER_BLOCK;
    pthread_t thread;
    Error err;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, stop_soon, &after), 0);
    assert_ok(source_mysql_server_query(admin, TEXT("SELECT SLEEP(0.8)"), NULL, NULL, &err), err);
    assert_int_equal(pthread_join(thread, NULL), 0);
    stop_reset();
}

/* ---- where the log ends, and begins ---- */

static void
check_position(BinlogPosition *position, const Error *err, const char *expected)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    if (position == NULL)
        fail_msg("%s", err->text);
    binlog_position_print(position, &text);
    assert_string_equal(buf_string(&text), expected);
    binlog_position_free(position);
}

static void
the_end_of_the_log_is_told_as_file_and_offset(void **state)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Error err;
    BinlogPosition *before = source_mysql_server_file_position(admin, &err);
    BinlogPosition *after;

    (void)state;
    assert_non_null(before);
    run("CREATE TABLE t (i int)");
    after = source_mysql_server_position(admin, &options, &err);
    assert_non_null(after);
    assert_int_equal(binlog_position_kind(after), BINLOG_POSITION_FILE);
    binlog_position_print(before, &text);
    buf_add_char(&text, ' ');
    binlog_position_print(after, &text);
    assert_true(text_starts_with(buf_text(&text), "log.00000") && strchr(text.data, ':') != NULL);
    assert_true(binlog_position_compare((Text){text.data, text_find(buf_text(&text), ' ')},
                    text_of(strchr(text.data, ' ') + 1)) < 0);
    binlog_position_free(before);
    binlog_position_free(after);
}

static void
the_end_of_the_log_is_told_as_gtids(void **state)
{
    Error err;
    const char *expected;

    (void)state;
    run("CREATE TABLE t (i int)");
    options.position = MYSQL_BY_GTID;
    expected = ask(
        on_mysql ? "SELECT LOWER(REPLACE(@@gtid_executed, '\n', ''))" : "SELECT @@gtid_binlog_pos");
    assert_true(*expected != '\0');
    check_position(source_mysql_server_position(admin, &options, &err), &err, expected);
}

static void
the_oldest_place_is_where_the_first_log_begins(void **state)
{
    CLEANUP(buf_clear) Buf expected = BUF_INIT;
    Error err;

    (void)state;
    run("FLUSH BINARY LOGS");
    run("CREATE TABLE t (i int)");
    run("FLUSH BINARY LOGS");
    buf_add_string(&expected, ask(on_mysql ? "SELECT LOWER(REPLACE(@@gtid_executed, '\n', ''))"
                                           : "SELECT @@gtid_binlog_pos"));
    {
        CLEANUP(buf_clear) Buf purge = BUF_INIT;
        BinlogPosition *end = source_mysql_server_file_position(admin, &err);
        uint64_t offset;

        assert_non_null(end);
        buf_add_string(&purge, "PURGE BINARY LOGS TO ");
        source_mysql_add_string(&purge, binlog_position_file(end, &offset));
        run(buf_string(&purge));
        options.position = MYSQL_BY_GTID;
        check_position(source_mysql_server_oldest_position(admin, &options, &err), &err,
            buf_string(&expected));
        buf_reset(&expected, 0);
        buf_add_text(&expected, binlog_position_file(end, &offset));
        buf_add_string(&expected, ":4");
        binlog_position_free(end);
    }
    options.position = MYSQL_BY_FILE;
    check_position(
        source_mysql_server_oldest_position(admin, &options, &err), &err, buf_string(&expected));
}

static void
a_server_without_a_log_is_refused_with_the_way_out(void **state)
{
    static const char *const without[] = {"--skip-log-bin", NULL};
    const char *const *with = server.more;
    Error err;

    (void)state;
    server.more = without;
    restart_server();
    assert_null(source_mysql_server_position(admin, &options, &err));
    server.more = with;
    restart_server();
    assert_string_equal(err.text,
        "the source writes no binary log: give its server log_bin and binlog_format = ROW, and "
        "start it again");
    assert_false(err.retriable);
}

static void
gtids_that_are_off_are_refused_with_the_way_out(void **state)
{
    Error err;

    (void)state;
    if (!on_mysql)
        return;
    options.position = MYSQL_BY_GTID;
    run("SET GLOBAL gtid_mode = ON_PERMISSIVE");
    assert_null(source_mysql_server_position(admin, &options, &err));
    assert_string_equal(err.text,
        "the source's gtid_mode is ON_PERMISSIVE: set it to ON (with enforce_gtid_consistency = "
        "ON), or give source.position: file");
    run("SET GLOBAL gtid_mode = ON");
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_kind_and_the_version_are_known, clean),
        cmocka_unit_test_setup(the_session_is_set_up, clean),
        cmocka_unit_test_setup(values_come_as_the_server_writes_them, clean),
        cmocka_unit_test_setup(an_error_has_number_text_and_kind, clean),
        cmocka_unit_test_setup(a_refused_row_ends_the_statement_and_not_the_connection, clean),
        cmocka_unit_test_setup(a_bad_password_is_told_without_it, clean),
        cmocka_unit_test_setup(words_of_the_connection_string_win_and_are_not_shown, clean),
        cmocka_unit_test_setup(a_lost_connection_is_retriable_and_stays_lost, clean),
        cmocka_unit_test_setup(fault_points_lose_the_connection, clean),
        cmocka_unit_test_setup(a_stop_ends_a_statement_that_waits, clean),
        cmocka_unit_test_setup(a_stop_ends_a_statement_that_waits_with_tls, clean),
        cmocka_unit_test_setup(a_stop_ends_connecting, clean),
        cmocka_unit_test_setup(a_stop_after_the_block_lets_a_statement_end, clean),
        cmocka_unit_test_setup(the_end_of_the_log_is_told_as_file_and_offset, clean),
        cmocka_unit_test_setup(the_end_of_the_log_is_told_as_gtids, clean),
        cmocka_unit_test_setup(the_oldest_place_is_where_the_first_log_begins, clean),
        cmocka_unit_test_setup(gtids_that_are_off_are_refused_with_the_way_out, clean),
        cmocka_unit_test_setup(a_server_without_a_log_is_refused_with_the_way_out, clean),
    };

    return run_world(argc, argv, tests, ARRAY_LEN(tests));
}
