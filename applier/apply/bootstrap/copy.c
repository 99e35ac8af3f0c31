#include "apply/bootstrap/copy.h"

#include <inttypes.h>
#include <stdlib.h>

#include "apply/queue.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/stop.h"
#include "block/block_writer.h"
#include "block/retention.h"

/* Written when all blocks of a spooled table are on disk: the snapshot's position. */
#define SPOOLED_FILE  "spooled"
#define SPOOLED_LIMIT ((size_t)4096)

#define POP_WAIT_MS 1000

typedef struct TableCopy {
    BootstrapRun *run;
    BootstrapWorker *worker;
    BootstrapJob *job;
    SnapshotReader *reader; /* of this table alone: it keeps the table from being changed */
    Router *router;
    Config config; /* the service's, with a position and blocks of our own */
    Context context;
    BlockWriterConfig writer_config;

    /* reader thread */
    BlockWriter *writer;
    Queue *queue;       /* NULL: blocks stay on disk for now */
    SourceTable *table; /* as the snapshot has it */
    Arena *arena;
    Arena *key_arena;
    Value *after;       /* the last key of the chunk before */
    size_t *key_values; /* where its columns are among a row's values; NULL: not in chunks */
    uint64_t seqno;
    uint64_t block_rows;
    bool truncates; /* the next block begins with TRUNCATE */
    Error error;
} TableCopy;

/* ---- reading: rows into blocks ----------------------------------------------------------------
 */

static bool
check_space(const TableCopy *copy, Error *err)
{
    int64_t available;

    if (!block_space(&copy->config.block, &available, err))
        return false;
    return available >= copy->config.block.min_free ||
           error_set(err, ERR_IO,
               "%s has %" PRId64 " bytes free, block.min_free is %" PRId64
               ": make room, then start dray bootstrap again",
               copy->config.block.directory, available, copy->config.block.min_free);
}

static bool
open_block(TableCopy *copy, Error *err)
{
    const SourceTable *source = copy->job->source;

    if (!check_space(copy, err) || !block_writer_begin(copy->writer, copy->seqno + 1,
                                       copy->run->snapshot_us, copy->job->position, err))
        return false;
    copy->seqno++;
    if (copy->truncates && !block_writer_truncate(copy->writer, source->schema, source->name, err))
        return false;
    copy->truncates = false;
    return true;
}

static bool
close_block(TableCopy *copy, Error *err)
{
    Block *block;

    copy->block_rows = 0;
    if (!block_writer_commit(copy->writer, copy->job->position, err))
        return false;
    block = block_writer_finish(copy->writer, err);
    if (block == NULL)
        return false;
    CRASH_POINT("bootstrap.block_written");
    if (copy->queue == NULL) {
        block_free(block);
        return true;
    }
    if (!queue_push(copy->queue, block))
        return error_set(err, ERR_STOPPED, "the loader takes no more blocks");
    return true;
}

static bool
copy_row(TableCopy *copy, const Change *change, Error *err)
{
    const OutTable *out = NULL;
    int64_t started_ms = clock_monotonic_ms();

    for (unsigned tries = 0;
         !router_table(copy->router, change->table, TEXT_NONE, TEXT_NONE, &out, err); tries++)
        if (err->kind == ERR_SCHEMA || !bootstrap_may_retry(copy->run, started_ms, tries, err))
            return false;
    if (out == NULL)
        return error_set(err, ERR_INTERNAL, "the table is routed nowhere");
    if (copy->block_rows == 0 && !open_block(copy, err))
        return false;
    copy->block_rows++;
    return block_writer_change(copy->writer, out, change, err);
}

static void
keep_key(TableCopy *copy, const Change *change)
{
    Arena *arena = arena_new();

    copy->after = ARENA_ARRAY(arena, Value, copy->table->key_count);
    for (size_t i = 0; i < copy->table->key_count; i++) {
        const Value *value = &change->after[copy->key_values[i]];

        copy->after[i] = (Value){value->kind, arena_text(arena, value->text)};
    }
    arena_free(copy->key_arena);
    copy->key_arena = arena;
}

/* Every chunk_rows rows are a block, and what makes a block full. *ret_last: there is no further
 * chunk. */
static bool
copy_chunk(TableCopy *copy, const SnapshotChunk *chunk, bool *ret_last, Error *err)
{
    const SnapshotDriver *driver = copy->run->context->source->snapshot;
    const uint64_t block_rows = (uint64_t)copy->config.bootstrap.chunk_rows;
    SnapshotReader *reader = copy->reader;
    uint64_t rows = 0;
    Change change;
    Next next;

    if (!driver->read(reader, chunk, err))
        return false;
    while ((next = driver->next(reader, &change, err)) == NEXT_ITEM) {
        if (!copy_row(copy, &change, err))
            return false;
        if (chunk->limit > 0 && ++rows == (uint64_t)chunk->limit)
            keep_key(copy, &change);
        if ((copy->block_rows >= block_rows || block_writer_is_full(copy->writer)) &&
            (!close_block(copy, err) ||
                (stop_level() >= STOP_AFTER_BLOCK && !error_set(err, ERR_STOPPED, "stopped"))))
            return false;
    }
    *ret_last = chunk->limit == 0 || rows < (uint64_t)chunk->limit;
    return next == NEXT_END;
}

/* Where the key's columns are among the values, which lack the generated ones. A generated column
 * in the key: the table is read as a whole. */
static void
find_key(TableCopy *copy)
{
    const SourceTable *table = copy->table;

    copy->key_values = NULL;
    if (table->key_count == 0)
        return;
    copy->key_values = ARENA_ARRAY(copy->arena, size_t, table->key_count);
    for (size_t i = 0; i < table->key_count; i++) {
        copy->key_values[i] = table->key[i];
        for (size_t j = 0; j < table->key[i]; j++)
            copy->key_values[i] -= table->columns[j].is_generated ? 1 : 0;
        if (table->columns[table->key[i]].is_generated) {
            copy->key_values = NULL;
            return;
        }
    }
}

static bool
read_rows(TableCopy *copy, Error *err)
{
    const SnapshotDriver *driver = copy->run->context->source->snapshot;
    const SourceTable *source = copy->job->source;
    bool is_last = false;

    if (!driver->describe(
            copy->reader, source->schema, source->name, copy->arena, &copy->table, err))
        return false;
    /* made after the snapshot: the stream has all of it */
    if (copy->table == NULL)
        return true;
    find_key(copy);
    while (!is_last) {
        SnapshotChunk chunk = {.table = copy->table,
            .after = copy->after,
            .limit = copy->key_values == NULL ? 0 : copy->config.bootstrap.chunk_rows};

        if (stop_level() >= STOP_AFTER_BLOCK)
            return error_set(err, ERR_STOPPED, "stopped");
        if (!copy_chunk(copy, &chunk, &is_last, err))
            return false;
    }
    return copy->block_rows == 0 || close_block(copy, err);
}

static bool
read_table(TableCopy *copy, Error *err)
{
    copy->writer = block_writer_open(&copy->writer_config, err);
    if (copy->writer == NULL || !read_rows(copy, err))
        return false;
    /* an empty table that replaces a filled one */
    return !copy->truncates || (open_block(copy, err) && close_block(copy, err));
}

static void *
reader_main(void *argument)
{
    TableCopy *copy = argument;

    if (!read_table(copy, &copy->error))
        block_writer_close(STEAL(copy->writer));
    else
        copy->error.kind = ERR_NONE;
    queue_close(copy->queue);
    return NULL;
}

/* ---- loading ----------------------------------------------------------------------------------
 */

static void
on_retry(void *context, const Error *err, int64_t wait_ms)
{
    TableCopy *copy = context;

    bootstrap_tell(copy->run, true, "table %s: will try again in %" PRId64 " ms: %s",
        copy->job->name, wait_ms, err->text);
}

static void
set_loader(TableCopy *copy, Loader *loader)
{
    (void)pthread_mutex_lock(&copy->run->mutex);
    copy->worker->loader = loader;
    (void)pthread_mutex_unlock(&copy->run->mutex);
}

/* What does not begin anew stands where it was. */
static bool
check_position(const TableCopy *copy, const Loader *loader, Error *err)
{
    uint64_t seqno = loader_position(loader)->seqno;

    if (seqno == 0 || copy->job->resumes)
        return true;
    return error_set(err, ERR_FENCED,
        "its row %s in dray_position is at seqno %" PRIu64
        " already: does another bootstrap of it run?",
        copy->job->service, seqno);
}

static void
retain_block(TableCopy *copy, const Block *block, uint64_t seqno)
{
    const BlockConfig *config = &copy->config.block;
    size_t removed;
    Error err;

    if ((config->retain.kind != RETAIN_NONE && !retention_mark(block->path, &err)) ||
        !retention_apply(config->directory, &config->retain, seqno, &removed, &err))
        bootstrap_tell(copy->run, true, "table %s: retention: %s", copy->job->name, err.text);
}

static bool
load_block(TableCopy *copy, Loader *loader, const Block *block, Error *err)
{
    static const LoaderMode mode = {false, NULL, false};
    BootstrapRun *run = copy->run;
    const Manifest *manifest = &block->manifest;
    LoaderTiming timing = {0, 0, 0};
    bool ok;

    if (run->has_one_writer)
        (void)pthread_mutex_lock(&run->load_mutex);
    ok = loader_apply(loader, block, &mode, &timing, err);
    if (run->has_one_writer)
        (void)pthread_mutex_unlock(&run->load_mutex);
    if (!ok)
        return false;
    CRASH_POINT("bootstrap.block_loaded");
    for (size_t i = 0; i < manifest->file_count; i++) {
        atomic_fetch_add(&copy->job->rows, manifest->files[i].row_count);
        atomic_fetch_add(&copy->job->bytes, manifest->files[i].bytes);
    }
    retain_block(copy, block, loader_position(loader)->seqno);
    return true;
}

static bool
load_queue(TableCopy *copy, Loader *loader, Error *err)
{
    for (;;) {
        bool ended = false;
        CLEANUP(block_free) Block *block = queue_pop(copy->queue, POP_WAIT_MS, &ended);

        if (ended)
            return true;
        if (block == NULL)
            continue;
        if (!load_block(copy, loader, block, err))
            return false;
        queue_done(copy->queue, NULL);
    }
}

/* Reading and loading side by side. */
static bool
copy_streaming(TableCopy *copy, Loader *loader, Error *err)
{
    pthread_t thread;
    bool ok;

    copy->queue = queue_new();
    if (pthread_create(&thread, NULL, reader_main, copy) != 0) {
        queue_free(STEAL(copy->queue));
        return error_set(err, ERR_INTERNAL, "no thread could be started");
    }
    ok = load_queue(copy, loader, err);
    queue_end(copy->queue);
    (void)pthread_join(thread, NULL);
    queue_free(STEAL(copy->queue));
    if (!ok)
        return false;
    if (copy->error.kind == ERR_NONE)
        return true;
    *err = copy->error;
    return false;
}

/* ---- the whole table on disk first ------------------------------------------------------------
 */

bool
bootstrap_is_spooled(const char *directory, Text position)
{
    CLEANUP(buf_clear) Buf content = BUF_INIT;
    char *path = file_join(directory, SPOOLED_FILE);
    Error err;
    bool is_whole = file_exists(path) && file_read_all(path, SPOOLED_LIMIT, &content, &err) &&
                    text_equal(text_trim(buf_text(&content)), position);

    free(path);
    return is_whole;
}

static bool
spool(TableCopy *copy, Error *err)
{
    CLEANUP(buf_clear) Buf content = BUF_INIT;
    char *path;
    bool ok;

    if (!read_table(copy, err))
        return false;
    block_writer_close(STEAL(copy->writer));
    CRASH_POINT("bootstrap.spooling");
    buf_addf(&content, TEXT_FMT "\n", TEXT_ARG(copy->job->position));
    path = file_join(copy->job->directory, SPOOLED_FILE);
    ok = file_write_durable(path, content.data, content.len, err);
    free(path);
    CRASH_POINT("bootstrap.spooled");
    return ok;
}

static bool
load_list(TableCopy *copy, Loader *loader, const BlockList *list, Error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        CLEANUP(block_free) Block *block = NULL;

        if (stop_level() >= STOP_AFTER_BLOCK)
            return error_set(err, ERR_STOPPED, "stopped");
        block = block_open(list->entries[i].path, err);
        if (block == NULL || !load_block(copy, loader, block, err))
            return false;
    }
    return true;
}

static bool
load_spooled(TableCopy *copy, Loader *loader, Error *err)
{
    BlockList list = {0};
    bool ok = block_list(copy->job->directory, &list, err) && load_list(copy, loader, &list, err);

    block_list_free(&list);
    return ok;
}

/* ---- one table --------------------------------------------------------------------------------
 */

static bool
load_table(TableCopy *copy, Error *err)
{
    CLEANUP(loader_close) Loader *loader = loader_open(&copy->context, on_retry, copy, err);
    bool ok;

    if (loader == NULL || !check_position(copy, loader, err))
        return false;
    set_loader(copy, loader);
    ok = copy->job->spools ? load_spooled(copy, loader, err) : copy_streaming(copy, loader, err);
    set_loader(copy, NULL);
    return ok;
}

static bool
open_reader(TableCopy *copy, Error *err)
{
    BootstrapRun *run = copy->run;

    (void)pthread_mutex_lock(&run->snapshot_mutex);
    copy->reader = run->snapshot->driver->reader_open(run->snapshot, err);
    (void)pthread_mutex_unlock(&run->snapshot_mutex);
    return copy->reader != NULL;
}

static bool
copy_table(TableCopy *copy, Error *err)
{
    const BootstrapJob *job = copy->job;

    if (!job->resumes && (!file_remove_tree(job->directory, err) || !open_reader(copy, err)))
        return false;
    if (job->spools && !job->resumes && !spool(copy, err))
        return false;
    return load_table(copy, err);
}

bool
bootstrap_copy(BootstrapWorker *worker, BootstrapJob *job, Error *err)
{
    static const RouterOptions embedded = {.embedded = true};
    TableCopy copy = {.run = worker->run,
        .worker = worker,
        .job = job,
        .arena = arena_new(),
        .truncates = job->truncates};
    bool ok;

    bootstrap_derive(worker->run, job->service, job->directory, &copy.config, &copy.context);
    copy.writer_config = (BlockWriterConfig){.directory = job->directory,
        .service = copy.config.service,
        .target_type = copy.config.target_type,
        .fence = 1,
        .block = &copy.config.block,
        .values = &copy.config.values,
        .dialect = copy.context.dialect};
    copy.router = router_new(&copy.context, &embedded);
    ok = copy_table(&copy, err);
    router_free(copy.router);
    if (copy.reader != NULL)
        worker->run->snapshot->driver->reader_close(copy.reader);
    block_writer_close(copy.writer);
    arena_free(copy.key_arena);
    arena_free(copy.arena);
    return ok || error_wrap(err, "table %s", job->name);
}
