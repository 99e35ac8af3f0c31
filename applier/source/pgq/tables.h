/*
 * tables.h - the catalogue of a pgq source: which tables have a trigger for the queue
 *
 * A table is published where an enabled row trigger of pgq.logutriga or pgq.jsontriga logs to the
 * queue. Key and identity are those of its events: the primary key, or the trigger's pkey=. The
 * description is source/postgres_tables.h's otherwise. SourceTable.problem tells of a trigger that
 * loses changes (no DELETE, no TRUNCATE trigger, sqltriga, SKIP, when=, ev_data=, disabled, fires
 * not for replica …), and the way out. SourceColumn of ignore= columns: a change of these alone is
 * not logged, which is told as a problem too.
 */
#pragma once

#include "source/pgq/pgq.h"
#include "source/postgres_tables.h"

/* SourceDriver.tables_open. */
SourceTables *pgq_tables_open(const SourceStart *start, Error *err) MUST_CHECK;
