#include "source/postgres_connection.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/stop.h"
#include "client/postgres_client.h"

/* NAMEDATALEN - 1: the server would cut a longer name. */
#define NAME_MAX_BYTES 63

static void
collect_params(
    const PostgresSourceOptions *options, PostgresConnectionKind kind, PostgresClientParams *params)
{
    postgres_client_add(params, "application_name", "dray");
    postgres_client_add_number(
        params, "connect_timeout", (options->connect_timeout_ms + 999) / 1000);
    postgres_client_add(params, "keepalives_idle", "60");
    postgres_client_add(params, "keepalives_interval", "10");
    postgres_client_add(params, "keepalives_count", "6");
    postgres_client_add(params, "tcp_user_timeout", "120000");
    postgres_client_add(params, "dbname", options->connection);
    postgres_client_add(params, "client_encoding", "UTF8");
    if (kind == POSTGRES_REPLICATION)
        postgres_client_add(params, "replication", "database");
}

bool
postgres_connection_is_retriable(const char *sqlstate)
{
    /* the first match counts */
    static const struct {
        const char *begin;
        bool retriable;
    } classes[] = {
        {"08", true},     /* connection */
        {"40", true},     /* serialization, deadlock */
        {"53400", false}, /* configuration limit: all slots in use */
        {"53", true},     /* disk, memory, connections are full */
        {"57014", true},  /* timed out or cancelled by a person */
        {"57P04", false}, /* the database was dropped */
        {"57P", true},    /* shutdown, starting up */
        {"55P03", true},  /* lock not available */
        {"55006", true},  /* in use: the slot's old walsender has not ended yet */
        {"25P03", true},  /* idle in transaction too long */
    };

    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (strncmp(sqlstate, classes[i].begin, strlen(classes[i].begin)) == 0)
            return classes[i].retriable;
    return false;
}

static void
ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

/* What the role or the database may have set otherwise must not change values or end a stream. */
static bool
set_session(PostgresConnection *connection, PostgresConnectionKind kind, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int version = PQserverVersion(connection->pq);

    if (version < 120000)
        return error_set(err, ERR_SOURCE,
            "the source is PostgreSQL %d.%d; 12 is the oldest that is supported", version / 10000,
            version % 10000);
    buf_add_string(&sql,
        "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';"
        "SET extra_float_digits = 3; SET bytea_output = 'hex'; SET xmloption = 'content';"
        "SET standard_conforming_strings = on; SET search_path = '';"
        "SET statement_timeout = 0; SET lock_timeout = 0;"
        "SET idle_in_transaction_session_timeout = 0;");
    if (version >= 140000)
        buf_add_string(&sql, "SET idle_session_timeout = 0;");
    if (version >= 170000)
        buf_add_string(&sql, "SET transaction_timeout = 0;");
    /* A reader that waits for a slow target answers nothing meanwhile, which is no reason to cut
     * it off; a machine that went away is found by TCP instead. */
    if (kind == POSTGRES_REPLICATION)
        buf_add_string(&sql, "SET wal_sender_timeout = 0; SET tcp_keepalives_idle = 60;"
                             "SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 6;");
    return postgres_connection_query(connection, buf_string(&sql), NULL, 0, NULL, err) ||
           error_wrap(err, "session settings");
}

static bool
open_connection(PostgresConnection *connection, const PostgresSourceOptions *options,
    PostgresConnectionKind kind, Error *err)
{
    PostgresClientParams params = {.count = 0};
    PostgresClientFacts facts = {.password = NULL};

    if (!postgres_client_read(options->connection, options->connect_timeout_ms, &facts, err))
        return error_wrap(err, "source");
    connection->password = facts.password;
    if (FAULT("source.postgres.open"))
        return error_set_retriable(err, ERR_SOURCE, "cannot connect to the source: injected fault");
    collect_params(options, kind, &params);
    connection->pq = postgres_client_connect(&params, &facts, ERR_SOURCE, err);
    if (connection->pq == NULL) {
        if (err->kind == ERR_STOPPED)
            return false;
        err->retriable =
            err->sqlstate[0] == '\0' || postgres_connection_is_retriable(err->sqlstate);
        (void)error_wrap(err, "cannot connect to the source");
        if (kind == POSTGRES_REPLICATION && strcmp(err->sqlstate, "42501") == 0)
            (void)error_wrap(err, "the role needs the right to replicate (ALTER ROLE … "
                                  "REPLICATION; a cloud may have a role to grant for it)");
        return false;
    }
    (void)PQsetNoticeProcessor(connection->pq, ignore_notice, NULL);
    return set_session(connection, kind, err);
}

PostgresConnection *
postgres_connection_open(
    const PostgresSourceOptions *options, PostgresConnectionKind kind, Error *err)
{
    PostgresConnection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL)
        abort();
    if (open_connection(connection, options, kind, err))
        return connection;
    postgres_connection_close(connection);
    return NULL;
}

void
postgres_connection_close(PostgresConnection *connection)
{
    if (connection == NULL)
        return;
    PQfinish(connection->pq);
    postgres_client_free_password(connection->password);
    free(connection);
}

static void
add_field(const PGresult *result, int field, const char *name, Buf *text)
{
    const char *value = PQresultErrorField(result, field);

    if (value != NULL && *value != '\0')
        buf_addf(text, "; %s: %s", name, value);
}

bool
postgres_connection_error(PostgresConnection *connection, const PGresult *result, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    CLEANUP(buf_clear) Buf clean = BUF_INIT;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    bool lost = PQstatus(connection->pq) == CONNECTION_BAD;

    if (lost)
        buf_add_string(&text, "connection to the source lost: ");
    if (primary == NULL) {
        const char *message = result == NULL ? "" : PQresultErrorMessage(result);

        if (*message == '\0')
            message = PQerrorMessage(connection->pq);
        buf_add_string(&text, *message == '\0' ? "no reason given" : message);
    } else {
        buf_add_string(&text, primary);
        add_field(result, PG_DIAG_MESSAGE_DETAIL, "detail", &text);
        add_field(result, PG_DIAG_MESSAGE_HINT, "hint", &text);
        add_field(result, PG_DIAG_CONTEXT, "context", &text);
    }
    postgres_client_clean(connection->password, buf_text(&text), &clean);
    (void)error_set(err, ERR_SOURCE, "%s", buf_string(&clean));
    err->retriable = lost || (sqlstate != NULL && postgres_connection_is_retriable(sqlstate));
    if (sqlstate != NULL)
        (void)snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", sqlstate);
    return false;
}

bool
postgres_connection_lose(PostgresConnection *connection, Error *err)
{
    int fd = PQsocket(connection->pq);

    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
    return error_set_retriable(err, ERR_SOURCE, "connection to the source lost: injected fault");
}

bool
postgres_connection_wait(PostgresConnection *connection, int64_t wait_ms)
{
    int fd = PQsocket(connection->pq);
    int ready;

    if (fd < 0 || PQstatus(connection->pq) == CONNECTION_BAD)
        return false;
    ready = postgres_client_poll(fd, POLLIN, wait_ms);
    if (ready <= 0)
        return ready == 0;
    return PQconsumeInput(connection->pq) == 1;
}

bool
postgres_connection_result(PostgresConnection *connection, PGresult **ret_result, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    ExecStatusType status;

    /* where the connection breaks PQgetResult has the server's last words */
    while (PQisBusy(connection->pq) != 0 && postgres_connection_wait(connection, -1))
        if (stop_level() >= STOP_NOW)
            return error_set(err, ERR_STOPPED, "stopped while the source was working");
    result = PQgetResult(connection->pq);
    status = PQresultStatus(result);
    if (result != NULL && (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE))
        return postgres_connection_error(connection, result, err);
    *ret_result = STEAL(result);
    return true;
}

static bool
take_results(PostgresConnection *connection, PGresult **ret_result, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *last = NULL;
    bool ok = true;
    Error ignored;

    for (;;) {
        PGresult *result = NULL;
        ExecStatusType status;

        if (!postgres_connection_result(connection, &result, ok ? err : &ignored)) {
            if (PQstatus(connection->pq) == CONNECTION_BAD || (ok && err->kind == ERR_STOPPED))
                return false;
            ok = false;
            continue;
        }
        if (result == NULL)
            break;
        status = PQresultStatus(result);
        PQclear(last);
        last = result;
        /* libpq would offer it for ever */
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
            break;
    }
    if (ok && ret_result != NULL)
        *ret_result = STEAL(last);
    return ok;
}

bool
postgres_connection_query(PostgresConnection *connection, const char *sql,
    const char *const *params, int param_count, PGresult **ret_result, Error *err)
{
    int sent;

    if (FAULT("source.postgres.query"))
        return postgres_connection_lose(connection, err);
    if (param_count == 0)
        sent = PQsendQuery(connection->pq, sql);
    else
        sent = PQsendQueryParams(connection->pq, sql, param_count, NULL, params, NULL, NULL, 0);
    if (sent != 1)
        return postgres_connection_error(connection, NULL, err);
    return take_results(connection, ret_result, err);
}

Text
postgres_result_text(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column) != 0)
        return TEXT_NONE;
    return (Text){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

static void
add_quoted(Buf *sql, Text text, char mark)
{
    buf_add_char(sql, mark);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == mark)
            buf_add_char(sql, mark);
        buf_add_char(sql, text.data[i]);
    }
    buf_add_char(sql, mark);
}

void
postgres_add_identifier(Buf *sql, Text name)
{
    add_quoted(sql, name, '"');
}

void
postgres_add_literal(Buf *sql, Text text)
{
    add_quoted(sql, text, '\'');
}

void
postgres_slot_name(const char *service, const PostgresSourceOptions *options, Buf *ret_name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    buf_reset(ret_name, SIZE_MAX);
    if (options->slot != NULL && *options->slot != '\0') {
        buf_add_string(ret_name, options->slot);
        return;
    }
    buf_add_string(ret_name, "dray_");
    for (const char *at = service; *at != '\0' && ret_name->len < NAME_MAX_BYTES; at++) {
        const char *small = strchr(letters, *at);

        if (small != NULL && *at >= 'A' && *at <= 'Z')
            small += 26;
        buf_add(ret_name, small == NULL ? "_" : small, 1);
    }
}

void
postgres_publication_name(const char *service, const PostgresSourceOptions *options, Buf *ret_name)
{
    if (options->publication == NULL || *options->publication == '\0') {
        postgres_slot_name(service, options, ret_name);
        return;
    }
    buf_reset(ret_name, SIZE_MAX);
    buf_add_string(ret_name, options->publication);
}
