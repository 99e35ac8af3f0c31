/*
 * base_table.h - base tables from templates/<target>/base.sql, and changes of them
 *
 * Templates (ddl/template.h), each looked for in templates/<target>/ beside the configuration file,
 * then in the installation's:
 *
 *   base_<script>.sql   for tables whose merge script is <script>.sql: base_append.sql,
 *                       base_history.sql, base_soft_delete.sql have columns of their own,
 *                       base_keep_all.sql has no unique key
 *   base.sql            for all others
 *   schema.sql          before the first table of a schema that the target does not have
 *
 * Their parameters: %%BASE_TABLE_FQN%% %%BASE_SCHEMA%% (empty where the table has none) %%COLUMNS%%
 * (name and type of every column, key columns NOT NULL) %%STRICT_COLUMNS%% (NOT NULL as in the
 * source) %%NULLABLE_COLUMNS%% (all columns may be NULL) %%HEADER_COLUMNS%% (name and type of the
 * CSV files' header columns) %%OPCODE_COLUMN%% (of the one with the opcode; only under "-- @if
 * deletes": the rule says deletes: keep) %%OWN_COLUMNS%% (those of the template: lines "-- @column
 * NAME TYPE" tell them, so that the staging table gets them too) %%PKEY%% (the key's columns)
 * %%KEY_INDEX%% (a name for an index on them). Flags for "-- @if": key, the table has a key;
 * deletes, its rule says deletes: keep.
 */
#pragma once

#include "block/dialect.h"
#include "ddl/template.h"
#include "ddl/types.h"
#include "event/rule.h"

/* What a base table is made of: the source's description, and the columns after the rules. */
typedef struct BaseSpec {
    const SourceTable *source; /* NULL, or without a column: described by the shape's own type */
    const OutTable *out;
    const TypeMap *types;
    const SqlDialect *sql;
    const Table *table;    /* the shape that out was made of */
    const CsvDialect *csv; /* the header columns, and how the target spells values */
} BaseSpec;

/* The file of a table's template on the heap; name is "base" or "schema", script the path of the
 * table's merge script or NULL. ERR_CONFIG where there is none. */
char *base_table_template(const char *config_directory, const char *data_directory,
    const SqlDialect *sql, const char *name, const char *script, Error *err) MUST_CHECK;

/* The statements that make it, in the arena; comments above the columns tell what may be lost.
 * warnings gets the same, a line each. */
bool base_table_create(const BaseSpec *spec, const char *template_path, Arena *arena,
    TemplateStatements *ret_statements, Buf *warnings, Error *err) MUST_CHECK;
/* The statements that make a schema, in the arena. */
bool base_table_schema(const SqlDialect *sql, Text schema, const char *template_path, Arena *arena,
    TemplateStatements *ret_statements, Error *err) MUST_CHECK;
/* The base table as it would be, the types as the mapping spells them: for its staging table, and
 * to compare. In the arena. */
bool base_table_describe(const BaseSpec *spec, const char *template_path, Arena *arena,
    TargetTable **ret_table, Error *err) MUST_CHECK;

/* The type of one column of out; in the arena. ERR_CONFIG names column, type and mapping file. */
bool base_table_column_type(const BaseSpec *spec, const OutColumn *column, Arena *arena,
    MappedType *ret_type, Error *err) MUST_CHECK;

/* "ALTER TABLE … ADD COLUMN …" for one column of out, with the value older rows have as DEFAULT. */
bool base_table_add_column(
    const BaseSpec *spec, const OutColumn *column, Buf *sql, Buf *warnings, Error *err) MUST_CHECK;
/* "ALTER TABLE … ALTER COLUMN … TYPE …" as the target spells it; SQLite has none: then a comment
 * that says what to do. */
bool base_table_change_type(
    const BaseSpec *spec, const OutColumn *column, Buf *sql, Buf *warnings, Error *err) MUST_CHECK;
/* "ALTER TABLE … RENAME COLUMN …" */
void base_table_rename_column(const BaseSpec *spec, Text from, Text to, Buf *sql);
