#include "source/pgq/changes.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "source/pgq/value.h"

/* Bytes of an event's type that a notice shows. */
#define TYPE_SHOWN ((size_t)100)

/* Events that were left out since the last notice. */
typedef struct Skipped {
    uint64_t count;
    int64_t last; /* its ev_id */
    Buf type;     /* of the last */
} Skipped;

struct PgqChanges {
    const PgqSourceOptions *options;
    Buf held; /* empty: none */
    Buf only; /* the same */
    PgqShapes *shapes;
    PgqRecord record;
    Arena *scratch; /* values that had to be made anew, of one event */
    Value *after;
    Value *before;
    size_t room;
    Buf begin; /* the batch's own place */
    Buf end;   /* where it ends */
    Buf place; /* the event's; up to place_len it is the batch's */
    Buf where; /* the same for error texts */
    size_t place_len;
    size_t where_len;
    int64_t commit_time_us;
    bool knows_encoding;   /* for this batch */
    PgqEncoding *encoding; /* of the source database; NULL: UTF-8 */
    Skipped unknown;
    Skipped retried;
    Buf notice;
};

PgqChanges *
pgq_changes_new(const PgqSourceOptions *options)
{
    PgqChanges *changes = calloc(1, sizeof(*changes));

    if (changes == NULL)
        abort();
    changes->options = options;
    changes->shapes = pgq_shapes_new();
    changes->scratch = arena_new();
    return changes;
}

void
pgq_changes_free(PgqChanges *changes)
{
    if (changes == NULL)
        return;
    buf_clear(&changes->held);
    buf_clear(&changes->only);
    pgq_shapes_free(changes->shapes);
    pgq_record_clear(&changes->record);
    pgq_encoding_free(changes->encoding);
    arena_free(changes->scratch);
    free(changes->after);
    free(changes->before);
    buf_clear(&changes->begin);
    buf_clear(&changes->end);
    buf_clear(&changes->place);
    buf_clear(&changes->where);
    buf_clear(&changes->unknown.type);
    buf_clear(&changes->retried.type);
    buf_clear(&changes->notice);
    free(changes);
}

/* ---- the batch ---- */

static void
set_text(Buf *buf, Text text)
{
    buf_reset(buf, SIZE_MAX);
    if (text.data != NULL)
        buf_add_text(buf, text);
}

void
pgq_changes_filter(PgqChanges *changes, Text held, Text only)
{
    set_text(&changes->held, held);
    set_text(&changes->only, only);
}

static bool
is_wanted(const PgqChanges *changes, uint64_t txid)
{
    if (changes->held.len > 0 && pgq_snapshot_sees(buf_text(&changes->held), txid))
        return false;
    return changes->only.len == 0 || pgq_snapshot_sees(buf_text(&changes->only), txid);
}

void
pgq_changes_begin(PgqChanges *changes, const PgqBatch *batch, Event *ret_event)
{
    PgqPosition from = batch->from;

    buf_reset(&changes->begin, SIZE_MAX);
    pgq_position_print(&from, &changes->begin);
    from.snapshot = TEXT_NONE;
    buf_reset(&changes->place, SIZE_MAX);
    pgq_position_print(&from, &changes->place);
    buf_add_char(&changes->place, '#');
    changes->place_len = changes->place.len;
    buf_reset(&changes->where, SIZE_MAX);
    buf_addf(&changes->where, "queue %s, batch %" PRIu64 "-%" PRIu64, changes->options->queue,
        from.tick, batch->to.tick);
    changes->where_len = changes->where.len;
    changes->commit_time_us = batch->to.time_us;
    changes->knows_encoding = false;
    *ret_event = (Event){.kind = EVENT_BEGIN,
        .commit_time_us = batch->to.time_us,
        .position = buf_text(&changes->begin),
        .where = buf_text(&changes->where)};
}

void
pgq_changes_commit(PgqChanges *changes, const PgqPosition *end, Event *ret_event)
{
    buf_reset(&changes->end, SIZE_MAX);
    pgq_position_print(end, &changes->end);
    changes->where.len = changes->where_len;
    *ret_event = (Event){.kind = EVENT_COMMIT,
        .position = buf_text(&changes->end),
        .where = buf_text(&changes->where)};
}

/* ---- values ---- */

static void
make_room(PgqChanges *changes, size_t count)
{
    if (count <= changes->room)
        return;
    changes->room = MAX(count, (size_t)16);
    free(changes->after);
    free(changes->before);
    changes->after = calloc(changes->room, sizeof(Value));
    changes->before = calloc(changes->room, sizeof(Value));
    if (changes->after == NULL || changes->before == NULL)
        abort();
}

static bool
make_value(
    PgqChanges *changes, const Table *table, size_t index, Value from, Value *ret_value, Error *err)
{
    const Column *column = &table->columns[index];

    if (!pgq_value_canonical(column->logical, changes->record.style, &from, changes->scratch, err))
        return error_wrap(err, "table " TEXT_FMT "." TEXT_FMT ", column " TEXT_FMT,
            TEXT_ARG(table->schema), TEXT_ARG(table->name), TEXT_ARG(column->name));
    *ret_value = from;
    return true;
}

/* The event's row, in the order of the table. */
static bool
make_row(PgqChanges *changes, const PgqShape *shape, Value *row, Error *err)
{
    const Table *table = shape->table;

    for (size_t i = 0; i < table->column_count; i++)
        if (!make_value(changes, table, i, changes->record.row[shape->places[i]], &row[i], err))
            return false;
    return true;
}

static const Value *
find_old(const PgqRecord *record, Text name, size_t guess)
{
    if (guess < record->old_count && text_equal(record->old_names[guess], name))
        return &record->old_row[guess];
    for (size_t i = 0; i < record->old_count; i++)
        if (text_equal(record->old_names[i], name))
            return &record->old_row[i];
    return NULL;
}

/* An update's old row, which has all columns of the new one unless a column's name changed. */
static bool
make_old_row(PgqChanges *changes, const PgqShape *shape, Value *row, Error *err)
{
    const Table *table = shape->table;

    for (size_t i = 0; i < table->column_count; i++) {
        const Value *old = find_old(&changes->record, table->columns[i].name, shape->places[i]);

        if (old == NULL)
            row[i] = (Value){.kind = VALUE_ABSENT};
        else if (!make_value(changes, table, i, *old, &row[i], err))
            return error_wrap(err, "old row");
    }
    return true;
}

static bool
make_change(PgqChanges *changes, const PgqShape *shape, Change *ret_change, Error *err)
{
    const PgqRecord *record = &changes->record;
    Change change = {.kind = record->change, .table = shape->table};

    make_room(changes, shape->table->column_count);
    if (record->change == CHANGE_DELETE) {
        if (!make_row(changes, shape, changes->before, err))
            return false;
        change.before = changes->before;
    } else {
        if (!make_row(changes, shape, changes->after, err))
            return false;
        change.after = changes->after;
    }
    if (record->change == CHANGE_UPDATE && record->old_count > 0) {
        if (!make_old_row(changes, shape, changes->before, err))
            return false;
        change.before = changes->before;
    }
    *ret_change = change;
    return true;
}

/* ---- events ---- */

static void
skip(Skipped *skipped, const PgqEvent *event, Text type)
{
    skipped->count++;
    skipped->last = event->id;
    buf_reset(&skipped->type, SIZE_MAX);
    type.len = MIN(type.len, TYPE_SHOWN);
    buf_add_text(&skipped->type, type.data == NULL ? TEXT("null") : type);
}

/* *ret_take is false where the event is left out. */
static bool
take_retried(PgqChanges *changes, const PgqEvent *event, bool *ret_take, Error *err)
{
    *ret_take = true;
    if (event->retry < 0 || changes->options->retried_events == PGQ_RETRIED_APPLY)
        return true;
    *ret_take = false;
    if (changes->options->retried_events == PGQ_RETRIED_SKIP) {
        skip(&changes->retried, event, event->type);
        return true;
    }
    return error_set(err, ERR_DATA,
        "it came back from the retry queue (ev_retry %" PRId32
        "), behind events that were younger: applied now it may undo them. Set source: "
        "retried_events to apply or skip",
        event->retry);
}

static bool
take_unknown(PgqChanges *changes, const PgqEvent *event, Error *err)
{
    if (changes->options->unknown_events == PGQ_UNKNOWN_SKIP) {
        skip(&changes->unknown, event, event->type);
        return true;
    }
    return error_set(err, ERR_DATA,
        "type \"" TEXT_FMT "\" is none that pgq.logutriga or pgq.jsontriga write: somebody else "
        "uses the queue, too. Set source: unknown_events to skip, to leave such events out",
        TEXT_ARG(event->type));
}

/* The database's encoding, once a batch: the connection may be another one by then. */
static void
learn_encoding(PgqChanges *changes, const PostgresConnection *connection)
{
    const char *name = PQparameterStatus(connection->pq, "server_encoding");

    changes->knows_encoding = true;
    if (changes->encoding != NULL && name != NULL &&
        strcmp(pgq_encoding_name(changes->encoding), name) == 0)
        return;
    pgq_encoding_free(STEAL(changes->encoding));
    if (name != NULL && strcmp(name, "UTF8") != 0)
        changes->encoding = pgq_encoding_new(name);
    changes->record.encoding = changes->encoding;
}

static bool
take_change(PgqChanges *changes, PostgresConnection *connection, Event *ret_event, Error *err)
{
    const PgqRecord *record = &changes->record;
    const PgqShape *shape = NULL;

    pgq_shapes_use(changes->shapes, connection);
    arena_reset(changes->scratch);
    ret_event->kind = EVENT_CHANGE;
    if (!pgq_shapes_find(changes->shapes, record, &shape, err))
        return error_wrap(
            err, "table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(record->schema), TEXT_ARG(record->table));
    return make_change(changes, shape, &ret_event->change, err);
}

/* The event's own place and name. */
static void
set_place(PgqChanges *changes, const PgqEvent *event)
{
    changes->place.len = changes->place_len;
    buf_add_u64(&changes->place, event->txid);
    changes->where.len = changes->where_len;
    buf_add_string(&changes->where, ", event ");
    buf_add_u64(&changes->where, (uint64_t)event->id);
}

static bool
take(PgqChanges *changes, PostgresConnection *connection, PgqEvent *event, Event *ret_event,
    bool *ret_is_event, Error *err)
{
    const PgqRecord *record = &changes->record;
    bool wanted;

    if (!take_retried(changes, event, &wanted, err))
        return false;
    if (!wanted)
        return true;
    if (!changes->knows_encoding)
        learn_encoding(changes, connection);
    if (!pgq_record_read(event, &changes->record, err))
        return false;
    if (record->kind == PGQ_RECORD_UNKNOWN)
        return take_unknown(changes, event, err);
    *ret_is_event = true;
    ret_event->position = buf_text(&changes->place);
    if (record->kind == PGQ_RECORD_CHANGE)
        return take_change(changes, connection, ret_event, err);
    ret_event->kind = EVENT_TRUNCATE;
    ret_event->schema = record->schema;
    ret_event->table = record->table;
    return true;
}

bool
pgq_changes_take(PgqChanges *changes, PostgresConnection *connection, PgqEvent *event,
    Event *ret_event, bool *ret_is_event, Error *err)
{
    *ret_is_event = false;
    if (!is_wanted(changes, event->txid))
        return true;
    set_place(changes, event);
    ret_event->where = buf_text(&changes->where);
    return take(changes, connection, event, ret_event, ret_is_event, err) ||
           error_wrap(err, "%s", buf_string(&changes->where));
}

/* ---- notices ---- */

static void
tell(PgqChanges *changes, Skipped *skipped, const char *what)
{
    if (skipped->count == 0)
        return;
    buf_addf(&changes->notice,
        "%squeue %s: %" PRIu64 " %s left out, the last one was event %" PRId64 " (type \"" TEXT_FMT
        "\")",
        changes->notice.len == 0 ? "" : "; ", changes->options->queue, skipped->count, what,
        skipped->last, TEXT_ARG(buf_text(&skipped->type)));
    skipped->count = 0;
}

Text
pgq_changes_notice(PgqChanges *changes)
{
    buf_reset(&changes->notice, SIZE_MAX);
    tell(changes, &changes->unknown, "events of unknown types were");
    tell(changes, &changes->retried, "events of the retry queue were");
    return changes->notice.len == 0 ? TEXT_NONE : buf_text(&changes->notice);
}
