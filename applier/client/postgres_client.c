#include "client/postgres_client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/stop.h"

/* How long a wait is blind to the stop request where no descriptor tells of it. */
#define POLL_MS 200

void
postgres_client_add(PostgresClientParams *params, const char *name, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    if (params->count == POSTGRES_CLIENT_PARAMS)
        abort();
    params->names[params->count] = name;
    params->values[params->count++] = value;
}

void
postgres_client_add_number(PostgresClientParams *params, const char *name, int64_t value)
{
    char *text = params->numbers[params->count % POSTGRES_CLIENT_PARAMS];

    (void)snprintf(text, sizeof(params->numbers[0]), "%" PRId64, value);
    postgres_client_add(params, name, text);
}

bool
postgres_client_read(
    const char *connection, int64_t timeout_ms, PostgresClientFacts *ret_facts, Error *err)
{
    char *reason = NULL;
    uint64_t seconds;
    PQconninfoOption *all = PQconninfoParse(connection == NULL ? "" : connection, &reason);

    /* libpq's own words about a bad string would quote pieces of it, maybe of the password */
    PQfreemem(reason);
    if (all == NULL)
        return error_set(err, ERR_CONFIG,
            "connection is not a connection string of libpq: word=value pairs with blanks between "
            "them (values with blanks in single quotes) or a postgresql:// address; it is not "
            "shown, as it may hold a password");
    *ret_facts = (PostgresClientFacts){.timeout_ms = timeout_ms};
    for (const PQconninfoOption *option = all; option->keyword != NULL; option++) {
        if (option->val == NULL)
            continue;
        if (strcmp(option->keyword, "password") == 0) {
            postgres_client_free_password(ret_facts->password);
            ret_facts->password = text_dup(text_of(option->val));
        }
        if (strcmp(option->keyword, "connect_timeout") == 0 &&
            text_to_u64(text_of(option->val), &seconds) && seconds > 0)
            ret_facts->timeout_ms = (int64_t)MIN(seconds, (uint64_t)86400) * 1000;
        if (strncmp(option->keyword, "host", 4) == 0 && strchr(option->val, ',') != NULL)
            ret_facts->many_hosts = true;
    }
    PQconninfoFree(all);
    return true;
}

void
postgres_client_free_password(char *password)
{
    if (password != NULL)
        explicit_bzero(password, strlen(password));
    free(password);
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

void
postgres_client_clean(const char *password, Text text, Buf *out)
{
    size_t secret = password == NULL ? 0 : strlen(password);
    size_t start = out->len;
    bool blank = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (secret >= 4 && text.len - i >= secret && memcmp(text.data + i, password, secret) == 0) {
            buf_add_string(out, blank ? " ****" : "****");
            blank = false;
            i += secret - 1;
            continue;
        }
        if (c == '\n' || c == '\r' || c == '\t' || c == ' ') {
            blank = out->len > start;
            continue;
        }
        if (blank)
            buf_add_char(out, ' ');
        blank = false;
        buf_add_char(out, c);
    }
}

/* reason: NULL is libpq's own. */
static PGconn *
connect_error(PGconn *connection, const PostgresClientFacts *facts, const char *reason,
    ErrorKind kind, Error *err)
{
    CLEANUP(buf_clear) Buf clean = BUF_INIT;
    const char *message = PQerrorMessage(connection);
    const char *location = strstr(message, "\nLOCATION:");
    char sqlstate[6] = "";
    Text text = text_of(message);

    if (location != NULL)
        text.len = (size_t)(location - message);
    postgres_client_clean(facts->password, reason != NULL ? text_of(reason) : text, &clean);
    find_sqlstate(message, sqlstate);
    (void)error_set_retriable(err, kind, "%s", buf_string(&clean));
    memcpy(err->sqlstate, sqlstate, sizeof(sqlstate));
    PQfinish(connection);
    return NULL;
}

int
postgres_client_poll(int socket_fd, short events, int64_t wait_ms)
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
poll_connection(PGconn *connection, int64_t timeout_ms, bool *ret_late)
{
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    *ret_late = false;
    while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
        int64_t left_ms = end_ms - clock_monotonic_ms();
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        int ready;

        if (left_ms <= 0 || stop_level() >= STOP_NOW) {
            *ret_late = true;
            return false;
        }
        ready = postgres_client_poll(PQsocket(connection), events, left_ms);
        if (ready < 0)
            return false;
        if (ready > 0)
            status = PQconnectPoll(connection);
    }
    return status == PGRES_POLLING_OK;
}

PGconn *
postgres_client_connect(const PostgresClientParams *params, const PostgresClientFacts *facts,
    ErrorKind kind, Error *err)
{
    PGconn *connection = PQconnectStartParams(params->names, params->values, 1);
    bool late = false;

    if (connection == NULL)
        abort();
    (void)PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    if (PQstatus(connection) == CONNECTION_BAD)
        return connect_error(connection, facts, NULL, kind, err);
    if (!poll_connection(connection, facts->timeout_ms, &late)) {
        if (stop_level() >= STOP_NOW) {
            PQfinish(connection);
            (void)error_set(err, ERR_STOPPED, "stopped while connecting");
            return NULL;
        }
        if (!late || !facts->many_hosts)
            return connect_error(
                connection, facts, late ? "no answer within connect_timeout" : NULL, kind, err);
        /* only a connection that libpq waits for itself goes on to the next host in time */
        PQfinish(connection);
        connection = PQconnectdbParams(params->names, params->values, 1);
        if (PQstatus(connection) != CONNECTION_OK)
            return connect_error(connection, facts, NULL, kind, err);
    }
    (void)PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
    return connection;
}
