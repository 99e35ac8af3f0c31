/*
 * stream.h - the events of the binary log from a position on, as a replica gets them
 *
 * A thread of the stream's own reads from the server and hands the events over in pieces, two of
 * them at most (a piece is about 1 MiB, or one event): reading goes on while rows are decoded, and
 * memory is bounded. The server tells by heartbeats where it is while it has nothing to send.
 *
 * Asking and reading is dump.c's, by the functions that the client library has for it (packets.h);
 * only the raw bytes of the events are used. After a file's first 4 GiB a place is found by reading
 * the file from its beginning (skip.h).
 *
 * Errors are ERR_SOURCE. Retriable: a lost connection, a server that stops. Not retriable, with the
 * way out: the position is purged or not in this server's log, another replica has our server_id,
 * rights are missing, an event is larger than the server's max_allowed_packet.
 *
 * Fault point source.mysql.stream: a lost connection.
 *
 * A server that is silent for five heartbeats, and a minute at least, is lost.
 */
#pragma once

#include "base/next.h"
#include "source/mysql/server.h"

typedef struct MysqlStreamStart {
    const MysqlSourceOptions *options;
    uint32_t server_id;
    const BinlogPosition *position; /* FILE, or GTIDs of the server's kind */
    bool until_end;                 /* NEXT_END where the log ends, instead of waiting for more */
} MysqlStreamStart;

typedef struct MysqlStream MysqlStream;

MysqlStream *source_mysql_stream_open(const MysqlStreamStart *start, Error *err) MUST_CHECK;
/* Ends the thread, whatever it waits for. */
void source_mysql_stream_close(MysqlStream *stream);
CLEANUP_DEFINE(MysqlStream *, source_mysql_stream_close);

/* The bytes of the next event (header, body, checksum), valid until the next call. Waits at most
 * wait_ms, then NEXT_IDLE; at once when a stop is requested meanwhile. Heartbeats and the events
 * that the server makes for us (ROTATE, FORMAT_DESCRIPTION) are among them. */
Next source_mysql_stream_next(MysqlStream *stream, int64_t wait_ms, Text *ret_event, Error *err);
