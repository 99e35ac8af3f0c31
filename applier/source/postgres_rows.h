/*
 * postgres_rows.h - the statements that read a table's rows, and the lines of COPY. Pure.
 */
#pragma once

#include "source/postgres_tables.h"
#include "source/snapshot.h"

/*
 * Append "COPY (SELECT … ) TO STDOUT" for a chunk: columns of table but generated ones; of keys
 * only key_count keys from key_first on. Values of after and keys are canonical.
 */
void postgres_rows_statement(const PostgresTable *table, const SnapshotChunk *chunk,
    size_t key_first, size_t key_count, Buf *sql);

/* "ONLY "schema"."table"", or without ONLY for a parent of partitions. */
void postgres_rows_relation(const PostgresTable *table, Buf *sql);

/*
 * Split a line of COPY's text format (with or without its line end) into count values, which are
 * decoded in place. False where the line has another number of fields or ends in a backslash.
 */
bool postgres_rows_split(char *line, size_t len, Value *values, size_t count) MUST_CHECK;
