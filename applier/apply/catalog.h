/*
 * catalog.h - the target's tables as the reader thread sees them
 *
 * A connection of its own, opened when first asked. Descriptions are kept for CATALOG_KEEP_MS; the
 * loader, which must not be wrong, describes every table of every block itself.
 */
#pragma once

#include "apply/context.h"
#include "base/map.h"

#define CATALOG_KEEP_MS 10000

typedef struct Catalog Catalog;

Catalog *catalog_new(const Context *context) MUST_CHECK;
void catalog_free(Catalog *catalog);
CLEANUP_DEFINE(Catalog *, catalog_free);

/* *ret_table is NULL where the target has no such table; valid until catalog_forget(),
 * catalog_forget_all() or the next call for the same table. Retriable errors are the caller's to
 * retry. */
bool catalog_table(
    Catalog *catalog, Text schema, Text name, const TargetTable **ret_table, Error *err) MUST_CHECK;
/* The connection itself, for what the reader has to run on it; opened when first asked. After a
 * failure: catalog_disconnect(). */
Target *catalog_target(Catalog *catalog, Error *err) MUST_CHECK;
void catalog_disconnect(Catalog *catalog);
/* Ask the target anew at the next call: for one table, or for all. What was told of them before is
 * not valid any more. */
void catalog_forget(Catalog *catalog, Text schema, Text name);
void catalog_forget_all(Catalog *catalog);
/* Is what was told of this table too old to be believed? */
bool catalog_is_stale(const Catalog *catalog, Text schema, Text name);
