#include "apply/pipeline.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "apply/loader.h"
#include "apply/reader.h"
#include "apply/reload.h"
#include "apply/status.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"
#include "block/retention.h"

#define STATUS_INTERVAL_MS 1000

typedef struct Pipeline {
    const Context *context;
    const RunOptions *options;
    bool embedded;
    int lock_fd;
    HoldServer *hold;
    Queue *queue;
    BlockReader *reader;
    Loader *loader;
    pthread_t reader_thread;
    pthread_t loader_thread;
    Error reader_error; /* ERR_NONE: ended well */
    Error loader_error;
    int64_t started_us;

    /* loader thread */
    PipelineTotals totals;
    int64_t status_ms;       /* when status.json was written last */
    bool status_behind;      /* it does not show the last commit yet */
    bool caught_up;          /* as it was written last */
    unsigned reader_changes; /* the same of the reader's state */
} Pipeline;

/* ---- status.json ------------------------------------------------------------------------------
 */

/* The target has not answered yet. */
static void
note_status(const Pipeline *pipeline, const char *state, const Error *failure)
{
    Error err;

    if (pipeline->embedded)
        return;
    if (!status_note(pipeline->context, state, failure, &err))
        log_line(LOG_WARN, "loader", "%s", err.text);
}

/* Everything that the source had is in the target. */
static bool
is_caught_up(const Pipeline *pipeline)
{
    return pipeline->reader != NULL && reader_caught_up(pipeline->reader) &&
           queue_is_idle(pipeline->queue);
}

static void
write_status(Pipeline *pipeline, const char *state, const Error *failure)
{
    const Position *position = loader_position(pipeline->loader);
    StatusFile status = {.state = state,
        .seqno = position->seqno,
        .source_position = position->source_position,
        .commit_us = position->commit_us,
        .updated_us = position->updated_us,
        .caught_up = failure == NULL && is_caught_up(pipeline),
        .last_error = failure == NULL ? NULL : failure->text,
        .last_error_us = clock_now_us()};
    Error err;

    if (!pipeline->embedded && !status_write(pipeline->context, &status, &err))
        log_line(LOG_WARN, "loader", "%s", err.text);
    pipeline->status_ms = clock_monotonic_ms();
    pipeline->status_behind = false;
    pipeline->caught_up = status.caught_up;
}

/* The loader has nothing to complain of: the state is the reader's. */
static void
write_usual_status(Pipeline *pipeline)
{
    Error failure = {.kind = ERR_NONE};
    const char *state = "running";

    if (pipeline->reader != NULL) {
        pipeline->reader_changes = reader_state_changes(pipeline->reader);
        state = reader_state(pipeline->reader, &failure);
    }
    write_status(pipeline, state, failure.kind == ERR_NONE ? NULL : &failure);
}

/* ---- loader thread ----------------------------------------------------------------------------
 */

static void
reach(const Pipeline *pipeline, RunStage stage)
{
    if (pipeline->options->reached != NULL)
        pipeline->options->reached(pipeline->options->reached_context, stage);
}

static void
on_retry(void *context, const Error *err, int64_t wait_ms)
{
    Pipeline *pipeline = context;

    log_line(LOG_WARN, "loader", "will try again in %" PRId64 " ms: %s", wait_ms, err->text);
    if (pipeline->loader != NULL) {
        write_status(pipeline, "retrying", err);
    } else {
        note_status(pipeline, "retrying", err);
        reach(pipeline, RUN_STARTED);
    }
}

static void
count_block(PipelineTotals *totals, const Block *block, const LoaderTiming *timing)
{
    const Manifest *manifest = &block->manifest;

    totals->blocks++;
    totals->transactions += manifest->transactions;
    for (size_t i = 0; i < manifest->file_count; i++)
        totals->rows += manifest->files[i].row_count;
    totals->seqno = manifest->last_seqno;
    totals->read_us += block->timing.read_us;
    totals->write_us += block->timing.write_us;
    totals->load_us += timing->load_us;
    totals->merge_us += timing->merge_us;
    totals->commit_us += timing->commit_us;
}

static void
log_block(const Block *block, const LoaderTiming *timing)
{
    const Manifest *manifest = &block->manifest;
    uint64_t rows = 0;

    for (size_t i = 0; i < manifest->file_count; i++)
        rows += manifest->files[i].row_count;
    log_line(LOG_INFO, "loader",
        "block committed first_seqno=%" PRIu64 " last_seqno=%" PRIu64 " files=%zu rows=%" PRIu64
        " read_ms=%" PRId64 " write_ms=%" PRId64 " load_ms=%" PRId64 " merge_ms=%" PRId64
        " commit_ms=%" PRId64,
        manifest->first_seqno, manifest->last_seqno, manifest->file_count, rows,
        block->timing.read_us / 1000, block->timing.write_us / 1000, timing->load_us / 1000,
        timing->merge_us / 1000, timing->commit_us / 1000);
}

/* The source's position alone went on. */
static void
position_moved(Pipeline *pipeline, const Block *move)
{
    log_line(LOG_DEBUG, "loader", "position moved source_position=" TEXT_FMT,
        TEXT_ARG(move->manifest.position_after));
    pipeline->status_behind = true;
}

/* Committed: whatever happens now, the block is not lost. */
static void
block_committed(Pipeline *pipeline, const Block *block, const LoaderTiming *timing)
{
    const BlockConfig *config = &pipeline->context->config->block;
    const Position *position = loader_position(pipeline->loader);
    size_t removed = 0;
    Error err;

    count_block(&pipeline->totals, block, timing);
    log_block(block, timing);
    if (config->retain.kind != RETAIN_NONE && block->path != NULL &&
        !retention_mark(block->path, &err))
        log_line(LOG_WARN, "loader", "retention: %s", err.text);
    if (!retention_apply(config->directory, &config->retain, position->seqno, &removed, &err))
        log_line(LOG_WARN, "loader", "retention: %s", err.text);
    CRASH_POINT("loader.retained");
    pipeline->status_behind = true;
    if (clock_monotonic_ms() - pipeline->status_ms >= STATUS_INTERVAL_MS)
        write_usual_status(pipeline);
}

static bool
load_blocks(Pipeline *pipeline, Error *err)
{
    static const LoaderMode live = {false, NULL, false};

    for (;;) {
        bool ended = false;
        CLEANUP(block_free) Block *block = queue_pop(pipeline->queue, STATUS_INTERVAL_MS, &ended);
        LoaderTiming timing = {0, 0, 0};

        if (ended)
            return true;
        if (block == NULL) {
            if (pipeline->status_behind || pipeline->caught_up != is_caught_up(pipeline) ||
                pipeline->reader_changes != reader_state_changes(pipeline->reader))
                write_usual_status(pipeline);
            continue;
        }
        if (!loader_apply(pipeline->loader, block, &live, &timing, err))
            return false;
        if (loader_is_position_move(block))
            position_moved(pipeline, block);
        else
            block_committed(pipeline, block, &timing);
        queue_done(pipeline->queue, &block->manifest.position_after);
    }
}

static void *
loader_main(void *argument)
{
    Pipeline *pipeline = argument;
    Error err = {.kind = ERR_NONE};

    if (!load_blocks(pipeline, &err) && err.kind != ERR_STOPPED)
        pipeline->loader_error = err;
    /* the reader sees it within a second, wherever it is */
    queue_end(pipeline->queue);
    return NULL;
}

static void *
reader_main(void *argument)
{
    Pipeline *pipeline = argument;
    Error err = {.kind = ERR_NONE};

    if (!reader_run(pipeline->reader, &err) && err.kind != ERR_STOPPED)
        pipeline->reader_error = err;
    queue_close(pipeline->queue);
    return NULL;
}

/* ---- start and finish -------------------------------------------------------------------------
 */

static void
pipeline_free(Pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    reader_close(pipeline->reader);
    hold_server_close(pipeline->hold);
    queue_free(pipeline->queue);
    loader_close(pipeline->loader);
    file_close(pipeline->lock_fd);
    free(pipeline);
}

static bool
take_lock(Pipeline *pipeline, Error *err)
{
    const char *directory = pipeline->context->config->block.directory;
    char *path;

    if (!file_make_directory(directory, err))
        return false;
    path = file_join(directory, "lock");
    pipeline->lock_fd = file_lock(path, err);
    free(path);
    return pipeline->lock_fd >= 0;
}

/* Where no socket can be made (some network file systems) only bootstrap and verify miss it. */
static void
open_hold(Pipeline *pipeline)
{
    Error err;

    pipeline->hold = hold_server_open(pipeline->context->config->block.directory, &err);
    if (pipeline->hold == NULL)
        log_line(LOG_WARN, "main", "nobody can ask this service to hold: %s", err.text);
}

static bool
open_parts(Pipeline *pipeline, const RunOptions *options, Error *err)
{
    const Context *context = pipeline->context;
    const Position *position;
    ReaderStart start = {
        .context = context, .queue = pipeline->queue, .hold = pipeline->hold, .options = *options};
    size_t removed = 0;

    pipeline->loader = loader_open(context, on_retry, pipeline, err);
    if (pipeline->loader == NULL)
        return false;
    if (!options->embedded && !reload_retained(context, pipeline->loader, err))
        return false;
    position = loader_position(pipeline->loader);
    if (!retention_clean(context->config->block.directory, position->seqno, &removed, err))
        return false;
    log_line(options->embedded ? LOG_DEBUG : LOG_INFO, "main",
        "service starts seqno=%" PRIu64 " fence=%" PRIu64 " source_position=" TEXT_FMT,
        position->seqno, position->fence, TEXT_ARG(position->source_position));
    if (removed > 0)
        log_line(
            LOG_INFO, "main", "removed %zu block directories that were not committed", removed);
    start.fence = position->fence;
    start.seqno = position->seqno;
    start.position = position->source_position;
    pipeline->totals.seqno = position->seqno;
    if (options->until_seqno > 0 && options->until_seqno <= position->seqno)
        return error_set(err, ERR_USAGE,
            "--until-seqno %" PRIu64 ": the target already is at seqno %" PRIu64,
            options->until_seqno, position->seqno);
    pipeline->reader = reader_open(&start, err);
    return pipeline->reader != NULL;
}

static bool
start_threads(Pipeline *pipeline, Error *err)
{
    if (pthread_create(&pipeline->loader_thread, NULL, loader_main, pipeline) != 0)
        return error_set(err, ERR_INTERNAL, "no thread could be started");
    if (pthread_create(&pipeline->reader_thread, NULL, reader_main, pipeline) != 0) {
        queue_close(pipeline->queue);
        (void)pthread_join(pipeline->loader_thread, NULL);
        return error_set(err, ERR_INTERNAL, "no thread could be started");
    }
    return true;
}

static bool
pipeline_start(Pipeline *pipeline, const RunOptions *options, Error *err)
{
    pipeline->options = options;
    pipeline->embedded = options->embedded;
    if (!options->embedded) {
        if (!take_lock(pipeline, err))
            return false;
        reach(pipeline, RUN_LOCKED);
        open_hold(pipeline);
    }
    if (!open_parts(pipeline, options, err)) {
        if (pipeline->loader == NULL)
            note_status(pipeline, err->kind == ERR_STOPPED ? "stopped" : "failed", err);
        else if (err->kind != ERR_STOPPED)
            write_status(pipeline, "failed", err);
        return false;
    }
    write_status(pipeline, "running", NULL);
    /* before another thread could call as well */
    reach(pipeline, RUN_STARTED);
    return start_threads(pipeline, err);
}

static Pipeline *
pipeline_new(const Context *context)
{
    Pipeline *pipeline = calloc(1, sizeof(*pipeline));

    if (pipeline == NULL)
        abort();
    pipeline->context = context;
    pipeline->lock_fd = -1;
    pipeline->started_us = clock_monotonic_us();
    pipeline->queue = queue_new();
    return pipeline;
}

/* After STOP_NOW the statement that runs is given up, however long it would take. */
static void
join_loader(Pipeline *pipeline)
{
    struct timespec until;

    for (;;) {
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        if (pthread_timedjoin_np(pipeline->loader_thread, NULL, &until) == 0)
            return;
        if (stop_level() >= STOP_NOW)
            loader_cancel(pipeline->loader);
    }
}

static bool
pipeline_finish(Pipeline *pipeline, PipelineTotals *ret_totals, Error *err)
{
    const Error *failure = NULL;

    join_loader(pipeline);
    (void)pthread_join(pipeline->reader_thread, NULL);
    reader_finish(pipeline->reader);
    pipeline->totals.complete = reader_is_complete(pipeline->reader);
    pipeline->totals.elapsed_us = clock_monotonic_us() - pipeline->started_us;
    /* the loader's error comes first: it may be the reason of the reader's */
    if (pipeline->loader_error.kind != ERR_NONE)
        failure = &pipeline->loader_error;
    else if (pipeline->reader_error.kind != ERR_NONE)
        failure = &pipeline->reader_error;
    write_status(pipeline, failure == NULL ? "stopped" : "failed", failure);
    if (failure != NULL)
        *err = *failure;
    pipeline->totals.complete &= failure == NULL && stop_level() < STOP_NOW;
    *ret_totals = pipeline->totals;
    return failure == NULL;
}

bool
pipeline_run(
    const Context *context, const RunOptions *options, PipelineTotals *ret_totals, Error *err)
{
    Pipeline *pipeline = pipeline_new(context);
    bool ok;

    *ret_totals = (PipelineTotals){0};
    if (pipeline_start(pipeline, options, err))
        ok = pipeline_finish(pipeline, ret_totals, err);
    else
        ok = err->kind == ERR_STOPPED;
    pipeline_free(pipeline);
    return ok;
}
