#include "source/postgres_stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/stop.h"
#include "source/pgoutput.h"

/* 1970-01-01 to 2000-01-01 */
#define POSTGRES_EPOCH_US INT64_C(946684800000000)
/* An answer to a server that asks again as soon as it has one. */
#define ANSWER_WAIT_MS 100
/* How long a server that shuts down waits for us. */
#define SHUTDOWN_WAIT_MS 2000
/* Questions that are further apart do not belong to a shutdown, which asks on and on. */
#define ASKING_GAP_MS 1500
/* A busy stream looks at the clock once in so many messages. */
#define CLOCK_MESSAGES 256
/*
 * The server flushes each row by itself. To take each of them by itself, too, would cost both sides
 * several system calls a row: in a burst of at least so many messages we look away for a moment and
 * take what came meanwhile in one go. A wait of IDLE_US ends the burst.
 */
#define BURST_MESSAGES 32
#define NAP_NS         100000L
#define IDLE_US        2000

struct PostgresStream {
    PostgresConnection *connection;
    char *message; /* the last one, of libpq */
    uint64_t confirmed;
    uint64_t sent; /* the last keepalive's */
    int64_t status_interval_ms;
    int64_t status_ms; /* when feedback was sent last */
    int64_t asked_ms;  /* the server waits for an answer since; 0: it does not */
    int64_t ending_ms; /* it began to ask for the end then; 0: it did not */
    int64_t last_asked_ms;
    unsigned unwatched; /* messages since the last look at the clock */
    unsigned burst;     /* messages since the last longer wait */
    bool napped;        /* without a message since */
    Buf slot;
    Buf publication;
    uint64_t position;
};

static PostgresSlotWanted
stream_wanted(const PostgresStream *stream)
{
    return (PostgresSlotWanted){
        buf_text(&stream->slot), buf_text(&stream->publication), stream->position};
}

static Next
stream_failed(PostgresStream *stream, const PGresult *result, Error *err)
{
    PostgresSlotWanted wanted = stream_wanted(stream);

    (void)postgres_connection_error(stream->connection, result, err);
    postgres_slot_explain(&wanted, err);
    return NEXT_FAILED;
}

static void
put_be64(char *to, uint64_t number)
{
    for (size_t i = 0; i < 8; i++)
        to[i] = (char)(number >> (56 - 8 * i));
}

static bool
send_status(PostgresStream *stream, bool wants_answer, Error *err)
{
    char status[34] = {'r'};

    put_be64(status + 1, stream->confirmed);
    put_be64(status + 9, stream->confirmed);
    put_be64(status + 17, stream->confirmed);
    put_be64(status + 25, (uint64_t)(clock_now_us() - POSTGRES_EPOCH_US));
    status[33] = (char)wants_answer;
    stream->status_ms = clock_monotonic_ms();
    stream->asked_ms = 0;
    if (PQputCopyData(stream->connection->pq, status, sizeof(status)) != 1 ||
        PQflush(stream->connection->pq) < 0)
        return stream_failed(stream, NULL, err) != NEXT_FAILED;
    return true;
}

static bool
start_replication(PostgresStream *stream, const PostgresSlotWanted *wanted, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf names = BUF_INIT;
    char lsn[LSN_TEXT_SIZE];

    postgres_add_identifier(&names, wanted->publication);
    buf_add_string(&sql, "START_REPLICATION SLOT ");
    postgres_add_identifier(&sql, wanted->slot);
    buf_addf(&sql, " LOGICAL %s (proto_version '1', publication_names ",
        lsn_format(wanted->position, lsn).data);
    postgres_add_literal(&sql, buf_text(&names));
    buf_add_char(&sql, ')');
    if (!postgres_connection_query(stream->connection, buf_string(&sql), NULL, 0, &result, err)) {
        postgres_slot_explain(wanted, err);
        return false;
    }
    if (PQresultStatus(result) != PGRES_COPY_BOTH)
        return error_set(err, ERR_SOURCE, "START_REPLICATION was answered with %s",
            PQresStatus(PQresultStatus(result)));
    return send_status(stream, false, err);
}

PostgresStream *
postgres_stream_open(PostgresConnection *connection, const PostgresSlotWanted *wanted,
    int64_t status_interval_ms, Error *err)
{
    CLEANUP(postgres_stream_close) PostgresStream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        abort();
    stream->connection = connection;
    /* nothing is confirmed by opening: what lies before may still be on its way to the target */
    stream->confirmed = 0;
    stream->position = wanted->position;
    stream->status_interval_ms = status_interval_ms;
    buf_add_text(&stream->slot, wanted->slot);
    buf_add_text(&stream->publication, wanted->publication);
    if (!start_replication(stream, wanted, err))
        return NULL;
    return STEAL(stream);
}

void
postgres_stream_close(PostgresStream *stream)
{
    if (stream == NULL)
        return;
    PQfreemem(stream->message);
    postgres_connection_close(stream->connection);
    buf_clear(&stream->slot);
    buf_clear(&stream->publication);
    free(stream);
}

bool
postgres_stream_confirm(PostgresStream *stream, uint64_t lsn, Error *err)
{
    if (lsn <= stream->confirmed)
        return true;
    stream->confirmed = lsn;
    return send_status(stream, false, err);
}

bool
postgres_stream_ping(PostgresStream *stream, Error *err)
{
    return send_status(stream, true, err);
}

/* Feedback that is due, and a server that must not wait any longer. */
static bool
look_at_clock(PostgresStream *stream, Error *err)
{
    int64_t now_ms = clock_monotonic_ms();

    stream->unwatched = 0;
    if (stream->ending_ms != 0 && stream->last_asked_ms - stream->ending_ms >= SHUTDOWN_WAIT_MS)
        return error_set_retriable(err, ERR_SOURCE,
            "the source is shutting down; what the target does not have yet comes again");
    if (now_ms - stream->status_ms >= stream->status_interval_ms ||
        (stream->asked_ms != 0 && now_ms - stream->asked_ms >= ANSWER_WAIT_MS))
        return send_status(stream, false, err);
    return true;
}

static int64_t
wait_time(const PostgresStream *stream, int64_t end_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t due_ms = stream->status_ms + stream->status_interval_ms;

    if (stream->asked_ms != 0)
        due_ms = MIN(due_ms, stream->asked_ms + ANSWER_WAIT_MS);
    return MAX(MIN(end_ms, due_ms) - now_ms, (int64_t)0);
}

static bool
read_message(PostgresStream *stream, size_t len, PostgresMessage *ret, Error *err)
{
    Reader reader = reader_of(stream->message, len);
    uint8_t letter = reader_u8(&reader);

    *ret = (PostgresMessage){.is_keepalive = letter == 'k'};
    if (letter == 'w') {
        (void)reader_bytes(&reader, 24);
        ret->data = reader_bytes(&reader, len - reader.at);
    } else if (letter == 'k') {
        ret->sent = reader_be64(&reader);
        (void)reader_be64(&reader);
        if (reader_u8(&reader) != 0) {
            stream->asked_ms = clock_monotonic_ms();
            /* one question alone is only about our being alive */
            if (stream->asked_ms - stream->last_asked_ms > ASKING_GAP_MS)
                stream->ending_ms = 0;
            if (stream->ending_ms == 0 && stream->confirmed < ret->sent)
                stream->ending_ms = stream->asked_ms;
            stream->last_asked_ms = stream->asked_ms;
        }
    } else {
        return error_set(err, ERR_SOURCE, "unknown replication message 0x%02x", letter);
    }
    return !reader.overrun ||
           error_set(err, ERR_SOURCE, "replication message '%c' ends too early", letter);
}

/* The stream is over: the server's last words tell why. */
static Next
stream_ended(PostgresStream *stream, int len, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;

    if (len == -2)
        return stream_failed(stream, NULL, err);
    result = PQgetResult(stream->connection->pq);
    if (result != NULL && PQresultStatus(result) == PGRES_FATAL_ERROR)
        return stream_failed(stream, result, err);
    (void)error_set_retriable(err, ERR_SOURCE, "the source ended the replication stream");
    return NEXT_FAILED;
}

/* For data, and at most until end_ms. */
static bool
wait_for_data(PostgresStream *stream, int64_t end_ms)
{
    int64_t start_us;
    bool ok;

    if (stream->burst >= BURST_MESSAGES && !stream->napped) {
        struct timespec nap = {.tv_nsec = NAP_NS};

        (void)nanosleep(&nap, NULL);
        stream->napped = true;
        return PQconsumeInput(stream->connection->pq) == 1;
    }
    start_us = clock_monotonic_us();
    ok = postgres_connection_wait(stream->connection, wait_time(stream, end_ms));
    if (clock_monotonic_us() - start_us >= IDLE_US)
        stream->burst = 0;
    return ok;
}

Next
postgres_stream_next(
    PostgresStream *stream, int64_t wait_ms, PostgresMessage *ret_message, Error *err)
{
    int64_t end_ms = -1;

    PQfreemem(STEAL(stream->message));
    if (FAULT("source.postgres.stream")) {
        (void)postgres_connection_lose(stream->connection, err);
        return NEXT_FAILED;
    }
    if (++stream->unwatched >= CLOCK_MESSAGES && !look_at_clock(stream, err))
        return NEXT_FAILED;
    for (;;) {
        int len = PQgetCopyData(stream->connection->pq, &stream->message, 1);

        if (len > 0) {
            stream->burst++;
            stream->napped = false;
            return read_message(stream, (size_t)len, ret_message, err) ? NEXT_ITEM : NEXT_FAILED;
        }
        if (len < 0)
            return stream_ended(stream, len, err);
        if (!look_at_clock(stream, err))
            return NEXT_FAILED;
        if (end_ms < 0)
            end_ms = clock_monotonic_ms() + wait_ms;
        else if (clock_monotonic_ms() >= end_ms || stop_level() >= STOP_AFTER_BLOCK)
            return NEXT_IDLE;
        if (!wait_for_data(stream, end_ms))
            return stream_failed(stream, NULL, err);
    }
}
