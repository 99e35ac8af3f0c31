#include "apply/reader.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "apply/router.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/stop.h"
#include "block/block_writer.h"

#define IDLE_WAIT_MS     1000  /* how long one look at a quiet source takes at most */
#define BUSY_WAIT_MS     20    /* the same while a block waits for the loader to be free */
#define POSITION_ONLY_MS 60000 /* how often transactions without any row move the position */

struct BlockReader {
    const Context *context;
    Queue *queue;
    RunOptions options;
    BlockWriterConfig writer_config;
    BlockWriter *writer;
    Router *router;
    Source *source;
    Buf acknowledged;
    Buf begin;          /* the open transaction's own place, "" where the source has none */
    Buf position;       /* after the last whole transaction read */
    uint64_t seqno;     /* of the last whole transaction read */
    Buf block_position; /* where the open block began */
    uint64_t block_seqno;
    int64_t block_opened_ms;
    int64_t read_us;
    bool in_transaction;
    bool ends;           /* nothing more will come */
    bool torn;           /* the source ended inside a transaction */
    uint64_t last_seqno; /* do not read past this transaction; 0: no limit */
    atomic_bool caught_up;
};

static bool
source_open(BlockReader *reader, Error *err)
{
    const Config *config = reader->context->config;
    SourceStart start = {.service = config->service,
        .options = config->source_options,
        .position = buf_text(&reader->position),
        .until_end = reader->options.until_end};

    source_close(STEAL(reader->source));
    reader->source = reader->context->source->open(&start, err);
    return reader->source != NULL;
}

/* Wait before a call is tried again; false when that is not wanted. */
static bool
retry_wait(const RetryConfig *retry, int64_t started_ms, unsigned tries, Error *err)
{
    int64_t wait_ms = retry->first_wait_ms;

    if (!err->retriable)
        return false;
    for (unsigned i = 0; i < tries && wait_ms < retry->max_wait_ms; i++)
        wait_ms *= 2;
    wait_ms = MIN(wait_ms, retry->max_wait_ms);
    if (retry->max_time_ms > 0 && clock_monotonic_ms() + wait_ms - started_ms > retry->max_time_ms)
        return error_wrap(err, "gave up after %u tries", tries + 1);
    log_line(LOG_WARN, "reader", "will try again in %" PRId64 " ms: %s", wait_ms, err->text);
    if (stop_wait(STOP_AFTER_BLOCK, wait_ms))
        return error_set(err, ERR_STOPPED, "stopped while the source was away");
    return true;
}

static bool
source_open_retry(BlockReader *reader, Error *err)
{
    int64_t started_ms = clock_monotonic_ms();

    for (unsigned tries = 0; !source_open(reader, err); tries++)
        if (!retry_wait(&reader->context->config->retry, started_ms, tries, err))
            return false;
    return true;
}

BlockReader *
reader_open(const ReaderStart *start, Error *err)
{
    CLEANUP(reader_close) BlockReader *reader = calloc(1, sizeof(*reader));
    const Config *config = start->context->config;

    if (reader == NULL)
        abort();
    reader->context = start->context;
    reader->queue = start->queue;
    reader->options = start->options;
    reader->last_seqno = start->options.until_seqno;
    reader->seqno = start->seqno;
    buf_add_text(&reader->position, start->position);
    reader->writer_config = (BlockWriterConfig){.directory = config->block.directory,
        .service = config->service,
        .target_type = config->target_type,
        .fence = start->fence,
        .block = &config->block,
        .values = &config->values,
        .dialect = start->context->dialect};
    reader->router = router_new(start->context, &(RouterOptions){.only = start->options.only,
                                                    .only_count = start->options.only_count,
                                                    .embedded = start->options.embedded});
    reader->writer = block_writer_open(&reader->writer_config, err);
    if (reader->writer == NULL || !source_open_retry(reader, err))
        return NULL;
    return STEAL(reader);
}

void
reader_close(BlockReader *reader)
{
    if (reader == NULL)
        return;
    source_close(reader->source);
    block_writer_close(reader->writer);
    router_free(reader->router);
    buf_clear(&reader->acknowledged);
    buf_clear(&reader->begin);
    buf_clear(&reader->position);
    buf_clear(&reader->block_position);
    free(reader);
}

bool
reader_caught_up(const BlockReader *reader)
{
    return atomic_load(&reader->caught_up);
}

static void
log_notice(BlockReader *reader)
{
    Text notice = TEXT_NONE;

    if (reader->source != NULL && reader->context->source->notice != NULL)
        notice = reader->context->source->notice(reader->source);
    if (notice.data != NULL)
        log_line(LOG_WARN, "reader", TEXT_FMT, TEXT_ARG(notice));
}

/* Is there room for another block? Waits for it, since pruning or a person may make some. */
static bool
wait_for_space(const BlockReader *reader, Error *err)
{
    const BlockConfig *block = &reader->context->config->block;
    struct statvfs status;
    bool told = false;

    for (;;) {
        int64_t available;

        if (FAULT("reader.statvfs") || statvfs(block->directory, &status) != 0)
            return error_set_errno(err, ERR_IO, "file system of %s", block->directory);
        available = (int64_t)status.f_bavail * (int64_t)status.f_frsize;
        if (available >= block->min_free)
            return true;
        if (!told)
            log_line(LOG_ERROR, "reader",
                "%s has %" PRId64 " bytes free, block.min_free is %" PRId64
                ": waiting for space, no new block is begun",
                block->directory, available, block->min_free);
        told = true;
        if (stop_wait(STOP_AFTER_BLOCK, 1000))
            return error_set(err, ERR_STOPPED, "stopped while waiting for disk space");
    }
}

static bool
on_begin(BlockReader *reader, const Event *event, Error *err)
{
    if (block_writer_transactions(reader->writer) == 0) {
        if (!wait_for_space(reader, err))
            return false;
        buf_reset(&reader->block_position, SIZE_MAX);
        buf_add_text(&reader->block_position, buf_text(&reader->position));
        reader->block_seqno = reader->seqno;
        reader->block_opened_ms = clock_monotonic_ms();
        router_forget_old(reader->router);
    }
    reader->in_transaction = true;
    buf_reset(&reader->begin, SIZE_MAX);
    buf_add_text(&reader->begin, event->position);
    return block_writer_begin(
        reader->writer, reader->seqno + 1, event->commit_time_us, buf_text(&reader->position), err);
}

static bool
on_change(BlockReader *reader, const Event *event, Error *err)
{
    const OutTable *out = NULL;
    int64_t started_ms = clock_monotonic_ms();

    /* the target's catalogue may be away for a while: the open block waits */
    for (unsigned tries = 0;
         !router_table(reader->router, event->change.table, buf_text(&reader->begin), &out, err);
         tries++)
        if (!retry_wait(&reader->context->config->retry, started_ms, tries, err))
            return false;
    return out == NULL || block_writer_change(reader->writer, out, &event->change, err);
}

static bool
on_truncate(BlockReader *reader, const Event *event, Error *err)
{
    int64_t started_ms = clock_monotonic_ms();
    bool counts = false;

    for (unsigned tries = 0; !router_truncates(
             reader->router, event->schema, event->table, buf_text(&reader->begin), &counts, err);
         tries++)
        if (!retry_wait(&reader->context->config->retry, started_ms, tries, err))
            return false;
    return !counts || block_writer_truncate(reader->writer, event->schema, event->table, err);
}

static bool
on_event(BlockReader *reader, const Event *event, Error *err)
{
    switch (event->kind) {
    case EVENT_BEGIN:
        return on_begin(reader, event, err);
    case EVENT_CHANGE:
        return on_change(reader, event, err);
    case EVENT_TRUNCATE:
        return on_truncate(reader, event, err);
    case EVENT_COMMIT:
        if (!block_writer_commit(reader->writer, event->position, err))
            return false;
        reader->in_transaction = false;
        reader->seqno++;
        buf_reset(&reader->position, SIZE_MAX);
        buf_add_text(&reader->position, event->position);
        reader->ends = reader->last_seqno > 0 && reader->seqno >= reader->last_seqno;
        return true;
    case EVENT_POSITION:
        return true;
    }
    return error_set(err, ERR_INTERNAL, "unknown event %d", (int)event->kind);
}

/* Between transactions: should the open block be closed now? */
static bool
block_is_due(const BlockReader *reader)
{
    int64_t first_ms = block_writer_first_change_ms(reader->writer);
    int64_t now_ms = clock_monotonic_ms();

    if (block_writer_transactions(reader->writer) == 0)
        return false;
    if (reader->ends || stop_level() >= STOP_AFTER_BLOCK || block_writer_is_full(reader->writer))
        return true;
    if (!queue_is_idle(reader->queue))
        return false;
    if (first_ms < 0)
        return now_ms - reader->block_opened_ms >= POSITION_ONLY_MS;
    return now_ms - first_ms >= reader->context->config->block.max_interval_ms;
}

static int64_t
wait_time(const BlockReader *reader)
{
    int64_t first_ms = block_writer_first_change_ms(reader->writer);
    int64_t left;

    if (reader->in_transaction || first_ms < 0)
        return IDLE_WAIT_MS;
    left = first_ms + reader->context->config->block.max_interval_ms - clock_monotonic_ms();
    return left > 0 ? MIN(left, IDLE_WAIT_MS) : BUSY_WAIT_MS;
}

/* False: the loader has ended, or the block could not be finished (err->kind is set then). */
static bool
push_block(BlockReader *reader, Error *err)
{
    Block *block = block_writer_finish(reader->writer, err);

    if (block == NULL)
        return false;
    block->timing.read_us = reader->read_us;
    reader->read_us = 0;
    if (!queue_push(reader->queue, block))
        return error_set(err, ERR_STOPPED, "the loader takes no more blocks");
    return true;
}

static bool
acknowledge(BlockReader *reader, Error *err)
{
    if (!queue_acknowledged(reader->queue, &reader->acknowledged) ||
        reader->context->source->acknowledge == NULL)
        return true;
    return reader->context->source->acknowledge(
        reader->source, buf_text(&reader->acknowledged), err);
}

/* One event, or one wait for one. */
static bool
read_step(BlockReader *reader, Error *err)
{
    Event event = {0};
    int64_t start_us = clock_monotonic_us();
    int64_t wait_ms = wait_time(reader);
    Next next = reader->context->source->next(reader->source, wait_ms, &event, err);

    reader->read_us += clock_monotonic_us() - start_us;
    switch (next) {
    case NEXT_ITEM:
        if (event.kind == EVENT_BEGIN)
            atomic_store(&reader->caught_up, false);
        return on_event(reader, &event, err) ||
               (err->kind != ERR_STOPPED && error_wrap(err, TEXT_FMT, TEXT_ARG(event.where)));
    case NEXT_IDLE:
        atomic_store(&reader->caught_up, !reader->in_transaction);
        return acknowledge(reader, err);
    case NEXT_END:
        atomic_store(&reader->caught_up, true);
        reader->ends = true;
        return true;
    case NEXT_FAILED:
        break;
    }
    return false;
}

/* Read and push blocks until the end or a stop between transactions. */
static bool
read_blocks(BlockReader *reader, Error *err)
{
    while (stop_level() < STOP_NOW) {
        if (!reader->in_transaction && block_is_due(reader) &&
            (!push_block(reader, err) || !acknowledge(reader, err)))
            return false;
        if (!reader->in_transaction && (reader->ends || stop_level() >= STOP_AFTER_BLOCK))
            return true;
        if (!read_step(reader, err))
            return false;
        if (reader->ends && reader->in_transaction) {
            reader->torn = true;
            return error_set(err, ERR_STOPPED, "the log ends inside a transaction");
        }
    }
    return error_set(err, ERR_STOPPED, "stopped");
}

/* Drop the open block and stand where it began, with the source to be opened there. */
static bool
rewind_block(BlockReader *reader, Error *err)
{
    block_writer_close(STEAL(reader->writer));
    source_close(STEAL(reader->source));
    if (reader->block_opened_ms != 0) {
        reader->seqno = reader->block_seqno;
        buf_reset(&reader->position, SIZE_MAX);
        buf_add_text(&reader->position, buf_text(&reader->block_position));
    }
    reader->in_transaction = false;
    reader->ends = false;
    reader->torn = false;
    reader->writer = block_writer_open(&reader->writer_config, err);
    return reader->writer != NULL;
}

/*
 * A transaction cannot be read to its end. Those of the open block before it are whole: read them
 * once more, up to there, and push them.
 */
static bool
read_whole_transactions(BlockReader *reader, Error *err)
{
    uint64_t whole = reader->seqno;
    bool any = block_writer_transactions(reader->writer) > 0 && whole > reader->block_seqno;

    if (!any)
        return true;
    if (!rewind_block(reader, err) || !source_open_retry(reader, err))
        return false;
    reader->last_seqno = whole;
    return read_blocks(reader, err);
}

/* The source went away for a while: go on where the open block began. */
static bool
read_again(BlockReader *reader, unsigned tries, Error *err)
{
    int64_t now_ms = clock_monotonic_ms();

    return retry_wait(&reader->context->config->retry, now_ms, tries, err) &&
           rewind_block(reader, err) && source_open_retry(reader, err);
}

bool
reader_run(BlockReader *reader, Error *err)
{
    unsigned tries = 0;
    uint64_t progress = 0;

    for (;;) {
        Error failure;
        Error ignored;
        bool torn;

        if (read_blocks(reader, err)) {
            log_notice(reader);
            return true;
        }
        torn = reader->torn;
        if (torn)
            log_notice(reader);
        if (err->kind == ERR_STOPPED && !torn) {
            block_writer_abandon(reader->writer);
            return true;
        }
        tries = reader->seqno == progress ? tries + 1 : 0;
        progress = reader->seqno;
        if (err->retriable && read_again(reader, tries, err))
            continue;
        failure = *err;
        if (!read_whole_transactions(reader, &ignored) && ignored.kind != ERR_STOPPED)
            log_line(LOG_WARN, "reader",
                "whole transactions before the error wait for the next start: %s", ignored.text);
        *err = failure;
        return torn || failure.kind == ERR_STOPPED;
    }
}
