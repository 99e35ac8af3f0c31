/*
 * postgres_columns.h - columns and their types out of PostgreSQL's catalogue
 */
#pragma once

#include "base/map.h"
#include "source/postgres_tables.h"

/*
 * Fill base.columns of tables, which is a Map from oid (decimal) to PostgresTable, with a column
 * for each that is not dropped. oids is the array of their oids as PostgreSQL writes arrays:
 * "{16384}".
 */
bool postgres_columns_read(PostgresConnection *connection, const char *oids, const Map *tables,
    Arena *arena, Error *err) MUST_CHECK;

/* What a type modifier (pg_attribute.atttypmod) says of a type, -1 for what it does not. Pure. */
typedef struct PostgresModifier {
    int64_t length;
    int precision;
    int scale;
} PostgresModifier;
PostgresModifier postgres_columns_modifier(Text type_name, int64_t typmod);
