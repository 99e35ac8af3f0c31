/*
 * stage.h - staging tables from templates/<target>/stage.sql
 *
 * The template's parameters: %%STAGE_TABLE_FQN%% %%BASE_TABLE_FQN%% %%COLUMNS%% (header columns, then the
 * base table's, nullable, no constraints), split and filled with script/'s own engine: it is a file of
 * one @apply-less list of statements.
 */
#pragma once

#include "block/dialect.h"
#include "config/config.h"
#include "target/target.h"

typedef struct StageSpec {
    const TargetTable *base;
    Text schema; /* of the staging table */
    Text name;
    const CsvDialect *csv; /* the header columns */
} StageSpec;

/* Is an existing staging table what the base table and the header columns need? On false *why (in
 * the arena) says what differs. */
bool stage_fits(const StageSpec *spec, const TargetTable *stage, const SqlDialect *sql,
    Arena *arena, Text *ret_why);

/*
 * Make sure that the staging table is there and fits. create allows to make it, and to drop and
 * make again one that does not fit and has our header columns. Outside a transaction. template_path is
 * the stage.sql. ERR_TARGET names table and difference.
 */
bool stage_prepare(Target *target, const StageSpec *spec, const char *template_path, bool create,
    Error *err) MUST_CHECK;

/* The statements that would make it, for "dray ddl" and "dray check". */
bool stage_print(const SqlDialect *sql, const StageSpec *spec, const char *template_path, Buf *out,
    Error *err) MUST_CHECK;
