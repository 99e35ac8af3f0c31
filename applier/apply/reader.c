#include <inttypes.h>
#include <stdlib.h>

#include "apply/loader.h"
#include "apply/reader_wait.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/stop.h"
#include "event/partition.h"

#define IDLE_WAIT_MS 1000  /* how long one look at a quiet source takes at most */
#define ACK_WAIT_MS  100   /* the same while the loader has something to tell soon */
#define BUSY_WAIT_MS 20    /* the same while a block waits for the loader to be free */
#define NOTICE_MS    10000 /* how often a busy source is asked for notices */
#define NOTICES_MAX  10    /* at one go */

void
reader_set_text(Buf *buf, Text text)
{
    buf_reset(buf, SIZE_MAX);
    buf_add_text(buf, text);
}

/* ---- opening and closing ---- */

static void
close_source(BlockReader *reader)
{
    reader->pending.is_there = false;
    source_close(STEAL(reader->source));
}

/* The positions at which somebody wants us to stand exactly. */
static void
cut_source(BlockReader *reader)
{
    const SourceDriver *driver = reader->context->source;

    if (driver->cut == NULL || reader->source == NULL)
        return;
    if (reader->options.until_position.data != NULL)
        driver->cut(reader->source, reader->options.until_position);
    else if (reader->hold_position.len > 0)
        driver->cut(reader->source, buf_text(&reader->hold_position));
}

static bool
open_source_once(BlockReader *reader, Error *err)
{
    const Config *config = reader->context->config;
    const SourceDriver *driver = reader->context->source;
    SourceStart start = {.service = config->service,
        .options = config->source_options,
        .position = buf_text(&reader->position),
        .until_end = reader->options.until_end,
        .snapshot = reader->options.snapshot};

    close_source(reader);
    if (reader->was_open && reader->options.snapshot != NULL)
        return error_set(err, ERR_SOURCE,
            "the change stream behind a snapshot is gone with its connection: a new snapshot is "
            "needed");
    reader->source = driver->open(&start, err);
    if (reader->source == NULL)
        return false;
    reader->was_open = true;
    cut_source(reader);
    /* the last word may have been lost with the connection before, or with the process */
    reader->acknowledged_ms = clock_monotonic_ms();
    if (reader->acknowledged.len == 0 || driver->acknowledge == NULL ||
        driver->acknowledge(reader->source, buf_text(&reader->acknowledged), err))
        return true;
    close_source(reader);
    return false;
}

bool
reader_open_source(BlockReader *reader, Error *err)
{
    int64_t started_ms = clock_monotonic_ms();

    for (unsigned tries = 0; !open_source_once(reader, err); tries++)
        if (!reader_retry_wait(reader, started_ms, tries, err))
            return false;
    if (reader->told.kind == ERR_NONE)
        reader_set_state(reader, "running", NULL);
    return true;
}

static bool
check_options(const ReaderStart *start, Error *err)
{
    const SourceDriver *driver = start->context->source;
    Text until = start->options.until_position;

    if (until.data == NULL)
        return true;
    if (driver->compare == NULL)
        return error_set(err, ERR_USAGE,
            "position " TEXT_FMT ": positions of source type %s have no order, so none can be a "
            "limit",
            TEXT_ARG(until), driver->name);
    if (driver->compare(until, TEXT("")) == 0)
        return error_set(err, ERR_USAGE, "position \"" TEXT_FMT "\" is none of source type %s",
            TEXT_ARG(until), driver->name);
    return true;
}

BlockReader *
reader_open(const ReaderStart *start, Error *err)
{
    CLEANUP(reader_close) BlockReader *reader = calloc(1, sizeof(*reader));
    const Config *config = start->context->config;
    RouterOptions router = {.only = start->options.only,
        .only_count = start->options.only_count,
        .embedded = start->options.embedded};

    if (reader == NULL)
        abort();
    (void)pthread_mutex_init(&reader->news.mutex, NULL);
    reader_set_state(reader, "running", NULL);
    reader->context = start->context;
    reader->queue = start->queue;
    reader->hold = start->hold;
    reader->options = start->options;
    reader->last_seqno = start->options.until_seqno;
    reader->seqno = start->seqno;
    reader->moved_ms = clock_monotonic_ms();
    reader_set_text(&reader->start, start->position);
    reader_set_text(&reader->position, start->position);
    reader_set_text(&reader->queued, start->position);
    reader_set_text(&reader->acknowledged, start->position);
    reader->writer_config = (BlockWriterConfig){.directory = config->block.directory,
        .service = config->service,
        .target_type = config->target_type,
        .fence = start->fence,
        .block = &config->block,
        .values = &config->values,
        .dialect = start->context->dialect};
    if (!check_options(start, err))
        return NULL;
    reader->router = router_new(start->context, &router);
    reader->writer = block_writer_open(&reader->writer_config, err);
    if (reader->writer == NULL || !reader_open_source(reader, err))
        return NULL;
    return STEAL(reader);
}

static void
clear_texts(BlockReader *reader)
{
    Buf *bufs[] = {&reader->position, &reader->begin, &reader->start, &reader->open_begin,
        &reader->queued, &reader->acknowledged, &reader->notice, &reader->block_position,
        &reader->block_begin, &reader->hold_position, &reader->pending.position,
        &reader->pending.where, &reader->void_begin};

    for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
        buf_clear(bufs[i]);
}

void
reader_close(BlockReader *reader)
{
    if (reader == NULL)
        return;
    source_close(reader->source);
    block_writer_close(reader->writer);
    router_free(reader->router);
    clear_texts(reader);
    (void)pthread_mutex_destroy(&reader->news.mutex);
    free(reader);
}

bool
reader_caught_up(const BlockReader *reader)
{
    return atomic_load(&reader->caught_up);
}

bool
reader_is_complete(const BlockReader *reader)
{
    return reader->ends;
}

/* ---- what is said to the source and by it ---- */

bool
reader_acknowledge(BlockReader *reader, Error *err)
{
    if (!queue_has_news(reader->queue) ||
        !queue_acknowledged(reader->queue, &reader->acknowledged) || reader->source == NULL ||
        reader->context->source->acknowledge == NULL)
        return true;
    reader->acknowledged_ms = clock_monotonic_ms();
    return reader->context->source->acknowledge(
        reader->source, buf_text(&reader->acknowledged), err);
}

void
reader_finish(BlockReader *reader)
{
    Error err;

    if (!reader_acknowledge(reader, &err))
        log_line(LOG_DEBUG, "reader", "the source is told at the next start: %s", err.text);
    close_source(reader);
}

static void
log_notices(BlockReader *reader)
{
    const SourceDriver *driver = reader->context->source;

    reader->noticed_ms = clock_monotonic_ms();
    for (int i = 0; i < NOTICES_MAX && reader->source != NULL && driver->notice != NULL; i++) {
        Text notice = driver->notice(reader->source);

        if (notice.data == NULL || text_equal(notice, buf_text(&reader->notice)))
            return;
        log_line(LOG_WARN, "reader", TEXT_FMT, TEXT_ARG(notice));
        reader_set_text(&reader->notice, notice);
    }
}

/* ---- events ---- */

static bool
begin_transaction(BlockReader *reader, int64_t commit_time_us, Text own_position, Error *err)
{
    if (!reader->block_is_open) {
        if (!reader_wait_for_space(reader, err))
            return false;
        reader_set_text(&reader->block_position, buf_text(&reader->position));
        reader_set_text(&reader->block_begin, buf_text(&reader->begin));
        reader->block_seqno = reader->seqno;
        reader->block_opened_ms = clock_monotonic_ms();
        reader->block_time_us = TIME_UNKNOWN;
        reader->block_is_open = true;
        router_forget_old(reader->router);
    }
    reader->in_transaction = true;
    reader->open_time_us = commit_time_us;
    if (reader->block_time_us == TIME_UNKNOWN)
        reader->block_time_us = commit_time_us;
    reader_set_text(&reader->open_begin, own_position);
    return block_writer_begin(
        reader->writer, reader->seqno + 1, commit_time_us, buf_text(&reader->position), err);
}

/* Is this position at or behind the one at which the run ends? */
static bool
is_limit(const BlockReader *reader, Text position)
{
    Text until = reader->options.until_position;

    return until.data != NULL && reader->context->source->compare(position, until) >= 0;
}

static bool
is_in_period(const PartitionPeriod *period, int64_t time_us)
{
    return time_us >= period->start_us && time_us < period->end_us;
}

/* Would a transaction of this time bring another partition of a table into the open block? */
static bool
needs_new_block(BlockReader *reader, int64_t commit_time_us)
{
    const TableRules *rules = &reader->context->config->tables;

    if (!reader->block_is_open || reader->block_time_us == TIME_UNKNOWN)
        return false;
    if (!is_in_period(&reader->period, reader->block_time_us))
        reader->period = partition_period(rules, reader->block_time_us);
    return !is_in_period(&reader->period, commit_time_us) &&
           partition_differs(rules, reader->block_time_us, commit_time_us);
}

static bool
on_begin(BlockReader *reader, const Event *event, Error *err)
{
    reader->is_void =
        reader->void_begin.len > 0 && text_equal(event->position, buf_text(&reader->void_begin));
    if (reader->is_void)
        return true;
    if (is_limit(reader, event->position)) {
        reader->ends = true;
        return true;
    }
    if (reader_must_hold(reader, event->position) ||
        needs_new_block(reader, event->commit_time_us)) {
        reader->pending.is_there = true;
        reader->pending.commit_time_us = event->commit_time_us;
        reader_set_text(&reader->pending.position, event->position);
        reader_set_text(&reader->pending.where, event->where);
        return true;
    }
    return begin_transaction(reader, event->commit_time_us, event->position, err);
}

/*
 * The target's catalogue may be away for a while: the open block waits. Where it is the source's,
 * the stream must not wait with it: a server that shuts down waits for us to let the stream go.
 */
static bool
may_ask_again(BlockReader *reader, int64_t started_ms, unsigned tries, Error *err)
{
    return err->kind != ERR_SCHEMA && err->kind != ERR_SOURCE &&
           reader_retry_wait(reader, started_ms, tries, err);
}

static bool
check_time(const BlockReader *reader, const TableRule *rule, Text schema, Text table, Error *err)
{
    if (rule == NULL || rule->partition == NULL || reader->open_time_us != TIME_UNKNOWN)
        return true;
    return error_set(err, ERR_DATA,
        "table " TEXT_FMT "%s" TEXT_FMT
        ": the source tells no commit time of this transaction, so that the partition its rows "
        "belong to is not known (the table's rule in line %d says partition:)",
        TEXT_ARG(schema), schema.len > 0 ? "." : "", TEXT_ARG(table), rule->line);
}

static bool
on_change(BlockReader *reader, const Event *event, Error *err)
{
    Text begin = buf_text(&reader->open_begin);
    const OutTable *out = NULL;
    unsigned tries = 0;

    if (!router_table(reader->router, event->change.table, begin, event->position, &out, err)) {
        int64_t started_ms = clock_monotonic_ms();

        do {
            if (!may_ask_again(reader, started_ms, tries++, err))
                return false;
        } while (
            !router_table(reader->router, event->change.table, begin, event->position, &out, err));
        reader_set_state(reader, "running", NULL);
    }
    return out == NULL ||
           (check_time(reader, out->rule, out->source_schema, out->source_name, err) &&
               block_writer_change(reader->writer, out, &event->change, err));
}

static bool
on_truncate(BlockReader *reader, const Event *event, Error *err)
{
    Text begin = buf_text(&reader->open_begin);
    int64_t started_ms = clock_monotonic_ms();
    const TableRule *rule;
    bool counts = false;

    for (unsigned tries = 0; !router_truncates(
             reader->router, event->schema, event->table, begin, event->position, &counts, err);
         tries++)
        if (!may_ask_again(reader, started_ms, tries, err))
            return false;
    rule = rule_find(&reader->context->config->tables, event->schema, event->table);
    return !counts || (check_time(reader, rule, event->schema, event->table, err) &&
                          block_writer_truncate(reader->writer, event->schema, event->table, err));
}

static bool
on_commit(BlockReader *reader, const Event *event, Error *err)
{
    if (!block_writer_commit(reader->writer, event->position, err))
        return false;
    reader->in_transaction = false;
    reader->seqno++;
    reader_set_text(&reader->position, event->position);
    reader_set_text(&reader->begin, buf_text(&reader->open_begin));
    reader->ends = (reader->last_seqno > 0 && reader->seqno >= reader->last_seqno) ||
                   is_limit(reader, event->position);
    if (reader->failing_since_ms != 0 && reader->seqno > reader->failed_seqno)
        reader_came_through(reader);
    return true;
}

/*
 * What came since BEGIN is in the open block, from which nothing can be taken out again: it is
 * dropped, and read once more without this transaction.
 */
static bool
on_rollback(BlockReader *reader, const Event *event, Error *err)
{
    if (reader->is_void) {
        reader->is_void = false;
        buf_reset(&reader->void_begin, SIZE_MAX);
        reader_set_text(&reader->position, event->position);
        reader->ends |= is_limit(reader, event->position);
        return true;
    }
    reader_set_text(&reader->void_begin, buf_text(&reader->open_begin));
    return error_set_retriable(
        err, ERR_SOURCE, "a large transaction was rolled back at its end: it is left out");
}

/* The source went on, with nothing for us. It may tell where it was before, after a start. */
static void
on_position(BlockReader *reader, const Event *event)
{
    const SourceDriver *driver = reader->context->source;

    if (reader->in_transaction ||
        (driver->compare != NULL &&
            driver->compare(event->position, buf_text(&reader->position)) <= 0))
        return;
    reader_set_text(&reader->position, event->position);
    reader->ends |= is_limit(reader, event->position);
}

static bool
on_event(BlockReader *reader, const Event *event, Error *err)
{
    switch (event->kind) {
    case EVENT_BEGIN:
        return on_begin(reader, event, err);
    case EVENT_CHANGE:
        return reader->is_void || on_change(reader, event, err);
    case EVENT_TRUNCATE:
        return reader->is_void || on_truncate(reader, event, err);
    case EVENT_COMMIT:
        return on_commit(reader, event, err);
    case EVENT_ROLLBACK:
        return on_rollback(reader, event, err);
    case EVENT_POSITION:
        on_position(reader, event);
        return true;
    }
    return error_set(err, ERR_INTERNAL, "unknown event %d", (int)event->kind);
}

/* ---- blocks ---- */

/* Between transactions: should the open block be closed now? */
static bool
block_is_due(BlockReader *reader)
{
    int64_t first_ms = block_writer_first_change_ms(reader->writer);
    int64_t now_ms = clock_monotonic_ms();

    if (block_writer_transactions(reader->writer) == 0)
        return false;
    if (reader->ends || stop_level() >= STOP_AFTER_BLOCK || block_writer_is_full(reader->writer) ||
        (reader->pending.is_there && needs_new_block(reader, reader->pending.commit_time_us)))
        return true;
    if (!queue_is_idle(reader->queue))
        return false;
    if (first_ms < 0)
        return now_ms - reader->block_opened_ms >= POSITION_INTERVAL_MS;
    return now_ms - first_ms >= reader->context->config->block.max_interval_ms;
}

/* Nothing is open, and the source went on: should the target know now? */
static bool
move_is_due(const BlockReader *reader)
{
    if (reader->block_is_open || reader->in_transaction ||
        text_equal(buf_text(&reader->position), buf_text(&reader->queued)))
        return false;
    if (reader->ends || stop_level() >= STOP_AFTER_BLOCK)
        return true;
    /* the first one of all is what a snapshot is compared with: soon */
    return queue_is_idle(reader->queue) &&
           (reader->queued.len == 0 ||
               clock_monotonic_ms() - reader->moved_ms >= POSITION_INTERVAL_MS);
}

static int64_t
wait_time(const BlockReader *reader)
{
    int64_t first_ms = block_writer_first_change_ms(reader->writer);
    int64_t left;

    if (reader->in_transaction)
        return IDLE_WAIT_MS;
    if (first_ms < 0)
        return queue_is_idle(reader->queue) ? IDLE_WAIT_MS : ACK_WAIT_MS;
    left = first_ms + reader->context->config->block.max_interval_ms - clock_monotonic_ms();
    return left > 0 ? MIN(left, IDLE_WAIT_MS) : BUSY_WAIT_MS;
}

static bool
give_to_loader(BlockReader *reader, Block *block, Error *err)
{
    reader_set_text(&reader->queued, block->manifest.position_after);
    reader->moved_ms = clock_monotonic_ms();
    while (!queue_wait_room(reader->queue, 1000))
        if (!reader_keep_alive(reader, err)) {
            /* the block is whole: it waits for its turn all the same */
            close_source(reader);
            log_line(
                LOG_WARN, "reader", "the source went away while the loader works: %s", err->text);
        }
    if (!queue_push(reader->queue, block))
        return error_set(err, ERR_STOPPED, "the loader takes no more blocks");
    return true;
}

bool
reader_push_block(BlockReader *reader, Error *err)
{
    Block *block = block_writer_finish(reader->writer, err);

    if (block == NULL)
        return false;
    reader->block_is_open = false;
    block->timing.read_us = reader->read_us;
    reader->read_us = 0;
    return give_to_loader(reader, block, err);
}

static bool
push_what_is_due(BlockReader *reader, Error *err)
{
    if (block_is_due(reader) && !reader_push_block(reader, err))
        return false;
    return !move_is_due(reader) ||
           give_to_loader(
               reader, loader_position_move(reader->seqno, buf_text(&reader->position)), err);
}

/* ---- reading ---- */

static bool
begin_pending(BlockReader *reader, Error *err)
{
    PendingBegin *pending = &reader->pending;

    pending->is_there = false;
    return begin_transaction(reader, pending->commit_time_us, buf_text(&pending->position), err) ||
           (err->kind != ERR_STOPPED &&
               error_wrap(err, TEXT_FMT, TEXT_ARG(buf_text(&pending->where))));
}

/* One event, or one wait for one. */
static bool
read_step(BlockReader *reader, Error *err)
{
    Event event = {0};
    int64_t start_us = clock_monotonic_us();
    Next next;

    if (reader->source == NULL && !reader_open_source(reader, err))
        return false;
    next = reader->context->source->next(reader->source, wait_time(reader), &event, err);
    reader->read_us += clock_monotonic_us() - start_us;
    switch (next) {
    case NEXT_ITEM:
        if (event.kind == EVENT_BEGIN)
            atomic_store(&reader->caught_up, false);
        return on_event(reader, &event, err) ||
               (err->kind != ERR_STOPPED && error_wrap(err, TEXT_FMT, TEXT_ARG(event.where)));
    case NEXT_IDLE:
        atomic_store(&reader->caught_up, !reader->in_transaction);
        log_notices(reader);
        /* a source that is quiet is a source that is there */
        if (reader->told.kind == ERR_NONE)
            reader->failing_since_ms = 0;
        return true;
    case NEXT_END:
        atomic_store(&reader->caught_up, true);
        reader->ends = true;
        log_notices(reader);
        return true;
    case NEXT_FAILED:
        break;
    }
    return false;
}

/* Another thread may have set a limit meanwhile. */
static void
take_limit(BlockReader *reader)
{
    const RunLimit *limit = reader->options.limit;

    if (limit == NULL || reader->options.until_position.data != NULL ||
        !atomic_load(&limit->is_set))
        return;
    reader->options.until_position = limit->position;
    cut_source(reader);
    reader->ends |= is_limit(reader, buf_text(&reader->position));
}

typedef enum Standing {
    STANDING_READ,  /* go on with the next event */
    STANDING_AGAIN, /* look again: something took its time */
    STANDING_DONE,  /* the end, or a stop */
    STANDING_FAILED,
} Standing;

/* Between transactions. */
static Standing
stand_between(BlockReader *reader, Error *err)
{
    const PendingBegin *pending = &reader->pending;

    take_limit(reader);
    if (!push_what_is_due(reader, err))
        return STANDING_FAILED;
    if (reader->ends || stop_level() >= STOP_AFTER_BLOCK)
        return STANDING_DONE;
    if (clock_monotonic_ms() - reader->noticed_ms >= NOTICE_MS)
        log_notices(reader);
    if (reader_must_hold(reader, pending->is_there ? buf_text(&pending->position) : TEXT_NONE))
        return reader_hold(reader, err) ? STANDING_AGAIN : STANDING_FAILED;
    if (pending->is_there && !begin_pending(reader, err))
        return STANDING_FAILED;
    return STANDING_READ;
}

static bool
is_torn(BlockReader *reader, Error *err)
{
    reader->torn = reader->ends && reader->in_transaction;
    return reader->torn && !error_set(err, ERR_STOPPED, "the log ends inside a transaction");
}

/* Read and push blocks until the end or a stop between transactions. */
static bool
read_blocks(BlockReader *reader, Error *err)
{
    while (stop_level() < STOP_NOW && !queue_has_ended(reader->queue)) {
        Standing standing = reader->in_transaction ? STANDING_READ : stand_between(reader, err);

        if (standing == STANDING_AGAIN)
            continue;
        if (standing != STANDING_READ)
            return standing == STANDING_DONE;
        if (!reader_acknowledge(reader, err) || !read_step(reader, err) || is_torn(reader, err))
            return false;
    }
    return error_set(err, ERR_STOPPED, "stopped");
}

/* ---- after a failure ---- */

/* Drop the open block and stand where it began, with the source to be opened there. */
static bool
drop_block(BlockReader *reader, Error *err)
{
    close_source(reader);
    if (reader->block_is_open) {
        reader->seqno = reader->block_seqno;
        reader_set_text(&reader->position, buf_text(&reader->block_position));
        reader_set_text(&reader->begin, buf_text(&reader->block_begin));
    }
    reader->block_is_open = false;
    reader->in_transaction = false;
    reader->is_void = false;
    reader->ends = false;
    reader->torn = false;
    block_writer_close(STEAL(reader->writer));
    reader->writer = block_writer_open(&reader->writer_config, err);
    return reader->writer != NULL;
}

/* Read up to this transaction, and push what was read. */
static bool
read_up_to(BlockReader *reader, uint64_t seqno, Error *err)
{
    bool ok;

    if (reader->seqno >= seqno)
        return true;
    reader->last_seqno = seqno;
    ok = read_blocks(reader, err);
    reader->last_seqno = reader->options.until_seqno;
    reader->ends = false;
    return ok;
}

/*
 * A transaction cannot be read to its end, nor any other time. Those of the open block before it
 * are whole: read them once more, up to there, and push them.
 */
static bool
read_whole_transactions(BlockReader *reader, Error *err)
{
    uint64_t whole = reader->seqno;

    if (!reader->block_is_open || whole <= reader->block_seqno || reader->options.snapshot != NULL)
        return true;
    return drop_block(reader, err) && reader_open_source(reader, err) &&
           read_up_to(reader, whole, err);
}

/* The same transaction has failed again, or another one. */
static void
count_failure(BlockReader *reader)
{
    if (reader->failing_since_ms != 0) {
        reader->tries++;
    } else {
        reader->tries = 0;
        reader->failing_since_ms = clock_monotonic_ms();
    }
    reader->failed_seqno = MAX(reader->failed_seqno, reader->seqno);
}

/*
 * A failure that may pass. What comes before the failing transaction is given to the loader, then
 * the source is opened behind that, after a while.
 */
static bool
come_back(BlockReader *reader, Error *err)
{
    const Error failure = *err;
    uint64_t whole = reader->seqno;

    count_failure(reader);
    if (reader->block_is_open && !reader->in_transaction && !reader_push_block(reader, err))
        return false;
    if (!drop_block(reader, err))
        return false;
    *err = failure;
    if (err->kind != ERR_SCHEMA &&
        !reader_retry_wait(reader, reader->failing_since_ms, reader->tries, err))
        return false;
    if (whole > reader->seqno &&
        (!reader_open_source(reader, err) || !read_up_to(reader, whole, err)))
        return false;
    *err = failure;
    if (err->kind == ERR_SCHEMA) {
        close_source(reader);
        if (!reader_schema_wait(reader, err))
            return false;
    }
    return reader->source != NULL || reader_open_source(reader, err);
}

/* False: *err is what ends the run. */
static bool
is_over(BlockReader *reader, Error *err)
{
    for (;;) {
        if (err->kind == ERR_STOPPED || !err->retriable)
            return true;
        if (reader->options.snapshot != NULL) {
            err->retriable = false;
            return true;
        }
        if (come_back(reader, err))
            return false;
    }
}

bool
reader_run(BlockReader *reader, Error *err)
{
    Error failure;
    Error later;

    reader->ends = is_limit(reader, buf_text(&reader->position));
    while (!read_blocks(reader, err)) {
        if (!reader->torn && !is_over(reader, err))
            continue;
        if (err->kind == ERR_STOPPED && !reader->torn) {
            block_writer_abandon(reader->writer);
            return true;
        }
        failure = *err;
        if (!read_whole_transactions(reader, &later) && later.kind != ERR_STOPPED)
            log_line(LOG_WARN, "reader",
                "whole transactions before the error wait for the next start: %s", later.text);
        *err = failure;
        reader->ends = failure.kind == ERR_STOPPED;
        return failure.kind == ERR_STOPPED;
    }
    log_notices(reader);
    return true;
}
