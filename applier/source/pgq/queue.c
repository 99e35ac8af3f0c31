#include "source/pgq/queue.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/fault.h"

enum {
    FACT_QUEUE_ID,
    FACT_PAUSED,
    FACT_SUBSCRIPTION,
    FACT_LAST_TICK,
    FACT_LAST_TIME,
    FACT_NEWEST_TICK,
    FACT_NEWEST_TIME,
    FACT_NOW,
    FACT_PENDING,
    FACT_NEW,
};

/* $1 is the queue, $2 the consumer. */
static const char facts_sql[] =
    "SELECT q.queue_id, q.queue_ticker_paused, s.sub_id, s.sub_last_tick,"
    " (extract(epoch FROM l.tick_time) * 1000000)::bigint,"
    " n.tick_id, (extract(epoch FROM n.tick_time) * 1000000)::bigint,"
    " (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,"
    " pgq.seq_getval(q.queue_event_seq) - l.tick_event_seq,"
    " pgq.seq_getval(q.queue_event_seq) - n.tick_event_seq"
    " FROM pgq.queue q"
    " LEFT JOIN (pgq.subscription s JOIN pgq.consumer c"
    " ON c.co_id = s.sub_consumer AND c.co_name = $2) ON s.sub_queue = q.queue_id"
    " LEFT JOIN pgq.tick l ON l.tick_queue = q.queue_id AND l.tick_id = s.sub_last_tick"
    " LEFT JOIN LATERAL (SELECT * FROM pgq.tick t WHERE t.tick_queue = q.queue_id"
    " ORDER BY t.tick_queue DESC, t.tick_id DESC LIMIT 1) n ON true"
    " WHERE q.queue_name = $1";

static int64_t
number_of(const PGresult *result, int row, int column, int64_t otherwise)
{
    int64_t number;

    return text_to_i64(postgres_result_text(result, row, column), &number) ? number : otherwise;
}

static uint64_t
id_of(const PGresult *result, int row, int column)
{
    return (uint64_t)number_of(result, row, column, 0);
}

/* What a role lacks is worth a word more than the server's. */
static bool
say_rights(Error *err)
{
    if (strcmp(err->sqlstate, "42501") == 0)
        (void)error_wrap(err, "the role needs the rights of pgq_reader (GRANT pgq_reader TO …)");
    return false;
}

/* Is it an error of a database without PgQ: no such schema, table or function? */
static bool
is_without_pgq(const Error *err)
{
    return strcmp(err->sqlstate, "3F000") == 0 || strcmp(err->sqlstate, "42P01") == 0 ||
           strcmp(err->sqlstate, "42883") == 0;
}

bool
pgq_queue_facts(PostgresConnection *connection, const char *queue, const char *consumer,
    PgqQueueFacts *ret_facts, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    const char *params[] = {queue, consumer};
    PgqQueueFacts facts = {.last_tick_us = TIME_UNKNOWN,
        .newest_tick_us = TIME_UNKNOWN,
        .now_us = TIME_UNKNOWN,
        .pending_events = -1,
        .new_events = -1};

    if (!postgres_connection_query(connection, facts_sql, params, 2, &result, err)) {
        if (!is_without_pgq(err)) {
            (void)say_rights(err);
            (void)error_wrap(err, "look at queue %s", queue);
            return false;
        }
        *ret_facts = facts;
        return true;
    }
    facts.has_pgq = true;
    facts.has_queue = PQntuples(result) > 0;
    if (facts.has_queue) {
        facts.queue_id = id_of(result, 0, FACT_QUEUE_ID);
        facts.is_paused = *PQgetvalue(result, 0, FACT_PAUSED) == 't';
        facts.is_registered = PQgetisnull(result, 0, FACT_LAST_TICK) == 0;
        facts.subscription = number_of(result, 0, FACT_SUBSCRIPTION, 0);
        facts.last_tick = id_of(result, 0, FACT_LAST_TICK);
        facts.last_tick_us = number_of(result, 0, FACT_LAST_TIME, TIME_UNKNOWN);
        facts.newest_tick = id_of(result, 0, FACT_NEWEST_TICK);
        facts.newest_tick_us = number_of(result, 0, FACT_NEWEST_TIME, TIME_UNKNOWN);
        facts.now_us = number_of(result, 0, FACT_NOW, TIME_UNKNOWN);
        facts.pending_events = number_of(result, 0, FACT_PENDING, -1);
        facts.new_events = number_of(result, 0, FACT_NEW, -1);
    }
    *ret_facts = facts;
    return true;
}

/* ---- refusals ---- */

static const char begin_anew[] =
    "begin anew with a target whose position is empty: dray bootstrap fills the tables";

static bool
refuse_missing(const PgqQueue *queue, const PgqQueueFacts *facts, Error *err)
{
    if (!facts->has_pgq)
        return error_set(err, ERR_SOURCE,
            "the source's database has no PgQ: CREATE EXTENSION pgq there (Debian: "
            "postgresql-NN-pgq3), then dray install");
    if (!facts->has_queue)
        return error_set(err, ERR_SOURCE, "queue %s does not exist: dray install makes it",
            queue->options->queue);
    return error_set(err, ERR_SOURCE,
        "consumer %s is not registered at queue %s: dray install registers it", queue->consumer,
        queue->options->queue);
}

/* The same for a service that was there before: what came since then may be lost. */
static bool
refuse_lost(const PgqQueue *queue, const PgqQueueFacts *facts, uint64_t tick, Error *err)
{
    if (!facts->has_pgq)
        return error_set(err, ERR_SOURCE,
            "the source's database has no PgQ any more, or is another one, and events since tick "
            "%" PRIu64 " of queue %s are gone with it: correct source: connection, or %s",
            tick, queue->options->queue, begin_anew);
    if (!facts->has_queue)
        return error_set(err, ERR_SOURCE,
            "queue %s was dropped, and events since its tick %" PRIu64 " are gone with it: make "
            "it again with dray install, then %s",
            queue->options->queue, tick, begin_anew);
    return error_set(err, ERR_SOURCE,
        "consumer %s was unregistered from queue %s: events since tick %" PRIu64 " may have been "
        "cleaned away. Register it again with dray install, then %s; or, where no rotation of the "
        "queue "
        "can have come in between, SELECT pgq.register_consumer_at('%s', '%s', %" PRIu64 ")",
        queue->consumer, queue->options->queue, tick, begin_anew, queue->options->queue,
        queue->consumer, tick);
}

static bool
check_present(
    const PgqQueue *queue, const PgqQueueFacts *facts, const PgqPosition *position, Error *err)
{
    if (facts->has_pgq && facts->has_queue && position != NULL && position->queue_id != 0 &&
        position->queue_id != facts->queue_id)
        return error_set(err, ERR_SOURCE,
            "queue %s was dropped and made again (its id was %" PRIu64 " and is %" PRIu64
            "): events since tick %" PRIu64 " of the old one are gone with it. Keep the new one, "
            "and %s",
            queue->options->queue, position->queue_id, facts->queue_id, position->tick, begin_anew);
    if (facts->has_pgq && facts->has_queue && facts->is_registered)
        return true;
    return position == NULL ? refuse_missing(queue, facts, err)
                            : refuse_lost(queue, facts, position->tick, err);
}

static bool
refuse_ahead(const PgqQueue *queue, uint64_t last_tick, uint64_t tick, Error *err)
{
    return error_set(err, ERR_SOURCE,
        "consumer %s of queue %s is at tick %" PRIu64 " already, the target at %" PRIu64
        ": somebody else finished batches that the target does not have, or registered the "
        "consumer "
        "anew, or the target was set back. Give the service a consumer of its own (source: "
        "consumer), then %s; or, where the queue "
        "still has them, SELECT pgq.register_consumer_at('%s', '%s', %" PRIu64 ")",
        queue->consumer, queue->options->queue, last_tick, tick, begin_anew, queue->options->queue,
        queue->consumer, tick);
}

static bool
refuse_set_back(const PgqQueue *queue, uint64_t tick, const char *how, Error *err)
{
    return error_set(err, ERR_SOURCE,
        "tick %" PRIu64 " of queue %s %s: the source's database was set back (a restored backup?), "
        "and the target may hold rows that it does not. Keep them or not, and %s",
        tick, queue->options->queue, how, begin_anew);
}

/* Is the consumer where its batches can still be read from? position is not NULL. */
static bool
check_place(
    const PgqQueue *queue, const PgqQueueFacts *facts, const PgqPosition *position, Error *err)
{
    char how[64];

    if (facts->newest_tick < position->tick) {
        (void)snprintf(
            how, sizeof(how), "is not there, the newest one is %" PRIu64, facts->newest_tick);
        return refuse_set_back(queue, position->tick, how, err);
    }
    if (facts->last_tick > position->tick)
        return refuse_ahead(queue, facts->last_tick, position->tick, err);
    return true;
}

/* ---- where to go on ---- */

/* The tick is the one that it was. */
static bool
check_tick(const PgqQueue *queue, PgqPosition *position, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t time_us;

    buf_addf(&sql,
        "SELECT (extract(epoch FROM tick_time) * 1000000)::bigint FROM pgq.tick"
        " WHERE tick_queue = %" PRIu64 " AND tick_id = %" PRIu64,
        position->queue_id, position->tick);
    if (!postgres_connection_query(queue->connection, buf_string(&sql), NULL, 0, &result, err))
        return say_rights(err) || error_wrap(err, "look at tick %" PRIu64 " of queue %s",
                                      position->tick, queue->options->queue);
    if (PQntuples(result) == 0)
        return error_set(err, ERR_SOURCE,
            "tick %" PRIu64 " of queue %s is gone: it was cleaned away, and events behind it may "
            "have been, too: %s",
            position->tick, queue->options->queue, begin_anew);
    time_us = number_of(result, 0, 0, TIME_UNKNOWN);
    if (position->time_us != TIME_UNKNOWN && position->time_us != time_us)
        return refuse_set_back(queue, position->tick, "is another one than it was", err);
    position->time_us = time_us;
    return true;
}

bool
pgq_queue_begin(const PgqQueue *queue, Text position, PgqPosition *ret_start, Error *err)
{
    PgqPosition start = {.time_us = TIME_UNKNOWN, .snapshot = TEXT_NONE};
    bool has_place = position.len > 0 || queue->options->start_tick >= 0;
    PgqQueueFacts facts;

    if (position.len == 0)
        start.tick = (uint64_t)MAX(queue->options->start_tick, (int64_t)0);
    else if (!pgq_position_parse(position, &start) || start.has_txid || start.snapshot.data != NULL)
        return error_set(err, ERR_SOURCE,
            "the target's position \"" TEXT_FMT
            "\" is no tick of a queue: it was written by a service with another source",
            TEXT_ARG(position));
    if (!pgq_queue_facts(queue->connection, queue->options->queue, queue->consumer, &facts, err) ||
        !check_present(queue, &facts, position.len == 0 ? NULL : &start, err))
        return false;
    start.queue_id = facts.queue_id;
    if (!has_place)
        start.tick = facts.last_tick;
    if (!check_place(queue, &facts, &start, err) || !check_tick(queue, &start, err))
        return false;
    *ret_start = start;
    return true;
}

/* ---- batches ahead ---- */

enum {
    BATCH_FROM,
    BATCH_FROM_TIME,
    BATCH_FROM_SNAPSHOT,
    BATCH_TO,
    BATCH_TO_TIME,
    BATCH_TO_SNAPSHOT,
    BATCH_SQL,
};

/* One batch's SELECT. It comes to no row where there is no further tick. */
static void
add_next_batch(Buf *sql, const char *queue, const char *consumer, uint64_t queue_id)
{
    buf_add_string(sql,
        "SELECT b.prev_tick_id, (extract(epoch FROM b.prev_tick_time) * 1000000)::bigint,"
        " p.tick_snapshot,"
        " b.cur_tick_id, (extract(epoch FROM b.cur_tick_time) * 1000000)::bigint, n.tick_snapshot,"
        " pgq.batch_event_sql(b.batch_id), pgq.finish_batch(b.batch_id)"
        " FROM pgq.next_batch_info(");
    postgres_add_literal(sql, text_of(queue));
    buf_add_char(sql, ',');
    postgres_add_literal(sql, text_of(consumer));
    buf_addf(sql,
        ") b JOIN pgq.tick p ON p.tick_queue = %" PRIu64 " AND p.tick_id = b.prev_tick_id"
        " JOIN pgq.tick n ON n.tick_queue = %" PRIu64 " AND n.tick_id = b.cur_tick_id"
        " WHERE b.batch_id IS NOT NULL;",
        queue_id, queue_id);
}

static PgqPosition
read_place(const PGresult *result, int column, uint64_t queue_id, Arena *arena)
{
    return (PgqPosition){.queue_id = queue_id,
        .tick = id_of(result, 0, column),
        .time_us = number_of(result, 0, column + 1, TIME_UNKNOWN),
        .snapshot = arena_text(arena, postgres_result_text(result, 0, column + 2))};
}

static PgqBatch
read_batch(const PGresult *result, const PgqQueueFacts *facts, Arena *arena)
{
    PgqBatch batch = {.from = read_place(result, BATCH_FROM, facts->queue_id, arena),
        .to = read_place(result, BATCH_TO, facts->queue_id, arena),
        .sql = arena_text(arena, postgres_result_text(result, 0, BATCH_SQL)).data};

    batch.check = arena_printf(arena,
        "SELECT pg_catalog.count(*) = 1 FROM pgq.subscription WHERE sub_queue = %" PRIu64
        " AND sub_id = %" PRId64 " AND sub_last_tick <= %" PRIu64,
        facts->queue_id, facts->subscription, batch.from.tick);
    return batch;
}

/* Take the results of the statements; errors are the server's. */
static bool
take_batches(PostgresConnection *connection, const PgqQueueFacts *facts, Arena *arena,
    PgqBatches *batches, Error *err)
{
    bool ok = true;
    Error ignored;

    for (;;) {
        CLEANUP(postgres_result_free) PGresult *result = NULL;

        if (!postgres_connection_result(connection, &result, ok ? err : &ignored)) {
            if (PQstatus(connection->pq) == CONNECTION_BAD || (ok && err->kind == ERR_STOPPED))
                return false;
            ok = false;
            continue;
        }
        if (result == NULL)
            break;
        if (ok && PQntuples(result) > 0)
            batches->items[batches->count++] = read_batch(result, facts, arena);
    }
    return ok;
}

/* They follow each other without a gap. */
static bool
check_chain(const PgqBatches *batches, uint64_t tick, Error *err)
{
    for (size_t i = 0; i < batches->count; i++) {
        const PgqBatch *batch = &batches->items[i];

        if (batch->sql == NULL || batch->from.tick != tick || batch->to.tick <= tick)
            return error_set(err, ERR_SOURCE,
                "behind tick %" PRIu64 " comes batch %" PRIu64 "-%" PRIu64, tick, batch->from.tick,
                batch->to.tick);
        tick = batch->to.tick;
    }
    return true;
}

/* The next batches, at most as many as there is room for in batches->items. Inside of a transaction
 * that the caller rolls back. */
static bool
look_ahead(const PgqQueue *queue, const PgqQueueFacts *facts, uint64_t tick, size_t limit,
    Arena *arena, PgqBatches *batches, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_add_string(&sql, "SELECT pgq.register_consumer_at(");
    postgres_add_literal(&sql, text_of(queue->options->queue));
    buf_add_char(&sql, ',');
    postgres_add_literal(&sql, text_of(queue->consumer));
    buf_addf(&sql, ", %" PRIu64 ")", tick);
    if (!postgres_connection_query(queue->connection, buf_string(&sql), NULL, 0, NULL, err))
        return say_rights(err);
    buf_reset(&sql, SIZE_MAX);
    for (size_t i = 0; i < limit; i++)
        add_next_batch(&sql, queue->options->queue, queue->consumer, facts->queue_id);
    if (PQsendQuery(queue->connection->pq, buf_string(&sql)) != 1)
        return postgres_connection_error(queue->connection, NULL, err);
    return take_batches(queue->connection, facts, arena, batches, err) &&
           check_chain(batches, tick, err);
}

static bool
begin_transaction(const PgqQueue *queue, Error *err)
{
    return postgres_connection_query(
        queue->connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE", NULL, 0, NULL, err);
}

/* COMMIT or ROLLBACK. After a failure there is nothing to say of it, but *err stays. */
static bool
end_transaction(const PgqQueue *queue, const char *how, bool ok, Error *err)
{
    Error ignored;

    if (ok)
        return postgres_connection_query(queue->connection, how, NULL, 0, NULL, err);
    if (PQstatus(queue->connection->pq) == CONNECTION_OK && err->kind != ERR_STOPPED)
        (void)!postgres_connection_query(queue->connection, "ROLLBACK", NULL, 0, NULL, &ignored);
    return false;
}

bool
pgq_queue_ahead(const PgqQueue *queue, const PgqPosition *behind, size_t limit, Arena *arena,
    PgqBatches *ret_batches, Error *err)
{
    PgqBatches batches = {NULL, 0};
    PgqQueueFacts facts;

    if (FAULT("source.pgq.ahead"))
        return postgres_connection_lose(queue->connection, err);
    if (!pgq_queue_facts(queue->connection, queue->options->queue, queue->consumer, &facts, err) ||
        !check_present(queue, &facts, behind, err) || !check_place(queue, &facts, behind, err))
        return false;
    limit = (size_t)MIN((uint64_t)limit, facts.newest_tick - behind->tick);
    if (limit > 0) {
        bool ok;

        batches.items = ARENA_ARRAY(arena, PgqBatch, limit);
        if (!begin_transaction(queue, err))
            return false;
        ok = look_ahead(queue, &facts, behind->tick, limit, arena, &batches, err);
        if (!end_transaction(queue, "ROLLBACK", ok, err))
            return error_wrap(err, "queue %s: look for batches", queue->options->queue);
    }
    *ret_batches = batches;
    return true;
}

/* ---- finishing ---- */

static void
add_finish(const PgqQueue *queue, uint64_t tick, Buf *sql)
{
    Text queue_name = text_of(queue->options->queue);

    buf_addf(sql,
        "SELECT q.queue_id, s.sub_last_tick, CASE WHEN s.sub_last_tick < %" PRIu64
        " THEN pgq.register_consumer_at(",
        tick);
    postgres_add_literal(sql, queue_name);
    buf_add_char(sql, ',');
    postgres_add_literal(sql, text_of(queue->consumer));
    buf_addf(sql,
        ", %" PRIu64 ") END FROM pgq.queue q JOIN pgq.subscription s ON s.sub_queue = q.queue_id"
        " JOIN pgq.consumer c ON c.co_id = s.sub_consumer WHERE q.queue_name = ",
        tick);
    postgres_add_literal(sql, queue_name);
    buf_add_string(sql, " AND c.co_name = ");
    postgres_add_literal(sql, text_of(queue->consumer));
}

/* Inside of the transaction. */
static bool
finish(const PgqQueue *queue, const PgqPosition *position, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    PgqQueueFacts facts = {.has_pgq = true, .has_queue = true, .is_registered = true};

    add_finish(queue, position->tick, &sql);
    if (!postgres_connection_query(queue->connection, buf_string(&sql), NULL, 0, &result, err))
        return say_rights(err);
    if (PQntuples(result) != 1)
        return pgq_queue_facts(
                   queue->connection, queue->options->queue, queue->consumer, &facts, err) &&
               check_present(queue, &facts, position, err);
    facts.queue_id = id_of(result, 0, 0);
    facts.last_tick = id_of(result, 0, 1);
    if (!check_present(queue, &facts, position, err))
        return false;
    return facts.last_tick <= position->tick ||
           refuse_ahead(queue, facts.last_tick, position->tick, err);
}

bool
pgq_queue_finish(const PgqQueue *queue, const PgqPosition *position, Error *err)
{
    CRASH_POINT("source.pgq.before_finish");
    if (FAULT("source.pgq.finish"))
        return postgres_connection_lose(queue->connection, err);
    if (!begin_transaction(queue, err) ||
        !end_transaction(queue, "COMMIT", finish(queue, position, err), err))
        return error_wrap(err, "queue %s: finish batches up to tick %" PRIu64,
            queue->options->queue, position->tick);
    CRASH_POINT("source.pgq.after_finish");
    return true;
}
