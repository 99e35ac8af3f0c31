/*
 * rows.h - the statements that read a table's rows from a MySQL or MariaDB source. Pure.
 *
 * Chunks are found by the key's index: a comparison of rows, "(a, b) > (1, 2)", makes neither
 * server enter an index there, so it is written out: "a >= 1 AND (a > 1 OR (a = 1 AND (b > 2)))".
 * Values are those of the key's own order:
 *
 *   text        by the column's collation, as the index has it
 *   ENUM        by number: "e IN ('next', …)", which is entered by the index where "e > 2" is not
 *   SET, BIT    as numbers
 *   FLOAT       as the double that the column's single-precision number is
 *   binary      as bytes; all others as the server reads them from a text
 */
#pragma once

#include "source/mysql/tables.h"
#include "source/snapshot.h"

/*
 * Append the SELECT of a chunk: columns of the table but generated ones, each by its bare name,
 * floats as doubles (binlog_value_from_text()), texts of some character sets as bytes
 * (binlog_value_is_by_bytes()); of keys only key_count keys from key_first on.
 * Values of after and keys are canonical; those of verify's checksums do as well.
 */
void source_mysql_rows_statement(const MysqlTable *table, const SnapshotChunk *chunk,
    size_t key_first, size_t key_count, Buf *sql);
