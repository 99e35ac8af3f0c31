/*
 * schema_change.h - what to do when a source table's columns are not what the target has
 *
 * Asked by the router for every shape of a table it meets, in stream order, on the reader thread.
 * Only for sources with a catalogue (SourceDriver.tables_open): of others (a change log) a column
 * that the target lacks, or a missing table, is an error of the loader's plan.
 *
 * Policy schema_changes of the table rule, else of target:
 *   stop         ERR_SCHEMA, retriable: the text names the ALTER statements. The reader commits
 *                what comes before the transaction, and tries again until the target has them.
 *   add_columns  new columns are added to the target (with the value that older rows have in the
 *                source); anything else as stop
 *   ignore       columns that the target lacks are left out, which is logged once; anything else
 *                as stop
 *
 * What is a change is found by comparing the shape with the target and with the shape before it,
 * which is remembered with the numbers of its columns (apply/schema/shape_memory.h):
 *
 * - A column that the target lacks. Added or renamed: see apply/schema/column_origin.h. Where a
 * rename cannot be excluded both statements are named, also with add_columns. A column of the key
 * is never added by Dray: the rows there would have no value in it, and could not be found by it.
 * - Rows that are older than an added column get the value that they have in the source as the
 *   column's DEFAULT in the target, which stays: rows of blocks that were written before the change
 *   get it too when they are merged later. Where the source's catalogue does not tell that value (a
 *   DEFAULT that is not a constant) they get NULL, and a warning says how to repair them.
 * - The target is ahead: the DBA renamed its column already, and rows with the old name still come
 *   (a transaction that has rows before and after the DDL can only be merged so). They go into the
 *   renamed column: where the catalogue has the old column's number under the new name, or where
 *   this rename was asked for.
 * - A column that the source dropped stays in the target; new rows get its DEFAULT there, or NULL.
 *   If it may not be NULL and has no DEFAULT: as stop.
 * - A column dropped and added again under its name: a warning, with the statement that does the
 *   same to the rows there; as stop, if its type is another one. (At the same place and with the
 *   same type it is the same shape: that cannot be seen.)
 * - Another type: compared by what the mapping tables make of the old and the new one. As stop if
 *   the target's column has the type of the old one. If somebody chose another type there Dray goes
 *   on, with a warning.
 * - Another key (where no rule names one): rows are found by it from now on, with a warning. As
 *   stop: a column of it is new, so that the rows there have no value in it, unless it is the
 *   target's primary key; or there is none any more, so that the target's primary key would merge
 *   rows that the source tells apart.
 *
 * Locks. ALTER TABLE runs on the reader's own connection, outside a transaction. It waits for the
 * loader's open transaction if that has used the table; the loader never waits for the reader while
 * it has a transaction open, so there is no circle, and the loader ends it. Other sessions of the
 * target may hold a lock for long, and the loader would queue up behind the waiting ALTER: it gives
 * up after seconds (SqlDdl.limit_wait) and is tried again, which lets the others through. Two
 * services, or a DBA, may add the same column at the same time: the one that fails looks again, and
 * goes on if it is there.
 */
#pragma once

#include "apply/catalog.h"
#include "event/rule.h"
#include "source/source_table.h"

typedef struct SchemaWatch SchemaWatch;

/* keeps: remember shapes in the block directory too. */
SchemaWatch *schema_watch_new(const Context *context, bool keeps) MUST_CHECK;
void schema_watch_free(SchemaWatch *watch);
CLEANUP_DEFINE(SchemaWatch *, schema_watch_free);

/* A shape that is met. */
typedef struct SchemaShape {
    const Table *table;
    Text position; /* of the transaction (router.h) */
    Text snapshot; /* position of the snapshot that the table was loaded from; TEXT_NONE: none. What
                      changed before it is in the rows there, and asks for nothing */
    OutTable *out; /* made by rule_apply from table */
    Arena *arena;  /* that out is in */
    const TargetTable *target; /* as the catalog told it; NULL: the target has no such table */
} SchemaShape;

/*
 * Compare a shape with the target's table. May change the target, may take columns out of out or
 * give them another name, remembers the shape for the next comparison. A missing table is made with
 * create_tables: all. *ret_base is the table as it is now; shape->target is not valid any more.
 */
bool schema_watch_admit(SchemaWatch *watch, Catalog *catalog, const SchemaShape *shape,
    const TargetTable **ret_base, Error *err) MUST_CHECK;
