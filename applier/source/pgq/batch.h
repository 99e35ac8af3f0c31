/*
 * batch.h - the events of one batch, streamed
 *
 * COPY (the batch's SELECT) TO STDOUT in the binary format, on a connection of its own: the server
 * sends row by row as fast as they are taken, memory does not grow with the batch, and no
 * transaction stands idle (a cursor would). Values of fixed size need no parsing, texts no
 * unescaping; the texts are writable, as record.h wants them.
 *
 * Source: PostgreSQL documentation, "COPY", section "Binary Format". Fault point:
 * "source.pgq.copy", a lost connection.
 */
#pragma once

#include "source/pgq/queue.h"
#include "source/pgq/record.h"

typedef struct PgqStream PgqStream;

/* The connection becomes the stream's. */
PgqStream *pgq_stream_new(PostgresConnection *connection) MUST_CHECK;
void pgq_stream_free(PgqStream *stream);
CLEANUP_DEFINE(PgqStream *, pgq_stream_free);

/* Ask for a batch's events. An unfinished batch must have been read to its end. */
bool pgq_stream_begin(PgqStream *stream, const PgqBatch *batch, Error *err) MUST_CHECK;
/* The next event, valid until the next call. NEXT_END at the batch's end. Waits as
 * SourceDriver.next does. */
Next pgq_stream_next(PgqStream *stream, int64_t wait_ms, PgqEvent *ret_event, Error *err);
