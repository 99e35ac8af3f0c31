/*
 * reader.h - the reader thread's work: source events into blocks, blocks into the queue
 *
 * A block closes only at a transaction's end: when it is full, or when the loader is free and
 * block.max_interval has passed since its first change.
 *
 * A failure in the middle of a block: whole transactions before the failing one are not lost and
 * not held back. The open block is dropped, the source opened again where the block began, and read
 * up to the transaction before the failing one; that block is committed, then the error is
 * reported.
 */
#pragma once

#include "apply/pipeline.h"
#include "apply/queue.h"

typedef struct ReaderStart {
    const Context *context;
    Queue *queue;
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
 * Read until the source ends, until_seqno, or a stop. The open block is finished and queued, except
 * after STOP_NOW. Does not close the queue.
 */
bool reader_run(BlockReader *reader, Error *err) MUST_CHECK;
/* Has the source had nothing more when it was last asked? May be called by any thread. */
bool reader_caught_up(const BlockReader *reader);
