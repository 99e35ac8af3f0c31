/*
 * postgres_reader.h - rows of a PostgreSQL source's tables inside an exported snapshot
 *
 * The SnapshotReader of every source that lives in a PostgreSQL database. How the snapshot was
 * exported, and which tables are published, is the driver's own.
 *
 * A reader is an ordinary connection in a transaction REPEATABLE READ, READ ONLY with the snapshot;
 * what it does with tables, rows and errors is told in postgres_snapshot.h.
 *
 * Source: PostgreSQL documentation, "SET TRANSACTION", "Snapshot Synchronization Functions", "COPY"
 * (text format).
 *
 * Fault point: source.postgres.copy, a lost connection.
 */
#pragma once

#include "source/postgres_tables.h"
#include "source/snapshot.h"

/* One table as it is published by this publication (or queue); *ret_table is NULL where there is
 * none. */
typedef bool PostgresFindFn(PostgresConnection *connection, Text published_by, Text schema,
    Text name, Arena *arena, PostgresTable **ret_table, Error *err);

typedef struct PostgresReaderStart {
    const PostgresSourceOptions *options;
    const char *snapshot; /* the exported one's name; its exporter must still be there */
    PostgresFindFn *find;
    Text published_by; /* handed to find */
} PostgresReaderStart;

SnapshotReader *postgres_reader_open(const PostgresReaderStart *start, Error *err) MUST_CHECK;

/* SnapshotDriver.reader_close, .describe, .read, .next, .query and .canonical. */
void postgres_reader_close(SnapshotReader *reader);
bool postgres_reader_describe(SnapshotReader *reader, Text schema, Text name, Arena *arena,
    SourceTable **ret_table, Error *err) MUST_CHECK;
bool postgres_reader_read(SnapshotReader *reader, const SnapshotChunk *chunk, Error *err)
    MUST_CHECK;
Next postgres_reader_next(SnapshotReader *reader, Change *ret_change, Error *err);
bool postgres_reader_query(
    SnapshotReader *reader, Text sql, SnapshotRowFn *row, void *context, Error *err) MUST_CHECK;
void postgres_reader_canonical(const SourceColumn *column, Canonical canonical, Buf *sql);
