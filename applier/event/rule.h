/*
 * rule.h - table rules: which tables and columns are carried, where to, under which key
 *
 * The first rule whose glob matches "schema.table" of a source table wins; a table that no rule
 * matches is carried as it is. Pure: no input or output.
 */
#pragma once

#include "config/config.h"
#include "event/event.h"

/* A column of a CSV file: a source column after the rules. */
typedef struct OutColumn {
    Text name;        /* in the target */
    Text source_type; /* as the source told, or TEXT_NONE */
    LogicalType logical;
    size_t source_index; /* into Table.columns and the values of a Change */
    bool in_key;
    bool may_omit; /* as Column.may_omit */
} OutColumn;

/*
 * A table shape after the rules: what the block writer writes for it.
 * key_count is 0 where no key is known: the merge script decides whether that is an error.
 */
typedef struct OutTable {
    uint64_t id;           /* the source shape's id */
    const TableRule *rule; /* NULL: none matched */
    Text source_schema;
    Text source_name;
    Text target_schema; /* "" is the connection's own */
    Text target_name;
    OutColumn *columns;
    size_t column_count;
    size_t *key; /* indexes into columns, in key order */
    size_t key_count;
    bool all_lines;           /* the table's merge script needs every line: no compaction */
    bool distinguish_updates; /* it needs UD and UI for updates, whatever the configuration says */
} OutTable;

/* The rule for a source table, or NULL. */
const TableRule *rule_find(const TableRules *rules, Text schema, Text table);

/* Where a table goes. The texts are in the arena. rule may be NULL. */
void rule_target(const TableRule *rule, Text schema, Text table, Arena *arena, Text *ret_schema,
    Text *ret_table);

/* The name in the target of a source column. rule may be NULL. */
Text rule_column_name(const TableRule *rule, Text column);
/* Do the rules leave this source column out? rule may be NULL. */
bool rule_skips_column(const TableRule *rule, Text column);

/*
 * Apply the rules to a shape. target_key are the key columns of the target's base table, used where
 * neither rule nor source names a key; may be empty. The result is in the arena, or NULL with *err
 * for: a key: column that is missing, two columns renamed to one name, every column
 * skipped, a key column skipped. A table with skip must not be asked for.
 */
OutTable *rule_apply(const TableRule *rule, const Table *table, const Text *target_key,
    size_t target_key_count, Arena *arena, Error *err) MUST_CHECK;
