#include "block/block_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/file.h"
#include "block/writer_files.h"
#include "block/writer_lines.h"

#define MOVE_MEMORY (UINT64_C(256) << 20)
#define ROW_MEMORY  (UINT64_C(24) << 20)        /* where block.compact_memory is 0 */
#define FIRST_TIME  INT64_C(-62135596800000000) /* 0001-01-01 */
#define LAST_TIME   INT64_C(253402300799999999) /* 9999-12-31 23:59:59.999999 */

BlockWriter *
block_writer_open(const BlockWriterConfig *config, Error *err)
{
    CLEANUP(block_writer_close) BlockWriter *writer = calloc(1, sizeof(*writer));

    if (writer == NULL)
        abort();
    writer->config = config;
    writer->style.dialect = &config->dialect;
    writer->style.values = config->values;
    writer->first_change_ms = -1;
    if (dialect_header_at(&config->dialect, HEADER_UNCHANGED) < config->dialect.header_count)
        writer->unchanged = unchanged_new(&config->dialect);
    if (!key_seed(&writer->seed, err) || !file_make_directory(config->directory, err))
        return NULL;
    return STEAL(writer);
}

/* Forget the open block; what it had in memory goes, files stay. */
static void
forget(BlockWriter *writer)
{
    map_each (&writer->tables, entry) {
        const WriterTable *table = entry->value;

        for (WriterFile *file = table->first; file != NULL; file = file->next) {
            block_output_free(STEAL(file->csv));
            key_index_free(STEAL(file->index));
            key_moves_free(STEAL(file->moves));
            row_index_free(STEAL(file->rows));
        }
    }
    writer->moving = NULL;
    map_clear(&writer->tables);
    map_clear(&writer->shapes);
    block_free(STEAL(writer->block));
    free(STEAL(writer->path));
    writer->last_out = NULL;
    writer->last_table = NULL;
    writer->open_count = writer->file_count = 0;
    writer->rows = writer->bytes = 0;
    writer->first_change_ms = -1;
    writer->in_transaction = false;
}

void
block_writer_abandon(BlockWriter *writer)
{
    Error ignored;
    bool removed = writer->path == NULL || block_remove(writer->path, &ignored);

    /* what cannot be removed now is removed at the next start, or when the block is begun again */
    (void)removed;
    forget(writer);
    writer->seqno = writer->finished_seqno;
    writer->failed = false;
}

void
block_writer_close(BlockWriter *writer)
{
    if (writer == NULL)
        return;
    block_writer_abandon(writer);
    line_style_clear(&writer->style);
    buf_clear(&writer->line);
    buf_clear(&writer->position);
    unchanged_free(writer->unchanged);
    free(writer->row);
    free(writer->written);
    free(writer->keys);
    free(writer);
}

static CsvDialect
copy_dialect(const CsvDialect *dialect, Arena *arena)
{
    CsvDialect copy = *dialect;

    copy.null_word = arena_text(arena, dialect->null_word);
    for (size_t i = 0; i < HEADER_COUNT; i++)
        copy.header_names[i] = arena_text(arena, dialect->header_names[i]);
    return copy;
}

static void
open_block(BlockWriter *writer, uint64_t seqno, int64_t commit_time_us, Text position)
{
    const BlockWriterConfig *config = writer->config;
    Block *block = calloc(1, sizeof(*block));
    Manifest *manifest;

    if (block == NULL)
        abort();
    writer->block = block;
    block->arena = arena_new();
    manifest = &block->manifest;
    manifest->service = arena_text(block->arena, text_of(config->service));
    manifest->target_type = arena_text(block->arena, text_of(config->target_type));
    manifest->dialect = copy_dialect(&config->dialect, block->arena);
    manifest->fence = config->fence;
    manifest->first_seqno = seqno;
    manifest->last_seqno = seqno;
    manifest->first_commit_us = commit_time_us;
    manifest->last_commit_us = commit_time_us;
    manifest->position_before = arena_text(block->arena, position);
    writer->budget = (KeyBudget){(uint64_t)MAX(config->block->compact_memory, 0), 0};
    writer->move_budget = (KeyBudget){MAX(writer->budget.limit, MOVE_MEMORY), 0};
    writer->row_budget =
        (KeyBudget){writer->budget.limit > 0 ? writer->budget.limit : ROW_MEMORY, 0};
}

bool
block_writer_begin(
    BlockWriter *writer, uint64_t seqno, int64_t commit_time_us, Text position_before, Error *err)
{
    int64_t shown_us = commit_time_us == TIME_UNKNOWN ? clock_now_us() : commit_time_us;

    if (writer->failed || writer->in_transaction || seqno <= writer->seqno)
        return error_set(err, ERR_INTERNAL, "block writer: transaction %" PRIu64 " begins %s",
            seqno,
            writer->failed           ? "after a failure"
            : writer->in_transaction ? "inside another one"
                                     : "out of order");
    if (shown_us < FIRST_TIME || shown_us > LAST_TIME)
        return error_set(err, ERR_DATA,
            "transaction %" PRIu64 ": commit time %" PRId64 " us is outside the years 1 to 9999",
            seqno, shown_us);
    if (writer->block == NULL)
        open_block(writer, seqno, commit_time_us, position_before);
    writer->seqno = seqno;
    writer->commit_time_us = commit_time_us;
    writer->shown_us = shown_us;
    writer->timestamp = clock_format(shown_us, writer->time_text);
    writer->in_transaction = true;
    return true;
}

static bool
may_write(BlockWriter *writer, Error *err)
{
    if (writer->failed || !writer->in_transaction)
        return error_set(err, ERR_INTERNAL, "block writer: a change %s",
            writer->failed ? "after a failure" : "outside a transaction");
    if (writer->first_change_ms < 0)
        writer->first_change_ms = clock_monotonic_ms();
    return true;
}

bool
block_writer_change(BlockWriter *writer, const OutTable *out, const Change *change, Error *err)
{
    int64_t start_us = clock_monotonic_us();
    WriterTable *table;

    if (!may_write(writer, err))
        return false;
    table = writer_table_for(writer, out, err);
    if (table == NULL || !writer_make_room(writer, table, err) ||
        !writer_write_change(writer, table, change, err)) {
        writer->failed = true;
        return error_wrap(err, "table " TEXT_FMT "." TEXT_FMT ": seqno %" PRIu64,
            TEXT_ARG(out->source_schema), TEXT_ARG(out->source_name), writer->seqno);
    }
    writer->block->timing.write_us += clock_monotonic_us() - start_us;
    return true;
}

bool
block_writer_truncate(BlockWriter *writer, Text schema, Text name, Error *err)
{
    WriterTable *table;

    if (!may_write(writer, err))
        return false;
    table = writer_find_table(writer, schema, name);
    if (!writer_end_file(writer, table, err)) {
        writer->failed = true;
        return false;
    }
    /* of two with no row between them the first one ended the rows */
    if (table->truncated)
        return true;
    table->truncated = true;
    table->truncate_seqno = writer->seqno;
    table->truncate_time_us = writer->shown_us;
    return true;
}

bool
block_writer_commit(BlockWriter *writer, Text position_after, Error *err)
{
    Manifest *manifest;

    if (writer->failed || !writer->in_transaction)
        return error_set(err, ERR_INTERNAL, "block writer: a commit %s",
            writer->failed ? "after a failure" : "outside a transaction");
    for (WriterFile *file = writer->moving; file != NULL; file = file->next_moving) {
        key_moves_end(file->moves);
        file->is_moving = false;
    }
    writer->moving = NULL;
    manifest = &writer->block->manifest;
    manifest->last_seqno = writer->seqno;
    if (writer->commit_time_us != TIME_UNKNOWN)
        manifest->last_commit_us = writer->commit_time_us;
    if (manifest->first_commit_us == TIME_UNKNOWN)
        manifest->first_commit_us = writer->commit_time_us;
    manifest->transactions++;
    writer->position.len = 0; /* kept outside the arena: a block may have many transactions */
    buf_add_text(&writer->position, position_after);
    writer->in_transaction = false;
    return true;
}

bool
block_writer_is_full(const BlockWriter *writer)
{
    const BlockConfig *config = writer->config->block;

    return (config->max_rows > 0 && writer->rows >= (uint64_t)config->max_rows) ||
           (config->max_bytes > 0 && writer->bytes >= (uint64_t)config->max_bytes);
}

uint64_t
block_writer_transactions(const BlockWriter *writer)
{
    return writer->block == NULL ? 0 : writer->block->manifest.transactions;
}

uint64_t
block_writer_rows(const BlockWriter *writer)
{
    return writer->rows;
}

int64_t
block_writer_first_change_ms(const BlockWriter *writer)
{
    return writer->first_change_ms;
}

/* Which columns the file's lines leave out. */
static void
list_unchanged(const WriterFile *file, BlockFile *entry, Arena *arena)
{
    if (file->unchanged == NULL)
        return;
    entry->unchanged = ARENA_ARRAY(arena, size_t, entry->column_count + 1);
    for (size_t i = 0; i < entry->column_count; i++)
        if (file->unchanged[i])
            entry->unchanged[entry->unchanged_count++] = i;
}

/* Every file to the disk, and the manifest's list of them. */
static bool
finish_files(BlockWriter *writer, Error *err)
{
    Manifest *manifest = &writer->block->manifest;

    manifest->files = ARENA_ARRAY(writer->block->arena, BlockFile, writer->file_count + 1);
    writer->open_count = 0;
    map_each (&writer->tables, item) {
        const WriterTable *table = item->value;

        for (WriterFile *file = table->first; file != NULL; file = file->next) {
            if (file->csv != NULL) {
                if (!block_output_finish(file->csv, err))
                    return false;
                file->entry.bytes = block_output_bytes(file->csv);
                file->entry.checksum = block_output_checksum(file->csv);
            }
            if (file->moves != NULL)
                key_moves_list(file->moves, writer->block->arena, &file->entry);
            list_unchanged(file, &file->entry, writer->block->arena);
            manifest->files[manifest->file_count++] = file->entry;
        }
    }
    return true;
}

static void
take_superseded(BlockWriter *writer)
{
    Block *block = writer->block;
    size_t at = 0;

    block->superseded = ARENA_ARRAY(block->arena, LineSet, block->manifest.file_count + 1);
    map_each (&writer->tables, item) {
        const WriterTable *table = item->value;

        for (WriterFile *file = table->first; file != NULL; file = file->next, at++)
            if (file->index != NULL)
                block->superseded[at] = key_index_take(file->index, file->entry.row_count);
    }
}

static bool
write_block(BlockWriter *writer, Error *err)
{
    map_each (&writer->tables, item) {
        WriterTable *table = item->value;

        if (table->truncated)
            (void)writer_add_generation(writer, table, table->out);
    }
    if (!writer_make_directory(writer, err) || !finish_files(writer, err) ||
        !file_sync_directory(writer->config->directory, err))
        return false;
    CRASH_POINT("block.before_manifest");
    return manifest_write(&writer->block->manifest, writer->path, err);
}

Block *
block_writer_finish(BlockWriter *writer, Error *err)
{
    int64_t start_us = clock_monotonic_us();
    Block *block = writer->block;

    if (writer->failed || writer->in_transaction || block == NULL) {
        (void)error_set(err, ERR_INTERNAL, "block writer: finish %s",
            writer->failed  ? "after a failure"
            : block == NULL ? "without a block"
                            : "inside a transaction");
        return NULL;
    }
    block->manifest.position_after = arena_text(block->arena, buf_text(&writer->position));
    if (!write_block(writer, err)) {
        writer->failed = true;
        (void)error_wrap(err, "block %" PRIu64, block->manifest.first_seqno);
        return NULL;
    }
    CRASH_POINT("block.finished");
    take_superseded(writer);
    block->path = STEAL(writer->path);
    block->timing.write_us += clock_monotonic_us() - start_us;
    writer->block = NULL;
    writer->finished_seqno = writer->seqno;
    forget(writer);
    return block;
}
