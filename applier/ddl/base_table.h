/*
 * base_table.h - base tables from templates/<target>/base.sql, and changes of them
 *
 * Parameters of the template: %%BASE_TABLE_FQN%% %%COLUMNS%% (name, type, NOT NULL) %%PKEY%% (the
 * key's columns; a line "-- @if key" before a statement or a part leaves it out for a table without
 * one) %%BASE_SCHEMA%%.
 */
#pragma once

#include "ddl/template.h"
#include "ddl/types.h"
#include "event/rule.h"

/* What a base table is made of: the source's description, and the columns after the rules. */
typedef struct BaseSpec {
    const SourceTable *source;
    const OutTable *out;
    const TypeMap *types;
    const SqlDialect *sql;
} BaseSpec;

/* The statements that make it, each in the arena; warnings (one Text a line) tell what may be
 * lost. The schema is made too where the target has schemas and creates it if it is missing. */
bool base_table_create(const BaseSpec *spec, const char *template_path, Arena *arena,
    TemplateStatements *ret_statements, Buf *warnings, Error *err) MUST_CHECK;

/* "ALTER TABLE … ADD COLUMN …" for one column of out, with the value older rows have as DEFAULT. */
bool base_table_add_column(
    const BaseSpec *spec, const OutColumn *column, Buf *sql, Buf *warnings, Error *err) MUST_CHECK;
/* "ALTER TABLE … ALTER COLUMN … TYPE …" as the target spells it; SQLite has none: then a comment
 * that says what to do. */
bool base_table_change_type(
    const BaseSpec *spec, const OutColumn *column, Buf *sql, Buf *warnings, Error *err) MUST_CHECK;
/* "ALTER TABLE … RENAME COLUMN …" */
void base_table_rename_column(const BaseSpec *spec, Text from, Text to, Buf *sql);
