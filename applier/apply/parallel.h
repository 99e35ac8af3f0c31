/*
 * parallel.h - @load of a block's files on several connections at once
 *
 * Each file is loaded into its own staging table and committed by itself, before the block's
 * transaction starts: nothing but staging tables changes. A failure ends the others.
 */
#pragma once

#include "apply/connection.h"

typedef struct ParallelLoad ParallelLoad;

/* Up to count connections, opened when first needed and kept. */
ParallelLoad *parallel_load_new(const Context *context, size_t count) MUST_CHECK;
void parallel_load_free(ParallelLoad *load);
CLEANUP_DEFINE(ParallelLoad *, parallel_load_free);

/* Run @load for every file whose script has that section. After a failure all connections are
 * dropped. */
bool parallel_load_run(ParallelLoad *load, const Block *block, const BlockPlan *plan, Error *err)
    MUST_CHECK;
