/*
 * bootstrap_state.h - the table dray_bootstrap: which tables were loaded from a snapshot, and from
 * which position on their changes count
 *
 *   service, source_schema, source_table key · state · source_position · row_count · updated_at
 *
 * The stream must not apply to a table what its snapshot already holds: changes of a table in
 * state ready whose transaction begins before source_position are passed over, those of a table in
 * state copying all (its bootstrap is under way, or was interrupted and must be started again). A
 * table that is not in dray_bootstrap was not loaded from a snapshot: every change counts.
 *
 * The table is made when a bootstrap first needs it, beside dray_position. Schema and name are two
 * columns, since either may hold a dot.
 */
#pragma once

#include "target/target.h"

typedef enum BootstrapPhase {
    BOOTSTRAP_COPYING,
    BOOTSTRAP_READY,
} BootstrapPhase;

typedef struct BootstrapState {
    Text schema; /* source names */
    Text table;
    BootstrapPhase phase;
    bool is_spooled; /* copying: from blocks that are all on disk first, since the target table is
                        not emptied when it is started again (state "spooled" in the table) */
    Text position;   /* of the snapshot, or where a running service took the table over */
    uint64_t rows;
} BootstrapState;

/* Make the table if it is missing. schema as for position.h. */
bool bootstrap_state_prepare(Target *target, Text schema, Error *err) MUST_CHECK;
/* All tables of a service, in the arena; none where dray_bootstrap does not exist. */
bool bootstrap_state_read(Target *target, Text schema, Text service, Arena *arena,
    BootstrapState **ret_states, size_t *ret_count, Error *err) MUST_CHECK;
/* Insert or replace one; inside or outside a transaction. */
bool bootstrap_state_write(
    Target *target, Text schema, Text service, const BootstrapState *state, Error *err) MUST_CHECK;
/* Forget one (its table is bootstrapped no more). */
bool bootstrap_state_remove(Target *target, Text schema, Text service, Text source_schema,
    Text source_table, Error *err) MUST_CHECK;
