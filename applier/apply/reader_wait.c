#include "apply/reader_wait.h"

#include <inttypes.h>

#include "apply/retry.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/stop.h"
#include "block/retention.h"

#define SLICE_MS      200  /* a wait looks around this often */
#define KEEP_ALIVE_MS 5000 /* well below any server's time limit for us */

#define SCHEMA_FIRST_WAIT_MS 2000
#define SCHEMA_MAX_WAIT_MS   30000
#define SCHEMA_TELL_MS       600000 /* an error that stays is logged again this often */

/* ---- what the status tells ---- */

void
reader_set_state(BlockReader *reader, const char *state, const Error *failure)
{
    ReaderNews *news = &reader->news;

    (void)pthread_mutex_lock(&news->mutex);
    news->state = state;
    news->error = failure != NULL ? *failure : (Error){.kind = ERR_NONE};
    atomic_fetch_add(&news->changes, 1);
    (void)pthread_mutex_unlock(&news->mutex);
}

const char *
reader_state(BlockReader *reader, Error *ret_error)
{
    ReaderNews *news = &reader->news;
    const char *state;

    (void)pthread_mutex_lock(&news->mutex);
    state = news->state;
    *ret_error = news->error;
    (void)pthread_mutex_unlock(&news->mutex);
    return state;
}

unsigned
reader_state_changes(const BlockReader *reader)
{
    return atomic_load(&reader->news.changes);
}

/* As it is without a hold, or a source that is away. */
static void
set_usual_state(BlockReader *reader)
{
    if (reader->told.kind != ERR_NONE)
        reader_set_state(reader, "waiting", &reader->told);
    else
        reader_set_state(reader, "running", NULL);
}

/* ---- sleeping ---- */

bool
reader_keep_alive(BlockReader *reader, Error *err)
{
    int64_t now_ms = clock_monotonic_ms();

    /* a service that has no position yet has nothing it could say */
    if (reader->source == NULL || reader->context->source->acknowledge == NULL ||
        reader->acknowledged.len == 0 || now_ms - reader->acknowledged_ms < KEEP_ALIVE_MS)
        return true;
    reader->acknowledged_ms = now_ms;
    return reader->context->source->acknowledge(
        reader->source, buf_text(&reader->acknowledged), err);
}

bool
reader_sleep(BlockReader *reader, int64_t wait_ms, Error *err)
{
    int64_t end_ms = clock_monotonic_ms() + wait_ms;

    for (;;) {
        int64_t left = MAX(end_ms - clock_monotonic_ms(), 0);

        if (stop_wait(STOP_AFTER_BLOCK, MIN(left, SLICE_MS)) || queue_has_ended(reader->queue))
            return error_set(err, ERR_STOPPED, "stopped while waiting");
        if (left <= SLICE_MS)
            return true;
        if (!reader_keep_alive(reader, err))
            return false;
    }
}

/* A sleep that a hold may shorten: where the reader stands, everything is committed or can be. */
static bool
pause_between(BlockReader *reader, int64_t wait_ms, Error *err)
{
    int64_t end_ms = clock_monotonic_ms() + wait_ms;

    for (;;) {
        int64_t left = end_ms - clock_monotonic_ms();

        if (!reader->in_transaction && reader_must_hold(reader, TEXT_NONE))
            return reader_hold(reader, err);
        if (left <= 0)
            return true;
        if (!reader_sleep(reader, MIN(left, SLICE_MS), err))
            return false;
    }
}

static bool
give_up(unsigned tries, Error *err)
{
    err->retriable = false;
    return error_wrap(err, "gave up after %u tries", tries);
}

bool
reader_retry_wait(BlockReader *reader, int64_t started_ms, unsigned tries, Error *err)
{
    const RetryConfig *retry = &reader->context->config->retry;
    int64_t wait_ms;

    if (!err->retriable)
        return false;
    if (!retry_next(retry, started_ms, tries, &wait_ms))
        return give_up(tries + 1, err);
    log_line(LOG_WARN, "reader", "will try again in %" PRId64 " ms: %s", wait_ms, err->text);
    reader_set_state(reader, "retrying", err);
    return pause_between(reader, wait_ms, err);
}

bool
reader_schema_wait(BlockReader *reader, Error *err)
{
    const RetryConfig *retry = &reader->context->config->retry;
    int64_t now_ms = clock_monotonic_ms();
    int64_t wait_ms = SCHEMA_FIRST_WAIT_MS;

    for (unsigned i = 0; i < reader->tries && wait_ms < SCHEMA_MAX_WAIT_MS; i++)
        wait_ms *= 2;
    wait_ms = MIN(wait_ms, SCHEMA_MAX_WAIT_MS);
    if (retry->max_time_ms > 0 && now_ms + wait_ms - reader->failing_since_ms > retry->max_time_ms)
        return give_up(reader->tries + 1, err);
    if (reader->told.kind == ERR_NONE || strcmp(reader->told.text, err->text) != 0 ||
        now_ms - reader->told_ms >= SCHEMA_TELL_MS) {
        log_line(
            LOG_ERROR, "reader", "waits for the target, all before is committed: %s", err->text);
        reader->told = *err;
        reader->told_ms = now_ms;
    }
    reader_set_state(reader, "waiting", err);
    return pause_between(reader, wait_ms, err);
}

void
reader_came_through(BlockReader *reader)
{
    if (reader->told.kind != ERR_NONE)
        log_line(
            LOG_INFO, "reader", "goes on: the target has followed seqno=%" PRIu64, reader->seqno);
    reader->told.kind = ERR_NONE;
    reader->failing_since_ms = 0;
    reader->tries = 0;
    reader_set_state(reader, "running", NULL);
}

bool
reader_wait_for_space(BlockReader *reader, Error *err)
{
    const BlockConfig *block = &reader->context->config->block;
    bool told = false;

    for (;;) {
        int64_t available;

        if (!block_space(block, &available, err))
            return false;
        if (available >= block->min_free)
            return true;
        if (!told)
            log_line(LOG_ERROR, "reader",
                "%s has %" PRId64 " bytes free, block.min_free is %" PRId64
                ": waiting for space, no new block is begun",
                block->directory, available, block->min_free);
        told = true;
        if (!reader_sleep(reader, 1000, err))
            return false;
    }
}

bool
reader_wait_for_loader(BlockReader *reader, Error *err)
{
    while (!queue_wait_idle(reader->queue, SLICE_MS)) {
        if (stop_level() >= STOP_NOW)
            return error_set(err, ERR_STOPPED, "stopped while the loader works");
        if (!reader_keep_alive(reader, err))
            return false;
    }
    if (queue_has_ended(reader->queue))
        return error_set(err, ERR_STOPPED, "the loader takes no more blocks");
    return true;
}

/* ---- holding ---- */

/* Did the service go past the position that is asked for? */
static bool
is_past(const BlockReader *reader, Text position)
{
    int (*compare)(Text, Text) = reader->context->source->compare;

    if (reader->begin.len > 0)
        return compare(buf_text(&reader->begin), position) >= 0;
    return compare(buf_text(&reader->start), position) > 0;
}

bool
reader_must_hold(BlockReader *reader, Text begin)
{
    int (*compare)(Text, Text) = reader->context->source->compare;
    Text wanted;

    if (reader->hold == NULL)
        return false;
    reader->hold_number =
        hold_server_wanted(reader->hold, reader->hold_number, &reader->hold_position);
    if (reader->hold_number == 0)
        return false;
    wanted = buf_text(&reader->hold_position);
    /* without a position an exact cut is of no use: the source tells one soon */
    if (wanted.len == 0)
        return reader->position.len > 0 || compare == NULL;
    if (compare == NULL || compare(wanted, TEXT("")) == 0) {
        hold_server_refuse(reader->hold, reader->hold_number,
            compare == NULL ? "positions of this source have no order"
                            : "this is no position of the source");
        return false;
    }
    if (is_past(reader, wanted)) {
        hold_server_past(reader->hold, reader->hold_number, buf_text(&reader->position));
        return false;
    }
    if (reader->cut_number != reader->hold_number && reader->source != NULL &&
        reader->context->source->cut != NULL) {
        reader->cut_number = reader->hold_number;
        reader->context->source->cut(reader->source, wanted);
    }
    return (begin.data != NULL && compare(begin, wanted) >= 0) ||
           compare(buf_text(&reader->position), wanted) >= 0;
}

/* The source must live through the hold, or is opened again behind it. */
static bool
keep_source(BlockReader *reader, Error *err)
{
    if (reader_keep_alive(reader, err))
        return true;
    if (!err->retriable || reader->options.snapshot != NULL)
        return false;
    log_line(LOG_WARN, "reader", "the source is opened again after the hold: %s", err->text);
    reader->pending.is_there = false;
    source_close(STEAL(reader->source));
    return true;
}

bool
reader_hold(BlockReader *reader, Error *err)
{
    uint64_t number = reader->hold_number;
    Text position;

    if (reader->block_is_open && !reader_push_block(reader, err))
        return false;
    if (!reader_wait_for_loader(reader, err) || !reader_acknowledge(reader, err))
        return false;
    position = buf_text(reader->hold_position.len > 0 ? &reader->hold_position : &reader->position);
    log_line(LOG_INFO, "reader", "holds, as it was asked to position=" TEXT_FMT " seqno=%" PRIu64,
        TEXT_ARG(position), reader->seqno);
    reader_set_state(reader, "holding", NULL);
    hold_server_held(reader->hold, number, position, reader->seqno);
    while (!hold_server_wait(reader->hold, number, SLICE_MS)) {
        if (stop_level() != STOP_NONE || queue_has_ended(reader->queue))
            break;
        if (!keep_source(reader, err))
            return false;
    }
    /* what was bootstrapped, and what was made in the target, meanwhile */
    router_forget_all(reader->router);
    set_usual_state(reader);
    log_line(LOG_INFO, "reader", "the hold is over");
    return true;
}
