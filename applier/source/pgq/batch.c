#include "source/pgq/batch.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/stop.h"

/* 1970-01-01 to 2000-01-01 */
#define POSTGRES_EPOCH_US INT64_C(946684800000000)
/* What COPY begins with, behind it flags and the length of an extension. */
#define SIGNATURE     "PGCOPY\n\377\r\n"
#define SIGNATURE_LEN 11
#define FIELD_COUNT   10

typedef enum Phase {
    PHASE_DONE,  /* no batch */
    PHASE_ASKED, /* the server has not answered yet */
    PHASE_ROWS,
    PHASE_END, /* results behind the rows */
} Phase;

struct PgqStream {
    PostgresConnection *connection;
    char *row; /* of libpq; the last event's texts are in it */
    Phase phase;
    bool has_begun; /* the signature was read */
    bool was_there; /* what the check said */
    Buf sql;
};

PgqStream *
pgq_stream_new(PostgresConnection *connection)
{
    PgqStream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        abort();
    stream->connection = connection;
    return stream;
}

void
pgq_stream_free(PgqStream *stream)
{
    if (stream == NULL)
        return;
    PQfreemem(stream->row);
    postgres_connection_close(stream->connection);
    buf_clear(&stream->sql);
    free(stream);
}

bool
pgq_stream_begin(PgqStream *stream, const PgqBatch *batch, Error *err)
{
    buf_reset(&stream->sql, SIZE_MAX);
    /* one round trip for both: the check is the statement behind the events */
    buf_addf(&stream->sql, "COPY (%s) TO STDOUT (FORMAT binary); %s", batch->sql, batch->check);
    stream->phase = PHASE_ASKED;
    stream->has_begun = false;
    stream->was_there = false;
    if (PQsendQuery(stream->connection->pq, buf_string(&stream->sql)) != 1)
        return postgres_connection_error(stream->connection, NULL, err);
    return true;
}

/* ---- rows ---- */

static bool
is_fixed(Reader *reader, int32_t size, bool *ret_null)
{
    int32_t len = (int32_t)reader_be32(reader);

    *ret_null = len == -1;
    return len == size || len == -1;
}

static bool
read_number(Reader *reader, int64_t otherwise, int64_t *ret_number)
{
    bool is_null;

    if (!is_fixed(reader, 8, &is_null))
        return false;
    *ret_number = is_null ? otherwise : (int64_t)reader_be64(reader);
    return true;
}

static bool
read_text(Reader *reader, Text *ret_text)
{
    int32_t len = (int32_t)reader_be32(reader);

    if (len == -1)
        *ret_text = TEXT_NONE;
    else if (len < 0)
        return false;
    else
        *ret_text = reader_bytes(reader, (size_t)len);
    return true;
}

static bool
read_event(Reader *reader, PgqEvent *event)
{
    Text *const texts[] = {
        &event->type, &event->data, &event->extra1, &event->extra2, &event->extra3, &event->extra4};
    int64_t txid = 0;
    bool is_null;

    if (!read_number(reader, 0, &event->id) || !read_number(reader, 0, &event->time_us) ||
        !read_number(reader, 0, &txid) || !is_fixed(reader, 4, &is_null))
        return false;
    event->time_us += POSTGRES_EPOCH_US;
    event->txid = (uint64_t)txid;
    event->retry = is_null ? -1 : (int32_t)reader_be32(reader);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!read_text(reader, texts[i]))
            return false;
    return !reader->overrun;
}

static bool
read_signature(PgqStream *stream, Reader *reader, Error *err)
{
    Text signature = reader_bytes(reader, SIGNATURE_LEN);
    uint32_t extension;

    (void)reader_be32(reader);
    extension = reader_be32(reader);
    (void)reader_bytes(reader, extension);
    stream->has_begun = true;
    return (!reader->overrun && memcmp(signature.data, SIGNATURE, SIGNATURE_LEN) == 0) ||
           error_set(err, ERR_SOURCE, "the source's COPY does not begin as its binary format does");
}

/* ---- one step: NEXT_IDLE where the server has to be waited for ---- */

static Next
step_asked(PgqStream *stream, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;

    if (PQisBusy(stream->connection->pq) != 0)
        return NEXT_IDLE;
    if (!postgres_connection_result(stream->connection, &result, err))
        return NEXT_FAILED;
    if (PQresultStatus(result) != PGRES_COPY_OUT) {
        (void)error_set(err, ERR_SOURCE, "the source does not begin to send a batch");
        return NEXT_FAILED;
    }
    stream->phase = PHASE_ROWS;
    return NEXT_ITEM;
}

/* A message of the COPY; *ret_is_event is false for its begin and its end. */
static bool
read_row(PgqStream *stream, size_t len, PgqEvent *ret_event, bool *ret_is_event, Error *err)
{
    Reader reader = reader_of(stream->row, len);
    uint16_t fields;

    *ret_is_event = false;
    if (!stream->has_begun && !read_signature(stream, &reader, err))
        return false;
    if (reader.at == len)
        return true;
    fields = reader_be16(&reader);
    if (fields == UINT16_MAX) /* the end, which the protocol tells again */
        return true;
    *ret_is_event = true;
    return (fields == FIELD_COUNT && read_event(&reader, ret_event)) ||
           error_set(err, ERR_SOURCE, "a row of %" PRIu16 " fields in %zu bytes is no event of PgQ",
               fields, len);
}

static Next
step_rows(PgqStream *stream, PgqEvent *ret_event, bool *ret_is_event, Error *err)
{
    int len;

    PQfreemem(STEAL(stream->row));
    len = PQgetCopyData(stream->connection->pq, &stream->row, 1);
    if (len > 0)
        return read_row(stream, (size_t)len, ret_event, ret_is_event, err) ? NEXT_ITEM
                                                                           : NEXT_FAILED;
    if (len == 0)
        return NEXT_IDLE;
    if (len == -2) {
        (void)postgres_connection_error(stream->connection, NULL, err);
        return NEXT_FAILED;
    }
    stream->phase = PHASE_END;
    return NEXT_ITEM;
}

/* Behind the events: the COPY's own result, and the check's. */
static Next
step_end(PgqStream *stream, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;

    if (PQisBusy(stream->connection->pq) != 0)
        return NEXT_IDLE;
    if (!postgres_connection_result(stream->connection, &result, err))
        return NEXT_FAILED;
    if (result != NULL) {
        if (PQntuples(result) == 1)
            stream->was_there = *PQgetvalue(result, 0, 0) == 't';
        return NEXT_ITEM;
    }
    if (!stream->was_there) {
        /* who opens the source again is told which of them, and what to do */
        (void)error_set_retriable(
            err, ERR_SOURCE, "the consumer was moved or unregistered while its events were read");
        return NEXT_FAILED;
    }
    stream->phase = PHASE_DONE;
    return NEXT_ITEM;
}

static Next
step(PgqStream *stream, PgqEvent *ret_event, bool *ret_is_event, Error *err)
{
    *ret_is_event = false;
    switch (stream->phase) {
    case PHASE_ASKED:
        return step_asked(stream, err);
    case PHASE_ROWS:
        return step_rows(stream, ret_event, ret_is_event, err);
    case PHASE_END:
        return step_end(stream, err);
    case PHASE_DONE:
        break;
    }
    return NEXT_END;
}

Next
pgq_stream_next(PgqStream *stream, int64_t wait_ms, PgqEvent *ret_event, Error *err)
{
    int64_t end_ms = -1;

    if (FAULT("source.pgq.copy")) {
        (void)postgres_connection_lose(stream->connection, err);
        return NEXT_FAILED;
    }
    for (;;) {
        bool is_event;
        Next next = step(stream, ret_event, &is_event, err);
        int64_t now_ms;

        if (next == NEXT_ITEM && !is_event)
            continue;
        if (next != NEXT_IDLE)
            return next;
        now_ms = clock_monotonic_ms();
        if (end_ms < 0)
            end_ms = now_ms + wait_ms;
        else if (now_ms >= end_ms || stop_level() >= STOP_AFTER_BLOCK)
            return NEXT_IDLE;
        if (!postgres_connection_wait(stream->connection, end_ms - now_ms)) {
            (void)postgres_connection_error(stream->connection, NULL, err);
            return NEXT_FAILED;
        }
    }
}
