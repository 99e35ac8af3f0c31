/*
 * partition_parts.h - one partition on its way; only partition*.[ch] include it
 */
#pragma once

#include "apply/partition.h"
#include "ddl/template.h"
#include "target/partition_state.h"

typedef struct PartitionJob {
    const Context *context;
    Target *target;
    const TableRule *rule;
    const BlockFile *file; /* its columns and key; a file without any leaves the parent's key */
    bool key_is_unknown;   /* the source may have one */
    Text schema;           /* as the rules say, "" is the connection's own */
    Text parent_name;
    Text name;
    Partition partition;
    int64_t commit_us;   /* of the block */
    TargetTable *parent; /* as the target describes it */
    PartitionRow row;    /* of dray_partition */
    const char *make_path;
    const char *expire_path; /* NULL: partitions stay */
    Arena *arena;
} PartitionJob;

/* What the target has of it. */
typedef struct PartitionSight {
    TargetTable *table; /* NULL: none */
    PartitionRow *row;  /* NULL: none */
} PartitionSight;

/* Fill parent, row and the paths in; everything before that is set. ERR_CONFIG for a parent that is
 * not there, a name that is too long, a template that is not there. */
bool partition_job_open(PartitionJob *job, Error *err) MUST_CHECK;
/* "table public.orders: partition orders_2016_03_11: …" in front. Returns false. */
bool partition_job_wrap(const PartitionJob *job, Error *err);

/* The path of a template, in the arena; ERR_CONFIG names the places. */
const char *partition_template(const Context *context, const char *name, Arena *arena, Error *err)
    MUST_CHECK;
/* The template's statements for the partition; for one that makes it, or one that lets it go. */
bool partition_statements(PartitionJob *job, const char *path, const TemplateFlag *flags,
    size_t flag_count, TemplateStatements *ret_statements, Error *err) MUST_CHECK;
bool partition_make_statements(PartitionJob *job, TemplateStatements *ret_statements, Error *err)
    MUST_CHECK;
/* Append the DEFAULT of a column of the parent; nothing where it has none. */
bool partition_column_default(
    const PartitionJob *job, const TargetColumn *column, Buf *out, Error *err) MUST_CHECK;
/* Run them; errors name file and line. */
bool partition_run(const PartitionJob *job, const char *path, const TemplateStatements *statements,
    Error *err) MUST_CHECK;

/*
 * Do a piece of work while holding the parent's lock; where DDL is transactional, inside a
 * transaction, committed behind it. Retriable where another process holds the lock too long.
 */
typedef bool PartitionWork(PartitionJob *job, void *context, Error *err);
bool partition_in_lock(PartitionJob *job, PartitionWork *work, void *context, Error *err)
    MUST_CHECK;

bool partition_look(PartitionJob *job, PartitionSight *ret_sight, Error *err) MUST_CHECK;
/* The parent's columns that the partition lacks and should have. */
bool partition_lacks(const PartitionJob *job, const TargetTable *table, size_t column);
/* Make it, take it over, or add columns, whatever is needed; in the lock. */
bool partition_make(PartitionJob *job, bool *ret_made, Error *err) MUST_CHECK;

/* Let the old ones of the same parent go. *ret_all is false where one could not be let go now; that
 * is logged. Errors are those of the connection. */
bool partition_retire(PartitionJob *job, bool *ret_all, Error *err) MUST_CHECK;
