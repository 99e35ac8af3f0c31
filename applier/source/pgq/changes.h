/*
 * changes.h - events of batches into BEGIN, CHANGE, TRUNCATE, COMMIT
 *
 * CHANGE and TRUNCATE carry their own place (Event.position), by which a router tells what a
 * snapshot holds. Errors name queue, batch (its ticks), event, table and column:
 *
 *     queue sales, batch 1233-1234, event 98231: table public.orders, column placed: …
 */
#pragma once

#include "source/pgq/batch.h"
#include "source/pgq/shape.h"

typedef struct PgqChanges PgqChanges;

PgqChanges *pgq_changes_new(const PgqSourceOptions *options) MUST_CHECK;
void pgq_changes_free(PgqChanges *changes);
CLEANUP_DEFINE(PgqChanges *, pgq_changes_free);

/* Leave out events that the snapshot held sees, and those that the snapshot only does not see, from
 * now on; TEXT_NONE: none. */
void pgq_changes_filter(PgqChanges *changes, Text held, Text only);

void pgq_changes_begin(PgqChanges *changes, const PgqBatch *batch, Event *ret_event);
/* *ret_is_event is false for an event that comes to nothing. connection is for the catalogue. */
bool pgq_changes_take(PgqChanges *changes, PostgresConnection *connection, PgqEvent *event,
    Event *ret_event, bool *ret_is_event, Error *err) MUST_CHECK;
/* end: where the target will be. */
void pgq_changes_commit(PgqChanges *changes, const PgqPosition *end, Event *ret_event);
/* Events that were skipped since the last call, as a sentence; or TEXT_NONE. */
Text pgq_changes_notice(PgqChanges *changes);
