/*
 * block_writer.h - transactions in, one CSV file per table out
 *
 * Belongs to the reader thread. Files are streamed: memory is a write buffer per open file (few are
 * open at once; others are reopened to append), and the hash of keys for compaction.
 *
 * Lines: insert, one I line. Delete, one D line with the key columns, the others null. Update: D
 * line with the old key, then I line. update_opcode: one U line where the key did not change.
 * distinguish_updates: UD and UI instead of D and I for an update.
 *
 * A generation ends, and the next file of that table begins, at a TRUNCATE and where the columns or
 * the key change. Fault points: "block.*" and those of base/file.h.
 *
 * Keys that meet inside a transaction (a swap, id = id + 1) leave lines of which the last must not
 * always win: the pairs in question are in the manifest (BlockFile.contested; block/key_moves.h),
 * and of their lines compaction leaves out neither: apply/contested.h decides. ERR_DATA, with the
 * table, for more than CONTESTED_LIMIT pairs, and for a transaction whose changed keys need more
 * than block.compact_memory and 256 MiB.
 *
 * Compaction (block/key_index.h): with block.compact, and unless the table's script needs all lines
 * or the table has no key, the last line of each key is known when the block closes, and
 * Block.superseded has the others. The file itself always has every line.
 */
#pragma once

#include "block/block.h"
#include "config/config.h"
#include "event/rule.h"

typedef struct BlockWriter BlockWriter;

typedef struct BlockWriterConfig {
    const char *directory; /* block.directory */
    const char *service;
    const char *target_type;
    uint64_t fence;
    const BlockConfig *block;
    const ValuesConfig *values;
    CsvDialect dialect;
} BlockWriterConfig;

/* config stays the caller's and must outlive the writer. Makes the directory when it is missing. */
BlockWriter *block_writer_open(const BlockWriterConfig *config, Error *err) MUST_CHECK;
/* Removes the files of an unfinished block. */
void block_writer_close(BlockWriter *writer);
CLEANUP_DEFINE(BlockWriter *, block_writer_close);

/* A transaction begins. The first one after a close opens a block; position_before is where the
 * source was before it (kept in the manifest). commit_time_us may be TIME_UNKNOWN. */
bool block_writer_begin(BlockWriter *writer, uint64_t seqno, int64_t commit_time_us,
    Text position_before, Error *err) MUST_CHECK;
/* out describes change->table after the rules, and stays valid until the block is closed. Errors
 * name table, column and value. */
bool block_writer_change(BlockWriter *writer, const OutTable *out, const Change *change, Error *err)
    MUST_CHECK;
/* source names */
bool block_writer_truncate(BlockWriter *writer, Text schema, Text table, Error *err) MUST_CHECK;
bool block_writer_commit(BlockWriter *writer, Text position_after, Error *err) MUST_CHECK;

/* max_rows or max_bytes is reached: close at this transaction's end. */
bool block_writer_is_full(const BlockWriter *writer);
/* Transactions in the open block; 0 is none open. */
uint64_t block_writer_transactions(const BlockWriter *writer);
/* Lines in the open block. */
uint64_t block_writer_rows(const BlockWriter *writer);
/* Monotonic time of the open block's first change, or -1 where it has none. */
int64_t block_writer_first_change_ms(const BlockWriter *writer);

/*
 * Between transactions: flush, fsync every file, write the manifest, fsync the directory, hand the
 * block over. A block without any line has a manifest all the same, so that a replay can tell it
 * from a lost one. After a failure the writer can only be closed. timing.read_us is the caller's to
 * fill.
 */
Block *block_writer_finish(BlockWriter *writer, Error *err) MUST_CHECK;
/* Drop the open block and its files (a stop in the middle of a transaction). */
void block_writer_abandon(BlockWriter *writer);
