#include "target/mysql.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fault.h"

#define OPTION(member) offsetof(MysqlOptions, member)

static const Field fields[] = {
    MYSQL_CLIENT_FIELDS(OPTION(client), "host=warehouse user=dray dbname=dw",
        "Database of tables that are named without one, and of dray_position."),
    {"lock_timeout", FIELD_TIME, OPTION(lock_timeout_ms), "0s", 0, INT32_MAX, NULL, 0,
        "innodb_lock_wait_timeout: give up waiting for a row after this time, and try the block "
        "again; 0s: the server's own."},
    {"isolation", FIELD_CHOICE, OPTION(isolation), "read-committed", 0, 0,
        "read-committed|repeatable-read", 0,
        "Isolation of transactions; repeatable-read where binlog_format is STATEMENT."},
    {NULL},
};

#define STRICT_MODES                                                       \
    "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO," \
    "NO_AUTO_VALUE_ON_ZERO"

/* What the server's configuration may say otherwise must not change values or end a merge.
 * NO_AUTO_VALUE_ON_ZERO: a 0 stays 0. */
static const char *const session_sql[] = {
    "SET SESSION sql_mode = '" STRICT_MODES
    ",NO_ZERO_DATE,NO_ZERO_IN_DATE', time_zone = '+00:00', autocommit = 1,"
    " sql_safe_updates = 0, sql_select_limit = DEFAULT, max_error_count = 64, sql_notes = 0,"
    " sql_auto_is_null = 0, sql_big_selects = 1, completion_type = 0, wait_timeout = 2000000",
    /* may be read-only, or a right of its own: then the default of the server's version stays */
    "?SET SESSION explicit_defaults_for_timestamp = 1",
    NULL,
};

/* ---- open and close ---- */

/* The handle is freed by the caller also when this fails. */
static bool
connect_handle(MYSQL *mysql, const MysqlOptions *options)
{
    return client_mysql_connect(mysql, &options->client, CLIENT_FOUND_ROWS | CLIENT_LOCAL_FILES);
}

static bool
check_tls(MysqlTarget *target, Error *err)
{
    if (!client_mysql_misses_tls(target->mysql, &target->options.client))
        return true;
    return error_set(err, ERR_TARGET,
        "the connection is without TLS, which ssl_mode asks for: the server has none");
}

static bool
undo_option_files(MysqlTarget *target, Error *err)
{
    return client_mysql_undo_option_files(target->mysql) ||
           target_mysql_error(target, target->mysql, err);
}

static bool
set_session(MysqlTarget *target, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t rows;

    for (size_t i = 0; session_sql[i] != NULL; i++) {
        bool optional = session_sql[i][0] == '?';
        Error ignored;

        if (!target_mysql_run(target, text_of(session_sql[i] + (optional ? 1 : 0)), NULL, &rows,
                optional ? &ignored : err) &&
            (!optional || target->lost))
            return optional ? error_set_retriable(err, ERR_TARGET, "connection lost") : false;
    }
    buf_addf(&sql, "SET SESSION TRANSACTION ISOLATION LEVEL %s",
        target->options.isolation == ISOLATION_READ_COMMITTED ? "READ COMMITTED"
                                                              : "REPEATABLE READ");
    if (!target_mysql_run(target, buf_text(&sql), NULL, &rows, err))
        return false;
    if (target->options.lock_timeout_ms == 0)
        return true;
    buf_reset(&sql, 1024);
    buf_addf(&sql, "SET SESSION innodb_lock_wait_timeout = %" PRId64,
        (target->options.lock_timeout_ms + 999) / 1000);
    return target_mysql_run(target, buf_text(&sql), NULL, &rows, err);
}

static void
target_mysql_close(Target *base)
{
    MysqlTarget *target = (MysqlTarget *)base;

    if (target == NULL)
        return;
    if (target->mysql != NULL)
        mysql_close(target->mysql);
    arena_free(target->arena);
    free(target);
}

static bool
connect_target(MysqlTarget *target, Error *err)
{
    if (!client_mysql_read_connection(target->options.client.connection, "target", fields,
            target->arena, &target->options, err))
        return false;
    if (FAULT("mysql.open"))
        return error_set_retriable(err, ERR_TARGET, "cannot connect: injected fault");
    target->mysql = client_mysql_new();
    target_mysql_serve_files(target);
    if (!connect_handle(target->mysql, &target->options)) {
        (void)target_mysql_error(target, target->mysql, err);
        err->kind = ERR_TARGET;
        return error_wrap(err, "cannot connect");
    }
    target->thread_id = mysql_thread_id(target->mysql);
    if (!check_tls(target, err))
        return false;
    if (!undo_option_files(target, err) || !set_session(target, err))
        return error_wrap(err, "session settings");
    return true;
}

static Target *
target_mysql_open(const void *given, Error *err)
{
    MysqlTarget *target = calloc(1, sizeof(*target));

    if (target == NULL)
        abort();
    target->base.driver = &target_mysql;
    target->options = *(const MysqlOptions *)given;
    target->arena = arena_new();
    if (!connect_target(target, err)) {
        target_mysql_close(&target->base);
        return NULL;
    }
    return &target->base;
}

/* ---- transactions ---- */

static bool
target_mysql_in_transaction(Target *base)
{
    const MysqlTarget *target = (const MysqlTarget *)base;

    return !target->lost && (target->mysql->server_status & SERVER_STATUS_IN_TRANS) != 0;
}

static bool
target_mysql_begin(Target *base, Error *err)
{
    MysqlTarget *target = (MysqlTarget *)base;
    int64_t rows;

    if (FAULT("mysql.begin"))
        return target_mysql_lose(target, err);
    if (target_mysql_in_transaction(base))
        return error_set(err, ERR_SCRIPT,
            "START TRANSACTION: a transaction is already open: an earlier statement began it");
    return target_mysql_run(target, TEXT("START TRANSACTION"), NULL, &rows, err);
}

static bool
target_mysql_commit(Target *base, bool *ret_unknown, Error *err)
{
    MysqlTarget *target = (MysqlTarget *)base;
    int64_t rows;

    *ret_unknown = false;
    if (FAULT("mysql.commit"))
        return target_mysql_lose(target, err);
    if (target->lost)
        return error_set_retriable(err, ERR_TARGET, "the connection was lost before COMMIT");
    if (!target_mysql_in_transaction(base))
        return error_set(
            err, ERR_SCRIPT, "COMMIT: no transaction is open: an earlier statement ended it");
    CRASH_POINT("mysql.before_commit");
    if (FAULT("mysql.commit_unsent")) {
        *ret_unknown = true;
        return target_mysql_lose(target, err);
    }
    if (!target_mysql_run(target, TEXT("COMMIT"), NULL, &rows, err)) {
        *ret_unknown = target->lost;
        return false;
    }
    if (FAULT("mysql.commit_sent")) {
        *ret_unknown = true;
        return target_mysql_lose(target, err);
    }
    CRASH_POINT("mysql.after_commit");
    return true;
}

static void
target_mysql_rollback(Target *base)
{
    MysqlTarget *target = (MysqlTarget *)base;
    Error ignored;
    int64_t rows;

    if (!target->lost)
        (void)!target_mysql_run(target, TEXT("ROLLBACK"), NULL, &rows, &ignored);
}

static bool
target_mysql_execute(Target *base, Text sql, LoadFeed *feed, int64_t *ret_rows, Error *err)
{
    MysqlTarget *target = (MysqlTarget *)base;

    if (FAULT("mysql.execute"))
        return target_mysql_lose(target, err);
    return target_mysql_run(target, sql, feed, ret_rows, err);
}

static bool
target_mysql_query(Target *base, Text sql, TargetRowFn *row, void *context, Error *err)
{
    MysqlTarget *target = (MysqlTarget *)base;

    if (FAULT("mysql.query"))
        return target_mysql_lose(target, err);
    if (target->lost)
        return error_set_retriable(err, ERR_TARGET, "the connection was lost before");
    return target_mysql_rows(target, sql, row, context, err);
}

/* The connection itself is busy: a second one asks. Options are read only. */
static void
target_mysql_cancel(Target *base)
{
    const MysqlTarget *target = (const MysqlTarget *)base;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    MYSQL *mysql = client_mysql_new();

    buf_addf(&sql, "KILL QUERY %lu", target->thread_id);
    if (connect_handle(mysql, &target->options))
        (void)mysql_real_query(mysql, buf_string(&sql), sql.len);
    mysql_close(mysql);
    mysql_thread_end();
}

const TargetDriver target_mysql = {
    .name = "mysql",
    .summary = "MySQL and MariaDB",
    .fields = fields,
    .options_size = sizeof(MysqlOptions),
    .abilities = TARGET_TRANSACTIONS | TARGET_PARALLEL_LOAD,
    .sql = &sql_dialect_mysql,
    .null_word = {"NULL", 4},
    .null_word_fixed = true,
    .notation =
        {
            .bytes = BYTES_HEX,
            .bools = BOOL_DIGITS,
            .zone = ZONE_UTC,
            .geometry = GEOMETRY_SRID_WKB,
            .numeric_nan = false,
            .numeric_infinity = false,
            .float_special = false,
            .infinite_dates = false,
            .bc_dates = false,
            .zero_dates = false,
            .max_year = 9999,
            .fraction_digits = 6,
            .max_hours = 838,
            .nul_texts = true,
        },
    .take_zero_dates = "SET SESSION sql_mode = '" STRICT_MODES "'",
    .open = target_mysql_open,
    .close = target_mysql_close,
    .begin = target_mysql_begin,
    .commit = target_mysql_commit,
    .rollback = target_mysql_rollback,
    .in_transaction = target_mysql_in_transaction,
    .execute = target_mysql_execute,
    .query = target_mysql_query,
    .describe = target_mysql_describe,
    .check = target_mysql_check,
    .cancel = target_mysql_cancel,
};
