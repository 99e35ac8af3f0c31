#include "target/postgres.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/stop.h"
#include "client/postgres_client.h"

#define NOTICE_BYTES 1000

/* In the order of PostgresSslmode. */
static const char *const sslmodes[] = {
    NULL, "disable", "allow", "prefer", "require", "verify-ca", "verify-full"};

#define OPTION(member) offsetof(PostgresOptions, member)

static const Field fields[] = {
    {"connection", FIELD_TEXT, OPTION(connection), "", 0, 0, NULL, FIELD_SECRET,
        "Connection string or URI of libpq, such as \"host=warehouse dbname=dw user=dray\"; what "
        "it "
        "says itself wins over the options below."},
    {"connect_timeout", FIELD_TIME, OPTION(connect_timeout_ms), "10s", 1000, 3600000, NULL, 0,
        "Give an attempt to connect up after this time."},
    {"statement_timeout", FIELD_TIME, OPTION(statement_timeout_ms), "0s", 0, INT32_MAX, NULL, 0,
        "The server cancels a statement that runs longer, and the block is tried again; 0s: "
        "never."},
    {"lock_timeout", FIELD_TIME, OPTION(lock_timeout_ms), "0s", 0, INT32_MAX, NULL, 0,
        "The server gives up waiting for a lock after this time, and the block is tried again; 0s: "
        "never."},
    {"keepalive_idle", FIELD_TIME, OPTION(keepalive_idle_ms), "60s", 1000, 86400000, NULL, 0,
        "Ask a silent server after this time whether it is still there."},
    {"keepalive_interval", FIELD_TIME, OPTION(keepalive_interval_ms), "10s", 1000, 86400000, NULL,
        0, "Time between two such questions."},
    {"keepalive_count", FIELD_INT, OPTION(keepalive_count), "6", 1, 100, NULL, 0,
        "Unanswered questions after which the connection is lost."},
    {"tcp_user_timeout", FIELD_TIME, OPTION(tcp_user_timeout_ms), "2min", 0, INT32_MAX, NULL, 0,
        "The connection is lost when sent data stays unacknowledged this long; 0s: the system's "
        "own "
        "limit."},
    {"sslmode", FIELD_CHOICE, OPTION(sslmode), "default", 0, 0,
        "default|disable|allow|prefer|require|verify-ca|verify-full", 0,
        "TLS as libpq's sslmode; default: the connection string's, else libpq's own."},
    {"sslrootcert", FIELD_PATH, OPTION(sslrootcert), NULL, 0, 0, NULL, 0,
        "Certificates of the authorities that may vouch for the server."},
    {"sslcert", FIELD_PATH, OPTION(sslcert), NULL, 0, 0, NULL, 0, "Our own certificate."},
    {"sslkey", FIELD_PATH, OPTION(sslkey), NULL, 0, 0, NULL, 0, "The key of our certificate."},
    {NULL},
};

static void
collect_notice(void *context, const char *message)
{
    PostgresTarget *target = context;

    if (target->notices.len < NOTICE_BYTES)
        buf_add_string(&target->notices, message);
}

static void
postgres_close(Target *base)
{
    PostgresTarget *target = (PostgresTarget *)base;

    if (target == NULL)
        return;
    PQfreeCancel(target->cancel);
    PQfinish(target->connection);
    postgres_client_free_password(target->password);
    buf_clear(&target->notices);
    free(target);
}

static void
collect_params(const PostgresOptions *options, PostgresClientParams *params)
{
    postgres_client_add(params, "application_name", "dray");
    postgres_client_add_number(
        params, "connect_timeout", (options->connect_timeout_ms + 999) / 1000);
    postgres_client_add_number(params, "keepalives_idle", options->keepalive_idle_ms / 1000);
    postgres_client_add_number(
        params, "keepalives_interval", options->keepalive_interval_ms / 1000);
    postgres_client_add_number(params, "keepalives_count", options->keepalive_count);
    postgres_client_add_number(params, "tcp_user_timeout", options->tcp_user_timeout_ms);
    postgres_client_add(params, "sslmode", sslmodes[options->sslmode]);
    postgres_client_add(params, "sslrootcert", options->sslrootcert);
    postgres_client_add(params, "sslcert", options->sslcert);
    postgres_client_add(params, "sslkey", options->sslkey);
    postgres_client_add(params, "dbname", options->connection);
    postgres_client_add(params, "client_encoding", "UTF8");
}

/* What the role or the database may have set otherwise must not change values or end a merge. */
static bool
set_session(PostgresTarget *target, const PostgresOptions *options, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    PGresult *result;
    bool ok;

    buf_add_string(&sql,
        "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';"
        "SET standard_conforming_strings = on; SET extra_float_digits = 3;"
        "SET bytea_output = 'hex'; SET transform_null_equals = off;"
        "SET default_transaction_isolation = 'read committed';");
    if (PQserverVersion(target->connection) >= 90600)
        buf_add_string(&sql, "SET idle_in_transaction_session_timeout = 0;");
    if (PQserverVersion(target->connection) >= 140000)
        buf_add_string(&sql, "SET idle_session_timeout = 0;");
    if (PQserverVersion(target->connection) >= 170000)
        buf_add_string(&sql, "SET transaction_timeout = 0;");
    buf_addf(&sql, "SET statement_timeout = %" PRId64 "; SET lock_timeout = %" PRId64,
        options->statement_timeout_ms, options->lock_timeout_ms);
    result = PQexec(target->connection, buf_string(&sql));
    ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!ok) {
        (void)postgres_error(target, result, buf_string(&sql), err);
        (void)error_wrap(err, "session settings");
    }
    PQclear(result);
    return ok;
}

static bool
connect_failed(Error *err)
{
    ErrorKind kind;

    if (err->kind == ERR_STOPPED)
        return false;
    if (err->sqlstate[0] != '\0')
        postgres_classify(err->sqlstate, &kind, &err->retriable);
    return error_wrap(err, "cannot connect");
}

static bool
open_target(PostgresTarget *target, const PostgresOptions *options, Error *err)
{
    PostgresClientParams params = {.count = 0};
    PostgresClientFacts facts = {.password = NULL};

    if (!postgres_client_read(options->connection, options->connect_timeout_ms, &facts, err))
        return false;
    target->password = facts.password;
    if (FAULT("postgres.open"))
        return error_set_retriable(err, ERR_TARGET, "cannot connect: injected fault");
    collect_params(options, &params);
    target->connection = postgres_client_connect(&params, &facts, ERR_TARGET, err);
    if (target->connection == NULL)
        return connect_failed(err);
    (void)PQsetNoticeProcessor(target->connection, collect_notice, target);
    target->cancel = PQgetCancel(target->connection);
    if (!set_session(target, options, err))
        return false;
    return PQsetnonblocking(target->connection, 1) == 0 || postgres_error(target, NULL, NULL, err);
}

static Target *
postgres_open(const void *options, Error *err)
{
    PostgresTarget *target = calloc(1, sizeof(*target));

    if (target == NULL)
        abort();
    target->base.driver = &target_postgres;
    if (!open_target(target, options, err)) {
        postgres_close(&target->base);
        return NULL;
    }
    return &target->base;
}

static bool
postgres_in_transaction(Target *base)
{
    PGTransactionStatusType status = PQtransactionStatus(((PostgresTarget *)base)->connection);

    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

static bool
postgres_begin(Target *base, Error *err)
{
    PostgresTarget *target = (PostgresTarget *)base;
    PostgresStatement statement = {.sql = "BEGIN"};

    if (FAULT("postgres.begin"))
        return postgres_lose(target, err);
    if (postgres_in_transaction(base))
        return error_set(
            err, ERR_SCRIPT, "BEGIN: a transaction is already open: an earlier statement began it");
    return postgres_run(target, &statement, err);
}

static bool
postgres_commit(Target *base, bool *ret_unknown, Error *err)
{
    PostgresTarget *target = (PostgresTarget *)base;
    PostgresStatement statement = {.sql = "COMMIT"};

    *ret_unknown = false;
    if (FAULT("postgres.commit"))
        return postgres_lose(target, err);
    if (PQstatus(target->connection) == CONNECTION_BAD)
        return postgres_error(target, NULL, NULL, err);
    if (!postgres_in_transaction(base))
        return error_set(
            err, ERR_SCRIPT, "COMMIT: no transaction is open: an earlier statement ended it");
    CRASH_POINT("postgres.before_commit");
    if (FAULT("postgres.commit_unsent")) {
        *ret_unknown = true;
        return postgres_lose(target, err);
    }
    if (!postgres_run(target, &statement, err)) {
        *ret_unknown = PQstatus(target->connection) == CONNECTION_BAD;
        return false;
    }
    if (FAULT("postgres.commit_sent")) {
        *ret_unknown = true;
        return postgres_lose(target, err);
    }
    if (strcmp(statement.ret_tag, "COMMIT") != 0)
        return error_set(err, ERR_SCRIPT,
            "COMMIT was answered with %s: an earlier statement of the transaction failed",
            statement.ret_tag);
    CRASH_POINT("postgres.after_commit");
    return true;
}

static void
postgres_rollback(Target *base)
{
    PostgresStatement statement = {.sql = "ROLLBACK"};
    Error ignored;

    if (postgres_in_transaction(base))
        (void)!postgres_run((PostgresTarget *)base, &statement, &ignored);
}

static bool
copy_sql(Text sql, Buf *copy, Error *err)
{
    if (memchr(sql.data == NULL ? "" : sql.data, '\0', sql.len) != NULL)
        return error_set(err, ERR_SCRIPT, "the statement contains a NUL byte");
    buf_add_text(copy, sql);
    return true;
}

static bool
postgres_execute(Target *base, Text sql, LoadFeed *feed, int64_t *ret_rows, Error *err)
{
    PostgresTarget *target = (PostgresTarget *)base;
    CLEANUP(buf_clear) Buf copy = BUF_INIT;
    PostgresStatement statement = {.feed = feed, .watch_stop = true};

    if (FAULT("postgres.execute"))
        return postgres_lose(target, err);
    if (!copy_sql(sql, &copy, err))
        return false;
    statement.sql = buf_string(&copy);
    if (!postgres_run(target, &statement, err))
        return false;
    *ret_rows = statement.ret_rows;
    return true;
}

static bool
postgres_query(Target *base, Text sql, TargetRowFn *row, void *context, Error *err)
{
    PostgresTarget *target = (PostgresTarget *)base;
    CLEANUP(buf_clear) Buf copy = BUF_INIT;
    PostgresStatement statement = {.row = row, .context = context};

    if (FAULT("postgres.query"))
        return postgres_lose(target, err);
    if (!copy_sql(sql, &copy, err))
        return false;
    statement.sql = buf_string(&copy);
    return postgres_run(target, &statement, err);
}

static void
postgres_cancel(Target *base)
{
    char reason[256];

    (void)PQcancel(((PostgresTarget *)base)->cancel, reason, sizeof(reason));
}

const TargetDriver target_postgres = {
    .name = "postgres",
    .summary = "PostgreSQL",
    .fields = fields,
    .options_size = sizeof(PostgresOptions),
    .abilities = TARGET_TRANSACTIONS | TARGET_PARALLEL_LOAD | TARGET_TRANSACTIONAL_DDL,
    .sql = &sql_dialect_postgres,
    .null_word = {"null", 4},
    .notation =
        {
            .bytes = BYTES_BACKSLASH_HEX,
            .bools = BOOL_LETTERS,
            .zone = ZONE_KEPT,
            .geometry = GEOMETRY_EWKB,
            .numeric_nan = true,
            .numeric_infinity = true, /* from PostgreSQL 14 on; an older server refuses the value */
            .float_special = true,
            .infinite_dates = true,
            .bc_dates = true,
            .zero_dates = false,
            .max_year = 0,
            .fraction_digits = 6,
            .max_hours = 24,
            .long_times = true,
        },
    .open = postgres_open,
    .close = postgres_close,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .in_transaction = postgres_in_transaction,
    .execute = postgres_execute,
    .query = postgres_query,
    .describe = postgres_describe,
    .check = postgres_check,
    .cancel = postgres_cancel,
};
