/*
 * router.h - from a source's table shape to what is written for it
 *
 * Applies the table rules, asks the target's catalogue for keys and types that the source does not
 * tell, and refuses what cannot be merged: two source tables in one target table, a table without a
 * key under a script that needs one. Belongs to the reader thread.
 */
#pragma once

#include "apply/catalog.h"
#include "event/rule.h"

typedef struct Router Router;

Router *router_new(const Context *context) MUST_CHECK;
void router_free(Router *router);
CLEANUP_DEFINE(Router *, router_free);

/*
 * *ret_out is NULL for a table that a rule skips. It stays valid until router_forget_old(), which
 * is called between blocks.
 */
bool router_table(Router *router, const Table *table, const OutTable **ret_out, Error *err)
    MUST_CHECK;
/* Is this table left out by a rule? For a TRUNCATE, which has no shape. */
bool router_skips(const Router *router, Text schema, Text table);
/* Between blocks: drop what is older than the catalogue's keeping time. */
void router_forget_old(Router *router);
