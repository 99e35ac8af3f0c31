/*
 * table.h - a target table as its catalogue describes it
 */
#pragma once

#include "base/arena.h"
#include "event/value.h"

typedef struct TargetColumn {
    Text name;
    Text type; /* as DDL spells it in the target */
    LogicalType logical;
    bool not_null;
    bool generated; /* computed: cannot be inserted */
    bool has_default;
    bool is_text; /* compared by a collation */
} TargetColumn;

typedef struct TargetTable {
    Text schema; /* "" where the target has none */
    Text name;
    TargetColumn *columns; /* in the catalogue's order */
    size_t column_count;
    size_t *key; /* the primary key: indexes into columns, in key order */
    size_t key_count;
} TargetTable;

/* By name, exactly, else (fold) without regard to ASCII case; NULL when absent. */
const TargetColumn *target_table_column(const TargetTable *table, Text name, bool fold);
/* Are names, types and key the same? */
bool target_table_equal(const TargetTable *a, const TargetTable *b);
