/*
 * postgres_stream.h - the replication stream of a slot: START_REPLICATION, keepalives, feedback
 *
 * Source: PostgreSQL documentation, section "Streaming Replication Protocol". Inside CopyBoth:
 *
 *     from the server
 *     XLogData    'w'  Int64 start   Int64 end of WAL   Int64 time   bytes: a message of pgoutput
 *     keepalive   'k'  Int64 sent    Int64 time         Int8 1: wants an answer
 *     to the server
 *     status      'r'  Int64 written   Int64 flushed    Int64 applied   Int64 time
 *                      Int8 1: wants an answer (a keepalive)
 *
 * Written, flushed and applied are the confirmed position, which moves only by
 * postgres_stream_confirm(): the server may forget all WAL before it. A keepalive's LSN is how far
 * the server has decoded: every transaction whose commit record begins before it has been sent.
 *
 * A server that shuts down asks again and again until everything it sent is confirmed, and does not
 * end before that. It is let go after a moment, by a retriable error: what is not confirmed comes
 * again. (The session has wal_sender_timeout = 0, so that it has no other reason to ask.)
 */
#pragma once

#include "base/next.h"
#include "source/postgres_slot.h"

typedef struct PostgresMessage {
    bool is_keepalive;
    uint64_t sent; /* keepalive */
    Text data;     /* else: a message of pgoutput, valid until the next call */
} PostgresMessage;

typedef struct PostgresStream PostgresStream;

/* Takes the connection (POSTGRES_REPLICATION) in any case. Starts at wanted->position, which is the
 * first confirmed position. */
PostgresStream *postgres_stream_open(PostgresConnection *connection,
    const PostgresSlotWanted *wanted, int64_t status_interval_ms, Error *err) MUST_CHECK;
void postgres_stream_close(PostgresStream *stream);
CLEANUP_DEFINE(PostgresStream *, postgres_stream_close);

/* The next message; waits at most wait_ms. Sends feedback when it is due. Returns NEXT_IDLE at once
 * when a stop is requested meanwhile. Fault point source.postgres.stream: a lost connection. */
Next postgres_stream_next(
    PostgresStream *stream, int64_t wait_ms, PostgresMessage *ret_message, Error *err);

/* Everything before this LSN may be forgotten by the server; tells it at once. An LSN that is not
 * ahead of the last one is passed over. */
bool postgres_stream_confirm(PostgresStream *stream, uint64_t lsn, Error *err) MUST_CHECK;
/* Ask the server for a keepalive. */
bool postgres_stream_ping(PostgresStream *stream, Error *err) MUST_CHECK;
