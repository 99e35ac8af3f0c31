/*
 * postgres.h - source "postgres": PostgreSQL's logical replication (pgoutput)
 *
 * source/postgres.c              the driver: options, and the functions of the files below
 * source/postgres_connection.c   connecting, errors, passwords kept out of texts
 * source/postgres_stream.c       the replication stream: START_REPLICATION, keepalives, feedback
 * source/pgoutput.c              the messages of the stream; pure
 * source/postgres_relation.c     Relation messages into Tables
 * source/postgres_value.c        PostgreSQL's text of a value into the canonical one; pure
 * source/postgres_tables.c       the catalogue: SourceTable
 * source/postgres_install.c      publication and slot; what would be lost, and why
 * source/postgres_snapshot.c     exported snapshots, chunks of rows
 *
 * Position: an LSN as PostgreSQL prints it ("16/B374D848"): where the last commit record ended. A
 * transaction's own place (EVENT_BEGIN) is the LSN where its commit record begins. A snapshot's
 * position is its slot's consistent point: it holds exactly the transactions whose commit record
 * begins before it.
 *
 * Source: PostgreSQL documentation, chapter "Frontend/Backend Protocol", sections "Streaming
 * Replication Protocol", "Logical Streaming Replication Protocol" and "Logical Replication Message
 * Formats".
 */
#pragma once

#include "source/snapshot.h"
#include "source/source.h"
#include "source/source_table.h"

typedef struct PostgresSourceOptions {
    const char *connection;  /* libpq string or URI, secret */
    const char *slot;        /* "": dray_<service>, other characters than a-z 0-9 _ as _ */
    const char *publication; /* "": the slot's name */
    TextList tables;         /* globs: what install publishes; none: all tables (FOR ALL TABLES) */
    bool via_root;           /* install publishes partitions under their root's name */
    int64_t heartbeat_ms;    /* 0: none; else write a message into the WAL this often */
    int64_t retained_warn;   /* bytes of WAL kept for the slot above which a warning is logged */
    int64_t connect_timeout_ms;
    int64_t status_interval_ms; /* feedback to the server at least this often */
} PostgresSourceOptions;

extern const SourceDriver source_postgres;
