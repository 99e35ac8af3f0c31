/*
 * manifest.h - a block's bill of lading, manifest.json
 *
 * Written last and durably: a directory without one is unfinished. Format version 1, JSON, UTF-8;
 * docs/reference/block-files.md describes every field. Reading checks every field's type and
 * range; an unknown field is ignored, an unknown version refused.
 *
 * Numbers past the largest signed 64-bit integer are strings of digits, checksums 16 hex digits,
 * times as clock_format() writes them (null: unknown). A text that JSON cannot hold (not UTF-8, or
 * with a NUL) is {"hex": "…"}.
 */
#pragma once

#include "base/clock.h"
#include "block/dialect.h"

#define MANIFEST_FILE    "manifest.json"
#define MANIFEST_VERSION 1

typedef enum Opcode {
    OPCODE_I,
    OPCODE_D,
    OPCODE_U,
    OPCODE_UI,
    OPCODE_UD,
    OPCODE_O, /* origin: the key of the row whose values the next line leaves out */
    OPCODE_COUNT,
} Opcode;

/* Does a line of this opcode hold a whole new row? */
static inline bool
opcode_is_image(Opcode opcode)
{
    return opcode == OPCODE_I || opcode == OPCODE_U || opcode == OPCODE_UI;
}

const char *opcode_name(Opcode opcode);
bool opcode_parse(Text text, Opcode *ret) MUST_CHECK;

typedef struct BlockColumn {
    Text name;
    Text source_type; /* "" where unknown */
    LogicalType logical;
} BlockColumn;

/*
 * Two lines of one key, both by key changes of one transaction: a row comes to the key, and then a
 * row leaves it. Whether the key ends there depends on whether it was live before (key_moves.h).
 */
typedef struct ContestedPair {
    uint64_t image; /* row_id of the I line */
    uint64_t end;   /* of the D line */
} ContestedPair;

#define CONTESTED_LIMIT ((size_t)100000) /* of one file */

/* One CSV file, or (name is TEXT_NONE) a TRUNCATE with no row after it. */
typedef struct BlockFile {
    Text name;   /* in the block's directory: no slash */
    Text schema; /* source table */
    Text table;
    uint64_t generation; /* 1, 2 … per table */
    bool truncate;       /* the table was truncated before this generation's first line */
    uint64_t truncate_seqno;
    int64_t truncate_time_us;
    BlockColumn *columns; /* behind the header columns */
    size_t column_count;
    size_t *key; /* indexes into columns, in key order */
    size_t key_count;
    uint64_t rows[OPCODE_COUNT];
    uint64_t row_count;
    uint64_t bytes;
    uint64_t checksum;        /* XXH3, 64 bits, of the file's bytes */
    ContestedPair *contested; /* in the order of their D lines */
    size_t contested_count;
    size_t
        *unchanged; /* indexes of the columns that lines leave out (block/unchanged.h), in order */
    size_t unchanged_count;
    uint64_t moved_origins; /* O lines whose key is not that of the line behind them */
} BlockFile;

typedef struct Manifest {
    Text service;
    uint64_t fence;
    uint64_t first_seqno;
    uint64_t last_seqno;
    int64_t first_commit_us; /* TIME_UNKNOWN where the source tells no times */
    int64_t last_commit_us;
    Text position_before;
    Text position_after;
    uint64_t transactions;
    CsvDialect dialect;
    Text target_type; /* whose dialect it is: "postgres" … */
    BlockFile *files; /* in the order to apply them */
    size_t file_count;
} Manifest;

/* Write directory/manifest.json durably. */
bool manifest_write(const Manifest *manifest, const char *directory, Error *err) MUST_CHECK;
/* JSON text of it, for "dray blocks show --json" and the writer. */
void manifest_print(const Manifest *manifest, Buf *out);
/* Read and check directory/manifest.json; ERR_DATA names the file and the field. Texts in arena. */
bool manifest_read(const char *directory, Arena *arena, Manifest *ret_manifest, Error *err)
    MUST_CHECK;
/* The same from memory; path is for error texts. */
bool manifest_parse(const char *path, Text json, Arena *arena, Manifest *ret_manifest, Error *err)
    MUST_CHECK;
