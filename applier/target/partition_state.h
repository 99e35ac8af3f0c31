/*
 * partition_state.h - the table dray_partition: the partitions that Dray has loaded into
 *
 *   table_schema, partition key · parent · suffix · period_start · period_end · state · service ·
 *   made_at
 *
 * Retention looks only here, so that a table that Dray has never loaded into is never dropped. All
 * services that share a position_schema share the table. state is "making" while the template's
 * statements run on a target whose DDL commits by itself: a table whose row still says so once
 * nobody holds the lock is half made. Elsewhere the row comes with the table, in one transaction.
 *
 * Made when a partition is first needed, beside dray_position. "table_schema" is "" where the
 * target has no schemas. Times are UTC, and null where the period has no end that a calendar knows.
 */
#pragma once

#include "target/target.h"

typedef struct PartitionRow {
    Text schema;
    Text name;
    Text parent; /* of the same schema */
    Text suffix;
    int64_t start_us; /* TIME_UNKNOWN: not known */
    int64_t end_us;
    bool is_making;
} PartitionRow;

/* Make the table if it is missing. position_schema as for position.h. */
bool partition_state_prepare(Target *target, Text position_schema, Error *err) MUST_CHECK;
/* *ret_row, in the arena, is NULL where there is none. */
bool partition_state_find(Target *target, Text position_schema, Text schema, Text name,
    Arena *arena, PartitionRow **ret_row, Error *err) MUST_CHECK;
/* All partitions of a parent, the oldest period first, in the arena. */
bool partition_state_list(Target *target, Text position_schema, const PartitionRow *parent,
    Arena *arena, PartitionRow **ret_rows, size_t *ret_count, Error *err) MUST_CHECK;
/* Insert or replace; inside or outside a transaction. service is who made it. */
bool partition_state_write(Target *target, Text position_schema, Text service,
    const PartitionRow *row, Error *err) MUST_CHECK;
bool partition_state_remove(
    Target *target, Text position_schema, Text schema, Text name, Error *err) MUST_CHECK;
