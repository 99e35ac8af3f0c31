/*
 * tungsten.h - directories of CSV files that Tungsten Replicator's batch applier wrote
 *
 * There is no manifest: a file's name is all that tells its table, "<schema>-<table>-<seqno>.csv".
 * It is read from the right: the number behind the last dash is the block's first seqno. Schema and
 * table are parted at the first dash; where one of them has a dash itself the name is ambiguous,
 * and only a list of known tables resolves it. Partition keys in names are not supported: they look
 * like a dash in a name.
 */
#pragma once

#include "base/arena.h"
#include "block/dialect.h"

typedef struct TungstenTable {
    Text schema;
    Text table;
} TungstenTable;

typedef struct TungstenFile {
    Text name; /* in the directory */
    Text schema;
    Text table;
    uint64_t first_seqno;
} TungstenFile;

/* Does the directory have no manifest, and at least one file named as Tungsten does? */
bool tungsten_is_directory(const char *directory);

/*
 * The files, by first seqno (one seqno is one block), then by name; other files are left out. known
 * (may be empty) are tables that may occur. ERR_DATA names a file whose name is ambiguous or not
 * UTF-8.
 */
bool tungsten_list(const char *directory, const TungstenTable *known, size_t known_count,
    Arena *arena, TungstenFile **ret_files, size_t *ret_count, Error *err) MUST_CHECK;

/* Tungsten's csvType, by what differs. */
typedef enum TungstenCsv {
    TUNGSTEN_CSV_PLAIN,     /* default: nothing quoted or escaped */
    TUNGSTEN_CSV_BACKSLASH, /* mysql, oracle: backslash escapes, null is \N */
    TUNGSTEN_CSV_VERTICA,   /* the same, but null is the word null */
    TUNGSTEN_CSV_REDSHIFT,  /* quotes doubled, null is the word null */
} TungstenCsv;

/* The words of csvType, as the choices of an option. */
#define TUNGSTEN_CSV_TYPES "default|mysql|oracle|vertica|redshift"
bool tungsten_csv_parse(Text csv_type, TungstenCsv *ret_csv) MUST_CHECK;

/* Header columns opcode, seqno, row_id, timestamp (named tungsten_…); values as Java wrote them,
 * which is the canonical notation but for bools (1, 0) and time zones (UTC, none written). */
CsvDialect tungsten_dialect(TungstenCsv csv);
