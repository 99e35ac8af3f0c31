#include "source/mysql/settings.h"

#include <inttypes.h>
#include <stdlib.h>

#define SECONDS_A_DAY   INT64_C(86400)
#define SECONDS_AN_HOUR INT64_C(3600)
#define SMALL_PACKET    (INT64_C(16) * 1024 * 1024)

Text
source_mysql_settings_value(const MysqlSettings *settings, const char *name)
{
    const char *value = map_get(&settings->variables, text_of(name));

    return value == NULL ? TEXT("") : text_of(value);
}

static bool
has(const MysqlSettings *settings, const char *name)
{
    return map_get(&settings->variables, text_of(name)) != NULL;
}

static bool
is(const MysqlSettings *settings, const char *name, const char *value)
{
    return text_equal_nocase(source_mysql_settings_value(settings, name), text_of(value));
}

/* -1: there is no such number. Fractions are cut off. */
static int64_t
number(const MysqlSettings *settings, const char *name)
{
    Text value = source_mysql_settings_value(settings, name);
    int64_t result;

    value.len = text_find(value, '.');
    return text_to_i64(value, &result) ? result : -1;
}

static bool
has_mode(const MysqlSettings *settings, const char *mode)
{
    Text modes = source_mysql_settings_value(settings, "sql_mode");

    while (modes.len > 0) {
        size_t len = text_find(modes, ',');

        if (text_is((Text){modes.data, len}, mode))
            return true;
        len = MIN(len + 1, modes.len);
        modes = (Text){modes.data + len, modes.len - len};
    }
    return false;
}

/* ---- what the service cannot run without ---- */

static bool
require_rows(const MysqlSettings *settings, Error *err)
{
    Text format = source_mysql_settings_value(settings, "binlog_format");

    if (format.len == 0 || text_equal_nocase(format, TEXT("ROW")) ||
        settings->options->statements == MYSQL_STATEMENTS_SKIP)
        return true;
    return error_set(err, ERR_SOURCE,
        "binlog_format of the source is " TEXT_FMT
        ": the log has statements instead of rows; SET GLOBAL binlog_format = 'ROW', write it into "
        "the server's option file, and let the applications connect anew",
        TEXT_ARG(format));
}

static bool
require_id(const MysqlSettings *settings, Error *err)
{
    int64_t theirs = number(settings, "server_id");

    if (theirs == 0)
        return error_set(err, ERR_SOURCE,
            "server_id of the source is 0, with which it serves no replicas: SET GLOBAL server_id "
            "= 1, and write it into the server's option file");
    if (theirs < (int64_t)settings->server_id ||
        theirs >= (int64_t)settings->server_id + MYSQL_ID_COUNT)
        return true;
    return error_set(err, ERR_SOURCE,
        "server_id of the source is %" PRId64 ", which is one of ours as a replica (%" PRIu32
        " to %" PRIu32
        "): its transactions would be passed over; give source: server_id another number",
        theirs, settings->server_id, settings->server_id + MYSQL_ID_COUNT - 1);
}

bool
source_mysql_settings_require(const MysqlSettings *settings, Error *err)
{
    if (is(settings, "log_bin", "OFF") || is(settings, "log_bin", "0"))
        return error_set(err, ERR_SOURCE,
            "the source writes no binary log (log_bin is OFF): write log_bin into the server's "
            "option file, and restart it");
    if (!require_rows(settings, err) || !require_id(settings, err))
        return false;
    if (settings->options->position == MYSQL_BY_GTID && !settings->is_mariadb &&
        !is(settings, "gtid_mode", "ON"))
        return error_set(err, ERR_SOURCE,
            "gtid_mode of the source is " TEXT_FMT
            ": set it to ON (with enforce_gtid_consistency = ON), or give position: file",
            TEXT_ARG(source_mysql_settings_value(settings, "gtid_mode")));
    return true;
}

/* ---- what is in the log ---- */

static void
report_format(const MysqlSettings *settings, Buf *report)
{
    Text format = source_mysql_settings_value(settings, "binlog_format");

    if (format.len > 0 && !text_equal_nocase(format, TEXT("ROW")))
        buf_addf(report,
            "warning: binlog_format is " TEXT_FMT
            ": changes that the server logs as statements are lost (statements: skip)\n",
            TEXT_ARG(format));
    else
        buf_add_string(report, "binlog_format is ROW; a session with the right to may change it "
                               "for itself, and its statements are then refused\n");
}

static void
report_image(const MysqlSettings *settings, Buf *report)
{
    Text image = source_mysql_settings_value(settings, "binlog_row_image");
    bool is_full = text_equal_nocase(image, TEXT("FULL"));

    if (is_full || image.len == 0)
        buf_add_string(report, "binlog_row_image is FULL\n");
    else if (settings->is_mariadb)
        buf_addf(report,
            "warning: binlog_row_image is " TEXT_FMT
            ": MariaDB then logs a REPLACE of a row as an update without the columns that it did "
            "not name, which keep their old values in replicas and in the target; SET GLOBAL "
            "binlog_row_image = 'FULL', or let no statement REPLACE with a part of the columns\n",
            TEXT_ARG(image));
    else
        buf_addf(report,
            "binlog_row_image is " TEXT_FMT
            ": what an update leaves out is taken from the target's row\n",
            TEXT_ARG(image));
    if (!is_full && memmem(source_mysql_settings_value(settings, "binlog_row_value_options").data,
                        source_mysql_settings_value(settings, "binlog_row_value_options").len,
                        "PARTIAL_JSON", 12) != NULL)
        buf_add_string(report,
            "warning: binlog_row_value_options is PARTIAL_JSON: a change inside of a JSON value "
            "needs the old value, which only binlog_row_image = FULL has in the log; the service "
            "stops there\n");
}

static void
report_metadata(const MysqlSettings *settings, Buf *report)
{
    Text metadata = source_mysql_settings_value(settings, "binlog_row_metadata");

    if (text_equal_nocase(metadata, TEXT("FULL")))
        buf_add_string(report, "binlog_row_metadata is FULL\n");
    else
        buf_addf(report,
            "warning: binlog_row_metadata is " TEXT_FMT
            ": the log does not name its columns, and the catalogue does only while no DDL is "
            "between the service and the end of the log: rows of a table that was altered while "
            "the service was behind or down stop it; SET GLOBAL binlog_row_metadata = 'FULL'\n",
            TEXT_ARG(
                metadata.len == 0 ? TEXT("not there (a server before 8.0 or 10.5)") : metadata));
}

static void
report_filters(const MysqlSettings *settings, Buf *report)
{
    if (settings->do_db.len > 0)
        buf_addf(report,
            "warning: binlog_do_db is " TEXT_FMT
            ": changes of all other databases are not in the log, and are lost\n",
            TEXT_ARG(settings->do_db));
    if (settings->ignore_db.len > 0)
        buf_addf(report,
            "warning: binlog_ignore_db is " TEXT_FMT
            ": changes of these databases are not in the log, and are lost\n",
            TEXT_ARG(settings->ignore_db));
    if (is(settings, "binlog_checksum", "NONE"))
        buf_add_string(report, "warning: binlog_checksum is NONE: damage of the log on its way or "
                               "on the disk is not found; SET GLOBAL binlog_checksum = 'CRC32'\n");
}

/* ---- how long it stays there ---- */

static void
add_time(int64_t seconds, Buf *out)
{
    if (seconds >= 2 * SECONDS_A_DAY)
        buf_addf(out, "%" PRId64 " days", seconds / SECONDS_A_DAY);
    else if (seconds >= 2 * SECONDS_AN_HOUR)
        buf_addf(out, "%" PRId64 " hours", seconds / SECONDS_AN_HOUR);
    else
        buf_addf(out, "%" PRId64 " seconds", seconds);
}

/* Both servers have the old setting in days beside the new one in seconds. */
static int64_t
expire_seconds(const MysqlSettings *settings)
{
    int64_t seconds = number(settings, "binlog_expire_logs_seconds");
    CLEANUP(buf_clear) Buf days = BUF_INIT;

    if (is(settings, "binlog_expire_logs_auto_purge", "OFF"))
        return 0;
    if (seconds > 0)
        return seconds;
    /* a decimal number in MariaDB */
    buf_add_text(&days, source_mysql_settings_value(settings, "expire_logs_days"));
    return days.len == 0 ? 0 : (int64_t)(strtod(buf_string(&days), NULL) * (double)SECONDS_A_DAY);
}

static void
report_retention(const MysqlSettings *settings, Buf *report)
{
    int64_t seconds = expire_seconds(settings);
    int64_t bytes = number(settings, "max_binlog_total_size");

    if (seconds > 0) {
        if (seconds < SECONDS_A_DAY)
            buf_add_string(report, "warning: ");
        buf_add_string(report, "logs are purged after ");
        add_time(seconds, report);
        buf_addf(report,
            " (%s): a service that is down or behind for longer must begin anew with dray "
            "bootstrap\n",
            number(settings, "binlog_expire_logs_seconds") > 0 ? "binlog_expire_logs_seconds"
                                                               : "expire_logs_days");
    } else {
        buf_add_string(report,
            "logs are never purged by time: whoever purges them (PURGE BINARY LOGS) must keep what "
            "dray status says that the service has not committed yet\n");
    }
    if (bytes > 0)
        buf_addf(report,
            "warning: max_binlog_total_size is %" PRId64
            ": older logs are purged when all of them are larger, whether the service has read "
            "them or not\n",
            bytes);
}

/* ---- what a crash takes ---- */

static void
report_durability(const MysqlSettings *settings, Buf *report)
{
    static const char *const names[] = {"sync_binlog", "innodb_flush_log_at_trx_commit"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (has(settings, names[i]) && !is(settings, names[i], "1"))
            buf_addf(report,
                "warning: %s is " TEXT_FMT
                ": a crash of the source's machine may lose transactions that the target has "
                "already; set it to 1\n",
                names[i], TEXT_ARG(source_mysql_settings_value(settings, names[i])));
}

/* ---- values ---- */

static void
report_modes(const MysqlSettings *settings, Buf *report)
{
    bool is_strict =
        has_mode(settings, "STRICT_TRANS_TABLES") || has_mode(settings, "STRICT_ALL_TABLES");

    if (!has(settings, "sql_mode"))
        return;
    if (has_mode(settings, "ALLOW_INVALID_DATES"))
        buf_add_string(report, "warning: sql_mode has ALLOW_INVALID_DATES: a date such as "
                               "2024-02-31 is none for other databases, and stops the service\n");
    if (!is_strict)
        buf_add_string(report,
            "warning: sql_mode is not strict: the source cuts values that do not fit and puts "
            "zero dates for others, and Dray carries what it made of them\n");
    if (!is_strict || !has_mode(settings, "NO_ZERO_DATE"))
        buf_add_string(report, "sql_mode allows zero dates (0000-00-00): values.zero_date says "
                               "what becomes of them\n");
    if (number(settings, "max_allowed_packet") >= 0 &&
        number(settings, "max_allowed_packet") < SMALL_PACKET)
        buf_addf(report,
            "warning: max_allowed_packet is " TEXT_FMT
            " bytes: dray bootstrap and dray verify cannot read a row that is larger\n",
            TEXT_ARG(source_mysql_settings_value(settings, "max_allowed_packet")));
}

/* ---- other servers ---- */

static void
report_replica(const MysqlSettings *settings, Buf *report)
{
    static const char *const filters[] = {"replicate_do_db", "replicate_ignore_db",
        "replicate_do_table", "replicate_ignore_table", "replicate_wild_do_table",
        "replicate_wild_ignore_table"};

    if (settings->sources == 0)
        return;
    if (is(settings, "log_slave_updates", "OFF") || is(settings, "log_replica_updates", "OFF"))
        buf_addf(report,
            "warning: %s is OFF%s: what %s replicates is not in its log, and is lost; set it to ON "
            "and restart the server, or follow its own source\n",
            has(settings, "log_replica_updates") ? "log_replica_updates" : "log_slave_updates",
            settings->sources > 0 ? ", and the source is a replica"
                                  : ", and whether the source is a replica may not be asked",
            settings->sources > 0 ? "it" : "a replica");
    if (settings->sources < 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(filters); i++)
        if (source_mysql_settings_value(settings, filters[i]).len > 0)
            buf_addf(report,
                "warning: the source is a replica with %s = " TEXT_FMT
                ": what it leaves out is not in its log\n",
                filters[i], TEXT_ARG(source_mysql_settings_value(settings, filters[i])));
    if (settings->is_mariadb && settings->options->position == MYSQL_BY_GTID &&
        is(settings, "gtid_strict_mode", "OFF"))
        buf_add_string(report,
            "warning: gtid_strict_mode is OFF: a transaction that is written to the replica itself "
            "takes a GTID of its source's domain, and the next one of the source may have a lower "
            "number, which stops the service; set it to ON\n");
}

static void
report_prepared(const MysqlSettings *settings, Buf *report)
{
    if (settings->prepared > 0)
        buf_addf(report,
            "warning: %" PRId64
            " XA transactions are prepared (XA RECOVER shows them): a service that has no position "
            "yet, or a bootstrap, begins behind their rows and never sees them; commit or roll "
            "them back first\n",
            settings->prepared);
}

void
source_mysql_settings_report(const MysqlSettings *settings, Buf *report)
{
    report_format(settings, report);
    report_image(settings, report);
    report_metadata(settings, report);
    report_filters(settings, report);
    report_retention(settings, report);
    report_durability(settings, report);
    report_modes(settings, report);
    report_replica(settings, report);
    report_prepared(settings, report);
}
