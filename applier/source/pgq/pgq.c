#include "source/pgq/pgq.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/stop.h"
#include "source/pgq/changes.h"
#include "source/pgq/install.h"
#include "source/pgq/report.h"
#include "source/pgq/snapshot.h"
#include "source/pgq/tables.h"

/* Batches that are looked up at once: what waiting costs is then shared by many small ones. */
#define AHEAD_BATCHES 50
/* A queue is looked at for notices this often. */
#define LOOK_MS 10000

#define OPTION(member) offsetof(PgqSourceOptions, member)

static const Field fields[] = {
    {"connection", FIELD_TEXT, OPTION(connection), "", 0, 0, NULL, FIELD_SECRET,
        "Connection string or URI of libpq, such as \"host=db dbname=shop user=dray\"; the role "
        "needs the rights of pgq_reader."},
    {"queue", FIELD_TEXT, OPTION(queue), NULL, 0, 0, NULL, FIELD_REQUIRED | FIELD_FILLED,
        "The queue."},
    {"consumer", FIELD_TEXT, OPTION(consumer), "", 0, 0, NULL, 0,
        "The consumer's name at the queue; empty: the service's name."},
    {"start_tick", FIELD_INT, OPTION(start_tick), "-1", -1, INT64_MAX, NULL, 0,
        "For a service without a position in the target: this tick counts as committed already; "
        "-1: the one that the consumer is registered at."},
    {"unknown_events", FIELD_CHOICE, OPTION(unknown_events), "error", 0, 0, "error|skip", 0,
        "What becomes of events that no trigger of PgQ wrote: an error, or left out and counted."},
    {"retried_events", FIELD_CHOICE, OPTION(retried_events), "error", 0, 0, "error|apply|skip", 0,
        "What becomes of events that come back from the queue's retry queue, out of their order: "
        "an error, applied, or left out and counted."},
    {"tables", FIELD_LIST, OPTION(tables), NULL, 0, 0, NULL, 0,
        "Globs over schema.table: what dray install gives triggers where it is told no tables."},
    {"trigger", FIELD_CHOICE, OPTION(trigger), "logutriga", 0, 0, "logutriga|jsontriga", 0,
        "The trigger function that dray install uses."},
    {"trigger_arguments", FIELD_LIST, OPTION(trigger_arguments), NULL, 0, 0, NULL, 0,
        "Further arguments of the triggers that dray install makes, behind the queue's name, such "
        "as backup, deny, \"ignore=a,b\", \"pkey=a,b\"."},
    {"poll_interval", FIELD_TIME, OPTION(poll_interval_ms), "500ms", 1, 3600000, NULL, 0,
        "How often a queue without a further batch is looked at."},
    {"lag_warn", FIELD_TIME, OPTION(lag_warn_ms), "5min", 0, 0, NULL, 0,
        "Warn when the consumer is this far behind the newest tick, or when events wait this long "
        "for a tick (no ticker); 0: never."},
    {"connection_lifetime", FIELD_TIME, OPTION(connection_lifetime_ms), "20min", 0, 0, NULL, 0,
        "Connections that are older are made anew between two batches; 0: they stay."},
    {"connect_timeout", FIELD_TIME, OPTION(connect_timeout_ms), "10s", 1000, 3600000, NULL, 0,
        "Give up connecting after this time."},
    {NULL},
};

typedef struct Pgq {
    Source base;
    const PgqSourceOptions *options;
    PostgresSourceOptions connect;
    Buf consumer;
    PostgresConnection *control; /* the consumer, and the catalogue */
    PgqStream *stream;
    PgqChanges *changes;
    Arena *arena; /* of the batches */
    PgqBatches batches;
    size_t at;        /* the batch that is next, or is being read */
    PgqPosition last; /* where the last batch that was handed out ended */
    bool in_batch;
    bool is_begun; /* events of it were asked for */
    bool is_part;  /* only those that cut sees, first */
    Buf held;      /* a snapshot that the target holds, while ticks do not cover it yet; or empty */
    Buf cut;       /* a snapshot at which a batch is told in two; or empty */
    bool tells_place;  /* EVENT_POSITION is due */
    Buf place;         /* of it */
    bool is_temporary; /* the consumer was a snapshot's, and goes with us */
    bool until_end;
    uint64_t end_tick; /* until_end: batches behind it are not wanted */
    uint64_t finished; /* this tick was told to the server */
    int64_t connected_ms;
    int64_t poll_ms; /* not to be looked at before */
    int64_t look_ms; /* the same for notices */
    bool told_behind;
    bool told_no_ticker;
    Buf notice;
} Pgq;

void
pgq_consumer_name(const char *service, const PgqSourceOptions *options, Buf *ret_name)
{
    buf_reset(ret_name, SIZE_MAX);
    buf_add_string(ret_name,
        options->consumer == NULL || *options->consumer == '\0' ? service : options->consumer);
}

static PgqQueue
queue_of(const Pgq *pgq)
{
    return (PgqQueue){pgq->control, pgq->options, buf_string(&pgq->consumer)};
}

/* ---- opening and closing ---- */

static void
disconnect(Pgq *pgq)
{
    pgq_stream_free(STEAL(pgq->stream));
    postgres_connection_close(STEAL(pgq->control));
}

/* A session whose statements see what was committed before each of them, whatever the role's
 * defaults are: the check behind a batch's events must not look into the past. */
static PostgresConnection *
connect_session(Pgq *pgq, Error *err)
{
    CLEANUP(postgres_connection_close)
    PostgresConnection *connection =
        postgres_connection_open(&pgq->connect, POSTGRES_ORDINARY, err);

    if (connection == NULL ||
        !postgres_connection_query(connection,
            "SET default_transaction_isolation = 'read committed';"
            "SET default_transaction_read_only = off; SET default_transaction_deferrable = off;"
            /* to compile a batch's SELECT takes longer than to run it */
            "SET jit = off",
            NULL, 0, NULL, err))
        return NULL;
    return STEAL(connection);
}

static bool
connect_both(Pgq *pgq, Error *err)
{
    PostgresConnection *connection;

    pgq->connected_ms = clock_monotonic_ms();
    pgq->control = connect_session(pgq, err);
    if (pgq->control == NULL)
        return false;
    connection = connect_session(pgq, err);
    if (connection == NULL)
        return false;
    pgq->stream = pgq_stream_new(connection);
    return true;
}

static void
unregister(Pgq *pgq)
{
    const char *params[] = {pgq->options->queue, buf_string(&pgq->consumer)};
    Error ignored;

    /* one that stays is found and removed by the next snapshot */
    if (pgq->control != NULL && PQstatus(pgq->control->pq) == CONNECTION_OK)
        (void)!postgres_connection_query(
            pgq->control, "SELECT pgq.unregister_consumer($1, $2)", params, 2, NULL, &ignored);
}

static void
source_pgq_close(Source *base)
{
    Pgq *pgq = (Pgq *)base;

    if (pgq == NULL)
        return;
    if (pgq->is_temporary)
        unregister(pgq);
    disconnect(pgq);
    pgq_changes_free(pgq->changes);
    arena_free(pgq->arena);
    buf_clear(&pgq->consumer);
    buf_clear(&pgq->notice);
    buf_clear(&pgq->held);
    buf_clear(&pgq->cut);
    buf_clear(&pgq->place);
    free(pgq);
}

static bool
find_end(Pgq *pgq, Error *err)
{
    PgqQueueFacts facts;

    if (!pgq_queue_facts(
            pgq->control, pgq->options->queue, buf_string(&pgq->consumer), &facts, err))
        return false;
    pgq->end_tick = facts.newest_tick;
    return true;
}

static Text
held_of(const Pgq *pgq)
{
    return pgq->held.len == 0 ? TEXT_NONE : buf_text(&pgq->held);
}

static void
set_place(Pgq *pgq, Text snapshot)
{
    PgqPosition place = pgq->last;

    place.snapshot = snapshot;
    buf_reset(&pgq->place, SIZE_MAX);
    pgq_position_print(&place, &pgq->place);
}

static bool
take_snapshot(Pgq *pgq, Snapshot *snapshot, Error *err)
{
    CLEANUP(buf_clear) Buf consumer = BUF_INIT;
    CLEANUP(buf_clear) Buf txids = BUF_INIT;

    if (!pgq_snapshot_take(snapshot, &consumer, &txids, err))
        return false;
    pgq->is_temporary = true;
    buf_reset(&pgq->consumer, SIZE_MAX);
    buf_add_text(&pgq->consumer, buf_text(&consumer));
    return true;
}

/* A position with a snapshot: go on behind its tick, without what the snapshot sees. */
static void
split_position(Pgq *pgq, Text text, Buf *ret_tick)
{
    PgqPosition place;

    if (!pgq_position_parse(text, &place) || place.snapshot.data == NULL) {
        buf_add_text(ret_tick, text);
        return;
    }
    buf_add_text(&pgq->held, place.snapshot);
    place.snapshot = TEXT_NONE;
    pgq_position_print(&place, ret_tick);
}

static bool
open_queue(Pgq *pgq, const SourceStart *start, Error *err)
{
    CLEANUP(buf_clear) Buf tick = BUF_INIT;
    PgqQueue queue;

    pgq_consumer_name(start->service, pgq->options, &pgq->consumer);
    if (!connect_both(pgq, err))
        return false;
    if (start->snapshot != NULL && !take_snapshot(pgq, start->snapshot, err))
        return false;
    split_position(pgq,
        start->snapshot == NULL ? start->position
                                : start->snapshot->driver->position(start->snapshot),
        &tick);
    pgq->changes = pgq_changes_new(pgq->options);
    queue = queue_of(pgq);
    if (!pgq_queue_begin(&queue, buf_text(&tick), &pgq->last, err) ||
        (pgq->until_end && !find_end(pgq, err)))
        return false;
    /* who has no position yet learns it at once: what is bootstrapped beside is compared with it */
    pgq->tells_place = pgq->held.len > 0 || start->position.len == 0;
    set_place(pgq, held_of(pgq));
    return true;
}

static Source *
source_pgq_open(const SourceStart *start, Error *err)
{
    Pgq *pgq = calloc(1, sizeof(*pgq));

    if (pgq == NULL)
        abort();
    pgq->base.driver = &source_pgq;
    pgq->options = start->options;
    pgq->connect = pgq_connection_options(pgq->options);
    pgq->until_end = start->until_end;
    pgq->look_ms = clock_monotonic_ms() + MIN((int64_t)LOOK_MS, pgq->options->lag_warn_ms);
    if (open_queue(pgq, start, err))
        return &pgq->base;
    source_pgq_close(&pgq->base);
    return NULL;
}

/* ---- batches ---- */

static bool
renew_connections(Pgq *pgq, Error *err)
{
    int64_t lifetime_ms = pgq->options->connection_lifetime_ms;

    if (lifetime_ms == 0 || clock_monotonic_ms() - pgq->connected_ms < lifetime_ms)
        return true;
    disconnect(pgq);
    return connect_both(pgq, err);
}

static void
add_notice(Pgq *pgq, const char *text)
{
    buf_addf(&pgq->notice, "%s%s", pgq->notice.len == 0 ? "" : "; ", text);
}

static void
look_at_lag(Pgq *pgq, const PgqQueueFacts *facts)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    int64_t limit_us = pgq->options->lag_warn_ms * 1000;
    int64_t behind_us = facts->newest_tick_us - facts->last_tick_us;
    int64_t age_us = facts->now_us - facts->newest_tick_us;
    bool is_behind = facts->last_tick_us != TIME_UNKNOWN && behind_us >= limit_us;
    bool no_ticker = facts->new_events > 0 && age_us >= limit_us;

    if (is_behind && !pgq->told_behind) {
        buf_addf(&text,
            "consumer %s of queue %s is %" PRId64 " s behind the newest tick, with about %" PRId64
            " events (warned above %" PRId64 " s, lag_warn)",
            buf_string(&pgq->consumer), pgq->options->queue, behind_us / 1000000,
            facts->pending_events, limit_us / 1000000);
        add_notice(pgq, buf_string(&text));
    }
    buf_reset(&text, SIZE_MAX);
    if (no_ticker && !pgq->told_no_ticker) {
        buf_addf(&text,
            "queue %s had its last tick %" PRId64 " s ago, and about %" PRId64
            " events wait for the next one: %s",
            pgq->options->queue, age_us / 1000000, facts->new_events,
            facts->is_paused ? "its ticker is paused (pgq.set_queue_config, ticker_paused)"
                             : "does pgqd run?");
        add_notice(pgq, buf_string(&text));
    }
    pgq->told_behind = is_behind;
    pgq->told_no_ticker = no_ticker;
}

/* A failure here shows at the next batch, too. */
static void
look_at_queue(Pgq *pgq)
{
    int64_t now_ms = clock_monotonic_ms();
    PgqQueueFacts facts;
    Error ignored;

    if (pgq->options->lag_warn_ms == 0 || pgq->is_temporary || now_ms < pgq->look_ms)
        return;
    pgq->look_ms = now_ms + MIN((int64_t)LOOK_MS, pgq->options->lag_warn_ms);
    if (pgq_queue_facts(
            pgq->control, pgq->options->queue, buf_string(&pgq->consumer), &facts, &ignored) &&
        facts.is_registered)
        look_at_lag(pgq, &facts);
}

static bool
is_at_end(const Pgq *pgq)
{
    return pgq->until_end && pgq->last.tick >= pgq->end_tick;
}

/* Look for the next batches. */
static bool
look_ahead(Pgq *pgq, Error *err)
{
    PgqQueue queue;

    if (!renew_connections(pgq, err))
        return false;
    queue = queue_of(pgq);
    arena_free(pgq->arena);
    pgq->arena = arena_new();
    pgq->at = 0;
    pgq->batches = (PgqBatches){NULL, 0};
    /* last's snapshot was in the arena */
    pgq->last.snapshot = TEXT_NONE;
    return pgq_queue_ahead(&queue, &pgq->last, AHEAD_BATCHES, pgq->arena, &pgq->batches, err);
}

/* Have a next batch; false in *ret_found: none within the time. */
static bool
find_batch(Pgq *pgq, int64_t wait_ms, bool *ret_found, Error *err)
{
    int64_t end_ms = clock_monotonic_ms() + wait_ms;

    *ret_found = true;
    while (pgq->at >= pgq->batches.count) {
        int64_t now_ms = clock_monotonic_ms();

        if (now_ms >= pgq->poll_ms) {
            if (!look_ahead(pgq, err))
                return false;
            look_at_queue(pgq);
            if (pgq->batches.count > 0)
                return true;
            now_ms = clock_monotonic_ms();
            pgq->poll_ms = now_ms + pgq->options->poll_interval_ms;
        }
        if (now_ms >= end_ms || stop_wait(STOP_AFTER_BLOCK, MIN(end_ms, pgq->poll_ms) - now_ms)) {
            *ret_found = false;
            return true;
        }
    }
    return true;
}

/* ---- snapshots that lie inside of a batch ---- */

/* The target holds all that this snapshot sees. */
static void
hold(Pgq *pgq, Text snapshot)
{
    buf_reset(&pgq->held, SIZE_MAX);
    buf_add_text(&pgq->held, snapshot);
}

/* What of the batch comes: known only when its first event is asked for, see SourceDriver.cut. */
static void
choose_part(Pgq *pgq)
{
    const PgqBatch *batch = &pgq->batches.items[pgq->at];
    Text from = pgq->held.len == 0 ? batch->from.snapshot : buf_text(&pgq->held);
    Text cut = buf_text(&pgq->cut);

    pgq->is_begun = true;
    pgq->is_part = cut.len > 0 && !pgq_snapshot_covers(from, cut) &&
                   pgq_snapshot_covers(batch->to.snapshot, cut) &&
                   !pgq_snapshot_covers(cut, batch->to.snapshot);
    pgq_changes_filter(pgq->changes, held_of(pgq), pgq->is_part ? cut : TEXT_NONE);
}

/* Is the cut in front of us, and no event between? Then we are at it, whenever the next tick is. */
static bool
is_at_cut(Pgq *pgq, bool *ret_is, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const char *params[] = {buf_string(&pgq->cut), pgq->held.len == 0 ? NULL : pgq->held.data};

    *ret_is = false;
    if (pgq->cut.len == 0)
        return true;
    buf_addf(&sql,
        "SELECT NOT EXISTS (SELECT FROM pgq.event_%" PRIu64 " e WHERE e.ev_txid >="
        " txid_snapshot_xmin(f.seen) AND e.ev_txid < txid_snapshot_xmax($1::txid_snapshot)"
        " AND NOT txid_visible_in_snapshot(e.ev_txid, f.seen)"
        " AND txid_visible_in_snapshot(e.ev_txid, $1::txid_snapshot)) FROM"
        " (SELECT coalesce($2::txid_snapshot, t.tick_snapshot) AS seen FROM pgq.tick t"
        " WHERE t.tick_queue = %" PRIu64 " AND t.tick_id = %" PRIu64 ") f",
        pgq->last.queue_id, pgq->last.queue_id, pgq->last.tick);
    if (!postgres_connection_query(pgq->control, buf_string(&sql), params, 2, &result, err))
        return error_wrap(err, "look for events before a snapshot");
    *ret_is = PQntuples(result) > 0 && *PQgetvalue(result, 0, 0) == 't';
    return true;
}

static Next
tell_place(Pgq *pgq, Event *ret_event)
{
    pgq->tells_place = false;
    *ret_event = (Event){
        .kind = EVENT_POSITION, .position = buf_text(&pgq->place), .where = buf_text(&pgq->place)};
    return NEXT_ITEM;
}

/* No further batch: the snapshot may be reached all the same. */
static Next
next_idle(Pgq *pgq, Event *ret_event, Error *err)
{
    bool is_at;

    if (!is_at_cut(pgq, &is_at, err))
        return NEXT_FAILED;
    if (!is_at)
        return NEXT_IDLE;
    set_place(pgq, buf_text(&pgq->cut));
    hold(pgq, buf_text(&pgq->cut));
    buf_reset(&pgq->cut, SIZE_MAX);
    return tell_place(pgq, ret_event);
}

static void
source_pgq_cut(Source *base, Text position)
{
    Pgq *pgq = (Pgq *)base;
    PgqPosition place;

    buf_reset(&pgq->cut, SIZE_MAX);
    if (pgq_position_parse(position, &place) && place.snapshot.data != NULL &&
        (pgq->held.len == 0 || !pgq_snapshot_covers(buf_text(&pgq->held), place.snapshot)))
        buf_add_text(&pgq->cut, place.snapshot);
}

/* ---- one batch ---- */

static Next
next_batch(Pgq *pgq, int64_t wait_ms, Event *ret_event, Error *err)
{
    PgqBatch batch;
    bool found;

    if (pgq->tells_place)
        return tell_place(pgq, ret_event);
    if (is_at_end(pgq))
        return NEXT_END;
    if (!find_batch(pgq, wait_ms, &found, err))
        return NEXT_FAILED;
    if (!found)
        return next_idle(pgq, ret_event, err);
    batch = pgq->batches.items[pgq->at];
    if (pgq->held.len > 0)
        batch.from.snapshot = buf_text(&pgq->held);
    pgq_changes_begin(pgq->changes, &batch, ret_event);
    if (!pgq_stream_begin(pgq->stream, &batch, err)) {
        (void)error_wrap(err, TEXT_FMT, TEXT_ARG(ret_event->where));
        return NEXT_FAILED;
    }
    pgq->in_batch = true;
    pgq->is_begun = false;
    return NEXT_ITEM;
}

/* The first part of a batch ends where the batch began, but for what the cut sees. */
static PgqPosition
end_part(Pgq *pgq)
{
    PgqPosition end = pgq->batches.items[pgq->at].from;

    hold(pgq, buf_text(&pgq->cut));
    buf_reset(&pgq->cut, SIZE_MAX);
    end.snapshot = buf_text(&pgq->held);
    return end;
}

static PgqPosition
end_whole(Pgq *pgq)
{
    PgqPosition end = pgq->batches.items[pgq->at++].to;

    pgq->last = end;
    if (pgq->held.len > 0 && pgq_snapshot_covers(end.snapshot, buf_text(&pgq->held)))
        buf_reset(&pgq->held, SIZE_MAX);
    end.snapshot = held_of(pgq);
    return end;
}

static Next
end_batch(Pgq *pgq, Event *ret_event)
{
    PgqPosition end;

    /* a batch without an event */
    if (!pgq->is_begun)
        choose_part(pgq);
    end = pgq->is_part ? end_part(pgq) : end_whole(pgq);
    pgq->in_batch = false;
    pgq_changes_commit(pgq->changes, &end, ret_event);
    return NEXT_ITEM;
}

static bool
wrap_batch(const Pgq *pgq, Error *err)
{
    const PgqBatch *batch = &pgq->batches.items[pgq->at];

    return err->kind == ERR_STOPPED || error_wrap(err, "queue %s, batch %" PRIu64 "-%" PRIu64,
                                           pgq->options->queue, batch->from.tick, batch->to.tick);
}

static Next
source_pgq_next(Source *base, int64_t wait_ms, Event *ret_event, Error *err)
{
    Pgq *pgq = (Pgq *)base;

    if (!pgq->in_batch)
        return next_batch(pgq, wait_ms, ret_event, err);
    if (!pgq->is_begun)
        choose_part(pgq);
    for (;;) {
        PgqEvent event;
        bool is_event;
        Next next = pgq_stream_next(pgq->stream, wait_ms, &event, err);

        if (next == NEXT_END)
            return end_batch(pgq, ret_event);
        if (next == NEXT_FAILED)
            (void)wrap_batch(pgq, err);
        if (next != NEXT_ITEM)
            return next;
        if (!pgq_changes_take(pgq->changes, pgq->control, &event, ret_event, &is_event, err))
            return NEXT_FAILED;
        if (is_event)
            return NEXT_ITEM;
    }
}

/* ---- the rest of a driver ---- */

static bool
source_pgq_acknowledge(Source *base, Text position, Error *err)
{
    Pgq *pgq = (Pgq *)base;
    PgqQueue queue = queue_of(pgq);
    PgqPosition place;

    if (!pgq_position_parse(position, &place))
        return error_set(err, ERR_INTERNAL, "position \"" TEXT_FMT "\" is no tick of a queue",
            TEXT_ARG(position));
    if (place.tick == pgq->finished)
        return true;
    if (!pgq_queue_finish(&queue, &place, err))
        return false;
    pgq->finished = place.tick;
    return true;
}

static Text
source_pgq_notice(Source *base)
{
    Pgq *pgq = (Pgq *)base;
    Text text = pgq_changes_notice(pgq->changes);

    if (text.data != NULL || pgq->notice.len == 0)
        return text;
    text = buf_text(&pgq->notice);
    /* the bytes stay until the next one is written */
    pgq->notice.len = 0;
    return text;
}

static bool
source_pgq_lag(const SourceStart *start, SourceLag *ret_lag, Error *err)
{
    const PgqSourceOptions *options = start->options;
    PostgresSourceOptions connect = pgq_connection_options(options);
    CLEANUP(postgres_connection_close)
    PostgresConnection *connection = postgres_connection_open(&connect, POSTGRES_ORDINARY, err);
    CLEANUP(buf_clear) Buf consumer = BUF_INIT;
    PgqQueueFacts facts;

    pgq_consumer_name(start->service, options, &consumer);
    if (connection == NULL ||
        !pgq_queue_facts(connection, options->queue, buf_string(&consumer), &facts, err))
        return false;
    if (!facts.is_registered)
        return error_set(err, ERR_SOURCE, "consumer %s is not registered at queue %s",
            buf_string(&consumer), options->queue);
    *ret_lag = (SourceLag){.behind_us = -1, .pending = facts.pending_events};
    if (facts.last_tick_us != TIME_UNKNOWN)
        ret_lag->behind_us = MAX(facts.now_us - facts.last_tick_us, (int64_t)0);
    return true;
}

const SourceDriver source_pgq = {
    .name = "pgq",
    .summary = "A consumer of a PgQ queue: events of the triggers logutriga and jsontriga",
    .fields = fields,
    .options_size = sizeof(PgqSourceOptions),
    .abilities = SOURCE_SNAPSHOT_AT_ONCE | SOURCE_UNINSTALLS_TABLES,
    .open = source_pgq_open,
    .close = source_pgq_close,
    .next = source_pgq_next,
    .cut = source_pgq_cut,
    .acknowledge = source_pgq_acknowledge,
    .notice = source_pgq_notice,
    .compare = pgq_position_compare,
    .lag = source_pgq_lag,
    .tables_open = pgq_tables_open,
    .snapshot = &pgq_snapshot,
    .check = pgq_check,
    .install = pgq_install,
    .uninstall = pgq_uninstall,
};
