/*
 * create_table.h - create_tables: all: base tables made when they are first needed
 */
#pragma once

#include "apply/context.h"
#include "ddl/base_table.h"

/*
 * Make the base table of out, its schema and that of the staging tables, if they are missing.
 * Columns are those of out (made by rule_apply from table: the stream's shape), described by the
 * source's catalogue where it still has them, else by the shape's own type text. Outside a
 * transaction. Another process may make it at the same time: then its table counts. warnings gets a
 * line for every column whose type may lose values; the caller logs them. ERR_TARGET, ERR_CONFIG
 * name table, column and way out; errors of connections are retriable.
 */
bool create_table_ensure(const Context *context, Target *target, const Table *table,
    const OutTable *out, Buf *warnings, Error *err) MUST_CHECK;

/* The mapping table from the configuration's source to a target of this dialect. */
TypeMap *create_table_types(const Context *context, const SqlDialect *sql, Error *err) MUST_CHECK;

/* Run the statements that make a base table that the target does not have. *ret_made is false where
 * another process was faster. spec->sql is the target's. */
bool create_table_run(const Context *context, Target *target, const BaseSpec *spec, Buf *warnings,
    bool *ret_made, Error *err) MUST_CHECK;

/* Make a schema if the target does not have it; "" is the connection's own. */
bool create_table_schema(const Context *context, Target *target, Text schema, Error *err)
    MUST_CHECK;

/* A Table as the change stream would describe it: without generated columns. In the arena. */
const Table *create_table_shape(const SourceTable *source, Arena *arena);
