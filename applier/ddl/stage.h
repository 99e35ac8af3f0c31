/*
 * stage.h - staging tables from templates/<target>/stage.sql
 *
 * The template's parameters: %%STAGE_TABLE_FQN%% %%BASE_TABLE_FQN%% %%COLUMNS%% (header columns,
 * then the base table's, nullable, no constraints; a generated column of the base table is an
 * ordinary one here). It is a plain list of statements (ddl/template.h), and may add what it likes:
 * storage options, nullable columns, a primary key that has the row_id column.
 */
#pragma once

#include "block/dialect.h"
#include "config/config.h"
#include "ddl/stage_name.h"
#include "target/target.h"

typedef struct StageSpec {
    const TargetTable *base;
    Text schema; /* of the staging table */
    Text name;
    const CsvDialect *csv; /* the header columns */
} StageSpec;

/* The type of a header column in a staging table. */
const char *stage_header_type(const SqlDialect *sql, HeaderColumn header);

/* Is an existing staging table what the base table and the header columns need? On false *why (in
 * the arena) says what differs. */
bool stage_fits(const StageSpec *spec, const TargetTable *stage, const SqlDialect *sql,
    Arena *arena, Text *ret_why);

/*
 * Make sure that the staging table is there and fits. create allows to make it, and to drop and
 * make again one that does not fit and has our header columns; any other table is left alone.
 * Outside a transaction (it opens its own where the target's DDL is transactional). template_path
 * is the stage.sql. ERR_TARGET names table and difference; ERR_CONFIG where the staging table would
 * be the base table itself, or a column of it is named like a header column.
 */
bool stage_prepare(Target *target, const StageSpec *spec, const char *template_path, bool create,
    Error *err) MUST_CHECK;

/* The statements that would make it, for "dray ddl" and "dray check". */
bool stage_print(const SqlDialect *sql, const StageSpec *spec, const char *template_path, Buf *out,
    Error *err) MUST_CHECK;

/*
 * prefix + base_name, with "_" and the ordinal behind it where that is above 1 (several files of
 * one base table are loaded at the same time). A name longer than the server allows (sql's limit)
 * is cut and gets a hash of the whole, so that two long names never meet. In the arena.
 */
Text stage_table_name(
    const SqlDialect *sql, Text prefix, Text base_name, uint64_t ordinal, Arena *arena);
