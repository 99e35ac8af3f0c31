#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/stop.h"
#include "client/postgres_client.h"
#include "target/postgres.h"

/* How long a wait may be blind to the stop request. */
#define POLL_MS 200
/* At STOP_NOW a statement gets this long before it is cancelled: @release must still work. */
#define STOP_GRACE_MS 1000
/* libpq's output buffer grows to the largest piece it is given. */
#define PIECE_BYTES (64 * 1024)

void
postgres_classify(const char *sqlstate, ErrorKind *ret_kind, bool *ret_retriable)
{
    static const struct {
        const char *begin; /* of the SQLSTATE; the first match counts */
        ErrorKind kind;
        bool retriable;
    } classes[] = {
        {"08", ERR_TARGET, true},     /* connection */
        {"40", ERR_TARGET, true},     /* serialization, deadlock */
        {"53", ERR_TARGET, true},     /* disk, memory, connections are full */
        {"57014", ERR_TARGET, true},  /* timed out or cancelled by a person */
        {"57P04", ERR_TARGET, false}, /* the database was dropped */
        {"57P", ERR_TARGET, true},    /* shutdown, starting up */
        {"55P03", ERR_TARGET, true},  /* lock not available */
        {"55006", ERR_TARGET, true},  /* object in use */
        {"25P03", ERR_TARGET, true},  /* idle in transaction too long */
        {"25006", ERR_TARGET, true},  /* read only: a standby until it is promoted */
        {"28", ERR_TARGET, false},    /* authentication */
        {"3D000", ERR_TARGET, false}, /* no such database */
        {"42501", ERR_TARGET, false}, /* rights */
        {"58", ERR_TARGET, false},    /* system error */
        {"XX", ERR_TARGET, false},    /* internal error, damaged data */
        {"22", ERR_DATA, false}, {"23", ERR_DATA, false},
        {"44", ERR_DATA, false}, /* WITH CHECK OPTION */
    };

    *ret_kind = ERR_SCRIPT;
    *ret_retriable = false;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (strncmp(sqlstate, classes[i].begin, strlen(classes[i].begin)) == 0) {
            *ret_kind = classes[i].kind;
            *ret_retriable = classes[i].retriable;
            return;
        }
    }
}

/* The server counts characters from 1; people read lines. */
static void
add_position(const char *sql, const char *position, Buf *text)
{
    uint64_t left;
    uint64_t line = 1;
    uint64_t column = 1;

    if (!text_to_u64(text_of(position), &left) || left == 0)
        return;
    for (const char *at = sql; *at != '\0' && left > 1; at++) {
        if (((unsigned char)*at & 0xc0) == 0x80)
            continue;
        left--;
        column++;
        if (*at == '\n') {
            line++;
            column = 1;
        }
    }
    buf_addf(text, " (line %" PRIu64 ", column %" PRIu64 " of the statement)", line, column);
}

static void
add_field(const PGresult *result, int field, const char *name, Buf *text)
{
    const char *value = PQresultErrorField(result, field);

    if (value != NULL && *value != '\0')
        buf_addf(text, "; %s: %s", name, value);
}

static void
add_message(PostgresTarget *target, const PGresult *result, const char *sql, Buf *text)
{
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);

    if (primary == NULL) {
        const char *message = PQresultErrorMessage(result);

        if (*message == '\0')
            message = PQerrorMessage(target->connection);
        buf_add_string(text, *message == '\0' ? "no reason given" : message);
        return;
    }
    buf_add_string(text, primary);
    if (position != NULL && sql != NULL)
        add_position(sql, position, text);
    add_field(result, PG_DIAG_MESSAGE_DETAIL, "detail", text);
    add_field(result, PG_DIAG_MESSAGE_HINT, "hint", text);
    add_field(result, PG_DIAG_CONTEXT, "context", text);
    add_field(result, PG_DIAG_INTERNAL_QUERY, "query", text);
    if (target->notices.len > 0)
        buf_addf(text, "; notices: %s", buf_string(&target->notices));
}

bool
postgres_error(PostgresTarget *target, const PGresult *result, const char *sql, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    CLEANUP(buf_clear) Buf clean = BUF_INIT;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    ErrorKind kind = ERR_TARGET;
    bool retriable = true;

    if (PQstatus(target->connection) == CONNECTION_BAD)
        buf_add_string(&text, "connection lost: ");
    else if (sqlstate != NULL)
        postgres_classify(sqlstate, &kind, &retriable);
    else
        retriable = false;
    add_message(target, result, sql, &text);
    postgres_client_clean(target->password, buf_text(&text), &clean);
    (void)error_set(err, kind, "%s", buf_string(&clean));
    err->retriable = retriable;
    if (sqlstate != NULL)
        (void)snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", sqlstate);
    if (sqlstate != NULL && strcmp(sqlstate, "57014") == 0 && stop_level() >= STOP_NOW) {
        err->kind = ERR_STOPPED;
        err->retriable = false;
    }
    return false;
}

bool
postgres_lose(PostgresTarget *target, Error *err)
{
    int fd = PQsocket(target->connection);

    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
    /* libpq notices at the next call */
    PQclear(PQexec(target->connection, "SELECT 1"));
    return error_set_retriable(err, ERR_TARGET, "connection lost: injected fault");
}

/* Until the socket can be read (or written to), or POLL_MS are over. False when it is of no use any
 * more. */
static bool
wait_socket(PostgresTarget *target, bool want_write)
{
    struct pollfd fd = {
        .fd = PQsocket(target->connection), .events = (short)(POLLIN | (want_write ? POLLOUT : 0))};

    if (fd.fd < 0 || PQstatus(target->connection) == CONNECTION_BAD)
        return false;
    if (poll(&fd, 1, POLL_MS) < 0)
        return errno == EINTR;
    if ((fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        return PQconsumeInput(target->connection) == 1;
    return true;
}

static void
cancel_at_stop(PostgresTarget *target, int64_t start_ms, bool *cancelled)
{
    char reason[256];

    if (*cancelled || stop_level() < STOP_NOW || clock_monotonic_ms() - start_ms < STOP_GRACE_MS)
        return;
    *cancelled = true;
    (void)PQcancel(target->cancel, reason, sizeof(reason));
}

/* The next result; NULL at the end. A connection that breaks gives a failed result. */
static PGresult *
next_result(PostgresTarget *target, bool watch_stop)
{
    int64_t start_ms = clock_monotonic_ms();
    bool cancelled = false;

    for (;;) {
        int unsent = PQflush(target->connection);

        /* when something is broken PQgetResult does not wait, and has the server's last words */
        if (unsent < 0 || PQisBusy(target->connection) == 0)
            return PQgetResult(target->connection);
        if (!wait_socket(target, unsent > 0))
            return PQgetResult(target->connection);
        if (watch_stop)
            cancel_at_stop(target, start_ms, &cancelled);
    }
}

/* False when the connection is broken: the result will tell why. */
static bool
flush_all(PostgresTarget *target)
{
    int unsent;

    while ((unsent = PQflush(target->connection)) > 0)
        if (!wait_socket(target, true))
            return false;
    return unsent == 0;
}

static bool
put_piece(PostgresTarget *target, Text piece)
{
    while (piece.len > 0) {
        size_t len = MIN(piece.len, (size_t)PIECE_BYTES);
        int queued;

        while ((queued = PQputCopyData(target->connection, piece.data, (int)len)) == 0)
            if (!wait_socket(target, true))
                return false;
        if (queued < 0 || !flush_all(target))
            return false;
        piece = (Text){piece.data + len, piece.len - len};
    }
    return true;
}

static void
end_copy(PostgresTarget *target, const char *reason)
{
    while (PQputCopyEnd(target->connection, reason) == 0)
        if (!wait_socket(target, true))
            return;
    (void)!flush_all(target);
}

static bool
next_piece(LoadFeed *feed, Text *ret_piece, Error *err)
{
    if (stop_level() >= STOP_NOW)
        return error_set(err, ERR_STOPPED, "stopped while loading");
    return load_feed_read(feed, ret_piece, err);
}

/* True when the result that follows tells how it went. */
static bool
copy_in(PostgresTarget *target, LoadFeed *feed, Error *err)
{
    Text piece = TEXT_NONE;
    bool ok;

    if (feed == NULL) {
        end_copy(target, "there is no CSV file to load here");
        return error_set(err, ERR_SCRIPT, "COPY FROM STDIN: there is no CSV file to load here");
    }
    ok = load_feed_rewind(feed, err);
    while (ok && (ok = next_piece(feed, &piece, err)) && piece.len > 0) {
        if (FAULT("postgres.copy"))
            return postgres_lose(target, err);
        if (!put_piece(target, piece))
            return true;
    }
    end_copy(target, ok ? NULL : "the CSV file could not be read to its end");
    return ok;
}

static void
copy_out(PostgresTarget *target)
{
    for (;;) {
        char *data = NULL;
        int len = PQgetCopyData(target->connection, &data, 1);

        PQfreemem(data);
        if (len < 0 || (len == 0 && !wait_socket(target, false)))
            return;
    }
}

static bool
give_rows(PostgresStatement *statement, const PGresult *result, Error *err)
{
    int count = PQnfields(result);
    Value few[16];
    Value *values = few;
    bool ok = true;

    if (statement->row == NULL)
        return true;
    if ((size_t)count > ARRAY_LEN(few)) {
        values = calloc((size_t)count, sizeof(*values));
        if (values == NULL)
            abort();
    }
    for (int row = 0; ok && row < PQntuples(result); row++) {
        for (int i = 0; i < count; i++) {
            values[i] = (Value){.kind = VALUE_NULL};
            if (PQgetisnull(result, row, i) == 0)
                values[i] = (Value){
                    VALUE_TEXT, {PQgetvalue(result, row, i), (size_t)PQgetlength(result, row, i)}};
        }
        ok = statement->row(statement->context, values, (size_t)count, err);
    }
    if (values != few)
        free(values);
    return ok;
}

static void
take_tag(PostgresStatement *statement, PGresult *result)
{
    if (!text_to_i64(text_of(PQcmdTuples(result)), &statement->ret_rows))
        statement->ret_rows = -1;
    (void)snprintf(statement->ret_tag, sizeof(statement->ret_tag), "%s", PQcmdStatus(result));
}

static bool
take_result(PostgresTarget *target, PostgresStatement *statement, PGresult *result, bool *copied,
    Error *err)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_SINGLE_TUPLE)
        return give_rows(statement, result, err);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) {
        take_tag(statement, result);
        return give_rows(statement, result, err);
    }
    if (status == PGRES_COPY_OUT) {
        copy_out(target);
        return true;
    }
    if (status == PGRES_COPY_IN && !*copied) {
        *copied = true;
        return copy_in(target, statement->feed, err);
    }
    return postgres_error(target, result, statement->sql, err);
}

bool
postgres_run(PostgresTarget *target, PostgresStatement *statement, Error *err)
{
    bool in_transaction = PQtransactionStatus(target->connection) == PQTRANS_INTRANS;
    bool copied = false;
    bool ok = true;
    Error ignored;
    PGresult *result;

    buf_reset(&target->notices, 0);
    statement->ret_rows = -1;
    if (PQsendQueryParams(target->connection, statement->sql, statement->param_count, NULL,
            statement->params, NULL, NULL, 0) != 1)
        return postgres_error(target, NULL, statement->sql, err);
    (void)PQsetSingleRowMode(target->connection);
    while ((result = next_result(target, statement->watch_stop)) != NULL) {
        bool was_ok = ok;
        bool is_copy = PQresultStatus(result) == PGRES_COPY_IN;

        if (is_copy && copied) {
            /* libpq would offer the COPY for ever */
            PQclear(result);
            return ok ? postgres_lose(target, err) : false;
        }
        ok = take_result(target, statement, result, &copied, ok ? err : &ignored) && ok;
        PQclear(result);
        if (was_ok && !ok && statement->row != NULL) {
            char reason[256];

            /* nobody wants the other rows; a cancel would fail an open transaction */
            statement->row = NULL;
            if (!in_transaction)
                (void)PQcancel(target->cancel, reason, sizeof(reason));
        }
    }
    return ok;
}
