/*
 * event.h - what a source yields: BEGIN, CHANGE, TRUNCATE, COMMIT, ROLLBACK, POSITION
 *
 * Events come in commit order, a transaction at a time: one BEGIN, any number of CHANGE and
 * TRUNCATE, one COMMIT (or ROLLBACK). Texts and values in an event are views, valid until the next
 * call to the source. A Table is owned by the source and stays valid until the source is closed.
 */
#pragma once

#include "base/clock.h"
#include "event/value.h"

/* One column as the source describes it. */
typedef struct Column {
    Text name;
    Text type; /* the source's own type name, or TEXT_NONE where it does not tell */
    LogicalType logical;
    bool in_key;   /* part of the primary key or replica identity, where the source tells */
    bool may_omit; /* an update may leave it out: VALUE_UNCHANGED without an old value */
} Column;

/*
 * One shape of a source table. Two shapes never share an id within a process: a source makes a new
 * Table when names, order or types of the columns, or the key, differ from the last change of it.
 */
typedef struct Table {
    uint64_t id;
    Text schema; /* "" where the source has none */
    Text name;
    const Column *columns;
    size_t column_count;
    bool has_key; /* in_key is known and at least one column has it */
} Table;

typedef enum ChangeKind {
    CHANGE_INSERT,
    CHANGE_UPDATE,
    CHANGE_DELETE,
} ChangeKind;

typedef struct Change {
    ChangeKind kind;
    const Table *table;
    /* Both have table->column_count values, or are NULL. */
    const Value *after;  /* insert, update: the new row */
    const Value *before; /* update, delete: the old key or the whole old row; columns that the
                            source did not send are VALUE_ABSENT. NULL in an update: the key did
                            not change. */
} Change;

typedef enum EventKind {
    EVENT_BEGIN,
    EVENT_CHANGE,
    EVENT_TRUNCATE, /* of one table */
    EVENT_COMMIT,
    EVENT_ROLLBACK, /* instead of COMMIT: what came since BEGIN never happened. Rare: a source tells
                       it only where it could not know it before BEGIN */
    EVENT_POSITION, /* between transactions: nothing for us before this position is still to come */
} EventKind;

typedef struct Event {
    EventKind kind;
    int64_t commit_time_us; /* BEGIN: commit time at the source; TIME_UNKNOWN where not known yet */
    Change change;          /* CHANGE */
    Text schema;            /* TRUNCATE */
    Text table;             /* TRUNCATE */
    Text position; /* COMMIT, ROLLBACK, POSITION: where to go on after it, the source's own text.
                      BEGIN: the transaction's own place, to be compared with a snapshot's position
                      (SourceDriver.compare); TEXT_NONE where the source has no such order.
                      CHANGE, TRUNCATE: its own place, where a snapshot may hold a part of a
                      transaction (PgQ's batches); TEXT_NONE: the transaction's */
    Text where;    /* any: where this event stands in the source, for error texts:
                      "shop.jsonl:12", "0/1A2B3C" */
} Event;
