#include "apply/loader.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "apply/connection.h"
#include "apply/contested.h"
#include "apply/deletes.h"
#include "apply/parallel.h"
#include "apply/partition/partition.h"
#include "apply/retry.h"
#include "base/fault.h"
#include "base/stop.h"

struct Loader {
    const Context *context;
    LoaderRetryFn *retry;
    void *retry_context;
    Connection connection;
    pthread_mutex_t mutex; /* held while connection.target comes or goes: for loader_cancel() */
    ParallelLoad *parallel;
    bool owned; /* the service was taken over: from then on only with our own fence */
    Position position;
    Arena *position_arena;
    StageCache stages;
    PartitionCache partitions;
};

static Text
position_service(const Config *config)
{
    return text_of(config->position_service != NULL ? config->position_service : config->service);
}

const Position *
loader_position(const Loader *loader)
{
    return &loader->position;
}

static void
loader_set_position(Loader *loader, const Position *position)
{
    Arena *arena = arena_new();
    Position copy = *position;

    copy.source_position = arena_text(arena, position->source_position);
    copy.block = arena_text(arena, position->block);
    arena_free(loader->position_arena);
    loader->position_arena = arena;
    loader->position = copy;
}

static bool
connect_target(Loader *loader, Error *err)
{
    bool ok;

    (void)pthread_mutex_lock(&loader->mutex);
    ok = connection_open(&loader->connection, err);
    (void)pthread_mutex_unlock(&loader->mutex);
    return ok;
}

static void
drop_target(Loader *loader)
{
    (void)pthread_mutex_lock(&loader->mutex);
    connection_drop(&loader->connection);
    (void)pthread_mutex_unlock(&loader->mutex);
    partition_cache_clear(&loader->partitions);
}

void
loader_cancel(Loader *loader)
{
    Target *target;

    /* who connects or closes right now runs no statement */
    if (pthread_mutex_trylock(&loader->mutex) != 0)
        return;
    target = loader->connection.target;
    if (target != NULL && target->driver->cancel != NULL)
        target->driver->cancel(target);
    (void)pthread_mutex_unlock(&loader->mutex);
}

/* Connect and own the service: afterwards loader->position is what the target really holds. */
static bool
loader_connect(Loader *loader, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Text schema = text_of(loader->context->config->target.position_schema);
    Text service = position_service(loader->context->config);
    Position position;
    bool ok;

    if (!connect_target(loader, err))
        return false;
    if (!loader->owned)
        ok = position_prepare(loader->connection.target, schema, err) &&
             position_acquire(loader->connection.target, schema, service, arena, &position, err);
    else
        ok = position_reacquire(loader->connection.target, schema, service, loader->position.fence,
            arena, &position, err);
    if (!ok) {
        drop_target(loader);
        return false;
    }
    loader->owned = true;
    loader_set_position(loader, &position);
    return true;
}

/*
 * May the failed call be tried again? Waits before it says yes. The waiting time doubles from
 * retry.first_wait to retry.max_wait.
 */
static bool
loader_wait(Loader *loader, int64_t started_ms, unsigned tries, Error *err)
{
    const RetryConfig *retry = &loader->context->config->retry;
    int64_t wait_ms;

    if (!err->retriable)
        return false;
    if (!retry_next(retry, started_ms, tries, &wait_ms))
        return error_wrap(err, "gave up after %u tries", tries + 1);
    if (loader->retry != NULL)
        loader->retry(loader->retry_context, err, wait_ms);
    if (stop_wait(tries == 0 ? STOP_NOW : STOP_AFTER_BLOCK, wait_ms))
        return error_set(err, ERR_STOPPED, "stopped while the target was away");
    return true;
}

Loader *
loader_open(const Context *context, LoaderRetryFn *retry, void *retry_context, Error *err)
{
    CLEANUP(loader_close) Loader *loader = calloc(1, sizeof(*loader));
    int64_t started_ms = clock_monotonic_ms();

    if (loader == NULL)
        abort();
    loader->context = context;
    loader->retry = retry;
    loader->retry_context = retry_context;
    connection_init(&loader->connection, context);
    (void)pthread_mutex_init(&loader->mutex, NULL);
    loader->parallel = parallel_load_new(context, (size_t)context->config->target.loaders);
    for (unsigned tries = 0; !loader_connect(loader, err); tries++)
        if (!loader_wait(loader, started_ms, tries, err))
            return NULL;
    return STEAL(loader);
}

void
loader_close(Loader *loader)
{
    if (loader == NULL)
        return;
    connection_clear(&loader->connection);
    (void)pthread_mutex_destroy(&loader->mutex);
    parallel_load_free(loader->parallel);
    stage_cache_clear(&loader->stages);
    partition_cache_clear(&loader->partitions);
    arena_free(loader->position_arena);
    free(loader);
}

/* @begin or @commit of every script of the block, each once. */
static bool
run_block_section(Loader *loader, const Block *block, const BlockPlan *plan, ScriptSection section,
    ScriptTiming *timing, Error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        SectionRun run = {block, NULL, plan->plans[i].script, section, true};
        bool first = run.script != NULL;

        for (size_t j = 0; first && j < i; j++)
            first = plan->plans[j].script != run.script;
        if (first && !connection_run(&loader->connection, &run, timing, err))
            return false;
    }
    return true;
}

static bool
run_file(
    Loader *loader, const Block *block, const MergePlan *plan, ScriptTiming *timing, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    MergePlan decided = *plan;
    SectionRun run = {block, &decided, plan->script, SECTION_TRUNCATE, true};

    if (plan->file->truncate && !connection_run(&loader->connection, &run, timing, err))
        return false;
    run.section = SECTION_APPLY;
    if (plan->file->name.data == NULL)
        return true;
    return contested_resolve(
               loader->context, loader->connection.target, block, &decided, arena, err) &&
           connection_run(&loader->connection, &run, timing, err);
}

static bool
run_files(
    Loader *loader, const Block *block, const BlockPlan *plan, ScriptTiming *timing, Error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const MergePlan *one = &plan->plans[i];

        if (stop_level() >= STOP_NOW)
            return error_set(err, ERR_STOPPED, "stopped while merging");
        if (one->script == NULL)
            continue;
        if (!run_file(loader, block, one, timing, err))
            return error_wrap(err, "block %" PRIu64, block->manifest.first_seqno);
        CRASH_POINT("loader.file_merged");
    }
    return true;
}

/* What the position row says after this block. */
static Position
position_after(const Loader *loader, const Block *block, const LoaderMode *mode)
{
    const Manifest *manifest = &block->manifest;
    Position position = loader->position;
    const char *slash = block->path == NULL ? NULL : strrchr(block->path, '/');

    position.updated_us = clock_now_us();
    if (mode->table != NULL || manifest->last_seqno <= position.seqno)
        return position;
    position.seqno = manifest->last_seqno;
    position.source_position = manifest->position_after;
    position.block = slash == NULL ? TEXT("") : text_of(slash + 1);
    position.commit_us = manifest->last_commit_us;
    return position;
}

static bool
commit_block(Loader *loader, const Block *block, const LoaderMode *mode, Error *err)
{
    const Config *config = loader->context->config;
    Target *target = loader->connection.target;
    Position position = position_after(loader, block, mode);
    bool unknown = false;

    if (!position_write(target, text_of(config->target.position_schema), position_service(config),
            loader->position.seqno, &position, err))
        return false;
    CRASH_POINT("loader.before_commit");
    if (!loader->context->target->commit(target, &unknown, err))
        return error_wrap(err, unknown ? "commit (outcome unknown)" : "commit");
    CRASH_POINT("loader.after_commit");
    loader_set_position(loader, &position);
    return true;
}

static bool
merge_block(Loader *loader, const Block *block, const BlockPlan *plan, const LoaderMode *mode,
    LoaderTiming *timing, Error *err)
{
    const TargetDriver *driver = loader->context->target;
    ScriptTiming script = {0, 0};
    int64_t start_us;
    bool ok;

    if (!driver->begin(loader->connection.target, err))
        return false;
    ok = run_block_section(loader, block, plan, SECTION_BEGIN, &script, err) &&
         run_files(loader, block, plan, &script, err) &&
         run_block_section(loader, block, plan, SECTION_COMMIT, &script, err);
    timing->load_us += script.load_us;
    timing->merge_us += script.merge_us;
    start_us = clock_monotonic_us();
    ok = ok && commit_block(loader, block, mode, err);
    timing->commit_us += clock_monotonic_us() - start_us;
    if (!ok)
        driver->rollback(loader->connection.target);
    return ok;
}

/* A replay of one table leaves the other plans out. */
static void
plan_filter(BlockPlan *plan, const LoaderMode *mode)
{
    for (size_t i = 0; mode->table != NULL && i < plan->count; i++) {
        CLEANUP(buf_clear) Buf name = BUF_INIT;
        const BlockFile *file = plan->plans[i].file;

        buf_addf(&name, TEXT_FMT "." TEXT_FMT, TEXT_ARG(file->schema), TEXT_ARG(file->table));
        if (!text_glob(buf_text(&name), mode->table))
            plan->plans[i].script = NULL;
    }
}

/* The partitions that are known may have been dropped or changed by hand: then they are looked at
 * once more. */
static bool
plan_partitions(Loader *loader, const Block *block, Arena *arena, BlockPlan *ret_plan, Error *err)
{
    const Context *context = loader->context;
    Target *target = loader->connection.target;

    if (!partition_prepare(context, target, block, &loader->partitions, err))
        return false;
    if (plan_block(context, target, block, arena, ret_plan, err))
        return true;
    if (!ret_plan->lacks_partition)
        return false;
    partition_cache_clear(&loader->partitions);
    return partition_prepare(context, target, block, &loader->partitions, err) &&
           plan_block(context, target, block, arena, ret_plan, err);
}

/* One try. *ret_cached: a staging table was taken on trust. */
static bool
apply_once(Loader *loader, const Block *block, const LoaderMode *mode, LoaderTiming *timing,
    bool *ret_cached, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    BlockPlan plan = {NULL, 0, false};
    int64_t start_us;

    *ret_cached = false;
    if (!plan_partitions(loader, block, arena, &plan, err))
        return false;
    plan_filter(&plan, mode);
    if (!deletes_refuse(block, &plan, err))
        return false;
    if (mode->again && !plan_again(&plan, err))
        return error_wrap(err, "block %" PRIu64, block->manifest.first_seqno);
    if (!plan_stage(
            loader->context, loader->connection.target, &plan, &loader->stages, ret_cached, err) ||
        !plan_empty_stages(loader->context, loader->connection.target, &plan, &loader->stages, err))
        return false;
    for (size_t i = 0; i < plan.count; i++)
        if (plan.plans[i].script != NULL &&
            !connection_prepare(&loader->connection, plan.plans[i].script, err))
            return false;
    start_us = clock_monotonic_us();
    if (!contested_resolve_loads(
            loader->context, loader->connection.target, block, &plan, arena, err) ||
        !parallel_load_run(loader->parallel, block, &plan, err))
        return error_wrap(err, "block %" PRIu64, block->manifest.first_seqno);
    timing->load_us += clock_monotonic_us() - start_us;
    CRASH_POINT("loader.staged");
    return merge_block(loader, block, &plan, mode, timing, err);
}

/* ---- moving the position alone ---- */

Block *
loader_position_move(uint64_t seqno, Text position)
{
    Block *block = calloc(1, sizeof(*block));

    if (block == NULL)
        abort();
    block->arena = arena_new();
    block->manifest.first_seqno = seqno + 1;
    block->manifest.last_seqno = seqno;
    block->manifest.position_after = arena_text(block->arena, position);
    return block;
}

bool
loader_is_position_move(const Block *block)
{
    return block->path == NULL && block->manifest.transactions == 0;
}

/*
 * One try. It may be made again whatever became of the one before: the same text is written, under
 * the same fence and seqno.
 */
static bool
move_once(Loader *loader, const Block *move, LoaderTiming *timing, Error *err)
{
    const Config *config = loader->context->config;
    Target *target = loader->connection.target;
    Position position = loader->position;
    int64_t start_us = clock_monotonic_us();
    bool unknown = false;

    position.source_position = move->manifest.position_after;
    position.updated_us = clock_now_us();
    if (!loader->context->target->begin(target, err))
        return false;
    CRASH_POINT("loader.position_move");
    if (!position_write(target, text_of(config->target.position_schema), position_service(config),
            position.seqno, &position, err) ||
        !loader->context->target->commit(target, &unknown, err)) {
        loader->context->target->rollback(target);
        return error_wrap(err, "move the source's position");
    }
    CRASH_POINT("loader.position_moved");
    timing->commit_us += clock_monotonic_us() - start_us;
    loader_set_position(loader, &position);
    return true;
}

/*
 * Is the whole block in the target already? A part of one can only come from other block limits. A
 * position before the block's beginning means that the target has forgotten transactions.
 */
static bool
block_is_in(
    const Loader *loader, const Block *block, const LoaderMode *mode, bool *ret_in, Error *err)
{
    const Manifest *manifest = &block->manifest;
    uint64_t seqno = loader->position.seqno;

    /* a move of the position belongs behind its seqno: nowhere else does it mean the same */
    *ret_in = manifest->last_seqno <= seqno && !loader_is_position_move(block);
    if (*ret_in || manifest->first_seqno == seqno + 1 ||
        (mode->gap && manifest->first_seqno > seqno))
        return true;
    if (manifest->first_seqno > seqno && loader_is_position_move(block))
        return error_set(err, ERR_TARGET,
            "the source's position behind seqno %" PRIu64
            ": the target's position is seqno %" PRIu64
            ": it has lost transactions that were committed (a fail-over, or a backup restored?); "
            "start again to go on from there",
            manifest->last_seqno, seqno);
    if (manifest->first_seqno > seqno)
        return error_set(err, ERR_TARGET,
            "block %" PRIu64 " to %" PRIu64 ": the target's position is seqno %" PRIu64
            ": it has lost transactions that were committed (a fail-over, or a backup restored?); "
            "start again to go on from there",
            manifest->first_seqno, manifest->last_seqno, seqno);
    return error_set(err, ERR_TARGET,
        "block %" PRIu64 " to %" PRIu64 ": the target's position, seqno %" PRIu64
        ", lies inside it",
        manifest->first_seqno, manifest->last_seqno, seqno);
}

bool
loader_apply(
    Loader *loader, const Block *block, const LoaderMode *mode, LoaderTiming *timing, Error *err)
{
    int64_t started_ms = clock_monotonic_ms();
    unsigned tries = 0;
    bool trusted = true;

    for (;;) {
        bool cached = false;
        bool in = false;

        if (loader->connection.target != NULL || loader_connect(loader, err)) {
            if (!mode->again && !block_is_in(loader, block, mode, &in, err))
                return false;
            if (in || (loader_is_position_move(block)
                              ? move_once(loader, block, timing, err)
                              : apply_once(loader, block, mode, timing, &cached, err)))
                return true;
        }
        if (err->kind == ERR_STOPPED || err->kind == ERR_FENCED)
            return false;
        /* a staging table may have been dropped or changed behind our back: look once */
        if (cached && trusted && !err->retriable) {
            stage_cache_clear(&loader->stages);
            trusted = false;
            continue;
        }
        drop_target(loader);
        if (!loader_wait(loader, started_ms, tries++, err))
            return false;
    }
}
