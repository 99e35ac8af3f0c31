#include "source/postgres_connection.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/stop.h"

/* How long a wait is blind to the stop request where no descriptor tells of it. */
#define POLL_MS 200
/* NAMEDATALEN - 1: the server would cut a longer name. */
#define NAME_MAX_BYTES 63

/* Keywords for PQconnectStartParams: those before dbname give way to what the connection string
 * says. */
typedef struct ConnectParams {
    const char *names[16];
    const char *values[16];
    size_t count;
} ConnectParams;

static void
add_param(ConnectParams *params, const char *name, const char *value)
{
    params->names[params->count] = name;
    params->values[params->count++] = value;
}

static void
collect_params(const PostgresSourceOptions *options, PostgresConnectionKind kind,
    const char *timeout, ConnectParams *params)
{
    add_param(params, "application_name", "dray");
    add_param(params, "connect_timeout", timeout);
    add_param(params, "keepalives_idle", "60");
    add_param(params, "keepalives_interval", "10");
    add_param(params, "keepalives_count", "6");
    add_param(params, "tcp_user_timeout", "120000");
    if (options->connection != NULL && *options->connection != '\0')
        add_param(params, "dbname", options->connection);
    add_param(params, "client_encoding", "UTF8");
    if (kind == POSTGRES_REPLICATION)
        add_param(params, "replication", "database");
}

typedef struct ConnectionFacts {
    char *password;
    int64_t timeout_ms;
    bool many_hosts;
} ConnectionFacts;

/* libpq's own words about a bad string would quote pieces of it, maybe of the password. */
static bool
read_connection(const PostgresSourceOptions *options, ConnectionFacts *facts, Error *err)
{
    char *reason = NULL;
    uint64_t seconds;
    PQconninfoOption *all =
        PQconninfoParse(options->connection == NULL ? "" : options->connection, &reason);

    PQfreemem(reason);
    if (all == NULL)
        return error_set(err, ERR_CONFIG,
            "source: connection is not a connection string of libpq: word=value pairs with blanks "
            "between them (values with blanks in single quotes) or a postgresql:// address; it is "
            "not shown, as it may hold a password");
    facts->timeout_ms = options->connect_timeout_ms;
    for (const PQconninfoOption *option = all; option->keyword != NULL; option++) {
        if (option->val == NULL)
            continue;
        if (strcmp(option->keyword, "password") == 0) {
            free(facts->password);
            facts->password = text_dup(text_of(option->val));
        }
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

/* One line, without the password. A word of a few letters is no secret, and stands in too many
 * texts. */
static void
clean_text(const char *password, Text text, Buf *ret_clean)
{
    size_t secret = password == NULL ? 0 : strlen(password);
    bool blank = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '\n' || c == '\r' || c == '\t' || c == ' ') {
            blank = ret_clean->len > 0;
            continue;
        }
        if (blank)
            buf_add_char(ret_clean, ' ');
        blank = false;
        if (secret >= 4 && text.len - i >= secret && memcmp(text.data + i, password, secret) == 0) {
            buf_add_string(ret_clean, "****");
            i += secret - 1;
            continue;
        }
        buf_add_char(ret_clean, c);
    }
}

static bool
connect_error(PostgresConnection *connection, const char *reason, Error *err)
{
    CLEANUP(buf_clear) Buf clean = BUF_INIT;
    const char *message = PQerrorMessage(connection->pq);
    const char *location = strstr(message, "\nLOCATION:");
    char sqlstate[6] = "";
    Text text = text_of(message);

    if (location != NULL)
        text.len = (size_t)(location - message);
    clean_text(connection->password, reason != NULL ? text_of(reason) : text, &clean);
    find_sqlstate(message, sqlstate);
    (void)error_set(err, ERR_SOURCE, "cannot connect to the source: %s", buf_string(&clean));
    err->retriable = sqlstate[0] == '\0' || postgres_connection_is_retriable(sqlstate);
    memcpy(err->sqlstate, sqlstate, sizeof(sqlstate));
    return false;
}

/* Poll one descriptor; stop requests end it early. Below 0: an error, not EINTR. */
static int
poll_socket(int socket_fd, short events, int64_t wait_ms)
{
    /* once a stop was requested its descriptor stays readable: watch the level in short waits */
    bool watch = stop_level() == STOP_NONE && stop_fd() >= 0;
    int64_t limit_ms = watch ? INT32_MAX : POLL_MS;
    struct pollfd fds[2] = {{.fd = socket_fd, .events = events}, {.fd = -1, .events = POLLIN}};
    int ready;

    if (watch)
        fds[1].fd = stop_fd();
    if (wait_ms >= 0)
        limit_ms = MIN(limit_ms, wait_ms);
    ready = poll(fds, 2, (int)limit_ms);
    if (ready < 0)
        return errno == EINTR ? 0 : -1;
    return fds[0].revents != 0 ? 1 : 0;
}

/* *ret_late: time is up, which libpq does not watch for a connection that is polled. */
static bool
poll_connection(PGconn *pq, int64_t timeout_ms, bool *ret_late)
{
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    *ret_late = false;
    while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
        int64_t left_ms = end_ms - clock_monotonic_ms();
        int ready;

        if (left_ms <= 0 || stop_level() >= STOP_NOW) {
            *ret_late = true;
            return false;
        }
        ready =
            poll_socket(PQsocket(pq), status == PGRES_POLLING_READING ? POLLIN : POLLOUT, left_ms);
        if (ready < 0)
            return false;
        if (ready > 0)
            status = PQconnectPoll(pq);
    }
    return status == PGRES_POLLING_OK;
}

static bool
connect_source(PostgresConnection *connection, const ConnectParams *params,
    const ConnectionFacts *facts, Error *err)
{
    bool late = false;

    connection->pq = PQconnectStartParams(params->names, params->values, 1);
    if (connection->pq == NULL)
        abort();
    (void)PQsetErrorVerbosity(connection->pq, PQERRORS_VERBOSE);
    if (PQstatus(connection->pq) == CONNECTION_BAD)
        return connect_error(connection, NULL, err);
    if (!poll_connection(connection->pq, facts->timeout_ms, &late)) {
        if (stop_level() >= STOP_NOW)
            return error_set(err, ERR_STOPPED, "stopped while connecting");
        if (!late || !facts->many_hosts)
            return connect_error(connection, late ? "no answer within connect_timeout" : NULL, err);
        /* only a connection that libpq waits for itself goes on to the next host in time */
        PQfinish(connection->pq);
        connection->pq = PQconnectdbParams(params->names, params->values, 1);
        if (PQstatus(connection->pq) != CONNECTION_OK)
            return connect_error(connection, NULL, err);
    }
    (void)PQsetErrorVerbosity(connection->pq, PQERRORS_DEFAULT);
    return true;
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
    ConnectParams params = {.count = 0};
    ConnectionFacts facts = {.password = NULL};
    char timeout[24];

    if (!read_connection(options, &facts, err))
        return false;
    connection->password = facts.password;
    if (FAULT("source.postgres.open"))
        return error_set_retriable(err, ERR_SOURCE, "cannot connect to the source: injected fault");
    (void)snprintf(
        timeout, sizeof(timeout), "%" PRId64, (options->connect_timeout_ms + 999) / 1000);
    collect_params(options, kind, timeout, &params);
    if (!connect_source(connection, &params, &facts, err)) {
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
    if (connection->password != NULL)
        explicit_bzero(connection->password, strlen(connection->password));
    free(connection->password);
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
    clean_text(connection->password, buf_text(&text), &clean);
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
    ready = poll_socket(fd, POLLIN, wait_ms);
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
