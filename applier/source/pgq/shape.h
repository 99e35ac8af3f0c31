/*
 * shape.h - names in an event, and the catalogue's types, into Tables
 *
 * An event has the names of its columns, not their types. A shape is what one table's events look
 * like: names in their order, and key. Types come from the source's catalogue as it is when a shape
 * is first met (and again after SHAPE_KEEP_MS, and with another connection, since a type may change
 * without a name changing): a column that the catalogue does not have, or a table that it does not
 * have (a queue that was copied from elsewhere), is LOGICAL_UNKNOWN, whose type the target's column
 * decides; one that it had before stays what it was. Columns that the catalogue says are generated
 * are left out, since the target computes them too.
 *
 * Belongs to the reader thread.
 */
#pragma once

#include "source/pgq/record.h"
#include "source/postgres_connection.h"

typedef struct PgqShapes PgqShapes;

typedef struct PgqShape {
    const Table *table;
    const size_t *places; /* by column of the table: its index in the event's row */
} PgqShape;

/* connection is used when a shape is first met; it stays the caller's, which gives another one
 * after a loss by pgq_shapes_use(). */
PgqShapes *pgq_shapes_new(void) MUST_CHECK;
void pgq_shapes_free(PgqShapes *shapes);
CLEANUP_DEFINE(PgqShapes *, pgq_shapes_free);
void pgq_shapes_use(PgqShapes *shapes, PostgresConnection *connection);

/* The shape of a record of kind CHANGE; tables live as long as the shapes. */
bool pgq_shapes_find(
    PgqShapes *shapes, const PgqRecord *record, const PgqShape **ret_shape, Error *err) MUST_CHECK;
