/*
 * checksum.h - SQL by which two databases show the same rows as the same checksums
 *
 * Pure. A family is what dialects of the same make share: a PostgreSQL source and a PostgreSQL
 * target have the same. For each column of a comparison both sides get an expression of its
 * canonical text (event/canonical.h); the rest is built here, alike for all.
 *
 * A row's text is the texts of its columns, one behind the other. NULL is "N,". Where neither side
 * keeps the column as text: "text,". Else the number of its characters stands before it ("3:abc,"),
 * so that no text can be taken for two, and of a text of more than 4096 characters its MD5 with an
 * M in front. The row's checksum is the MD5 of this text in UTF-8, its key's checksum the MD5 of
 * the key columns' texts in the same way.
 *
 * A slice is all rows whose key's checksum gives the same number modulo the count of slices: it
 * spreads any key evenly, is the same in all databases, and needs no order that collations could
 * tell differently. The slice's checksum is its number of rows, and the sum, modulo 2^64, of the
 * first 60 bits of the rows' checksums: the order of rows does not matter, and rows that are there
 * twice count twice. Two slices of unlike rows have the same checksum with a probability of 2^-60.
 */
#pragma once

#include "block/dialect.h"
#include "config/config.h"
#include "event/canonical.h"
#include "target/sql_dialect.h"

typedef struct ChecksumFamily {
    const SqlDialect *dialect;
    /* Statements that give a connection one view of all tables, taken when they are run. Ended by
     * NULL. The transaction ends with the driver's rollback(). */
    const char *const *open_view;
    /* A view keeps writers from committing unless this query gives this text: SQLite without a
     * write-ahead log. NULL: it never does. */
    const char *free_mode_query;
    const char *free_mode;
    bool one_writer; /* an open transaction that wrote keeps all others from writing */
    /* Append an expression of a target column (alias base) in a form. */
    void (*canonical)(const TargetColumn *column, Canonical canonical, Buf *sql);
    /* Append an expression of a key column's canonical value (event/value.h). */
    void (*key_value)(const TargetColumn *column, LogicalType logical, Buf *sql);
    const char *only; /* in front of a table whose children are others; NULL: there are none */
    const char *join_open, *join_next, *join_close; /* around and between texts: one text */
    const char *length;                             /* the function that counts characters */
    const char *md5_open, *md5_close;               /* around a text */
    const char *part_open, *part_close; /* around a digest: its first 60 bits as a number */
    const char *sum_open, *sum_close;   /* around a number: aggregate, modulo 2^64 */
    const char *modulo;                 /* the operator */
    const char *by_bytes;               /* behind a digest: it is ordered by bytes */
} ChecksumFamily;

extern const ChecksumFamily checksum_postgres;
extern const ChecksumFamily checksum_mysql;
extern const ChecksumFamily checksum_sqlite;

/* NULL where this SQL has none. */
const ChecksumFamily *checksum_family(const SqlDialect *dialect);

/* The form in which a column of the source can be compared with a column of the target. */
Canonical checksum_form(Text source_type, LogicalType source, const TargetColumn *target,
    const Notation *notation, const ValuesConfig *values);

/* Can the texts of this form hold anything, so that they must be counted? */
bool checksum_is_free(CanonicalForm form, const TargetColumn *target);

/* A column as one side shows it. */
typedef struct ChecksumColumn {
    const char *shown; /* expression of its canonical text */
    const char *value; /* key columns: expression of its canonical value (event/value.h) */
    bool is_free;
} ChecksumColumn;

/* One side of a comparison. Both sides have the same columns in the same order. */
typedef struct ChecksumTable {
    const ChecksumFamily *family;
    const char *from;  /* behind FROM; the alias is base */
    const char *where; /* condition, or NULL */
    const ChecksumColumn *columns;
    size_t column_count;
    const size_t *key; /* indexes into columns; none: the table is one slice */
    size_t key_count;
    uint64_t slices;
} ChecksumTable;

/* SELECT: number of the slice, rows, checksum; slices without rows are missing. */
void checksum_slices(const ChecksumTable *table, Buf *sql);

enum {
    CHECKSUM_ROW_KEY,     /* the key's checksum */
    CHECKSUM_ROW_ROW,     /* the row's checksum */
    CHECKSUM_ROW_COLUMNS, /* CHECKSUM_DIGITS of each column's own checksum */
    CHECKSUM_ROW_VALUES,  /* the first key column's value */
};
#define CHECKSUM_DIGITS 8

/* SELECT of the rows of some slices (none named: of all), in the order of the key's checksum, then
 * of the row's. */
void checksum_rows(const ChecksumTable *table, const uint64_t *slices, size_t count, Buf *sql);
