/*
 * defaults.h - the default of a column, as a value
 *
 * Pure. Wanted for columns that an insert's image leaves out, and for rows that are older than a
 * column.
 *
 * COLUMN_DEFAULT is SQL in MariaDB (NULL, 'it''s', 1.5, b'101', current_timestamp(), (1 + 2)), and
 * in MySQL the value's own text (b'101' of bits), unless EXTRA has DEFAULT_GENERATED. Not told
 * right, so taken for not known: defaults of BINARY and VARBINARY (MySQL cuts them at the first
 * zero byte, MariaDB shows what is no UTF-8 as question marks), and of TIMESTAMP in MySQL (in the
 * time zone of who made the table).
 *
 * Sources: MySQL reference manual, "The INFORMATION_SCHEMA COLUMNS Table", "Data Type Default
 * Values"; MariaDB documentation, "Information Schema COLUMNS Table"; what MariaDB 10.11 and MySQL
 * 9.7 show.
 */
#pragma once

#include "source/mysql/columns.h"

/*
 * What rows have that do not name the column, in its canonical text. Without DEFAULT that is null,
 * or in a column that is NOT NULL what the servers put there without strict mode (0, '', the first
 * member of an enum). VALUE_ABSENT: not known (an expression, or see above). type is that of the
 * same column. In the arena.
 */
Value source_mysql_column_default(
    const MysqlColumnFacts *facts, const BinlogValueType *type, Arena *arena);

/* Append what the SQL string at *at says, quotes not included; *at goes on behind it. False: there
 * is none, or it does not end. Backslashes as both servers write them. */
bool source_mysql_read_string(Text sql, size_t *at, Buf *out);
