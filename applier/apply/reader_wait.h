/*
 * reader_wait.h - the inside of a BlockReader, for reader.c and reader_wait.c alone
 *
 * reader.c reads events into blocks, and comes back from failures; reader_wait.c is everything that
 * makes a reader stand still: waiting before a try, for the loader, for room on the disk, for the
 * target's columns, and a hold. A wait watches stop requests and the loader's end, and keeps the
 * source alive where next() is not called for a while.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "apply/reader.h"
#include "apply/router.h"
#include "block/block_writer.h"
#include "event/partition.h"

/* What the status tells of the reader. */
typedef struct ReaderNews {
    pthread_mutex_t mutex;
    atomic_uint changes;
    const char *state; /* "running", "retrying", "waiting", "holding" */
    Error error;       /* of retrying and waiting */
} ReaderNews;

/* A BEGIN that waits: for a hold, or for the block before it to be closed. */
typedef struct PendingBegin {
    bool is_there;
    int64_t commit_time_us;
    Buf position;
    Buf where;
} PendingBegin;

struct BlockReader {
    const Context *context;
    Queue *queue;
    HoldServer *hold; /* NULL: nobody can ask for one */
    RunOptions options;
    BlockWriterConfig writer_config;
    BlockWriter *writer;
    Router *router;
    Source *source; /* NULL: to be opened at position */
    bool was_open;  /* the source was open once: what a snapshot has at the server is used up */

    Buf position; /* where the source goes on: behind the last whole transaction, or further */
    Buf begin;    /* own place of the last whole transaction; "" where none is known */
    uint64_t seqno;
    Buf start;        /* position at the start: whether a transaction before it began behind another
                         one's place nobody here knows */
    Buf open_begin;   /* the same of the transaction that is being read */
    Buf queued;       /* the target's source position when the queue is empty */
    int64_t moved_ms; /* when it was given to the queue */
    Buf acknowledged; /* what the source may forget */
    int64_t acknowledged_ms;
    int64_t noticed_ms;
    Buf notice;

    bool block_is_open; /* what follows is where it began */
    Buf block_position;
    Buf block_begin;
    uint64_t block_seqno;
    int64_t block_opened_ms;
    int64_t block_time_us;  /* commit time of its first transaction that tells one */
    PartitionPeriod period; /* of a block's first transaction; empty at first */
    int64_t read_us;

    Buf void_begin; /* own place of a transaction that came and never happened (EVENT_ROLLBACK):
                       its changes are passed over when it comes again */
    int64_t open_time_us; /* commit time of the transaction that is being read */
    bool in_transaction;
    bool is_void;        /* it is that one */
    bool ends;           /* nothing more will come */
    bool torn;           /* the source ended inside a transaction */
    uint64_t last_seqno; /* do not read past this transaction; 0: no limit */

    uint64_t hold_number; /* of the request that is looked at; 0: none */
    Buf hold_position;
    uint64_t cut_number; /* of the request at whose position the source was asked to cut */
    PendingBegin pending;

    /* what has failed, while the same transaction is tried again */
    unsigned tries;
    uint64_t failed_seqno;
    int64_t failing_since_ms;
    Error told; /* the schema error that was logged last; ERR_NONE: none waits */
    int64_t told_ms;

    atomic_bool caught_up;
    ReaderNews news;
};

/* ---- reader.c ---- */

/* Close the open block and give it to the loader. ERR_STOPPED where that takes no more. */
bool reader_push_block(BlockReader *reader, Error *err) MUST_CHECK;
/* Tell the source how far the target is, when that is news. */
bool reader_acknowledge(BlockReader *reader, Error *err) MUST_CHECK;
/* Open the source at the position, trying again what is retriable. */
bool reader_open_source(BlockReader *reader, Error *err) MUST_CHECK;
void reader_set_text(Buf *buf, Text text);

/* ---- reader_wait.c ---- */

void reader_set_state(BlockReader *reader, const char *state, const Error *failure);
/* Nobody calls next(): tell the source now and then that we live. */
bool reader_keep_alive(BlockReader *reader, Error *err) MUST_CHECK;
/* Sleep; ERR_STOPPED where a stop or the loader's end comes first. */
bool reader_sleep(BlockReader *reader, int64_t wait_ms, Error *err) MUST_CHECK;
/* Wait before the nth try of a call; *err says why the one before failed. False (with it) when it
 * is not retriable, or was tried long enough. */
bool reader_retry_wait(BlockReader *reader, int64_t started_ms, unsigned tries, Error *err)
    MUST_CHECK;
/* The target lacks columns: wait before it is looked at again, as apply/schema/change.h says. */
bool reader_schema_wait(BlockReader *reader, Error *err) MUST_CHECK;
/* A transaction came through: what was wrong is over. */
void reader_came_through(BlockReader *reader);
/* Is there room for another block? Waits for it, since pruning or a person may make some. */
bool reader_wait_for_space(BlockReader *reader, Error *err) MUST_CHECK;
/* Everything queued is committed. */
bool reader_wait_for_loader(BlockReader *reader, Error *err) MUST_CHECK;

/* Does somebody ask to hold before the transaction with this own place (TEXT_NONE: where the reader
 * stands now, between two transactions)? Answers what cannot be held. */
bool reader_must_hold(BlockReader *reader, Text begin);
/* Commit everything, answer, and stand still until it is released. */
bool reader_hold(BlockReader *reader, Error *err) MUST_CHECK;
