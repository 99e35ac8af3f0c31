/*
 * queue.h - the consumer at the server: where it is, the next batches, finishing them
 *
 * One ordinary connection (source/postgres_connection.h), which belongs to the reader thread.
 *
 * Batches ahead. pgq_queue_ahead() runs, in a transaction that it rolls back:
 *
 *     register_consumer_at(queue, consumer, the last tick that was looked up)
 *     next_batch(queue, consumer), batch_event_sql(batch), finish_batch(batch)  up to `limit` times
 *
 * so PgQ itself says what the next batches are and by which SELECT their events are read, and the
 * consumer stays where it was. The row of the consumer is locked for the milliseconds that takes.
 * A SELECT stays good as long as the consumer is not past its batch: ticks and events are kept for
 * it until then.
 *
 * Whether there is a further tick at all is looked up first, by a SELECT alone: waiting costs the
 * server no writes.
 *
 * Events are there as long as the consumer is registered behind them. Who unregisters it while a
 * batch is read may have the batch's events cleaned away in front of us, so that each batch has a
 * check that is asked behind its last event, before the batch counts as read.
 *
 * Finishing. After the target's commit, by register_consumer_at(), for any number of batches at
 * once. Never backwards, and never for a consumer that is not registered any more: all of it
 * happens in one snapshot (REPEATABLE READ), and fails where somebody else moved the consumer.
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

/* A consumer, and the connection to ask through; all of it the caller's. */
typedef struct PgqQueue {
    PostgresConnection *connection;
    const PgqSourceOptions *options;
    const char *consumer;
} PgqQueue;

/* Where consumer and queue are now. */
typedef struct PgqQueueFacts {
    bool has_pgq; /* the schema pgq is there */
    bool has_queue;
    bool is_registered;
    bool is_paused; /* no ticks */
    uint64_t queue_id;
    int64_t subscription; /* sub_id: another one where the consumer was registered anew */
    uint64_t last_tick;   /* of the consumer */
    int64_t last_tick_us; /* its time; TIME_UNKNOWN where the tick is gone */
    uint64_t newest_tick;
    int64_t newest_tick_us;
    int64_t now_us;         /* the server's clock */
    int64_t pending_events; /* about, between the consumer's tick and now; -1: not known */
    int64_t new_events;     /* about, since the newest tick; -1: not known */
} PgqQueueFacts;

typedef struct PgqBatch {
    PgqPosition from; /* the tick it begins behind, with its snapshot */
    PgqPosition to;   /* the tick it ends with */
    const char *sql;  /* SELECT of its events */
    /* SELECT of one boolean, to be asked when the events were read: was the consumer registered all
     * the time, so that no event was cleaned away? */
    const char *check;
} PgqBatch;

typedef struct PgqBatches {
    PgqBatch *items;
    size_t count;
} PgqBatches;

bool pgq_queue_facts(PostgresConnection *connection, const char *queue, const char *consumer,
    PgqQueueFacts *ret_facts, Error *err) MUST_CHECK;

/*
 * Compare the position to go on from ("": none) with the consumer. *ret_start is where to go on,
 * without a snapshot. Nothing is finished, since the position may be ahead of what the target
 * holds (a source that is opened again after a loss); what was committed and not finished, because
 * the process died in between, is finished by the first acknowledge(), which comes at once.
 *
 * Refused: another queue of this name, a consumer that is not registered, one that is ahead of the
 * position, a tick that is gone, or is another one (the database was set back).
 */
bool pgq_queue_begin(const PgqQueue *queue, Text position, PgqPosition *ret_start, Error *err)
    MUST_CHECK;

/* The next batches behind a tick, at most limit; none where there is no further tick. In the
 * arena. Refused as pgq_queue_begin() does. */
bool pgq_queue_ahead(const PgqQueue *queue, const PgqPosition *behind, size_t limit, Arena *arena,
    PgqBatches *ret_batches, Error *err) MUST_CHECK;

/* The target holds everything up to this tick. Refused where the consumer is ahead of it already,
 * or not registered any more. */
bool pgq_queue_finish(const PgqQueue *queue, const PgqPosition *position, Error *err) MUST_CHECK;
