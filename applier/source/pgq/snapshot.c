#include "source/pgq/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/stop.h"
#include "source/pgq/position.h"
#include "source/pgq/tables.h"
#include "source/postgres_reader.h"

/* How long a ticker's transaction that runs beside the snapshot is waited for, and how often it is
 * looked for. */
#define TICKER_TRIES   100
#define TICKER_WAIT_MS 50

typedef struct PgqSnapshot {
    Snapshot base;
    PostgresSourceOptions options;
    const PgqSourceOptions *pgq;
    PostgresConnection *holder; /* its transaction holds the snapshot */
    PostgresConnection *side;   /* registers and looks around */
    Buf consumer;               /* of the snapshot's own */
    bool is_registered;         /* it is ours to unregister */
    Buf name;                   /* of the exported snapshot */
    Buf txids;
    Buf position;
} PgqSnapshot;

/* Consumers of snapshots that a crash left behind: their connection is gone. */
static bool
remove_left_behind(const PgqSnapshot *snapshot, const char *consumer, Error *err)
{
    static const char sql[] = "SELECT pgq.unregister_consumer($1, c.co_name) FROM pgq.queue q"
                              " JOIN pgq.subscription s ON s.sub_queue = q.queue_id"
                              " JOIN pgq.consumer c ON c.co_id = s.sub_consumer"
                              " WHERE q.queue_name = $1 AND starts_with(c.co_name, $2)"
                              " AND substr(c.co_name, length($2) + 1) ~ '^[0-9]{1,9}$'"
                              " AND NOT EXISTS (SELECT FROM pg_stat_activity a"
                              " WHERE a.pid = substr(c.co_name, length($2) + 1)::int)";
    CLEANUP(buf_clear) Buf prefix = BUF_INIT;
    const char *params[] = {snapshot->pgq->queue, NULL};

    buf_addf(&prefix, "%s" PGQ_SNAPSHOT_CONSUMER, consumer);
    params[1] = buf_string(&prefix);
    return postgres_connection_query(snapshot->side, sql, params, 2, NULL, err) ||
           error_wrap(err, "remove the consumers of snapshots that are gone");
}

/* From now on everything stays in the queue. */
static bool
register_own(PgqSnapshot *snapshot, const char *consumer, Error *err)
{
    static const char sql[] = "SELECT pgq.register_consumer($1, $2)";
    const char *params[] = {snapshot->pgq->queue, NULL};

    buf_addf(&snapshot->consumer, "%s" PGQ_SNAPSHOT_CONSUMER "%d", consumer,
        PQbackendPID(snapshot->holder->pq));
    params[1] = buf_string(&snapshot->consumer);
    if (!postgres_connection_query(snapshot->side, sql, params, 2, NULL, err)) {
        if (strcmp(err->sqlstate, "42501") == 0)
            return error_wrap(err,
                "the role needs the rights of pgq_reader (GRANT pgq_reader TO "
                "…): register consumer \"%s\" of queue \"%s\"",
                params[1], params[0]);
        return error_wrap(err, "register consumer \"%s\" of queue \"%s\" (see dray install)",
            params[1], params[0]);
    }
    snapshot->is_registered = true;
    CRASH_POINT("source.pgq.snapshot_registered");
    return true;
}

static bool
export_snapshot(PgqSnapshot *snapshot, Error *err)
{
    static const char sql[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                              "SELECT pg_export_snapshot(), txid_current_snapshot()";
    CLEANUP(postgres_result_free) PGresult *result = NULL;

    if (!postgres_connection_query(snapshot->holder, sql, NULL, 0, &result, err))
        return error_wrap(err, "export a snapshot");
    buf_add_text(&snapshot->name, postgres_result_text(result, 0, 0));
    buf_add_text(&snapshot->txids, postgres_result_text(result, 0, 1));
    return true;
}

/*
 * A tick that is being made has its own snapshot already, which may be older than ours, while its
 * number is not to be seen yet. Whoever began to make one before our snapshot is waited for.
 */
static bool
wait_for_ticker(PgqSnapshot *snapshot, Error *err)
{
    static const char sql[] =
        "SELECT string_agg(l.virtualtransaction, ',' ORDER BY l.virtualtransaction) FROM pg_locks l"
        " WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'RowExclusiveLock'"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND l.relation = 'pgq.tick'::regclass"
        " AND ($1::text IS NULL OR l.virtualtransaction = ANY (string_to_array($1, ',')))";
    CLEANUP(buf_clear) Buf busy = BUF_INIT;

    for (int tries = 0; tries < TICKER_TRIES; tries++) {
        CLEANUP(postgres_result_free) PGresult *result = NULL;
        const char *param = tries == 0 ? NULL : buf_string(&busy);

        if (!postgres_connection_query(snapshot->side, sql, &param, 1, &result, err))
            return error_wrap(err, "look for ticks that are being made");
        if (PQgetisnull(result, 0, 0) != 0)
            return true;
        buf_reset(&busy, SIZE_MAX);
        buf_add_text(&busy, postgres_result_text(result, 0, 0));
        if (stop_wait(STOP_NOW, TICKER_WAIT_MS))
            return error_set(err, ERR_STOPPED, "stopped while a tick was being made");
    }
    return error_set_retriable(err, ERR_SOURCE,
        "a transaction of the source writes to pgq.tick and does not end (virtual transaction %s "
        "in pg_locks): ticks cannot be told from each other before it does",
        buf_string(&busy));
}

/*
 * The newest tick whose snapshot ours covers: all older ones are before ours, all newer ones behind
 * it, so that a tick's number alone tells on which side it is.
 */
static bool
find_tick(PgqSnapshot *snapshot, Error *err)
{
    static const char sql[] =
        "SELECT t.tick_queue, t.tick_id, (extract(epoch FROM t.tick_time) * 1000000)::bigint,"
        " t.tick_snapshot FROM pgq.tick t JOIN pgq.queue q ON q.queue_id = t.tick_queue"
        " WHERE q.queue_name = $1 AND t.tick_id >= (SELECT s.sub_last_tick FROM pgq.subscription s"
        " JOIN pgq.consumer c ON c.co_id = s.sub_consumer"
        " WHERE s.sub_queue = q.queue_id AND c.co_name = $2) ORDER BY t.tick_id DESC";
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    const char *params[] = {snapshot->pgq->queue, buf_string(&snapshot->consumer)};
    Text txids = buf_text(&snapshot->txids);

    if (!postgres_connection_query(snapshot->side, sql, params, 2, &result, err))
        return error_wrap(err, "read the ticks of queue \"%s\"", params[0]);
    for (int row = 0; row < PQntuples(result); row++) {
        PgqPosition position = {.snapshot = txids};

        if (!pgq_snapshot_covers(txids, postgres_result_text(result, row, 3)))
            continue;
        if (!text_to_u64(postgres_result_text(result, row, 0), &position.queue_id) ||
            !text_to_u64(postgres_result_text(result, row, 1), &position.tick) ||
            !text_to_i64(postgres_result_text(result, row, 2), &position.time_us))
            return error_set(err, ERR_INTERNAL, "a tick is no number");
        pgq_position_print(&position, &snapshot->position);
        return true;
    }
    return error_set(err, ERR_SOURCE,
        "queue \"%s\" has no tick that is older than a snapshot taken now: its ticks were not made "
        "in this database (it was restored without its transaction numbers?): drop the queue, make "
        "it again",
        params[0]);
}

static void
unregister_own(PgqSnapshot *snapshot)
{
    static const char sql[] = "SELECT pgq.unregister_consumer($1, $2)";
    const char *params[] = {snapshot->pgq->queue, buf_string(&snapshot->consumer)};
    Error ignored;

    /* what stays is removed by the next snapshot, or by uninstall */
    if (snapshot->is_registered)
        (void)!postgres_connection_query(snapshot->side, sql, params, 2, NULL, &ignored);
    snapshot->is_registered = false;
}

static void
close_snapshot(Snapshot *base)
{
    PgqSnapshot *snapshot = (PgqSnapshot *)base;

    if (snapshot == NULL)
        return;
    unregister_own(snapshot);
    postgres_connection_close(snapshot->side);
    postgres_connection_close(snapshot->holder);
    buf_clear(&snapshot->consumer);
    buf_clear(&snapshot->name);
    buf_clear(&snapshot->txids);
    buf_clear(&snapshot->position);
    free(snapshot);
}

/* Whatever the role's defaults are. */
static bool
begin_session(PostgresConnection *connection, Error *err)
{
    return postgres_connection_query(connection,
        "SET default_transaction_isolation = 'read committed';"
        "SET default_transaction_read_only = off; SET default_transaction_deferrable = off",
        NULL, 0, NULL, err);
}

static bool
take(PgqSnapshot *snapshot, const char *consumer, Error *err)
{
    snapshot->holder = postgres_connection_open(&snapshot->options, POSTGRES_ORDINARY, err);
    if (snapshot->holder == NULL)
        return false;
    snapshot->side = postgres_connection_open(&snapshot->options, POSTGRES_ORDINARY, err);
    return snapshot->side != NULL && begin_session(snapshot->side, err) &&
           remove_left_behind(snapshot, consumer, err) && register_own(snapshot, consumer, err) &&
           export_snapshot(snapshot, err) && wait_for_ticker(snapshot, err) &&
           find_tick(snapshot, err);
}

static Snapshot *
open_snapshot(const SourceStart *start, Error *err)
{
    CLEANUP(buf_clear) Buf consumer = BUF_INIT;
    PgqSnapshot *snapshot = calloc(1, sizeof(*snapshot));

    if (snapshot == NULL)
        abort();
    snapshot->base.driver = &pgq_snapshot;
    snapshot->pgq = start->options;
    snapshot->options = pgq_connection_options(snapshot->pgq);
    pgq_consumer_name(start->service, snapshot->pgq, &consumer);
    if (take(snapshot, buf_string(&consumer), err))
        return &snapshot->base;
    close_snapshot(&snapshot->base);
    return NULL;
}

static Text
snapshot_position(const Snapshot *base)
{
    return buf_text(&((const PgqSnapshot *)base)->position);
}

bool
pgq_snapshot_take(Snapshot *base, Buf *ret_consumer, Buf *ret_txids, Error *err)
{
    PgqSnapshot *snapshot = (PgqSnapshot *)base;

    if (!snapshot->is_registered)
        return error_set(err, ERR_INTERNAL, "the snapshot's consumer was handed over before");
    buf_add_text(ret_consumer, buf_text(&snapshot->consumer));
    buf_add_text(ret_txids, buf_text(&snapshot->txids));
    snapshot->is_registered = false;
    return true;
}

static SnapshotReader *
reader_open(Snapshot *base, Error *err)
{
    PgqSnapshot *snapshot = (PgqSnapshot *)base;
    PostgresReaderStart start = {.options = &snapshot->options,
        .snapshot = buf_string(&snapshot->name),
        .find = pgq_tables_find,
        .published_by = text_of(snapshot->pgq->queue)};

    return postgres_reader_open(&start, err);
}

const SnapshotDriver pgq_snapshot = {
    .open = open_snapshot,
    .close = close_snapshot,
    .position = snapshot_position,
    .reader_open = reader_open,
    .reader_close = postgres_reader_close,
    .describe = postgres_reader_describe,
    .read = postgres_reader_read,
    .next = postgres_reader_next,
    .query = postgres_reader_query,
    .canonical = postgres_reader_canonical,
    .identifier_quote = '"',
};
