/*
 * sqlite_value.h - how SQLite's column types take values, so that none is changed on the way. Pure.
 *
 * A column's declared type gives it an affinity (SQLite: "Datatypes In SQLite", section 3.1). A
 * numeric affinity turns every text that looks like a number into one: '00123' becomes 123, and
 * what does not fit 64 bits or a double loses digits without a word. Such a value is refused here;
 * the cure is a base column of type TEXT.
 */
#pragma once

#include "event/value.h"

typedef enum SqliteAffinity {
    AFFINITY_TEXT,
    AFFINITY_NUMERIC, /* NUMERIC and INTEGER: they differ only in CAST */
    AFFINITY_REAL,
    AFFINITY_NONE,
} SqliteAffinity;

typedef enum SqliteStorage {
    STORAGE_TEXT,
    STORAGE_INTEGER,
    STORAGE_REAL,
    STORAGE_BLOB, /* the text is hexadecimal */
} SqliteStorage;

typedef struct SqliteStored {
    SqliteStorage storage;
    int64_t integer;
    double real;
} SqliteStored;

SqliteAffinity sqlite_value_affinity(Text declared_type);

/* By the declared type's name, as people use them; LOGICAL_UNKNOWN for a column without one. */
LogicalType sqlite_value_logical(Text declared_type);

/*
 * How to bind a canonical text so that a column of this affinity keeps it whole. Numbers (and
 * values of unknown type) must keep their value, everything else its bytes. NULL, or why the column
 * would change it.
 */
const char *sqlite_value_store(
    SqliteAffinity affinity, LogicalType logical, Text value, SqliteStored *ret_stored) MUST_CHECK;

/* Append the bytes of hexadecimal text, with or without "\x" in front; false when it is none. */
bool sqlite_value_unhex(Text hex, Buf *out) MUST_CHECK;
