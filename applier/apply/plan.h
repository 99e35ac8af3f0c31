/*
 * plan.h - how one CSV file of a block is merged: its base table, staging table, columns, script
 *
 * Made by the loader for every file of every block from the target's catalogue as it is then, so
 * that a column added to the base table a second ago is known.
 */
#pragma once

#include "apply/context.h"
#include "base/map.h"
#include "script/merge_params.h"

typedef struct MergePlan {
    const BlockFile *file;
    const CsvDialect *dialect;
    const TableRule *rule; /* NULL: none */
    const Script *script;
    const TargetTable *base; /* with partition: in the rule, the partition */
    Text table;              /* the target table's name, of which base may be a partition */
    Text stage_schema;
    Text stage_name;
    const TargetColumn **columns; /* base column of each of the file's columns */
    size_t *key;                  /* indexes into the file's columns */
    size_t key_count;
    LineSet *left_out; /* lines that loads leave out, superseded ones included; NULL: no others than
                          the superseded ones (apply/contested.h) */
    uint64_t ordinal;  /* 1, 2 …: the nth file of this block for this base table */
    bool again;        /* the base table may hold the block already (plan_again()) */
} MergePlan;

/* The plans of one block, in the order of the manifest's files; a file that the rules skip now has
 * script NULL. */
typedef struct BlockPlan {
    MergePlan *plans;
    size_t count;
    bool lacks_partition; /* plan_block() failed since a partition, or a column of it, is not there:
                             partition_prepare() may make it */
} BlockPlan;

/*
 * Describe every base table of the block. ERR_TARGET: a missing base table; ERR_CONFIG: a column
 * only the source has, no key under a script that needs one, two source tables in one target table:
 * each names table and way out.
 */
bool plan_block(const Context *context, Target *target, const Block *block, Arena *arena,
    BlockPlan *ret_plan, Error *err) MUST_CHECK;

/* The same with the tables that have partitions themselves, whatever the block's times: for dray
 * check. */
bool plan_parents(const Context *context, Target *target, const Block *block, Arena *arena,
    BlockPlan *ret_plan, Error *err) MUST_CHECK;

/*
 * The block is loaded once more, and the base table may be further ahead: a row that it lacks is
 * dealt with in a later block. ERR_DATA for a file in which a row changes its key while values are
 * left out: where those values are now cannot be known.
 */
bool plan_again(BlockPlan *plan, Error *err) MUST_CHECK;

/* Do the script's loads leave out the superseded lines, so that one line of each key remains? */
bool plan_is_compact(const Block *block, const MergePlan *plan);
/* What the script's parameters are made of, but for csv_path and rows. Views. */
MergeTable plan_merge_table(const Context *context, const Block *block, const MergePlan *plan);

/* A table that this process already has found a fitting staging table for, and how many lines were
 * loaded into that since it was emptied for good. */
typedef struct StageCache {
    Map fitting; /* "schema\0stage" -> StageCacheEntry */
} StageCache;

void stage_cache_clear(StageCache *cache);

/* Make sure of the staging tables; those that the cache knows for the same base table are not asked
 * for again. *ret_cached tells whether any was taken from the cache. Outside a transaction. */
bool plan_stage(const Context *context, Target *target, const BlockPlan *plan, StageCache *cache,
    bool *ret_cached, Error *err) MUST_CHECK;

/*
 * Before the block's transaction: staging tables that took more than STAGE_ROWS lines meanwhile, or
 * whose content is not known, are emptied by TRUNCATE where the target has it, each in a
 * transaction of its own. The scripts themselves use DELETE, which finds little left. A TRUNCATE
 * inside the block's transaction would be rolled back with it, and that must not be: PostgreSQL
 * (seen with 15) does not come up again when it crashes right after the TRUNCATE of an unlogged
 * table was rolled back ("could not create file …: File exists", in the reset of unlogged tables).
 */
#define STAGE_ROWS 10000
bool plan_empty_stages(const Context *context, Target *target, const BlockPlan *plan,
    StageCache *cache, Error *err) MUST_CHECK;
