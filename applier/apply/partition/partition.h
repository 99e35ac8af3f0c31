/*
 * partition.h - partitions in the target: made from a template when they are first needed, and let
 * go when they are old
 *
 * Before a block is planned, every table of it whose rule has partition: gets its partition. Making
 * one: a lock of the target (only one process at a time, on all targets), a look whether it is
 * there by now, the template's statements, a row in dray_partition, commit; all of it before the
 * block's transaction. One that is there is never changed, but for columns that its parent has and
 * it lacks, where schema_changes: add_columns says so.
 *
 * The template: the rule's file, looked for beside the configuration file, then in
 * templates/<target>/ there and in the installation (also given as "postgres/partition.sql");
 * without one partition.sql. Its parameters: %%PARTITION_TABLE_FQN%% %%PARENT_TABLE_FQN%%
 * %%PARTITION_SCHEMA%% %%PKEY%% (the key's columns) %%PARENT_PKEY%% (those of the parent's primary
 * key) %%COLUMNS%% (name, type, DEFAULT, NOT NULL of the parent's columns, but for generated ones)
 * %%PARTITION%% (the suffix as a string) %%PARTITION_START%% %%PARTITION_END%% (the period as
 * strings, UTC) %%PARTITION_INDEX%% (a name for an index of it); and cube_dispatcher's words
 * (ddl/magic_words.h). Flags for "-- @if":
 *   key          a key is one row in the partition. Not under a script that needs no key
 *                (keep_all.sql, append.sql); under one that keeps every line (history.sql,
 *                soft_delete.sql) where the parent has a primary key
 *   parent_key   … and the parent has a primary key
 *   new_key      … and it has none: %%PKEY%% should be one
 *   surplus_key  not key, but the parent has a primary key
 *
 * dray_partition, in the schema of dray_position: what Dray has loaded into. Retention
 * (partition.retain) looks there, so a table that Dray does not know is never dropped. When a
 * partition is made, those of the same parent whose period ended longer ago than that before the
 * block's commit time are dropped (templates/<target>/partition_drop.sql) or detached
 * (partition_detach.sql), and their rows in dray_partition go. These two know the flags attached
 * and inherits (whether it belongs to the parent), may have no statement at all, and wait only
 * seconds for locks: where one cannot go now, loading goes on, and it is tried again.
 *
 * ERR_SCRIPT for a template: table, template file, line, the server's text. ERR_CONFIG for a parent
 * that is not there, a name that is too long, a key that a template needs and the table lacks.
 */
#pragma once

#include "apply/context.h"
#include "base/map.h"
#include "event/partition.h"

/* Partitions that this connection has seen. */
typedef struct PartitionCache {
    Map known;             /* "schema\0partition" */
    bool has_table;        /* dray_partition is there */
    int64_t look_again_ms; /* on the monotonic clock: an old one could not go; 0: none is left */
} PartitionCache;

void partition_cache_clear(PartitionCache *cache);

/* Make sure of the partitions of all files of the block. Outside a transaction. ERR_DATA for a
 * block whose transactions are of two partitions (written under another rule). */
bool partition_prepare(const Context *context, Target *target, const Block *block,
    PartitionCache *cache, Error *err) MUST_CHECK;

/* The base table of a file of the block: the rule's target, or its partition. In the arena. */
bool partition_target(const TableRule *rule, const Block *block, const BlockFile *file,
    Arena *arena, Text *ret_schema, Text *ret_table, Error *err) MUST_CHECK;

/* For dray check: the template read and filled for the table's partition of this moment; nothing is
 * run. A line each in report. file has the source table's name, and its columns and key where they
 * are known. */
bool partition_check(const Context *context, Target *target, const TableRule *rule,
    const BlockFile *file, Buf *report, Error *err) MUST_CHECK;
