/*
 * schema_change.h - what to do when a source table's columns are not what the target has
 *
 * Asked by the router for every shape of a table it meets, in stream order, on the reader thread.
 * Policy schema_changes of the table rule, else of target:
 *   stop         ERR_SCHEMA, retriable: the text names the ALTER statements. The reader commits
 *                what comes before the transaction, and tries again until the target has them.
 *   add_columns  new columns are added to the target (with the value that older rows have in the
 *                source); anything else as stop
 *   ignore       columns that the target lacks are left out, which is logged once
 */
#pragma once

#include "apply/catalog.h"
#include "event/rule.h"
#include "source/source_table.h"

typedef struct SchemaWatch SchemaWatch;

SchemaWatch *schema_watch_new(const Context *context) MUST_CHECK;
void schema_watch_free(SchemaWatch *watch);
CLEANUP_DEFINE(SchemaWatch *, schema_watch_free);

/*
 * Compare out (made by rule_apply from table) with the target's table, which the catalog holds. May
 * change the target, may take columns out of out, remembers the shape for the next comparison.
 * target is NULL where the target has no such table: with create_tables: all it is made. *ret_base
 * is the table as it is now.
 */
bool schema_watch_admit(SchemaWatch *watch, Catalog *catalog, const Table *table, OutTable *out,
    const TargetTable *target, const TargetTable **ret_base, Error *err) MUST_CHECK;
