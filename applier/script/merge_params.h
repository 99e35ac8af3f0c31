/*
 * merge_params.h - the values of a script's parameters for one CSV file, or for a block
 *
 * Pure. A value has two forms: sql (identifiers quoted for the target) and raw (plain text, which
 * is escaped where it is put inside quotes or into a command).
 */
#pragma once

#include "block/block.h"
#include "script/script.h"

typedef struct ParamValue {
    Text sql;
    Text raw;
} ParamValue;

typedef struct MergeParams MergeParams;

/* What one CSV file is merged with. All views must outlive the params. */
typedef struct MergeTable {
    const SqlDialect *dialect;
    const Block *block;    /* NULL: of the connection only (@prepare, @release) */
    const BlockFile *file; /* NULL: parameters of the block only */
    const char *service;
    const char *csv_path;   /* absolute */
    const char *block_path; /* absolute */
    const TargetTable *base;
    Text stage_schema;
    Text stage_name;
    const TargetColumn *const *columns; /* the base column of each of the file's columns */
    const size_t *key;                  /* indexes into the file's columns */
    size_t key_count;
    bool stage_is_compact; /* superseded lines are not loaded: STAGE_LAST is simply true */
    bool again;            /* the base table may hold the block already */
    bool keeps_deletes;    /* the table rule says deletes: keep */
    bool is_partition;     /* base is one of several partitions: rows may be in others */
    uint64_t rows;         /* lines that a load sees: CSV_ROWS */
    uint64_t origins;      /* of them, O lines: UNCHANGED_ROWS */
} MergeTable;

/* In the arena. */
MergeParams *merge_params_new(const MergeTable *table, Arena *arena) MUST_CHECK;
/* NULL where the parameter has no value here. */
const ParamValue *merge_params_get(const MergeParams *params, Text name);

/* Does the statement's condition hold? */
bool merge_params_allow(const MergeParams *params, ScriptCondition condition);
/* Is the base table one of several partitions? */
bool merge_params_in_partition(const MergeParams *params);

#include "script/fill.h"
