#include "target/table.h"

const TargetColumn *
target_table_column(const TargetTable *table, Text name, bool fold)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (text_equal(table->columns[i].name, name))
            return &table->columns[i];
    for (size_t i = 0; fold && i < table->column_count; i++)
        if (text_equal_nocase(table->columns[i].name, name))
            return &table->columns[i];
    return NULL;
}

bool
target_table_equal(const TargetTable *a, const TargetTable *b)
{
    if (!text_equal(a->schema, b->schema) || !text_equal(a->name, b->name) ||
        a->column_count != b->column_count || a->key_count != b->key_count)
        return false;
    for (size_t i = 0; i < a->column_count; i++)
        if (!text_equal(a->columns[i].name, b->columns[i].name) ||
            !text_equal(a->columns[i].type, b->columns[i].type))
            return false;
    for (size_t i = 0; i < a->key_count; i++)
        if (a->key[i] != b->key[i])
            return false;
    return true;
}
