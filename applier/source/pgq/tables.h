/*
 * tables.h - the catalogue of a pgq source: which tables have a trigger for the queue
 *
 * A table is published where an enabled row trigger of pgq.logutriga or pgq.jsontriga logs to the
 * queue. Key and identity are those of its events: the primary key, or the trigger's pkey=. Rows
 * can be read in chunks where a unique index of columns that are not null has just these. The
 * description is source/postgres_tables.h's otherwise. SourceTable.problem tells of a trigger that
 * loses changes (no DELETE, no TRUNCATE trigger, sqltriga, SKIP, when=, ev_data=, disabled …), and
 * the way out. Columns that no event has (ignore=, and PgQ's own _pgq_ev_…) are not among a
 * published table's; ignored ones are told as a problem too.
 *
 * Of a partitioned table it is the partitions that are published, under their own names.
 */
#pragma once

#include "source/pgq/pgq.h"
#include "source/pgq/triggers.h"
#include "source/postgres_tables.h"

typedef struct PgqTable {
    PostgresTable *table;
    const PgqTriggers *triggers; /* none: an empty list */
} PgqTable;

typedef struct PgqTableList {
    PgqTable *items; /* sorted by schema and name, by bytes */
    size_t count;
} PgqTableList;

/* Every table that has a trigger for the queue, published or not, parents among them. */
bool pgq_tables_with_triggers(PostgresConnection *connection, Text queue, Arena *arena,
    PgqTableList *ret_list, Error *err) MUST_CHECK;
/* Every table that might have one: those of users, permanent ones, parents and partitions. */
bool pgq_tables_candidates(PostgresConnection *connection, Text queue, Arena *arena,
    PgqTableList *ret_list, Error *err) MUST_CHECK;
/* PostgresFindFn of source/postgres_reader.h; published_by is the queue. */
bool pgq_tables_find(PostgresConnection *connection, Text queue, Text schema, Text name,
    Arena *arena, PostgresTable **ret_table, Error *err) MUST_CHECK;

/* A connection with these options. */
PostgresSourceOptions pgq_connection_options(const PgqSourceOptions *options);

/* SourceDriver.tables_open. */
SourceTables *pgq_tables_open(const SourceStart *start, Error *err) MUST_CHECK;
