/*
 * queue.h - the consumer at the server: where it is, the next batches, finishing them
 *
 * One ordinary connection (source/postgres_connection.h), which belongs to the reader thread.
 *
 * Batches ahead. pgq_queue_ahead() runs, in a transaction that it rolls back:
 *
 *     register_consumer_at(queue, consumer, the last tick that was looked up)   when not there yet
 *     next_batch(queue, consumer), batch_event_sql(batch), finish_batch(batch)  up to `limit` times
 *
 * so PgQ itself says what the next batches are and by which SELECT their events are read, and the
 * consumer stays where it was. The row of the consumer is locked for the milliseconds that takes.
 * A SELECT stays good as long as the consumer is not past its batch: ticks and events are kept for
 * it until then.
 *
 * Finishing. After the target's commit: next_batch() and finish_batch() where one batch was
 * committed, register_consumer_at() where several were. Never backwards, and never for a consumer
 * that is not registered any more.
 *
 * Errors are those of the connection, retriable as there; refusals are ERR_SOURCE and name queue,
 * consumer and the way out.
 *
 * Fault points: "source.pgq.ahead", "source.pgq.finish" (a lost connection), crash points
 * "source.pgq.before_finish", "source.pgq.after_finish".
 */
#pragma once

#include "base/arena.h"
#include "source/pgq/pgq.h"
#include "source/pgq/position.h"
#include "source/postgres_connection.h"

/* Where consumer and queue are now. */
typedef struct PgqQueueFacts {
    bool has_pgq; /* the schema pgq is there */
    bool has_queue;
    bool is_registered;
    bool is_paused; /* no ticks */
    uint64_t queue_id;
    uint64_t last_tick;   /* of the consumer */
    int64_t last_tick_us; /* its time; TIME_UNKNOWN where the tick is gone */
    uint64_t newest_tick;
    int64_t newest_tick_us;
    int64_t now_us;         /* the server's clock */
    int64_t pending_events; /* about, between the consumer's tick and now; -1: not known */
} PgqQueueFacts;

typedef struct PgqBatch {
    PgqPosition from; /* the tick it begins behind, with its snapshot */
    PgqPosition to;   /* the tick it ends with */
    const char *sql;  /* SELECT of its events */
} PgqBatch;

bool pgq_queue_facts(PostgresConnection *connection, const char *queue, const char *consumer,
    PgqQueueFacts *ret_facts, Error *err) MUST_CHECK;

/*
 * Compare the target's position ("": none) with the consumer, and finish what was committed but not
 * finished. *ret_start is where to go on. Refused: another queue of this name, a consumer that is
 * not registered, one that is ahead of the position, a tick that is gone, or is another one (the
 * database was set back).
 */
bool pgq_queue_begin(PostgresConnection *connection, const PgqSourceOptions *options,
    const char *consumer, Text position, PgqPosition *ret_start, Error *err) MUST_CHECK;

/* The next batches behind a tick, at most limit; none where there is no further tick. In the
 * arena. */
bool pgq_queue_ahead(PostgresConnection *connection, const PgqSourceOptions *options,
    const char *consumer, const PgqPosition *behind, size_t limit, Arena *arena,
    PgqBatch **ret_batches, size_t *ret_count, Error *err) MUST_CHECK;

/* The target holds everything up to this tick. */
bool pgq_queue_finish(PostgresConnection *connection, const PgqSourceOptions *options,
    const char *consumer, const PgqPosition *position, Error *err) MUST_CHECK;
