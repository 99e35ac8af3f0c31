#include "source/source_table.h"

void
source_tables_close(SourceTables *tables)
{
    if (tables != NULL)
        tables->driver->close(tables);
}

const SourceColumn *
source_table_column(const SourceTable *table, Text name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (text_equal(table->columns[i].name, name))
            return &table->columns[i];
    return NULL;
}
