/*
 * router.h - from a source's table shape to what is written for it
 *
 * Applies the table rules, asks the target's catalogue for keys and types that the source does not
 * tell, lets schema_change.h compare the columns, and refuses what cannot be merged: two source
 * tables in one target table, a table without a key under a script that needs one. Belongs to the
 * reader thread.
 *
 * What a snapshot holds is passed over (target/bootstrap_state.h): all changes of a table in state
 * copying, and of one in state ready those of transactions whose own place (the position of their
 * BEGIN) is before the table's. dray_bootstrap is read with one query, when a table is first met
 * and then at most once in CATALOG_KEEP_MS. A table's comparison ends when a transaction at or
 * behind its position is met, and begins again when transactions come from further back (the source
 * was opened again). Sources without compare() take no part in this.
 *
 * Where a snapshot may hold a part of a transaction (PgQ's batches), a change has a place of its
 * own (Event.position). As long as the transactions are before the table's position, such a change
 * passes exactly if its own place is not.
 */
#pragma once

#include "apply/catalog.h"
#include "event/rule.h"

typedef struct RouterOptions {
    const Text *only; /* "schema.table" of the source: pass over all other tables; NULL: none */
    size_t only_count;
    bool embedded;  /* part of another command: dray_bootstrap is not asked, nothing is remembered
                       on disk */
    bool look_only; /* dray check: nothing in the target is changed, missing columns are told by
                       the plan */
} RouterOptions;

typedef struct Router Router;

/* options may be NULL: all of it off. What it points to must outlive the router. */
Router *router_new(const Context *context, const RouterOptions *options) MUST_CHECK;
void router_free(Router *router);
CLEANUP_DEFINE(Router *, router_free);

/*
 * *ret_out is NULL for a change that is passed over: by a rule, by options.only, or since a
 * snapshot holds it. It stays valid until router_forget_old() or router_forget_all(), which are
 * called between blocks. position is that of the transaction's BEGIN, TEXT_NONE or "" where the
 * source has none; own that of the change itself, TEXT_NONE where it is the transaction's.
 *
 * ERR_SCHEMA, retriable: the target's columns must follow first. Nothing of the table is kept then:
 * a further call looks at the target anew. Other retriable errors are those of the connections to
 * the target and to the source's catalogue.
 */
bool router_table(Router *router, const Table *table, Text position, Text own,
    const OutTable **ret_out, Error *err) MUST_CHECK;
/* Does a TRUNCATE, which has no shape, of this table count? */
bool router_truncates(Router *router, Text schema, Text table, Text position, Text own,
    bool *ret_counts, Error *err) MUST_CHECK;
/* Between blocks: drop what is older than the catalogue's keeping time. */
void router_forget_old(Router *router);
/* Between blocks: drop all of it, also what is known of the target and of dray_bootstrap. After a
 * hold (apply/hold/hold.h), in which a bootstrap may have handed a table over. */
void router_forget_all(Router *router);
