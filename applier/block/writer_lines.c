#include "block/writer_lines.h"

#include <inttypes.h>

#include "block/block_row.h"
#include "block/writer_files.h"

#define KEPT_MEMORY ((size_t)1 << 20)

/* What a line tells about its key: it stays with its row, or a row comes to it or leaves it. */
typedef enum LineMove {
    LINE_STAYS,
    LINE_ARRIVES,
    LINE_LEAVES,
} LineMove;

/* What is noted of a line once it is written. */
typedef struct LineNote {
    const Text *key;
    LineMove move;
    RowPlace place;
} LineNote;

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

/* Where the row's last line stands now. */
static void
note_row(WriterFile *file, KeyHash hash, LineNote note)
{
    RowPlace before;

    if (note.move == LINE_ARRIVES && row_index_find(file->rows, hash, &before) &&
        (before.flags & ROW_GONE) == 0)
        note.place.flags |= ROW_DISPUTED;
    row_index_put(file->rows, hash, note.place);
}

/* The key of the line that was added last: for compaction, for keys that meet, and for values left
 * out. */
static bool
note_key(BlockWriter *writer, WriterTable *table, LineNote note, Error *err)
{
    WriterFile *file = table->file;
    uint64_t row_id = file->entry.row_count;
    bool contested = false;
    unsigned flags = (note.place.flags & ROW_MARKED) != 0 ? KEY_LINE_ORIGIN : 0;
    KeyHash hash;

    if (note.move == LINE_LEAVES && !file->is_moving)
        note.move = LINE_STAYS;
    if (file->index == NULL && file->rows == NULL && note.move == LINE_STAYS)
        return true;
    hash = key_hash(writer->seed, note.key, table->out->key_count, &writer->style.scratch);
    if (file->rows != NULL)
        note_row(file, hash, note);
    if (note.move == LINE_ARRIVES && !note_arrival(writer, file, hash, err))
        return false;
    if (note.move == LINE_LEAVES && !key_moves_leave(file->moves, hash, row_id, &contested))
        return error_set(err, ERR_DATA,
            "more than %zu times in one block an update brings a row to a key that a row leaves "
            "later in the same transaction: so many key changes that meet cannot be resolved",
            CONTESTED_LIMIT);
    if (contested)
        flags |= KEY_LINE_BESIDE;
    if (file->index != NULL && !key_index_add(file->index, hash, row_id, flags))
        key_index_free(STEAL(file->index));
    return true;
}

/* Append one line, made of writer->row. */
static bool
write_line(BlockWriter *writer, WriterTable *table, Opcode opcode, Text marks, Error *err)
{
    const OutTable *out = table->out;
    WriterFile *file = table->file;
    LineHeader header = {opcode, writer->seqno, file->entry.row_count + 1, writer->timestamp,
        writer->block->manifest.service, marks};
    Buf *line = &writer->line;

    line->len = 0;
    line_add_header(&writer->style, &header, line);
    for (size_t i = 0; i < out->column_count; i++) {
        if (writer->written[i])
            line_add_written(&writer->style, writer->row[i], line);
        else if (!line_add_value(
                     &writer->style, out->columns[i].logical, writer->row[i], line, err))
            return error_wrap(err, "column " TEXT_FMT, TEXT_ARG(out->columns[i].name));
    }
    block_csv_end_line(line);
    if (!writer_open_file(writer, file, err) || !block_output_add(file->csv, buf_text(line), err))
        return false;
    file->entry.row_count++;
    file->entry.rows[opcode]++;
    writer->rows++;
    writer->bytes += line->len;
    if (line->size > KEPT_MEMORY) {
        buf_reset(line, KEPT_MEMORY);
        line_style_trim(&writer->style);
    }
    return true;
}

static void
forget_written(BlockWriter *writer, const OutTable *out)
{
    memset(writer->written, 0, out->column_count * sizeof(*writer->written));
}

/* Append one line that leaves nothing out, with the key's values in key. */
static bool
add_line(BlockWriter *writer, WriterTable *table, Opcode opcode, const Text *key, LineMove move,
    Error *err)
{
    LineNote note = {
        key, move, {block_output_bytes(table->file->csv), opcode_is_image(opcode) ? 0 : ROW_GONE}};

    return write_line(writer, table, opcode, TEXT_NONE, err) && note_key(writer, table, note, err);
}

/* Note which columns the line behind leaves out, and write the O line in front of it. */
static bool
add_origin(BlockWriter *writer, WriterTable *table, bool moved, Error *err)
{
    const OutTable *out = table->out;
    WriterFile *file = table->file;
    bool ok;

    if (file->unchanged == NULL)
        file->unchanged = ARENA_ARRAY(writer->block->arena, bool, out->column_count);
    for (size_t i = 0; i < out->column_count; i++)
        file->unchanged[i] |= unchanged_is_marked(writer->unchanged, i);
    file->entry.moved_origins += moved;
    unchanged_set_origin(writer->unchanged, writer->row, writer->written);
    ok = write_line(writer, table, OPCODE_O, TEXT_NONE, err);
    forget_written(writer, out);
    return ok;
}

/* The image of an update that left values out: what was found of them is filled in. */
static bool
add_image(BlockWriter *writer, WriterTable *table, Opcode opcode, const Change *change,
    LineMove move, Error *err)
{
    const OutTable *out = table->out;
    Text marks = unchanged_marks(writer->unchanged);
    bool moved = move == LINE_ARRIVES || unchanged_has_moved(writer->unchanged);
    LineNote note = {writer->keys, move, {block_output_bytes(table->file->csv), 0}};
    bool ok;

    if (marks.data != NULL)
        note.place.flags = moved ? ROW_MARKED | ROW_MOVED : ROW_MARKED;
    if (marks.data != NULL && !add_origin(writer, table, moved, err))
        return false;
    if (!block_row_set_new(out, change, true, writer->row, writer->keys, err))
        return false;
    unchanged_fill(writer->unchanged, writer->row, writer->written);
    ok = write_line(writer, table, opcode, marks, err);
    forget_written(writer, out);
    return ok && note_key(writer, table, note, err);
}

/* Find the values that writer->row leaves out, before any line of this update is written. */
static bool
find_unchanged(
    BlockWriter *writer, const WriterTable *table, const Text *old, bool *ret_omits, Error *err)
{
    const OutTable *out = table->out;
    EarlierLines lines = {table->file->rows, table->file->csv, out};

    *ret_omits = false;
    for (size_t i = 0; table->file->rows != NULL && i < out->column_count; i++)
        *ret_omits |= writer->row[i].kind == VALUE_UNCHANGED;
    return !*ret_omits || unchanged_resolve(writer->unchanged, &lines,
                              key_hash(writer->seed, old, out->key_count, &writer->style.scratch),
                              old, writer->row, err);
}

static bool
write_update(BlockWriter *writer, WriterTable *table, const Change *change, Error *err)
{
    const BlockConfig *config = writer->config->block;
    const OutTable *out = table->out;
    bool may_omit = table->file->rows != NULL;
    bool distinguish = config->distinguish_updates || out->distinguish_updates;
    Opcode image = distinguish ? OPCODE_UI : OPCODE_I;
    Text *old = writer->keys + writer->row_size;
    LineMove move;
    bool omits;

    if (!block_row_set_new(out, change, may_omit, writer->row, writer->keys, err) ||
        !block_row_old_key(out, change, old, err) ||
        !find_unchanged(writer, table, old, &omits, err))
        return false;
    move = out->key_count > 0 && !block_row_same_key(out, writer->keys, old) ? LINE_ARRIVES
                                                                             : LINE_STAYS;
    if (config->update_opcode && move == LINE_STAYS) {
        image = OPCODE_U;
    } else {
        block_row_set_old(out, change, old, writer->row);
        if (!add_line(writer, table, distinguish ? OPCODE_UD : OPCODE_D, old,
                move == LINE_ARRIVES ? LINE_LEAVES : LINE_STAYS, err))
            return false;
    }
    if (omits)
        return add_image(writer, table, image, change, move, err);
    return block_row_set_new(out, change, false, writer->row, writer->keys, err) &&
           add_line(writer, table, image, writer->keys, move, err);
}

bool
writer_write_change(BlockWriter *writer, WriterTable *table, const Change *change, Error *err)
{
    const OutTable *out = table->out;

    switch (change->kind) {
    case CHANGE_INSERT:
        return block_row_set_new(out, change, false, writer->row, writer->keys, err) &&
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
