#include "source/postgres.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/stop.h"
#include "source/pgoutput.h"
#include "source/postgres_install.h"
#include "source/postgres_report.h"
#include "source/postgres_side.h"
#include "source/postgres_snapshot.h"
#include "source/postgres_stream.h"

/* A stream that is to end asks this often how far the server has come. */
#define PING_MS 500
/* A stream that is never idle does its other work once in so many calls. */
#define BUSY_CALLS 1024

#define OPTION(member) offsetof(PostgresSourceOptions, member)

static const Field fields[] = {
    {"connection", FIELD_TEXT, OPTION(connection), "", 0, 0, NULL, FIELD_SECRET,
        "Connection string or URI of libpq, such as \"host=db dbname=shop user=dray\"; the role "
        "needs REPLICATION."},
    {"slot", FIELD_TEXT, OPTION(slot), "", 0, 0, NULL, 0,
        "The replication slot; empty: dray_ and the service's name."},
    {"publication", FIELD_TEXT, OPTION(publication), "", 0, 0, NULL, 0,
        "The publication; empty: the slot's name."},
    {"tables", FIELD_LIST, OPTION(tables), NULL, 0, 0, NULL, 0,
        "Globs over schema.table: what dray install puts into the publication; none: all tables, "
        "later ones too."},
    {"via_root", FIELD_BOOL, OPTION(via_root), "false", 0, 0, NULL, 0,
        "Whether dray install publishes partitions under their root's name; a TRUNCATE of a single "
        "partition is then not told by the server."},
    {"heartbeat", FIELD_TIME, OPTION(heartbeat_ms), "0s", 0, 86400000, NULL, 0,
        "Write a message into the WAL this often, so that the slot moves on while the database is "
        "idle and others of the same server are not; 0s: never."},
    {"retained_warn", FIELD_BYTES, OPTION(retained_warn), "1GiB", 0, 0, NULL, 0,
        "Warn when the server retains more WAL than this for the slot; 0: never."},
    {"connect_timeout", FIELD_TIME, OPTION(connect_timeout_ms), "10s", 1000, 3600000, NULL, 0,
        "Give an attempt to connect up after this time."},
    {"status_interval", FIELD_TIME, OPTION(status_interval_ms), "10s", 10, 3600000, NULL, 0,
        "Tell the server at least this often how far the target is; after six times that, look at "
        "the retained WAL and the publication's tables."},
    {NULL},
};

typedef struct Postgres {
    Source base;
    const PostgresSourceOptions *options;
    PostgresStream *stream;
    PostgresSide *side;
    PostgresRelations *relations;
    Pgoutput *decoder;
    PgoutputMessage message; /* the last one */
    size_t truncated;        /* tables of a TRUNCATE that were handed out */
    bool truncating;
    bool in_transaction;
    bool until_end;
    uint64_t end;    /* until_end: nothing behind this LSN is wanted */
    uint64_t told;   /* the last position that was handed out */
    int64_t ping_ms; /* when the server was asked how far it is */
    int64_t work_ms; /* when side has something to do */
    unsigned busy;   /* calls since the last look at the clock */
    char begin[LSN_TEXT_SIZE];
    char position[LSN_TEXT_SIZE];
    Text begin_text; /* of the open transaction */
} Postgres;

static void
postgres_close(Source *base)
{
    Postgres *postgres = (Postgres *)base;

    if (postgres == NULL)
        return;
    postgres_stream_close(postgres->stream);
    postgres_relations_free(postgres->relations);
    postgres_side_free(postgres->side);
    pgoutput_free(postgres->decoder);
    free(postgres);
}

static bool
start_position(const SourceStart *start, uint64_t *ret_lsn, Error *err)
{
    uint64_t snapshot = 0;
    Text position = TEXT("");

    *ret_lsn = 0;
    if (start->position.len > 0 && !lsn_parse(start->position, ret_lsn))
        return error_set(err, ERR_SOURCE,
            "the target's position \"" TEXT_FMT
            "\" is no LSN: it was written by a service with another source",
            TEXT_ARG(start->position));
    if (start->snapshot != NULL)
        position = start->snapshot->driver->position(start->snapshot);
    if (position.len > 0 && !lsn_parse(position, &snapshot))
        return error_set(err, ERR_INTERNAL, "the snapshot's position \"" TEXT_FMT "\" is no LSN",
            TEXT_ARG(position));
    *ret_lsn = MAX(*ret_lsn, snapshot);
    return true;
}

/* Slot and connection: the service's own, or what the snapshot holds. */
static bool
take_connection(
    const SourceStart *start, PostgresConnection **ret_connection, Buf *slot, Error *err)
{
    const PostgresSourceOptions *options = start->options;

    if (start->snapshot != NULL)
        return postgres_snapshot_take(start->snapshot, ret_connection, slot, err);
    *ret_connection = postgres_connection_open(options, POSTGRES_REPLICATION, err);
    return *ret_connection != NULL;
}

static bool
check_slot(Postgres *postgres, const PostgresSlotWanted *wanted, Error *err)
{
    PostgresConnection *connection = postgres_side_connection(postgres->side, err);
    PostgresSlotFacts facts = {.notice = BUF_INIT};
    bool ok;

    if (connection == NULL)
        return false;
    ok = postgres_slot_check(connection, wanted, &facts, err) &&
         (!postgres->until_end || postgres_slot_end_of_wal(connection, &postgres->end, err));
    if (ok && facts.notice.len > 0)
        postgres_side_tell(postgres->side, buf_text(&facts.notice));
    buf_clear(&facts.notice);
    if (!ok)
        return false;
    postgres->told = MAX(wanted->position, facts.confirmed);
    postgres->relations = postgres_relations_new(postgres_side_facts, postgres->side);
    return true;
}

static bool
open_stream(Postgres *postgres, const SourceStart *start, Error *err)
{
    CLEANUP(buf_clear) Buf slot = BUF_INIT;
    CLEANUP(buf_clear) Buf publication = BUF_INIT;
    CLEANUP(postgres_connection_close) PostgresConnection *connection = NULL;
    PostgresSlotWanted wanted = {.position = 0};

    if (!start_position(start, &wanted.position, err))
        return false;
    postgres_publication_name(start->service, postgres->options, &publication);
    if (start->snapshot == NULL)
        postgres_slot_name(start->service, postgres->options, &slot);
    else if (!take_connection(start, &connection, &slot, err))
        return false;
    wanted.slot = buf_text(&slot);
    wanted.publication = buf_text(&publication);
    postgres->side = postgres_side_new(&(PostgresSideStart){
        postgres->options, wanted.slot, wanted.publication, .quiet = start->snapshot != NULL});
    if (!check_slot(postgres, &wanted, err) ||
        (connection == NULL && !take_connection(start, &connection, &slot, err)))
        return false;
    postgres->stream = postgres_stream_open(
        STEAL(connection), &wanted, postgres->options->status_interval_ms, err);
    return postgres->stream != NULL;
}

static Source *
postgres_open(const SourceStart *start, Error *err)
{
    Postgres *postgres = calloc(1, sizeof(*postgres));

    if (postgres == NULL)
        abort();
    postgres->base.driver = &source_postgres;
    postgres->options = start->options;
    postgres->until_end = start->until_end;
    postgres->decoder = pgoutput_new();
    if (open_stream(postgres, start, err))
        return &postgres->base;
    postgres_close(&postgres->base);
    return NULL;
}

/* What a message came to. */
typedef enum Taken {
    TAKEN_EVENT,
    TAKEN_NOTHING,
    TAKEN_FAILED,
} Taken;

static bool
next_truncated(Postgres *postgres, Event *ret_event)
{
    const PgoutputMessage *message = &postgres->message;

    while (postgres->truncated < message->oid_count) {
        const PostgresRelation *relation =
            postgres_relations_find(postgres->relations, message->oids[postgres->truncated++]);

        /* one that is not published has no Relation message */
        if (relation == NULL)
            continue;
        ret_event->kind = EVENT_TRUNCATE;
        ret_event->schema = postgres_relation_table(relation)->schema;
        ret_event->table = postgres_relation_table(relation)->name;
        return true;
    }
    postgres->truncating = false;
    return false;
}

static Taken
take_change(Postgres *postgres, Event *ret_event, Error *err)
{
    const PostgresRelation *relation =
        postgres_relations_find(postgres->relations, postgres->message.oid);

    ret_event->kind = EVENT_CHANGE;
    if (relation == NULL) {
        (void)error_set(err, ERR_SOURCE, "a change of table %" PRIu32 ", which was not described",
            postgres->message.oid);
        return TAKEN_FAILED;
    }
    return postgres_relation_change(relation, &postgres->message, &ret_event->change, err)
               ? TAKEN_EVENT
               : TAKEN_FAILED;
}

static void
take_begin(Postgres *postgres, Event *ret_event)
{
    postgres->in_transaction = true;
    postgres->begin_text = lsn_format(postgres->message.lsn, postgres->begin);
    ret_event->kind = EVENT_BEGIN;
    ret_event->commit_time_us = postgres->message.time_us;
    ret_event->position = postgres->begin_text;
}

static void
take_position(Postgres *postgres, EventKind kind, uint64_t lsn, Event *ret_event)
{
    postgres->told = lsn;
    ret_event->kind = kind;
    ret_event->position = lsn_format(lsn, postgres->position);
}

static Taken
take_message(Postgres *postgres, Text raw, Event *ret_event, Error *err)
{
    PgoutputMessage *message = &postgres->message;

    if (!pgoutput_decode(postgres->decoder, raw, message, err))
        return TAKEN_FAILED;
    ret_event->where = postgres->begin_text;
    switch (message->kind) {
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
        return take_change(postgres, ret_event, err);
    case PGOUTPUT_BEGIN:
        take_begin(postgres, ret_event);
        ret_event->where = postgres->begin_text;
        return TAKEN_EVENT;
    case PGOUTPUT_COMMIT:
        postgres->in_transaction = false;
        take_position(postgres, EVENT_COMMIT, message->end_lsn, ret_event);
        return TAKEN_EVENT;
    case PGOUTPUT_TRUNCATE:
        postgres->truncating = true;
        postgres->truncated = 0;
        return next_truncated(postgres, ret_event) ? TAKEN_EVENT : TAKEN_NOTHING;
    case PGOUTPUT_RELATION:
        return postgres_relations_take(postgres->relations, raw, message, err) ? TAKEN_NOTHING
                                                                               : TAKEN_FAILED;
    case PGOUTPUT_TYPE:
        postgres_relations_type(postgres->relations, message);
        return TAKEN_NOTHING;
    case PGOUTPUT_ORIGIN:
    case PGOUTPUT_MESSAGE:
        return TAKEN_NOTHING;
    }
    (void)error_set(err, ERR_INTERNAL, "unknown kind of message %d", (int)message->kind);
    return TAKEN_FAILED;
}

static bool
is_at_end(const Postgres *postgres)
{
    return postgres->until_end && !postgres->in_transaction && postgres->told >= postgres->end;
}

static Taken
take(Postgres *postgres, const PostgresMessage *message, Event *ret_event, Error *err)
{
    if (!message->is_keepalive) {
        Taken taken = take_message(postgres, message->data, ret_event, err);

        if (taken == TAKEN_FAILED && postgres->in_transaction)
            (void)error_wrap(err, "transaction at " TEXT_FMT, TEXT_ARG(postgres->begin_text));
        return taken;
    }
    if (postgres->in_transaction || message->sent <= postgres->told)
        return TAKEN_NOTHING;
    take_position(postgres, EVENT_POSITION, message->sent, ret_event);
    ret_event->where = ret_event->position;
    return TAKEN_EVENT;
}

/* Between transactions: what the ordinary connection has to do, and a stream that is to end. */
static bool
work(Postgres *postgres, Error *err)
{
    int64_t now_ms = clock_monotonic_ms();

    postgres->busy = 0;
    if (now_ms >= postgres->work_ms)
        postgres->work_ms = now_ms + postgres_side_work(postgres->side);
    if (!postgres->until_end || now_ms - postgres->ping_ms < PING_MS)
        return true;
    postgres->ping_ms = now_ms;
    return postgres_stream_ping(postgres->stream, err);
}

static int64_t
wait_time(const Postgres *postgres, int64_t end_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t due_ms = end_ms;

    /* inside of a transaction none of it is done, however long it is due */
    if (!postgres->in_transaction)
        due_ms = MIN(due_ms, postgres->work_ms);
    if (!postgres->in_transaction && postgres->until_end)
        due_ms = MIN(due_ms, postgres->ping_ms + PING_MS);
    return MAX(due_ms - now_ms, (int64_t)0);
}

/* Nothing has come so far: look at the clock, and wait. */
static Next
next_waiting(Postgres *postgres, int64_t end_ms, PostgresMessage *ret_message, Error *err)
{
    for (;;) {
        Next next;

        if (is_at_end(postgres))
            return NEXT_END;
        if (!postgres->in_transaction && !work(postgres, err))
            return NEXT_FAILED;
        next =
            postgres_stream_next(postgres->stream, wait_time(postgres, end_ms), ret_message, err);
        if (next != NEXT_IDLE || clock_monotonic_ms() >= end_ms || stop_level() > STOP_NONE)
            return next;
    }
}

static Next
postgres_next(Source *base, int64_t wait_ms, Event *ret_event, Error *err)
{
    Postgres *postgres = (Postgres *)base;
    int64_t end_ms = -1;

    if (postgres->truncating && next_truncated(postgres, ret_event)) {
        ret_event->where = postgres->begin_text;
        return NEXT_ITEM;
    }
    for (;;) {
        PostgresMessage message;
        Next next = NEXT_IDLE;
        Taken taken;

        if (is_at_end(postgres))
            return NEXT_END;
        if (++postgres->busy >= BUSY_CALLS && !postgres->in_transaction && !work(postgres, err))
            return NEXT_FAILED;
        next = postgres_stream_next(postgres->stream, 0, &message, err);
        /* messages that come to nothing must not make the wait longer */
        if (next == NEXT_IDLE && end_ms < 0)
            end_ms = clock_monotonic_ms() + wait_ms;
        if (next == NEXT_IDLE)
            next = next_waiting(postgres, end_ms, &message, err);
        if (next != NEXT_ITEM)
            return next;
        taken = take(postgres, &message, ret_event, err);
        if (taken != TAKEN_NOTHING)
            return taken == TAKEN_EVENT ? NEXT_ITEM : NEXT_FAILED;
    }
}

static bool
postgres_acknowledge(Source *base, Text position, Error *err)
{
    Postgres *postgres = (Postgres *)base;
    uint64_t lsn;

    if (!lsn_parse(position, &lsn))
        return error_set(
            err, ERR_INTERNAL, "position \"" TEXT_FMT "\" is no LSN", TEXT_ARG(position));
    if (postgres_side_sees_shutdown(postgres->side))
        return error_set_retriable(err, ERR_SOURCE,
            "the source is shutting down; what the target does not have yet comes again");
    return postgres_stream_confirm(postgres->stream, lsn, err);
}

static Text
postgres_notice(Source *base)
{
    return postgres_side_notice(((Postgres *)base)->side);
}

static int
postgres_compare(Text a, Text b)
{
    uint64_t left = 0;
    uint64_t right = 0;

    /* what is no LSN is 0, which no position is */
    if (!lsn_parse(a, &left))
        left = 0;
    if (!lsn_parse(b, &right))
        right = 0;
    return (left > right) - (left < right);
}

static bool
check_connections(const SourceStart *start, Buf *report, Error *err)
{
    CLEANUP(postgres_connection_close) PostgresConnection *ordinary = NULL;
    CLEANUP(postgres_connection_close) PostgresConnection *walsender = NULL;
    CLEANUP(buf_clear) Buf slot = BUF_INIT;
    CLEANUP(buf_clear) Buf publication = BUF_INIT;
    PostgresSlotWanted wanted = {.position = 0};
    PostgresSlotFacts facts = {.notice = BUF_INIT};
    bool ok;

    if (!start_position(start, &wanted.position, err))
        return false;
    ordinary = postgres_connection_open(start->options, POSTGRES_ORDINARY, err);
    if (ordinary == NULL)
        return false;
    buf_addf(report, "source: PostgreSQL %s, database %s\n",
        PQparameterStatus(ordinary->pq, "server_version"), PQdb(ordinary->pq));
    walsender = postgres_connection_open(start->options, POSTGRES_REPLICATION, err);
    if (walsender == NULL)
        return error_wrap(err, "replication connection");
    postgres_slot_name(start->service, start->options, &slot);
    postgres_publication_name(start->service, start->options, &publication);
    wanted.slot = buf_text(&slot);
    wanted.publication = buf_text(&publication);
    ok = postgres_slot_check(ordinary, &wanted, &facts, err);
    if (ok && facts.notice.len > 0)
        buf_addf(report, "warning: %s\n", buf_string(&facts.notice));
    buf_clear(&facts.notice);
    return ok && postgres_report_all(ordinary, start, report, err);
}

const SourceDriver source_postgres = {
    .name = "postgres",
    .summary = "PostgreSQL's logical replication: a publication and a replication slot",
    .fields = fields,
    .options_size = sizeof(PostgresSourceOptions),
    .abilities = SOURCE_OMITS_VALUES,
    .open = postgres_open,
    .close = postgres_close,
    .next = postgres_next,
    .acknowledge = postgres_acknowledge,
    .check = check_connections,
    .notice = postgres_notice,
    .compare = postgres_compare,
    .retained = postgres_report_retained,
    .install = postgres_install,
    .uninstall = postgres_uninstall,
    .tables_open = postgres_tables_open,
    .snapshot = &postgres_snapshot,
};
