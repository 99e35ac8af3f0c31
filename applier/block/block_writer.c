#include "block/block_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/map.h"
#include "block/block_line.h"
#include "block/block_output.h"
#include "block/block_row.h"
#include "block/key_moves.h"

/* 300 tables take 6.2 MiB of buffers and 128 descriptors. */
#define OPEN_FILES   384 /* with a buffer */
#define DESCRIPTORS  128 /* of them, these keep their descriptor between flushes */
#define LARGE_FILES  32  /* and these have the large buffer */
#define LARGE_BUFFER ((size_t)64 * 1024)
#define SMALL_BUFFER ((size_t)16 * 1024)
#define KEPT_MEMORY  ((size_t)1 << 20)
#define MOVE_MEMORY  (UINT64_C(256) << 20)
#define FIRST_TIME   INT64_C(-62135596800000000) /* 0001-01-01 */
#define LAST_TIME    INT64_C(253402300799999999) /* 9999-12-31 23:59:59.999999 */

typedef struct WriterFile WriterFile;

/* One generation of a table. */
struct WriterFile {
    WriterFile *next; /* of the same table */
    BlockFile entry;
    BlockOutput *csv; /* NULL: a TRUNCATE with no row after it */
    KeyIndex *index;  /* NULL: not compacted */
    KeyMoves *moves;  /* NULL: no update has changed a key */
    WriterFile *next_moving;
    bool is_moving; /* a key changed in this transaction */
    uint64_t used;  /* BlockWriter.tick at the last line */
};

/* What a line tells about its key: it stays with its row, or a row comes to it or leaves it. */
typedef enum LineMove {
    LINE_STAYS,
    LINE_ARRIVES,
    LINE_LEAVES,
} LineMove;

typedef struct WriterTable {
    Text schema;
    Text name;
    WriterFile *first;
    WriterFile *last;
    WriterFile *file;    /* takes the next line; NULL: a new generation begins with it */
    const OutTable *out; /* shape of the last file */
    bool truncated;      /* since the last line */
    uint64_t truncate_seqno;
    int64_t truncate_time_us;
} WriterTable;

struct BlockWriter {
    const BlockWriterConfig *config;
    uint64_t seed;
    LineStyle style;
    Buf line;
    Value *row; /* columns of the line that is being made */
    Text *keys; /* its key, and behind it the old one */
    size_t row_size;

    Block *block; /* NULL: none is open */
    char *path;   /* its directory; NULL until it is made */
    Map tables;   /* "schema NUL table" to WriterTable */
    Map shapes;   /* an OutTable's address to WriterTable */
    const OutTable *last_out;
    WriterTable *last_table;
    WriterFile *open[OPEN_FILES];
    size_t open_count;
    size_t file_count;
    uint64_t tick;
    KeyBudget budget;
    KeyBudget move_budget;
    WriterFile *moving; /* files with key changes in this transaction */
    uint64_t rows;
    uint64_t bytes;
    int64_t first_change_ms;

    uint64_t seqno;          /* of the transaction, or the last one */
    uint64_t finished_seqno; /* last one of the last finished block */
    int64_t commit_time_us;
    int64_t shown_us; /* commit time, or else the time it was read */
    Buf position;     /* after the last transaction */
    char time_text[TIME_TEXT_SIZE];
    Text timestamp;
    bool in_transaction;
    bool failed;
};

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
    free(writer->row);
    free(writer->keys);
    free(writer);
}

static bool
check_space(const BlockWriter *writer, Error *err)
{
    const char *directory = writer->config->directory;
    struct statvfs status;
    uint64_t bytes;

    if (writer->config->block->min_free <= 0)
        return true;
    if (FAULT("block.statvfs") || statvfs(directory, &status) != 0)
        return error_set_errno(err, ERR_IO, "statvfs %s", directory);
    bytes = (uint64_t)status.f_bavail * status.f_frsize;
    if (bytes >= (uint64_t)writer->config->block->min_free)
        return true;
    return error_set_retriable(err, ERR_IO,
        "%s: %" PRIu64 " bytes free, less than block.min_free (%" PRId64 ")", directory, bytes,
        writer->config->block->min_free);
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
    if (writer->block == NULL) {
        if (!check_space(writer, err))
            return false;
        open_block(writer, seqno, commit_time_us, position_before);
    }
    writer->seqno = seqno;
    writer->commit_time_us = commit_time_us;
    writer->shown_us = shown_us;
    writer->timestamp = clock_format(shown_us, writer->time_text);
    writer->in_transaction = true;
    return true;
}

static WriterTable *
find_table(BlockWriter *writer, Text schema, Text name)
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

/* Would a line of b be understood as one of a? */
static bool
same_shape(const OutTable *a, const OutTable *b)
{
    if (a->column_count != b->column_count || a->key_count != b->key_count)
        return false;
    for (size_t i = 0; i < a->column_count; i++)
        if (!text_equal(a->columns[i].name, b->columns[i].name) ||
            a->columns[i].logical != b->columns[i].logical)
            return false;
    for (size_t i = 0; i < a->key_count; i++)
        if (a->key[i] != b->key[i])
            return false;
    return true;
}

static bool
make_directory(BlockWriter *writer, Error *err)
{
    char name[21];

    if (writer->path != NULL)
        return true;
    block_directory_name(writer->block->manifest.first_seqno, name);
    writer->path = file_join(writer->config->directory, name);
    /* an attempt that failed may have left something; it is never a block that counts */
    return block_remove(writer->path, err) && file_make_directory(writer->path, err);
}

/* Begin a generation; out may be NULL for a TRUNCATE of a table that had no line. */
static WriterFile *
add_generation(BlockWriter *writer, WriterTable *table, const OutTable *out)
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
    entry->column_count = out == NULL ? 0 : out->column_count;
    entry->columns = ARENA_ARRAY(arena, BlockColumn, entry->column_count + 1);
    for (size_t i = 0; i < entry->column_count; i++) {
        Text type = out->columns[i].source_type;

        entry->columns[i] = (BlockColumn){arena_text(arena, out->columns[i].name),
            type.data == NULL ? TEXT("") : arena_text(arena, type), out->columns[i].logical};
    }
    entry->key_count = out == NULL ? 0 : out->key_count;
    entry->key = ARENA_ARRAY(arena, size_t, entry->key_count + 1);
    for (size_t i = 0; i < entry->key_count; i++)
        entry->key[i] = out->key[i];
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
        if (writer->row == NULL || writer->keys == NULL)
            abort();
    }
}

/* The file is complete: give its descriptor and buffer back. */
static bool
end_file(BlockWriter *writer, WriterTable *table, Error *err)
{
    WriterFile *file = STEAL(table->file);

    for (size_t i = 0; file != NULL && i < writer->open_count; i++)
        if (writer->open[i] == file)
            writer->open[i] = writer->open[--writer->open_count];
    return file == NULL || block_output_suspend(file->csv, err);
}

static bool
begin_file(BlockWriter *writer, WriterTable *table, const OutTable *out, Error *err)
{
    const BlockConfig *block = writer->config->block;
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    WriterFile *file;
    char *path;

    if (!make_directory(writer, err))
        return false;
    file = add_generation(writer, table, out);
    block_file_name(table->schema, table->name, file->entry.generation, &name);
    file->entry.name = arena_text(writer->block->arena, buf_text(&name));
    path = file_join(writer->path, name.data);
    file->csv = block_output_new(path);
    free(path);
    if (block->compact && block->compact_memory > 0 && !out->all_lines && out->key_count > 0)
        file->index = key_index_new(&writer->budget);
    table->file = file;
    return true;
}

/* The table of a change, with the file that takes its lines; NULL on failure. */
static WriterTable *
table_for(BlockWriter *writer, const OutTable *out, Error *err)
{
    uintptr_t number = (uintptr_t)out;
    Text address = {(const char *)&number, sizeof(number)};
    WriterTable *table = writer->last_table;

    if (out != writer->last_out) {
        table = map_get(&writer->shapes, address);
        if (table == NULL) {
            table = find_table(writer, out->source_schema, out->source_name);
            (void)map_put(&writer->shapes, address, table);
        }
        writer->last_out = out;
        writer->last_table = table;
    }
    if (table->out != out) {
        if (table->file != NULL && !same_shape(table->out, out) && !end_file(writer, table, err))
            return NULL;
        set_shape(writer, table, out);
    }
    if (table->file == NULL && !begin_file(writer, table, out, err))
        return NULL;
    return table;
}

/* Open, at the cost of the file that had no line for the longest time. */
static bool
open_file(BlockWriter *writer, WriterFile *file, Error *err)
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

static bool
note_arrival(BlockWriter *writer, WriterFile *file, KeyHash hash, Error *err)
{
    if (file->moves == NULL)
        file->moves = key_moves_new(&writer->move_budget);
    if (!file->is_moving) {
        file->is_moving = true;
        file->next_moving = writer->moving;
        writer->moving = file;
    }
    if (key_moves_arrive(file->moves, hash, file->entry.row_count))
        return true;
    return error_set(err, ERR_DATA,
        "the keys that this transaction changes do not fit into %" PRIu64
        " bytes: set block.compact_memory to more",
        writer->move_budget.limit);
}

/* The key of the line that was added last: for compaction, and for keys that meet. */
static bool
note_key(BlockWriter *writer, WriterTable *table, const Text *key, LineMove move, Error *err)
{
    WriterFile *file = table->file;
    bool contested = false;
    KeyHash hash;

    if (move == LINE_LEAVES && !file->is_moving)
        move = LINE_STAYS;
    if (file->index == NULL && move == LINE_STAYS)
        return true;
    hash = key_hash(writer->seed, key, table->out->key_count, &writer->style.scratch);
    if (move == LINE_ARRIVES && !note_arrival(writer, file, hash, err))
        return false;
    if (move == LINE_LEAVES &&
        !key_moves_leave(file->moves, hash, file->entry.row_count, &contested))
        return error_set(err, ERR_DATA,
            "more than %zu times in one block an update brings a row to a key that a row leaves "
            "later in the same transaction: so many key changes that meet cannot be resolved",
            CONTESTED_LIMIT);
    if (file->index != NULL && !(contested ? key_index_add_beside : key_index_add)(
                                   file->index, hash, file->entry.row_count))
        key_index_free(STEAL(file->index));
    return true;
}

/* Append one line, made of writer->row, with the key's values in key. */
static bool
add_line(BlockWriter *writer, WriterTable *table, Opcode opcode, const Text *key, LineMove move,
    Error *err)
{
    const OutTable *out = table->out;
    WriterFile *file = table->file;
    LineHeader header = {opcode, writer->seqno, file->entry.row_count + 1, writer->timestamp,
        writer->block->manifest.service};
    Buf *line = &writer->line;

    line->len = 0;
    line_add_header(&writer->style, &header, line);
    for (size_t i = 0; i < out->column_count; i++)
        if (!line_add_value(&writer->style, out->columns[i].logical, writer->row[i], line, err))
            return error_wrap(err, "column " TEXT_FMT, TEXT_ARG(out->columns[i].name));
    block_csv_end_line(line);
    if (!open_file(writer, file, err) || !block_output_add(file->csv, buf_text(line), err))
        return false;
    file->entry.row_count++;
    file->entry.rows[opcode]++;
    writer->rows++;
    writer->bytes += line->len;
    if (!note_key(writer, table, key, move, err))
        return false;
    if (line->size > KEPT_MEMORY) {
        buf_reset(line, KEPT_MEMORY);
        line_style_trim(&writer->style);
    }
    return true;
}

static bool
write_update(BlockWriter *writer, WriterTable *table, const Change *change, Error *err)
{
    const BlockConfig *config = writer->config->block;
    const OutTable *out = table->out;
    Text *old = writer->keys + writer->row_size;
    bool moves;

    if (!block_row_set_new(out, change, writer->row, writer->keys, err) ||
        !block_row_old_key(out, change, old, err))
        return false;
    moves = out->key_count > 0 && !block_row_same_key(out, writer->keys, old);
    if (config->update_opcode && !moves)
        return add_line(writer, table, OPCODE_U, writer->keys, LINE_STAYS, err);
    block_row_set_old(out, change, old, writer->row);
    return add_line(writer, table, config->distinguish_updates ? OPCODE_UD : OPCODE_D, old,
               moves ? LINE_LEAVES : LINE_STAYS, err) &&
           block_row_set_new(out, change, writer->row, writer->keys, err) &&
           add_line(writer, table, config->distinguish_updates ? OPCODE_UI : OPCODE_I, writer->keys,
               moves ? LINE_ARRIVES : LINE_STAYS, err);
}

static bool
write_change(BlockWriter *writer, WriterTable *table, const Change *change, Error *err)
{
    const OutTable *out = table->out;

    switch (change->kind) {
    case CHANGE_INSERT:
        return block_row_set_new(out, change, writer->row, writer->keys, err) &&
               add_line(writer, table, OPCODE_I, writer->keys, LINE_STAYS, err);
    case CHANGE_UPDATE:
        return write_update(writer, table, change, err);
    case CHANGE_DELETE:
        if (!block_row_old_key(out, change, writer->keys, err))
            return false;
        block_row_set_old(out, change, writer->keys, writer->row);
        return add_line(writer, table, OPCODE_D, writer->keys, LINE_LEAVES, err);
    }
    return error_set(err, ERR_INTERNAL, "unknown kind of change");
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
    table = table_for(writer, out, err);
    if (table == NULL || !write_change(writer, table, change, err)) {
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
    table = find_table(writer, schema, name);
    if (!end_file(writer, table, err)) {
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
            (void)add_generation(writer, table, table->out);
    }
    if (!make_directory(writer, err) || !finish_files(writer, err) ||
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
