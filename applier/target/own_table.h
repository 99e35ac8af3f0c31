/*
 * own_table.h - the tables that Dray keeps for itself in the target: dray_position, dray_bootstrap
 *
 * Made when they are missing, and looked at when they are there.
 */
#pragma once

#include "target/target.h"

typedef struct OwnTable {
    const char *name;
    const char *what; /* "a position table", for errors */
    const char *const *columns;
    size_t column_count;
    size_t key_count;      /* the first columns are the primary key */
    size_t not_null_count; /* and the first ones are NOT NULL */
    const char *crash_point;
} OwnTable;

/*
 * Make the table if it is missing. types are its columns' in the target's words. *ret_table, in the
 * arena, describes it as it is. Two processes at once do no harm.
 */
bool own_table_prepare(Target *target, Text schema, const OwnTable *table, const char *const *types,
    Arena *arena, TargetTable **ret_table, Error *err) MUST_CHECK;
/* ERR_TARGET where it lacks a column. */
bool own_table_check(
    const Target *target, const OwnTable *table, const TargetTable *found, Error *err) MUST_CHECK;
/* *ret_table is NULL where there is none. */
bool own_table_describe(Target *target, Text schema, const OwnTable *table, Arena *arena,
    TargetTable **ret_table, Error *err) MUST_CHECK;
