#include "apply/verify/repair.h"

#include <pthread.h>
#include <stdlib.h>

#include "apply/loader.h"
#include "base/clock.h"
#include "base/file.h"
#include "block/block_writer.h"

#define KEYS_AT_ONCE 500

struct VerifyRepair {
    Config config; /* the service's, but for directory and position */
    Context context;
    char *directory;
    char *service;
    Buf position;
    BlockWriterConfig writer_config;
    BlockWriter *writer;
    Loader *loader;
    pthread_mutex_t mutex; /* the writer */
    uint64_t rows;
};

struct VerifyRepairTable {
    VerifyRepair *repair;
    const VerifyPlan *plan;
    SnapshotReader *reader;
    Arena *arena; /* of the keys */
    Value *keys;  /* of rows to read, one key behind the other */
    size_t count;
};

/* One block whatever its size: a row may wait for a unique value that another row gives up. */
static void
derive_config(VerifyRepair *repair, const Context *context)
{
    repair->config = *context->config;
    repair->config.position_service = repair->service;
    repair->config.block.directory = repair->directory;
    repair->config.block.max_rows = INT64_MAX;
    repair->config.block.max_bytes = INT64_MAX;
    repair->config.block.compact = false;
    repair->config.block.retain = (Retain){.kind = RETAIN_NONE};
    repair->context = *context;
    repair->context.config = &repair->config;
    repair->writer_config = (BlockWriterConfig){.directory = repair->directory,
        .service = repair->config.service,
        .target_type = repair->config.target_type,
        .block = &repair->config.block,
        .values = &repair->config.values,
        .dialect = context->dialect};
}

VerifyRepair *
verify_repair_open(const Context *context, Text position, Error *err)
{
    CLEANUP(verify_repair_close) VerifyRepair *repair = calloc(1, sizeof(*repair));
    CLEANUP(buf_clear) Buf service = BUF_INIT;

    if (repair == NULL)
        abort();
    (void)pthread_mutex_init(&repair->mutex, NULL);
    buf_addf(&service, "%s/verify", context->config->service);
    repair->service = buf_steal(&service);
    repair->directory = file_join(context->config->block.directory, "repair");
    buf_add_text(&repair->position, position);
    derive_config(repair, context);
    /* what an interrupted repair left behind */
    if (!file_remove_tree(repair->directory, err))
        return NULL;
    repair->loader = loader_open(&repair->context, NULL, NULL, err);
    if (repair->loader == NULL)
        return NULL;
    repair->writer_config.fence = loader_position(repair->loader)->fence;
    repair->writer = block_writer_open(&repair->writer_config, err);
    if (repair->writer == NULL ||
        !block_writer_begin(repair->writer, loader_position(repair->loader)->seqno + 1,
            clock_now_us(), loader_position(repair->loader)->source_position, err))
        return NULL;
    return STEAL(repair);
}

/* Its position is of no use any more; one that stays does no harm. */
static void
forget_position(VerifyRepair *repair)
{
    const Config *config = &repair->config;
    Error ignored;
    CLEANUP(target_close)
    Target *target = repair->context.target->open(config->target_options, &ignored);

    if (target != NULL)
        (void)!position_remove(
            target, text_of(config->target.position_schema), text_of(repair->service), &ignored);
}

void
verify_repair_close(VerifyRepair *repair)
{
    Error ignored;

    if (repair == NULL)
        return;
    block_writer_close(repair->writer);
    if (repair->loader != NULL && repair->rows == 0)
        forget_position(repair);
    loader_close(repair->loader);
    /* a directory that stays is removed by the next repair */
    (void)!file_remove_tree(repair->directory, &ignored);
    (void)pthread_mutex_destroy(&repair->mutex);
    buf_clear(&repair->position);
    free(repair->directory);
    free(repair->service);
    free(repair);
}

/* ---- one table ---- */

VerifyRepairTable *
verify_repair_table_new(VerifyRepair *repair, const VerifyPlan *plan, SnapshotReader *reader)
{
    VerifyRepairTable *table = calloc(1, sizeof(*table));

    if (table == NULL)
        abort();
    table->repair = repair;
    table->plan = plan;
    table->reader = reader;
    table->arena = arena_new();
    table->keys = calloc(KEYS_AT_ONCE * (plan->out->key_count + 1), sizeof(Value));
    if (table->keys == NULL)
        abort();
    plan->result->repaired = 0;
    return table;
}

void
verify_repair_table_free(VerifyRepairTable *table)
{
    if (table == NULL)
        return;
    arena_free(table->arena);
    free(table->keys);
    free(table);
}

static bool
write_change(VerifyRepairTable *table, const Change *change, Error *err)
{
    VerifyRepair *repair = table->repair;
    bool ok;

    (void)pthread_mutex_lock(&repair->mutex);
    ok = block_writer_change(repair->writer, table->plan->out, change, err);
    repair->rows += ok;
    (void)pthread_mutex_unlock(&repair->mutex);
    table->plan->result->repaired += ok;
    return ok;
}

static bool
write_read_rows(VerifyRepairTable *table, Error *err)
{
    const SnapshotDriver *driver = table->repair->context.source->snapshot;
    SnapshotChunk chunk = {
        .table = table->plan->source, .keys = table->keys, .key_total = table->count};
    Change change;
    Next next;

    if (table->count == 0)
        return true;
    if (!driver->read(table->reader, &chunk, err))
        return false;
    while ((next = driver->next(table->reader, &change, err)) == NEXT_ITEM) {
        change.table = &table->plan->shape;
        if (!write_change(table, &change, err))
            return false;
    }
    arena_free(table->arena);
    table->arena = arena_new();
    table->count = 0;
    return next == NEXT_END;
}

static bool
write_deletion(VerifyRepairTable *table, const Value *keys, Error *err)
{
    const VerifyPlan *plan = table->plan;
    Value *before = calloc(plan->shape.column_count, sizeof(*before)); /* all VALUE_ABSENT */
    Change change = {.kind = CHANGE_DELETE, .table = &plan->shape, .before = before};
    bool ok;

    if (before == NULL)
        abort();
    for (size_t i = 0; i < plan->out->key_count; i++)
        before[plan->out->columns[plan->out->key[i]].source_index] = keys[i];
    ok = write_change(table, &change, err);
    free(before);
    return ok;
}

bool
verify_repair_row(void *context, const Value *keys, bool is_there, Error *err)
{
    VerifyRepairTable *table = context;
    size_t count = table->plan->out->key_count;

    if (!is_there)
        return write_deletion(table, keys, err);
    for (size_t i = 0; i < count; i++) {
        const Value *key = &keys[table->plan->source_key[i]];

        table->keys[table->count * count + i] =
            (Value){key->kind, arena_text(table->arena, key->text)};
    }
    table->count++;
    return table->count < KEYS_AT_ONCE || write_read_rows(table, err);
}

bool
verify_repair_table_finish(VerifyRepairTable *table, Error *err)
{
    return write_read_rows(table, err);
}

/* ---- the block ---- */

bool
verify_repair_commit(VerifyRepair *repair, Error *err)
{
    CLEANUP(block_free) Block *block = NULL;
    LoaderMode mode = {.again = false};
    LoaderTiming timing = {0};

    if (repair->rows == 0)
        return true;
    if (!block_writer_commit(repair->writer, buf_text(&repair->position), err))
        return false;
    block = block_writer_finish(repair->writer, err);
    if (block == NULL || !loader_apply(repair->loader, block, &mode, &timing, err))
        return false;
    repair->rows = 0;
    return true;
}
