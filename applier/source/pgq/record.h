/*
 * record.h - what an event says: operation, table, key, new and old row
 *
 *     trigger     ev_type                                       ev_data              ev_extra1
 *     logutriga   I:id,part   U:id,part   D:id,part             urlencoded row       schema.table
 *                 R                                             ""  (TRUNCATE)       schema.table
 *     jsontriga   {"op":"INSERT","table":["s","t"],"pkey":["id"]}   {"id":1,"a":null}
 *     sqltriga    I   U   D   R                                 parts of SQL         schema.table
 *
 * I and U have the new row, D the old one. An update's old row is in ev_extra2, in the notation of
 * ev_data, with the trigger's "backup"; without it the event cannot tell a change of the key, and
 * is one of the row with the new key. An ev_extra2 that is no old row of this table (columns that
 * the row does not have, or no value for one of the key) is the writer's own, and left alone.
 *
 * Urlencoded rows are in the encoding of the source database, and converted (urlencoded.h); all
 * else the connection has converted already.
 *
 * A bare I, U or D has its key's names in ev_extra2 (as Skytools' own consumers read it). SQL in
 * the data is refused, naming the trigger to make instead; sqltriga's R is a TRUNCATE as any other.
 *
 * Of "schema.table" the first dot splits; without one the schema is "". Names are not quoted there,
 * so that a schema with a dot in its name cannot be told (jsontriga can).
 *
 * Names of a key are joined by ",", not quoted either. Where columns have a "," in their names, the
 * one way to read the list as columns of the row is taken. Blanks around a name are left out
 * (pkey=a, b), where no column has them. A key that the row lacks, and a list that can be read in
 * two ways, are errors.
 *
 * Pure but for that conversion. ERR_DATA, "table s.t: ev_data: reason"; the caller puts queue and
 * event in front. Source: PgQ 3.5's triggers (logutriga.c, sqltriga.c, jsontriga.c, common.c).
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "event/event.h"
#include "source/pgq/encoding.h"

/* An event as the queue has it; TEXT_NONE is null. The texts are changed when it is read. */
typedef struct PgqEvent {
    int64_t id;
    int64_t time_us;
    uint64_t txid;
    int32_t retry; /* -1: null */
    Text type;
    Text data;
    Text extra1;
    Text extra2;
    Text extra3;
    Text extra4;
} PgqEvent;

typedef enum PgqRecordKind {
    PGQ_RECORD_CHANGE,
    PGQ_RECORD_TRUNCATE,
    PGQ_RECORD_UNKNOWN, /* some other producer's event: nothing but kind is set, and the event's
                           texts are as they were */
} PgqRecordKind;

typedef enum PgqStyle {
    PGQ_STYLE_TEXT, /* values as the types' output functions print them, in the writer's session */
    PGQ_STYLE_JSON, /* as jsontriga prints them */
} PgqStyle;

/* Arrays grow and stay with the record: one record serves all events of a batch. */
typedef struct PgqRecord {
    PgqEncoding *encoding; /* set by the owner, whose it stays: of urlencoded rows; NULL: UTF-8 */
    PgqRecordKind kind;
    PgqStyle style;
    ChangeKind change;
    Text schema;
    Text table;
    Text *names; /* columns in the event's order; views into the event */
    Value *row;  /* the new row; of a delete the old one */
    size_t count;
    Text *keys; /* names of the key's columns */
    size_t key_count;
    Text *old_names; /* of the old row of an update; old_count is 0 where the event has none */
    Value *old_row;
    size_t old_count;
    size_t room, key_room, old_room;
    uint32_t *slots; /* wide rows: a hash of names */
    size_t slot_room;
} PgqRecord;

/* Begins as {0}. */
void pgq_record_clear(PgqRecord *record);

/* Read the event: its texts are decoded in place. The record's texts are views of the event's,
 * valid as long as they are. Nothing is allocated once a row of this width was there. */
bool pgq_record_read(PgqEvent *event, PgqRecord *record, Error *err) MUST_CHECK;
