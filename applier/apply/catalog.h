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

/* *ret_table is NULL where the target has no such table; valid until catalog_forget() or the next
 * call for the same table. Retriable errors are the caller's to retry. */
bool catalog_table(
    Catalog *catalog, Text schema, Text name, const TargetTable **ret_table, Error *err) MUST_CHECK;
/* Is what was told of this table too old to be believed? */
bool catalog_is_stale(const Catalog *catalog, Text schema, Text name);
