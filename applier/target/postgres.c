#include "target/postgres.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/stop.h"

#define NOTICE_BYTES 1000
#define POLL_MS      200

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
    if (target->password != NULL)
        explicit_bzero(target->password, strlen(target->password));
    free(target->password);
    buf_clear(&target->notices);
    free(target);
}

/* Keywords for PQconnectStartParams: those before dbname give way to what the connection string
 * says. */
typedef struct ConnectParams {
    const char *names[20];
    const char *values[20];
    char numbers[20][24];
    size_t count;
} ConnectParams;

static void
add_param(ConnectParams *params, const char *name, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    params->names[params->count] = name;
    params->values[params->count++] = value;
}

static void
add_number(ConnectParams *params, const char *name, int64_t value)
{
    char *text = params->numbers[params->count];

    (void)snprintf(text, sizeof(params->numbers[0]), "%" PRId64, value);
    add_param(params, name, text);
}

static void
collect_params(const PostgresOptions *options, ConnectParams *params)
{
    add_param(params, "application_name", "dray");
    add_number(params, "connect_timeout", (options->connect_timeout_ms + 999) / 1000);
    add_number(params, "keepalives_idle", options->keepalive_idle_ms / 1000);
    add_number(params, "keepalives_interval", options->keepalive_interval_ms / 1000);
    add_number(params, "keepalives_count", options->keepalive_count);
    add_number(params, "tcp_user_timeout", options->tcp_user_timeout_ms);
    add_param(params, "sslmode", sslmodes[options->sslmode]);
    add_param(params, "sslrootcert", options->sslrootcert);
    add_param(params, "sslcert", options->sslcert);
    add_param(params, "sslkey", options->sslkey);
    add_param(params, "dbname", options->connection);
    add_param(params, "client_encoding", "UTF8");
}

typedef struct ConnectionFacts {
    char *password;
    int64_t timeout_ms;
    bool many_hosts;
} ConnectionFacts;

/* libpq's own words about a bad string would quote pieces of it, maybe of the password. */
static bool
read_connection(const PostgresOptions *options, ConnectionFacts *facts, Error *err)
{
    char *reason = NULL;
    uint64_t seconds;
    PQconninfoOption *all =
        PQconninfoParse(options->connection == NULL ? "" : options->connection, &reason);

    PQfreemem(reason);
    if (all == NULL)
        return error_set(err, ERR_CONFIG,
            "connection is not a connection string of libpq: word=value pairs with blanks between "
            "them (values with blanks in single quotes) or a postgresql:// address; it is not "
            "shown, "
            "as it may hold a password");
    facts->timeout_ms = options->connect_timeout_ms;
    for (const PQconninfoOption *option = all; option->keyword != NULL; option++) {
        if (option->val == NULL)
            continue;
        if (strcmp(option->keyword, "password") == 0)
            facts->password = text_dup(text_of(option->val));
        if (strcmp(option->keyword, "connect_timeout") == 0 &&
            text_to_u64(text_of(option->val), &seconds) && seconds > 0)
            facts->timeout_ms = (int64_t)MIN(seconds, (uint64_t)86400) * 1000;
        if (strncmp(option->keyword, "host", 4) == 0 && strchr(option->val, ',') != NULL)
            facts->many_hosts = true;
    }
    PQconninfoFree(all);
    return true;
}

/* "FATAL:  28P01: password authentication failed": verbose messages have the SQLSTATE. */
static void
find_sqlstate(const char *message, char sqlstate[6])
{
    for (const char *at = message; (at = strstr(at, ":  ")) != NULL; at += 3) {
        const char *code = at + 3;

        if (strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && code[5] == ':') {
            memcpy(sqlstate, code, 5);
            sqlstate[5] = '\0';
        }
    }
}

static bool
connect_error(PostgresTarget *target, const char *reason, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    const char *message = PQerrorMessage(target->connection);
    const char *location = strstr(message, "\nLOCATION:");
    char sqlstate[6] = "";
    ErrorKind kind = ERR_TARGET;
    bool retriable = true;

    if (reason != NULL)
        buf_add_string(&text, reason);
    else
        buf_add_text(&text,
            location == NULL ? text_of(message) : (Text){message, (size_t)(location - message)});
    postgres_clean_text(target->password, &text);
    find_sqlstate(message, sqlstate);
    if (sqlstate[0] != '\0')
        postgres_classify(sqlstate, &kind, &retriable);
    (void)error_set(err, ERR_TARGET, "cannot connect: %s", buf_string(&text));
    err->retriable = retriable;
    memcpy(err->sqlstate, sqlstate, sizeof(sqlstate));
    return false;
}

/* *ret_late: time is up, which libpq does not watch for a connection that is polled. */
static bool
poll_connection(PGconn *connection, int64_t timeout_ms, bool *ret_late)
{
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    *ret_late = false;
    while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
        int64_t left_ms = end_ms - clock_monotonic_ms();
        struct pollfd fd = {.fd = PQsocket(connection),
            .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        int ready;

        if (left_ms <= 0 || stop_level() >= STOP_NOW) {
            *ret_late = true;
            return false;
        }
        ready = poll(&fd, 1, (int)MIN(left_ms, (int64_t)POLL_MS));
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready > 0)
            status = PQconnectPoll(connection);
    }
    return status == PGRES_POLLING_OK;
}

static bool
connect_target(
    PostgresTarget *target, const ConnectParams *params, const ConnectionFacts *facts, Error *err)
{
    bool late = false;

    target->connection = PQconnectStartParams(params->names, params->values, 1);
    if (target->connection == NULL)
        abort();
    (void)PQsetErrorVerbosity(target->connection, PQERRORS_VERBOSE);
    if (PQstatus(target->connection) == CONNECTION_BAD)
        return connect_error(target, NULL, err);
    if (!poll_connection(target->connection, facts->timeout_ms, &late)) {
        if (stop_level() >= STOP_NOW)
            return error_set(err, ERR_STOPPED, "stopped while connecting");
        if (!late || !facts->many_hosts)
            return connect_error(target, late ? "no answer within connect_timeout" : NULL, err);
        /* only a connection that libpq waits for itself goes on to the next host in time */
        PQfinish(target->connection);
        target->connection = PQconnectdbParams(params->names, params->values, 1);
        if (PQstatus(target->connection) != CONNECTION_OK)
            return connect_error(target, NULL, err);
    }
    (void)PQsetErrorVerbosity(target->connection, PQERRORS_DEFAULT);
    return true;
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
open_target(PostgresTarget *target, const PostgresOptions *options, Error *err)
{
    ConnectParams params = {.count = 0};
    ConnectionFacts facts = {.password = NULL};

    if (!read_connection(options, &facts, err))
        return false;
    target->password = facts.password;
    if (FAULT("postgres.open"))
        return error_set_retriable(err, ERR_TARGET, "cannot connect: injected fault");
    collect_params(options, &params);
    if (!connect_target(target, &params, &facts, err))
        return false;
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
            .numeric_nan = true,
            .numeric_infinity = true, /* from PostgreSQL 14 on; an older server refuses the value */
            .float_special = true,
            .infinite_dates = true,
            .bc_dates = true,
            .zero_dates = false,
            .max_year = 0,
            .fraction_digits = 6,
            .max_hours = 24,
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
