/*
 * parts.h - one partition on its way; only this folder includes it
 */
#pragma once

#include "apply/partition/partition.h"
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

/* Fill parent, row and the paths in; everything before that is set. ERR_CONFIG for a parent that is
 * not there, a name that is too long, a template that is not there. */
bool partition_job_open(PartitionJob *job, Error *err) MUST_CHECK;
/* "table public.orders: partition orders_2016_03_11: …" in front. Returns false. */
bool partition_job_wrap(const PartitionJob *job, Error *err);
