/*
 * load_feed.h - the bytes of one CSV file, as a load statement reads them
 *
 * Lines in superseded are left out. Memory: one read buffer. Checks size and checksum of the whole
 * file on the way: the last read fails with ERR_DATA where they differ from the manifest, so that
 * a damaged file is never committed.
 */
#pragma once

#include "block/block.h"

typedef struct LoadFeed LoadFeed;

/* file_index into block->manifest.files. skip_superseded false gives every line. */
LoadFeed *load_feed_open(const Block *block, size_t file_index, bool skip_superseded, Error *err)
    MUST_CHECK;
void load_feed_close(LoadFeed *feed);
CLEANUP_DEFINE(LoadFeed *, load_feed_close);

/* The next piece, valid until the next call; empty at the end. Pieces need not end at a line. */
bool load_feed_read(LoadFeed *feed, Text *ret_piece, Error *err) MUST_CHECK;
/* Start again (a load statement that is retried). */
bool load_feed_rewind(LoadFeed *feed, Error *err) MUST_CHECK;
/* Did the load read the file to its end? Else its checksum was not compared. */
bool load_feed_is_finished(const LoadFeed *feed);
/* How many lines it serves. */
uint64_t load_feed_rows(const LoadFeed *feed);
/* Of them, O lines. */
uint64_t load_feed_origins(const LoadFeed *feed);
const BlockFile *load_feed_file(const LoadFeed *feed);
const CsvDialect *load_feed_dialect(const LoadFeed *feed);
/* Absolute path of the CSV file. */
const char *load_feed_path(const LoadFeed *feed);
/* The record that holds the nth physical line (from 1, newlines inside values count) of what the
 * feed served: its row_id, its seqno and its physical line in the file. For error texts; reads the
 * file again. */
bool load_feed_locate(LoadFeed *feed, uint64_t served_line, uint64_t *ret_row_id,
    uint64_t *ret_seqno, uint64_t *ret_file_line, Error *err) MUST_CHECK;
