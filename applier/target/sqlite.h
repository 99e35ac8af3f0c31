/*
 * sqlite.h - target sqlite: a database file, through the library that is linked in
 *
 * The transaction begins as BEGIN IMMEDIATE: one writer at a time, others wait busy_timeout. The
 * streamed load is ".import CSV_FILE STAGE_TABLE_FQN": the file's lines go through one prepared
 * INSERT into the header columns and the file's columns. Words may be quoted as SQL identifiers or
 * strings; whatever directory the file's word names, the lines come from the feed. Other dot
 * commands are refused.
 *
 * Bytes are stored as blobs, times as text, numbers as numbers where the column's affinity says so
 * (target/sqlite_value.h); a value that the column's type would change is ERR_DATA. SQLite has no
 * schemas: they are ignored. query() gives blobs as hexadecimal and REALs as the shortest text that
 * reads back the same.
 *
 * Fault points: sqlite.open, .begin, .execute, .import, .query, .describe; sqlite.commit (nothing
 * is committed, and that is known), sqlite.commit_unsent and sqlite.commit_lost (the outcome is
 * unknown: not committed, committed).
 */
#pragma once

#include <sqlite3.h>
#include <stdatomic.h>

#include "target/registry.h"

typedef struct SqliteOptions {
    const char *path;
    int64_t busy_timeout_ms;
    int synchronous;  /* SqliteSynchronous */
    int journal_mode; /* SqliteJournal */
    bool foreign_keys;
} SqliteOptions;

typedef enum SqliteSynchronous {
    SYNCHRONOUS_FULL,
    SYNCHRONOUS_NORMAL,
} SqliteSynchronous;

typedef enum SqliteJournal {
    JOURNAL_WAL,
    JOURNAL_DELETE,
} SqliteJournal;

/* The rest is shared by the files of this driver alone. */
typedef struct SqliteTarget {
    Target base;
    sqlite3 *db;
    char *path;
    int64_t busy_timeout_ms;
    int64_t busy_since_ms;
    SqliteSynchronous synchronous;
    atomic_bool
        cancelled; /* sqlite3_interrupt() is forgotten between two statements of an .import */
} SqliteTarget;

/* Set *err from a result code and the connection's own text. sql (may be TEXT_NONE) gives line and
 * column of a mistake in it. Returns false. */
bool sqlite_error(SqliteTarget *target, int code, Text sql, Error *err);
/* One internal statement without parameters. */
bool sqlite_run(SqliteTarget *target, const char *sql, Error *err) MUST_CHECK;

/* command is the text behind ".import". Runs in the open transaction, else in one of its own. */
bool sqlite_import(
    SqliteTarget *target, Text command, LoadFeed *feed, int64_t *ret_rows, Error *err) MUST_CHECK;
