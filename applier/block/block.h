/*
 * block.h - a commit block on its way from the writer to the loader
 *
 * Owned by one thread at a time: the queue hands it over. The directory on disk is whole (manifest
 * written) before a Block exists. The superseded lines are known only for a block that this process
 * wrote with compaction; a block opened from disk has none.
 */
#pragma once

#include "block/manifest.h"

/* One bit a line; row_id 1 is bit 0. words is NULL while no bit is set. */
typedef struct LineSet {
    uint64_t *words;
    uint64_t bit_count; /* all lines of the file; 0 where the superseded lines are not known */
    uint64_t set_count;
    uint64_t origin_count; /* of them, O lines: never without the line behind */
} LineSet;

typedef struct BlockTiming {
    int64_t read_us;  /* source_next: waiting and decoding */
    int64_t write_us; /* conversion, CSV, keys, fsync */
} BlockTiming;

typedef struct Block {
    char *path; /* directory */
    Arena *arena;
    Manifest manifest;
    LineSet *superseded; /* one a file: lines that a later line of the same key makes superfluous;
                            NULL when none is known */
    BlockTiming timing;
} Block;

/* Read the manifest of a directory; checks nothing else. NULL on failure. */
Block *block_open(const char *path, Error *err) MUST_CHECK;
void block_free(Block *block);
CLEANUP_DEFINE(Block *, block_free);

/*
 * Compare every file with its manifest: presence, size, checksum; with parse also every line:
 * number of values, opcode, row_id, count by opcode. ERR_DATA names file, line and reason.
 */
bool block_check(const Block *block, bool parse, Error *err) MUST_CHECK;

/*
 * Remove a block's directory: its manifest first, so that what a crash leaves behind is an
 * unfinished block and no damaged one. A missing directory is fine.
 */
bool block_remove(const char *path, Error *err) MUST_CHECK;

/* "<schema>.<table>.csv", "….2.csv" from generation 2 on; bytes outside [A-Za-z0-9_-] as %XX.
 * Without a schema "<table>.csv" and "<table>.%2.csv": "<table>.2.csv" is another table's.
 * A part whose encoded form is longer than 100 bytes is cut and gets its XXH3 as "%%<16 hex
 * digits>", so that the name always fits and never meets another. */
void block_file_name(Text schema, Text table, uint64_t generation, Buf *out);
/* 20 digits. */
void block_directory_name(uint64_t first_seqno, char name[21]);

bool line_set_has(const LineSet *set, uint64_t row_id);
