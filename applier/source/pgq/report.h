/*
 * report.h - what can be known of a pgq source before a run: PgQ, queue, ticker, consumer, triggers
 * and rights, and what would lose or break changes. A line each; warnings begin with "warning: ".
 */
#pragma once

#include "source/pgq/tables.h"

/* SourceDriver.check. */
bool pgq_check(const SourceStart *start, Buf *report, Error *err) MUST_CHECK;

/* A table's line: "table public.item: primary key (id), trigger dray_sales (logutriga)". */
void pgq_report_table(const PgqTable *table, Text user, Buf *report);
/* PgQ's version, and what the queue's settings and its ticker may do to the service. */
bool pgq_report_queue(PostgresConnection *connection, const char *queue, Buf *report, Error *err)
    MUST_CHECK;
/*
 * Append the roles that may write to one of the tables (an array of oids) but not log to a queue,
 * so that their writes fail once the tables have triggers: "app, web". *ret_count is how many.
 */
bool pgq_report_writers(PostgresConnection *connection, const char *oids, Buf *roles,
    size_t *ret_count, Error *err) MUST_CHECK;
