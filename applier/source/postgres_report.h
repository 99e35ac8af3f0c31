/*
 * postgres_report.h - what can be known of a PostgreSQL source before a run: settings, rights,
 * publication, slot, and of each table how its changes are told and which would be lost
 */
#pragma once

#include "source/postgres_tables.h"
#include "source/source.h"

typedef struct PostgresServer {
    Text wal_level;
    Text user;
    Text keep_size;    /* max_slot_wal_keep_size; TEXT_NONE before 13 */
    Text idle_timeout; /* idle_replication_slot_timeout; TEXT_NONE where there is none */
    int64_t slots;     /* in use */
    int64_t max_slots;
    int64_t max_senders;
    bool may_replicate;
    bool is_standby;
} PostgresServer;

bool postgres_report_server(PostgresConnection *connection, Arena *arena,
    PostgresServer *ret_server, Error *err) MUST_CHECK;
/* ERR_SOURCE where no slot can be made or used: wal_level, standby, right; need_slot: one more slot
 * is going to be made. */
bool postgres_report_require(const PostgresServer *server, bool need_slot, Error *err) MUST_CHECK;
/* Settings that may cost data or disk one day. Pure. */
void postgres_report_settings(const PostgresServer *server, Buf *report);
/* A line: "table public.item: primary key (id)", or "warning: table …: …". Pure. */
void postgres_report_table(const PostgresTable *table, Text user, Buf *report);

typedef struct PostgresSlot {
    bool exists;
    bool is_active;
    bool is_ours_to_use; /* logical, pgoutput, of this database */
    Text status;         /* wal_status; TEXT_NONE before 13 */
    Text active_pid;     /* TEXT_NONE: nobody uses it */
    int64_t retained;    /* bytes of WAL kept for it; -1: not known */
} PostgresSlot;

bool postgres_report_slot(PostgresConnection *connection, Text name, Arena *arena,
    PostgresSlot *ret_slot, Error *err) MUST_CHECK;

/* All of it, for dray check: settings, slot, publication, tables. Errors of slot and publication
 * are postgres_slot_check()'s. */
bool postgres_report_all(
    PostgresConnection *connection, const SourceStart *start, Buf *report, Error *err) MUST_CHECK;
/* SourceDriver.retained */
bool postgres_report_retained(const SourceStart *start, int64_t *ret_bytes, Error *err) MUST_CHECK;
/* "12.3 MiB" */
void postgres_report_add_bytes(Buf *out, int64_t bytes);
