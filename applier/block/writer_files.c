#include "block/writer_files.h"

#include <stdlib.h>

#include "base/file.h"
#include "block/block_shape.h"

#define DESCRIPTORS  128 /* of them, these keep their descriptor between flushes */
#define LARGE_FILES  32  /* and these have the large buffer */
#define LARGE_BUFFER ((size_t)64 * 1024)
#define SMALL_BUFFER ((size_t)16 * 1024)
#define CHANGE_KEYS  2 /* that one change may add to an index */

WriterTable *
writer_find_table(BlockWriter *writer, Text schema, Text name)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;
    WriterTable *table;

    buf_add_text(&key, schema);
    buf_add_char(&key, '\0');
    buf_add_text(&key, name);
    table = map_get(&writer->tables, buf_text(&key));
    if (table == NULL) {
        table = ARENA_NEW(writer->block->arena, WriterTable);
        table->schema = arena_text(writer->block->arena, schema);
        table->name = arena_text(writer->block->arena, name);
        (void)map_put(&writer->tables, buf_text(&key), table);
    }
    return table;
}

bool
writer_make_directory(BlockWriter *writer, Error *err)
{
    char name[21];

    if (writer->path != NULL)
        return true;
    block_directory_name(writer->block->manifest.first_seqno, name);
    writer->path = file_join(writer->config->directory, name);
    /* an attempt that failed may have left something; it is never a block that counts */
    return block_remove(writer->path, err) && file_make_directory(writer->path, err);
}

WriterFile *
writer_add_generation(BlockWriter *writer, WriterTable *table, const OutTable *out)
{
    Arena *arena = writer->block->arena;
    WriterFile *file = ARENA_NEW(arena, WriterFile);
    BlockFile *entry = &file->entry;

    entry->schema = table->schema;
    entry->table = table->name;
    entry->generation = table->last == NULL ? 1 : table->last->entry.generation + 1;
    entry->truncate = table->truncated;
    entry->truncate_seqno = table->truncate_seqno;
    entry->truncate_time_us = table->truncate_time_us;
    if (out != NULL)
        block_shape_describe(out, arena, entry);
    if (table->last == NULL)
        table->first = file;
    else
        table->last->next = file;
    table->last = file;
    table->truncated = false;
    writer->file_count++;
    return file;
}

static void
set_shape(BlockWriter *writer, WriterTable *table, const OutTable *out)
{
    table->out = out;
    if (out->column_count + 1 > writer->row_size) {
        writer->row_size = out->column_count + 1;
        writer->row = realloc(writer->row, writer->row_size * sizeof(*writer->row));
        writer->keys = realloc(writer->keys, 2 * writer->row_size * sizeof(*writer->keys));
        writer->written = realloc(writer->written, writer->row_size * sizeof(*writer->written));
        if (writer->row == NULL || writer->keys == NULL || writer->written == NULL)
            abort();
        memset(writer->written, 0, writer->row_size * sizeof(*writer->written));
    }
}

bool
writer_end_file(BlockWriter *writer, WriterTable *table, Error *err)
{
    WriterFile *file = STEAL(table->file);

    for (size_t i = 0; file != NULL && i < writer->open_count; i++)
        if (writer->open[i] == file)
            writer->open[i] = writer->open[--writer->open_count];
    if (file == NULL)
        return true;
    row_index_free(STEAL(file->rows));
    return block_output_suspend(file->csv, err);
}

static bool
begin_file(BlockWriter *writer, WriterTable *table, const OutTable *out, Error *err)
{
    const BlockConfig *block = writer->config->block;
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    WriterFile *file;
    char *path;

    if (!writer_make_directory(writer, err))
        return false;
    file = writer_add_generation(writer, table, out);
    block_file_name(table->schema, table->name, file->entry.generation, &name);
    file->entry.name = arena_text(writer->block->arena, buf_text(&name));
    path = file_join(writer->path, name.data);
    file->csv = block_output_new(path);
    free(path);
    if (block->compact && block->compact_memory > 0 && !out->all_lines && out->key_count > 0)
        file->index = key_index_new(&writer->budget);
    if (writer->unchanged != NULL && out->key_count > 0 && block_shape_omits(out))
        file->rows = row_index_new(&writer->row_budget);
    table->file = file;
    return true;
}

WriterTable *
writer_table_for(BlockWriter *writer, const OutTable *out, Error *err)
{
    uintptr_t number = (uintptr_t)out;
    Text address = {(const char *)&number, sizeof(number)};
    WriterTable *table = writer->last_table;

    if (out != writer->last_out) {
        table = map_get(&writer->shapes, address);
        if (table == NULL) {
            table = writer_find_table(writer, out->source_schema, out->source_name);
            (void)map_put(&writer->shapes, address, table);
        }
        writer->last_out = out;
        writer->last_table = table;
    }
    if (table->out != out) {
        if (table->file != NULL && !block_shape_equal(table->out, out) &&
            !writer_end_file(writer, table, err))
            return NULL;
        set_shape(writer, table, out);
    }
    if (table->file == NULL && !begin_file(writer, table, out, err))
        return NULL;
    return table;
}

/* The table whose open file remembers the most rows. */
static WriterTable *
largest_table(BlockWriter *writer)
{
    WriterTable *largest = NULL;
    uint64_t bytes = 0;

    map_each (&writer->tables, item) {
        WriterTable *table = item->value;

        if (table->file == NULL || table->file->rows == NULL ||
            row_index_bytes(table->file->rows) <= bytes)
            continue;
        largest = table;
        bytes = row_index_bytes(table->file->rows);
    }
    return largest;
}

bool
writer_make_room(BlockWriter *writer, WriterTable *table, Error *err)
{
    while (table->file->rows != NULL && !row_index_reserve(table->file->rows, CHANGE_KEYS)) {
        WriterTable *largest = largest_table(writer);

        if (!writer_end_file(writer, largest, err))
            return false;
        if (largest == table && !begin_file(writer, table, table->out, err))
            return false;
    }
    return true;
}

bool
writer_open_file(BlockWriter *writer, WriterFile *file, Error *err)
{
    size_t at = writer->open_count;

    file->used = ++writer->tick;
    if (block_output_is_open(file->csv))
        return true;
    if (at == OPEN_FILES) {
        at = 0;
        for (size_t i = 1; i < OPEN_FILES; i++)
            if (writer->open[i]->used < writer->open[at]->used)
                at = i;
        if (!block_output_suspend(writer->open[at]->csv, err))
            return false;
    } else {
        writer->open_count++;
    }
    writer->open[at] = file;
    block_output_open(file->csv, at < LARGE_FILES ? LARGE_BUFFER : SMALL_BUFFER, at < DESCRIPTORS);
    return true;
}
