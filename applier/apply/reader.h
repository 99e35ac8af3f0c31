/*
 * reader.h - the reader thread's work: source events into blocks, blocks into the queue
 *
 * A block closes only at a transaction's end: when it is full, or when the loader is free and
 * block.max_interval has passed since its first change. One that has only transactions without a
 * row closes after POSITION_INTERVAL_MS. It also closes before a transaction whose commit time
 * would bring another partition of some table into it (event/partition.h); a change of a table with
 * partitions, in a transaction whose commit time the source does not tell, is ERR_DATA.
 *
 * Progress without transactions (EVENT_POSITION) moves the target's position row, by a block
 * without a directory (loader_position_move()), at most once in POSITION_INTERVAL_MS and at the end
 * of a run. The source is told what it may forget only after the target has committed it, and
 * within about a second after that.
 *
 * A failure in the middle of a block: whole transactions before the failing one are not lost and
 * not held back. The open block is dropped, the source opened again where the block began, and read
 * up to the transaction before the failing one; that block is committed. Then a failure that may
 * pass is waited for and the source opened again at the failing transaction; another one is
 * reported. ERR_SCHEMA is such a failure too: it is tried again without end (unless retry.max_time)
 * after 2 s, growing to 30 s, logged when it begins or changes, and every ten minutes.
 *
 * With a HoldServer the reader stands still when it is asked to (apply/hold/hold.h). It tells its
 * source every few seconds that it lives, in a hold and wherever else it does not read for a while.
 */
#pragma once

#include "apply/hold/server.h"
#include "apply/pipeline.h"
#include "apply/queue.h"

#define POSITION_INTERVAL_MS 10000

typedef struct ReaderStart {
    const Context *context;
    Queue *queue;
    HoldServer *hold; /* NULL: nobody can ask to hold */
    RunOptions options;
    uint64_t fence;
    uint64_t seqno; /* of the last committed transaction */
    Text position;  /* where the source goes on */
} ReaderStart;

typedef struct BlockReader BlockReader;

/* Opens source and writer; retries what is retriable. */
BlockReader *reader_open(const ReaderStart *start, Error *err) MUST_CHECK;
void reader_close(BlockReader *reader);
CLEANUP_DEFINE(BlockReader *, reader_close);

/*
 * Read until the source ends, a limit of the options, a stop, or the loader's end. The open block
 * is finished and queued, except after STOP_NOW. Does not close the queue.
 */
bool reader_run(BlockReader *reader, Error *err) MUST_CHECK;
/* After reader_run() and the loader's end: tell the source of the last commit. A source that does
 * not hear it is told at the next start. */
void reader_finish(BlockReader *reader);

/* Has the source had nothing more when it was last asked? May be called by any thread. */
bool reader_caught_up(const BlockReader *reader);
/* Did the source end, or a limit of the options come? After reader_run(). */
bool reader_is_complete(const BlockReader *reader);
/* What the status should say: "running", "retrying", "waiting" (for the target's columns) or
 * "holding", with the error (ERR_NONE: none) that goes with it. Any thread. */
const char *reader_state(BlockReader *reader, Error *ret_error);
/* Another number: the state has changed. Any thread. */
unsigned reader_state_changes(const BlockReader *reader);
