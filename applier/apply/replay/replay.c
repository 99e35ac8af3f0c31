#include "apply/replay/replay.h"

#include <inttypes.h>
#include <stdlib.h>

#include "apply/loader.h"
#include "apply/replay/tungsten.h"
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

/* What Tungsten wrote has no checksum: its lines must be read to know that they can be, how many
 * there are, and which seqno is the last. */
static bool
check_tungsten(Replay *replay, size_t index, Error *err)
{
    Block *block = replay->list.blocks[index];
    bool has_next = index + 1 < replay->list.count;
    const Block *next = has_next ? replay->list.blocks[index + 1] : NULL;
    CLEANUP(block_free) Block *converted = NULL;
    uint64_t to = replay->options->to_seqno;
    uint64_t last;

    if (!replay_convert(replay->context, replay->options, block, &converted, err))
        return false;
    replay_convert_clean(replay->context);
    last = converted->manifest.last_seqno;
    if (has_next && last >= next->manifest.first_seqno)
        return error_set(err, ERR_DATA,
            "%s and %s overlap: lines of the block %" PRIu64 " go up to seqno %" PRIu64
            ", but another block begins at %" PRIu64,
            block->path, next->path, block->manifest.first_seqno, last, next->manifest.first_seqno);
    if (to > 0 && last > to)
        return error_set(err, ERR_USAGE,
            "block %" PRIu64 " to %" PRIu64
            " can only be replayed whole: choose --from and --to at its limits",
            block->manifest.first_seqno, last);
    block->manifest.last_seqno = last;
    replay->all_rows += block_rows(converted);
    return true;
}

/* Nothing is loaded before every file of every block is known to be whole. */
static bool
check_blocks(Replay *replay, Error *err)
{
    for (size_t i = 0; i < replay->list.count; i++) {
        const Block *block = replay->list.blocks[i];

        if (replay_is_tungsten(block)) {
            if (!check_tungsten(replay, i, err))
                return false;
            continue;
        }
        if (!block_check(block, false, err))
            return error_wrap(err, "%s", block->path);
        replay->all_rows += block_rows(block);
    }
    return true;
}

static bool
missing_between(const char *before, uint64_t last_seqno, const Block *block, Error *err)
{
    return error_set(err, ERR_DATA,
        "%s begins at seqno %" PRIu64 ", but %s ends at %" PRIu64
        ": transactions are missing between them; --gaps loads it all the same",
        block->path, block->manifest.first_seqno, before, last_seqno);
}

/* Tungsten leaves no trace of transactions that have no rows: between its blocks nobody can tell.
 */
static bool
hole_is_usual(const Block *before, const Block *block)
{
    return replay_is_tungsten(before) && replay_is_tungsten(block);
}

/* Blocks follow one another without a hole; the first one behind the position follows it. Holes
 * among those that the position holds do no harm: nothing of them counts as loaded anew. */
static bool
check_order(const Replay *replay, Error *err)
{
    const uint64_t position = loader_position(replay->loader)->seqno;

    for (size_t i = 0; i < replay->list.count; i++) {
        const Block *block = replay->list.blocks[i];
        const Block *before = i > 0 ? replay->list.blocks[i - 1] : NULL;
        const Manifest *manifest = &block->manifest;
        bool is_behind = before == NULL || before->manifest.last_seqno < position;

        if (before != NULL && manifest->first_seqno <= before->manifest.last_seqno)
            return error_set(err, ERR_DATA, "%s and %s overlap: both hold seqno %" PRIu64,
                before->path, block->path, manifest->first_seqno);
        if (replay->options->gaps || manifest->last_seqno <= position)
            continue;
        /* an empty target may begin anywhere: where the first retained block is */
        if (is_behind && position > 0 && manifest->first_seqno > position + 1)
            return missing_between("the target's position", position, block, err);
        if (!is_behind && manifest->first_seqno > before->manifest.last_seqno + 1 &&
            !hole_is_usual(before, block))
            return missing_between(before->path, before->manifest.last_seqno, block, err);
    }
    return true;
}

/* The holes that check_order() has let pass; any other one means that the target has lost what was
 * committed. */
static bool
may_begin_anywhere(const Replay *replay, size_t index)
{
    const Block *block = replay->list.blocks[index];

    if (index > 0 && hole_is_usual(replay->list.blocks[index - 1], block))
        return true;
    return replay->totals.blocks == 0 && loader_position(replay->loader)->seqno == 0;
}

/* One table of a block that the position does not hold: the next run would load it once more. */
static bool
check_table(const Replay *replay, Error *err)
{
    const uint64_t position = loader_position(replay->loader)->seqno;

    for (size_t i = 0; replay->options->table != NULL && i < replay->list.count; i++)
        if (position > 0 && replay->list.blocks[i]->manifest.last_seqno > position)
            return error_set(err, ERR_USAGE,
                "%s: --table cannot replay a block past the position, seqno %" PRIu64
                ": the next run would load it once more",
                replay->list.blocks[i]->path, position);
    return true;
}

static bool
replay_block(Replay *replay, size_t index, Error *err)
{
    const Block *listed = replay->list.blocks[index];
    const ReplayOptions *options = replay->options;
    const uint64_t position = loader_position(replay->loader)->seqno;
    /* what the position does not hold is loaded exactly once, whatever happens to the connection */
    LoaderMode mode = {.table = options->table,
        .again =
            options->again && (options->table != NULL || listed->manifest.first_seqno <= position),
        .gap = options->gaps || may_begin_anywhere(replay, index)};
    LoaderTiming timing = {0, 0, 0};
    CLEANUP(block_free) Block *converted = NULL;
    const Block *block = listed;
    uint64_t rows;
    bool ok;

    if (!options->again && listed->manifest.last_seqno <= position) {
        replay->totals.skipped++;
        return true;
    }
    if (!replay_convert(replay->context, options, listed, &converted, err))
        return false;
    if (converted != NULL)
        block = converted;
    rows = block_rows(block);
    ok = loader_apply(replay->loader, block, &mode, &timing, err);
    if (converted != NULL)
        replay_convert_clean(replay->context);
    if (!ok)
        return false;
    replay->totals.blocks++;
    replay->totals.rows += rows;
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
        if (!replay_block(replay, i, err))
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
    return check_order(replay, err) && check_table(replay, err) && replay_blocks(replay, err);
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
    /* what a killed replay left */
    replay_convert_clean(context);
    ok = replay_all(&replay, err);
    if (replay.loader != NULL)
        replay.totals.seqno = loader_position(replay.loader)->seqno;
    loader_close(replay.loader);
    replay_list_free(&replay.list);
    *ret_totals = replay.totals;
    return ok;
}
