#include "source/mysql/settings.h"
#include "support/test.h"

/* A server that loses nothing. */
static const char *const good[][2] = {
    {"log_bin", "ON"},
    {"binlog_format", "ROW"},
    {"binlog_row_image", "FULL"},
    {"binlog_row_metadata", "FULL"},
    {"binlog_row_value_options", ""},
    {"binlog_checksum", "CRC32"},
    {"binlog_expire_logs_seconds", "2592000"},
    {"sync_binlog", "1"},
    {"innodb_flush_log_at_trx_commit", "1"},
    {"sql_mode", "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE"},
    {"max_allowed_packet", "67108864"},
    {"log_slave_updates", "ON"},
    {"gtid_mode", "ON"},
    {"server_id", "5"},
};

static MysqlSourceOptions options;
static MysqlSettings settings;

static void
set(const char *name, const char *value)
{
    (void)map_put(&settings.variables, text_of(name), (char *)(uintptr_t)value);
}

static int
begin(void **state)
{
    (void)state;
    options = (MysqlSourceOptions){.position = MYSQL_BY_GTID};
    settings = (MysqlSettings){
        .options = &options, .server_id = 100, .do_db = TEXT(""), .ignore_db = TEXT("")};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        set(good[i][0], good[i][1]);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    map_clear(&settings.variables);
    return 0;
}

static void
check_reported(const char *line)
{
    CLEANUP(buf_clear) Buf report = BUF_INIT;

    source_mysql_settings_report(&settings, &report);
    if (strstr(buf_string(&report), line) == NULL)
        fail_msg("no \"%s\" in:\n%s", line, buf_string(&report));
}

static void
check_silent(const char *word)
{
    CLEANUP(buf_clear) Buf report = BUF_INIT;

    source_mysql_settings_report(&settings, &report);
    if (strstr(buf_string(&report), word) != NULL)
        fail_msg("\"%s\" in:\n%s", word, buf_string(&report));
}

static void
check_refused(const char *text)
{
    Error err = {0};

    assert_false(source_mysql_settings_require(&settings, &err));
    assert_string_equal(err.text, text);
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_false(err.retriable);
}

static void
good_settings_give_no_warning(void **state)
{
    Error err;

    (void)state;
    assert_ok(source_mysql_settings_require(&settings, &err), err);
    check_silent("warning");
    check_reported("logs are purged after 30 days (binlog_expire_logs_seconds): a service that is "
                   "down or behind for longer must begin anew with dray bootstrap\n");
}

static void
what_the_service_cannot_run_without_is_refused(void **state)
{
    (void)state;
    set("log_bin", "OFF");
    check_refused(
        "the source writes no binary log (log_bin is OFF): write log_bin into the server's "
        "option file, and restart it");
    set("log_bin", "ON");
    set("binlog_format", "MIXED");
    check_refused(
        "binlog_format of the source is MIXED: the log has statements instead of rows; SET "
        "GLOBAL binlog_format = 'ROW', write it into the server's option file, and let "
        "the applications connect anew");
    set("binlog_format", "ROW");
    set("server_id", "0");
    check_refused("server_id of the source is 0, with which it serves no replicas: SET GLOBAL "
                  "server_id = 1, and write it into the server's option file");
    set("server_id", "102");
    check_refused("server_id of the source is 102, which is one of ours as a replica (100 to 107): "
                  "its transactions would be passed over; give source: server_id another number");
    set("server_id", "5");
    set("gtid_mode", "OFF_PERMISSIVE");
    check_refused("gtid_mode of the source is OFF_PERMISSIVE: set it to ON (with "
                  "enforce_gtid_consistency = ON), or give position: file");
}

static void
what_is_not_needed_is_not_refused(void **state)
{
    Error err;

    (void)state;
    set("gtid_mode", "OFF");
    options.position = MYSQL_BY_FILE;
    assert_ok(source_mysql_settings_require(&settings, &err), err);
    set("binlog_format", "STATEMENT");
    options.statements = MYSQL_STATEMENTS_SKIP;
    assert_ok(source_mysql_settings_require(&settings, &err), err);
    check_reported(
        "warning: binlog_format is STATEMENT: changes that the server logs as statements "
        "are lost");
}

static void
what_the_log_leaves_out_is_told(void **state)
{
    (void)state;
    set("binlog_row_image", "MINIMAL");
    check_reported("\nbinlog_row_image is MINIMAL: what an update leaves out is taken from the");
    settings.is_mariadb = true;
    check_reported("warning: binlog_row_image is MINIMAL: MariaDB then logs a REPLACE");
    set("binlog_row_value_options", "PARTIAL_JSON");
    check_reported("warning: binlog_row_value_options is PARTIAL_JSON");
    set("binlog_row_image", "FULL");
    check_silent("PARTIAL_JSON");
    set("binlog_row_metadata", "NO_LOG");
    check_reported("warning: binlog_row_metadata is NO_LOG: the log does not name its columns");
    settings.do_db = TEXT("shop");
    settings.ignore_db = TEXT("a,b");
    check_reported("warning: binlog_do_db is shop: changes of all other databases are not in the "
                   "log, and are lost\n");
    check_reported("warning: binlog_ignore_db is a,b: changes of these databases");
    set("binlog_checksum", "NONE");
    check_reported("warning: binlog_checksum is NONE");
}

static void
how_long_logs_stay_is_told(void **state)
{
    (void)state;
    set("binlog_expire_logs_seconds", "3600");
    check_reported("warning: logs are purged after 3600 seconds (binlog_expire_logs_seconds)");
    set("binlog_expire_logs_seconds", "0");
    check_reported("logs are never purged by time");
    set("expire_logs_days", "0.500000");
    check_reported("warning: logs are purged after 12 hours (expire_logs_days)");
    set("expire_logs_days", "3.000000");
    check_reported("\nlogs are purged after 3 days (expire_logs_days)");
    set("binlog_expire_logs_auto_purge", "OFF");
    check_reported("logs are never purged by time");
    set("max_binlog_total_size", "1073741824");
    check_reported("warning: max_binlog_total_size is 1073741824");
}

static void
what_a_crash_takes_is_told(void **state)
{
    (void)state;
    set("sync_binlog", "0");
    set("innodb_flush_log_at_trx_commit", "2");
    check_reported(
        "warning: sync_binlog is 0: a crash of the source's machine may lose transactions "
        "that the target has already; set it to 1\n");
    check_reported("warning: innodb_flush_log_at_trx_commit is 2: a crash");
}

static void
values_that_others_do_not_take_are_told(void **state)
{
    (void)state;
    check_silent("zero_date");
    set("sql_mode", "STRICT_TRANS_TABLES");
    check_reported("sql_mode allows zero dates (0000-00-00): values.zero_date");
    check_silent("not strict");
    set("sql_mode", "");
    check_reported("warning: sql_mode is not strict");
    set("sql_mode", "STRICT_ALL_TABLES,NO_ZERO_DATE,ALLOW_INVALID_DATES");
    check_reported("warning: sql_mode has ALLOW_INVALID_DATES");
    check_silent("not strict");
    set("max_allowed_packet", "1048576");
    check_reported("warning: max_allowed_packet is 1048576 bytes");
}

static void
what_a_replica_does_not_log_is_told(void **state)
{
    (void)state;
    set("log_slave_updates", "OFF");
    set("replicate_do_db", "shop");
    set("gtid_strict_mode", "OFF");
    settings.is_mariadb = true;
    check_silent("log_slave_updates");
    settings.sources = -1;
    check_reported("warning: log_slave_updates is OFF, and whether the source is a replica may not "
                   "be asked: what a replica replicates is not in its log");
    check_silent("replicate_do_db");
    settings.sources = 1;
    check_reported("warning: log_slave_updates is OFF, and the source is a replica: what it "
                   "replicates is not in its log, and is lost");
    check_reported("warning: the source is a replica with replicate_do_db = shop");
    check_reported("warning: gtid_strict_mode is OFF");
    options.position = MYSQL_BY_FILE;
    check_silent("gtid_strict_mode");
}

static void
prepared_transactions_are_told(void **state)
{
    (void)state;
    settings.prepared = -1;
    check_silent("XA");
    settings.prepared = 2;
    check_reported("warning: 2 XA transactions are prepared");
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(good_settings_give_no_warning, begin, end),
        cmocka_unit_test_setup_teardown(what_the_service_cannot_run_without_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_needed_is_not_refused, begin, end),
        cmocka_unit_test_setup_teardown(what_the_log_leaves_out_is_told, begin, end),
        cmocka_unit_test_setup_teardown(how_long_logs_stay_is_told, begin, end),
        cmocka_unit_test_setup_teardown(what_a_crash_takes_is_told, begin, end),
        cmocka_unit_test_setup_teardown(values_that_others_do_not_take_are_told, begin, end),
        cmocka_unit_test_setup_teardown(what_a_replica_does_not_log_is_told, begin, end),
        cmocka_unit_test_setup_teardown(prepared_transactions_are_told, begin, end),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
