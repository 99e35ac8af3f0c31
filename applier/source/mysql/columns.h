/*
 * columns.h - what a server tells of a column, into a SourceColumn and the way to read its values
 *
 * Pure. The texts are those of information_schema.COLUMNS in a session with utf8mb4 and UTC.
 *
 * COLUMN_TYPE shows the members of an enum or set as both servers print them whatever the sql_mode:
 * a quote doubled; backslash, line feed, carriage return and NUL with a backslash.
 *
 * Sources: MySQL reference manual, "The INFORMATION_SCHEMA COLUMNS Table"; MariaDB documentation,
 * "Information Schema COLUMNS Table"; both servers' behaviour (10.11, 9.7).
 */
#pragma once

#include "source/binlog/value.h"
#include "source/source_table.h"

/* TEXT_NONE where the server has NULL; numbers are -1 then. */
typedef struct MysqlColumnFacts {
    Text name;
    Text column_type;
    Text data_type;
    Text default_text;
    Text extra;
    Text generation; /* GENERATION_EXPRESSION; "ROW START", "ROW END" of system-versioned tables */
    int64_t characters;
    int64_t octets;
    int64_t precision;
    int64_t scale;
    int64_t fraction;   /* DATETIME_PRECISION */
    unsigned collation; /* number; 0: none */
    bool not_null;
    bool is_json; /* MariaDB: a constraint says json_valid(column) */
    bool is_mariadb;
} MysqlColumnFacts;

/*
 * Fill *column (but may_omit, which depends on the key, and added_value) and *type, as a table map
 * would describe the column: type->column has type, length, decimals and collation of its stored
 * form. Texts are copied to the arena.
 */
void source_mysql_column_describe(
    const MysqlColumnFacts *facts, Arena *arena, SourceColumn *column, BinlogValueType *type);

/* The members of an enum or set; 0 where the type has none. In the arena. */
size_t source_mysql_column_labels(Text column_type, Arena *arena, const Text **ret_labels);

/* Append what COLUMN_TYPE could be for a column of a table map, for which the catalogue has none.
 */
void source_mysql_column_type_text(const BinlogValueType *type, Buf *out);

/* The bytes that a character can take in a set ("utf8mb4": 4). */
unsigned source_mysql_charset_width(Text charset);
