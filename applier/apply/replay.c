#include "apply/replay.h"

#include <inttypes.h>
#include <stdlib.h>

#include "apply/loader.h"
#include "apply/replay_tungsten.h"
#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"

typedef struct Replay {
    const Context *context;
    const ReplayOptions *options;
    ReplayList list;
    Loader *loader;
    uint64_t all_rows;
    ReplayTotals totals;
} Replay;

static bool
check_options(const ReplayOptions *options, Error *err)
{
    if (options->directory_count == 0)
        return error_set(err, ERR_USAGE, "replay: name at least one directory");
    if (options->table != NULL && !options->again)
        return error_set(err, ERR_USAGE,
            "--table replays a part of each block and leaves the position: it needs --again");
    if (options->to_seqno > 0 && options->to_seqno < options->from_seqno)
        return error_set(err, ERR_USAGE, "--to %" PRIu64 " is before --from %" PRIu64,
            options->to_seqno, options->from_seqno);
    return true;
}

static uint64_t
block_rows(const Block *block)
{
    uint64_t rows = 0;

    for (size_t i = 0; i < block->manifest.file_count; i++)
        rows += block->manifest.files[i].row_count;
    return rows;
}

/* Nothing is loaded before every file of every block is known to be whole. */
static bool
check_blocks(Replay *replay, Error *err)
{
    for (size_t i = 0; i < replay->list.count; i++) {
        const Block *block = replay->list.blocks[i];

        /* what Tungsten wrote has no checksum to compare */
        if (!replay_is_tungsten(block) && !block_check(block, false, err))
            return error_wrap(err, "%s", block->path);
        replay->all_rows += block_rows(block);
    }
    return true;
}

/* Blocks follow one another without a hole; the first one follows the position. */
static bool
check_order(const Replay *replay, Error *err)
{
    const Position *position = loader_position(replay->loader);
    uint64_t last = position->seqno;

    for (size_t i = 0; i < replay->list.count; i++) {
        const Manifest *manifest = &replay->list.blocks[i]->manifest;

        if (i > 0 && manifest->first_seqno <= replay->list.blocks[i - 1]->manifest.last_seqno)
            return error_set(err, ERR_DATA, "%s and %s overlap: both hold seqno %" PRIu64,
                replay->list.blocks[i - 1]->path, replay->list.blocks[i]->path,
                manifest->first_seqno);
        /* an empty target may begin anywhere: where the first retained block is */
        if (!replay->options->gaps && last > 0 && manifest->first_seqno > last + 1)
            return error_set(err, ERR_DATA,
                "%s begins at seqno %" PRIu64 ", but the one before ends at %" PRIu64
                ": transactions are missing between them; --gaps loads it all the same",
                replay->list.blocks[i]->path, manifest->first_seqno, last);
        if (manifest->last_seqno > last)
            last = manifest->last_seqno;
    }
    return true;
}

static bool
replay_block(Replay *replay, const Block *listed, Error *err)
{
    const ReplayOptions *options = replay->options;
    LoaderMode mode = {options->again, options->table};
    LoaderTiming timing = {0, 0, 0};
    CLEANUP(block_free) Block *converted = NULL;
    const Block *block = listed;
    bool ok;

    if (!options->again && listed->manifest.last_seqno <= loader_position(replay->loader)->seqno) {
        replay->totals.skipped++;
        return true;
    }
    if (options->table != NULL &&
        listed->manifest.last_seqno > loader_position(replay->loader)->seqno &&
        loader_position(replay->loader)->seqno > 0)
        return error_set(err, ERR_USAGE,
            "%s: --table cannot replay a block past the position, seqno %" PRIu64
            ": the next run would load it once more",
            listed->path, loader_position(replay->loader)->seqno);
    if (!replay_convert(replay->context, options, listed, &converted, err))
        return false;
    if (converted != NULL)
        block = converted;
    ok = loader_apply(replay->loader, block, &mode, &timing, err);
    if (converted != NULL)
        replay_convert_clean(replay->context);
    if (!ok)
        return false;
    replay->totals.blocks++;
    replay->totals.rows += block_rows(listed);
    return true;
}

static bool
replay_blocks(Replay *replay, Error *err)
{
    const ReplayOptions *options = replay->options;

    for (size_t i = 0; i < replay->list.count; i++) {
        const Block *block = replay->list.blocks[i];

        if (stop_level() >= STOP_AFTER_BLOCK)
            return error_set(err, ERR_STOPPED, "stopped");
        if (!replay_block(replay, block, err))
            return false;
        if (options->progress != NULL)
            options->progress(options->progress_context, replay->totals.rows, replay->all_rows,
                block->manifest.last_seqno);
    }
    return true;
}

static void
on_retry(void *context, const Error *err, int64_t wait_ms)
{
    (void)context;
    log_line(LOG_WARN, "replay", "will try again in %" PRId64 " ms: %s", wait_ms, err->text);
}

static bool
replay_all(Replay *replay, Error *err)
{
    const ReplayOptions *options = replay->options;

    if (!replay_list(replay->context, options, &replay->list, err) || !check_blocks(replay, err))
        return false;
    replay->loader = loader_open(replay->context, on_retry, NULL, err);
    if (replay->loader == NULL)
        return false;
    return (options->again || check_order(replay, err)) && replay_blocks(replay, err);
}

bool
replay_run(
    const Context *context, const ReplayOptions *options, ReplayTotals *ret_totals, Error *err)
{
    Replay replay = {.context = context, .options = options};
    CLEANUP(file_close) int lock_fd = -1;
    char *path;
    bool ok;

    *ret_totals = (ReplayTotals){0};
    if (!check_options(options, err) || !file_make_directory(context->config->block.directory, err))
        return false;
    path = file_join(context->config->block.directory, "lock");
    lock_fd = file_lock(path, err);
    free(path);
    if (lock_fd < 0)
        return false;
    ok = replay_all(&replay, err);
    if (replay.loader != NULL)
        replay.totals.seqno = loader_position(replay.loader)->seqno;
    loader_close(replay.loader);
    replay_list_free(&replay.list);
    *ret_totals = replay.totals;
    return ok;
}
