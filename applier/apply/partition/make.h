/*
 * make.h - a partition is made, or taken over, under a lock; only this folder includes it
 */
#pragma once

#include "apply/partition/parts.h"

/*
 * Do a piece of work while holding the parent's lock; where DDL is transactional, inside a
 * transaction, committed behind it. Retriable where another process holds the lock too long.
 */
typedef bool PartitionWork(PartitionJob *job, void *context, Error *err);
bool partition_in_lock(PartitionJob *job, PartitionWork *work, void *context, Error *err)
    MUST_CHECK;

/* What the target has of it. */
typedef struct PartitionSight {
    TargetTable *table; /* NULL: none */
    PartitionRow *row;  /* NULL: none */
} PartitionSight;

bool partition_look(PartitionJob *job, PartitionSight *ret_sight, Error *err) MUST_CHECK;
/* Does it lack a column (an index into those of the parent) that it should have? */
bool partition_lacks(const PartitionJob *job, const TargetTable *table, size_t column);
/* Make it, take it over, or add columns, whatever is needed; in the lock. */
bool partition_make(PartitionJob *job, bool *ret_made, Error *err) MUST_CHECK;
