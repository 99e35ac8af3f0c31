#include "block/unchanged.h"

#include <stdlib.h>

#include "block/manifest.h"

#define KEPT_MEMORY ((size_t)1 << 20)

/* A value of an earlier line: a piece of Unchanged.bytes. */
typedef struct Found {
    ValueKind kind; /* VALUE_ABSENT: nothing is asked for here */
    size_t start;
    size_t len;
} Found;

struct Unchanged {
    const CsvDialect *dialect;
    size_t opcode_at;
    size_t marks_at; /* of the header column "unchanged" */
    CsvReader *reader;
    Buf line;  /* an earlier line as it stands in the file */
    Buf bytes; /* its values that are needed */

    const OutTable *out;
    const Value *row;
    Found *found;    /* one a column: VALUE_UNCHANGED is left to the target */
    Found *origin;   /* one a key column, where an earlier O line tells the key */
    bool *earlier;   /* columns that the earlier line leaves out itself */
    size_t size;     /* of these arrays */
    const Text *key; /* the origin's key, where there is no earlier O line */
    bool wants_origin;
    bool has_moved;
    Buf marks;
};

bool
unchanged_parse(Text list, size_t column_count, bool *marks)
{
    size_t at = 1;
    size_t last = 0;

    if (list.len < 3 || list.data[0] != ',')
        return false;
    while (at < list.len) {
        size_t len = text_find((Text){list.data + at, list.len - at}, ',');
        uint64_t position;

        if (at + len == list.len || !text_to_u64((Text){list.data + at, len}, &position) ||
            position <= last || position > column_count)
            return false;
        marks[position - 1] = true;
        last = (size_t)position;
        at += len + 1;
    }
    return true;
}

static Found
keep(Unchanged *unchanged, const Value *value)
{
    Found found = {value->kind, unchanged->bytes.len, value->text.len};

    if (value->kind == VALUE_TEXT)
        buf_add_text(&unchanged->bytes, value->text);
    return found;
}

/* The O line: the key is what it tells. */
static bool
read_origin(Unchanged *unchanged, const Value *values, Error *err)
{
    const OutTable *out = unchanged->out;
    const Value *opcode = &values[unchanged->opcode_at];

    if (opcode->kind != VALUE_TEXT || !text_is(opcode->text, opcode_name(OPCODE_O)))
        return error_set(err, ERR_INTERNAL, "the line read back is no O line");
    for (size_t i = 0; i < out->key_count; i++)
        unchanged->origin[i] =
            keep(unchanged, &values[unchanged->dialect->header_count + out->key[i]]);
    unchanged->key = NULL;
    return true;
}

static bool
read_image(Unchanged *unchanged, const Value *values, Error *err)
{
    const OutTable *out = unchanged->out;
    const Value *opcode = &values[unchanged->opcode_at];
    const Value *marks = &values[unchanged->marks_at];
    Opcode code;

    if (opcode->kind != VALUE_TEXT || !opcode_parse(opcode->text, &code) || !opcode_is_image(code))
        return error_set(err, ERR_INTERNAL, "the line read back holds no row");
    memset(unchanged->earlier, 0, out->column_count * sizeof(*unchanged->earlier));
    if (marks->kind == VALUE_TEXT &&
        !unchanged_parse(marks->text, out->column_count, unchanged->earlier))
        return error_set(err, ERR_INTERNAL, "the line read back has no list of columns");
    for (size_t i = 0; i < out->column_count; i++)
        if (unchanged->row[i].kind == VALUE_UNCHANGED && !unchanged->earlier[i])
            unchanged->found[i] = keep(unchanged, &values[unchanged->dialect->header_count + i]);
    return true;
}

static bool
on_record(void *context, const Value *values, size_t count, Error *err)
{
    Unchanged *unchanged = context;

    if (count != unchanged->dialect->header_count + unchanged->out->column_count)
        return error_set(err, ERR_INTERNAL, "the line read back has %zu values", count);
    return unchanged->wants_origin ? read_origin(unchanged, values, err)
                                   : read_image(unchanged, values, err);
}

Unchanged *
unchanged_new(const CsvDialect *dialect)
{
    Unchanged *unchanged = calloc(1, sizeof(*unchanged));

    if (unchanged == NULL)
        abort();
    unchanged->dialect = dialect;
    unchanged->opcode_at = dialect_header_at(dialect, HEADER_OPCODE);
    unchanged->marks_at = dialect_header_at(dialect, HEADER_UNCHANGED);
    unchanged->reader = block_csv_new(dialect, "block", on_record, unchanged);
    return unchanged;
}

void
unchanged_free(Unchanged *unchanged)
{
    if (unchanged == NULL)
        return;
    block_csv_free(unchanged->reader);
    buf_clear(&unchanged->line);
    buf_clear(&unchanged->bytes);
    buf_clear(&unchanged->marks);
    free(unchanged->found);
    free(unchanged->origin);
    free(unchanged->earlier);
    free(unchanged);
}

static void
reset(Unchanged *unchanged, const OutTable *out, const Text *key, const Value *row)
{
    if (out->column_count + 1 > unchanged->size) {
        unchanged->size = out->column_count + 1;
        unchanged->found = realloc(unchanged->found, unchanged->size * sizeof(Found));
        unchanged->origin = realloc(unchanged->origin, unchanged->size * sizeof(Found));
        unchanged->earlier = realloc(unchanged->earlier, unchanged->size * sizeof(bool));
        if (unchanged->found == NULL || unchanged->origin == NULL || unchanged->earlier == NULL)
            abort();
    }
    unchanged->out = out;
    unchanged->key = key;
    unchanged->row = row;
    unchanged->has_moved = false;
    unchanged->marks.len = 0;
    buf_reset(&unchanged->bytes, KEPT_MEMORY);
    buf_reset(&unchanged->line, KEPT_MEMORY);
    for (size_t i = 0; i < out->column_count; i++)
        unchanged->found[i] =
            (Found){row[i].kind == VALUE_UNCHANGED ? VALUE_UNCHANGED : VALUE_ABSENT, 0, 0};
}

/* One line, or the O line and the one behind it. */
static bool
read_back(Unchanged *unchanged, BlockOutput *csv, RowPlace place, Error *err)
{
    uint64_t offset = place.offset;

    unchanged->wants_origin = (place.flags & ROW_MARKED) != 0;
    for (;;) {
        unchanged->line.len = 0;
        if (!block_output_read_line(csv, offset, &unchanged->line, err) ||
            !block_csv_feed(unchanged->reader, buf_text(&unchanged->line), err))
            return false;
        if (!unchanged->wants_origin)
            return true;
        unchanged->wants_origin = false;
        offset += unchanged->line.len;
    }
}

static bool
unknowable(const Unchanged *unchanged, const char *why, Error *err)
{
    size_t at = 0;

    while (unchanged->found[at].kind != VALUE_UNCHANGED)
        at++;
    return error_set(err, ERR_DATA,
        "column " TEXT_FMT ": the update left the value unchanged, the source does not repeat it, "
        "and %s: give the table REPLICA IDENTITY FULL",
        TEXT_ARG(unchanged->out->columns[at].name), why);
}

bool
unchanged_resolve(Unchanged *unchanged, const EarlierLines *lines, KeyHash hash, const Text *key,
    const Value *row, Error *err)
{
    RowPlace place;

    reset(unchanged, lines->out, key, row);
    if (row_index_find(lines->index, hash, &place)) {
        if ((place.flags & ROW_GONE) != 0)
            return unknowable(unchanged,
                "the last line of this key in the block is a delete, or a change to another key",
                err);
        if ((place.flags & ROW_DISPUTED) != 0)
            return unknowable(unchanged,
                "two rows have met at this key, so that it is not known which one changes", err);
        if (!read_back(unchanged, lines->csv, place, err))
            return false;
        unchanged->has_moved = (place.flags & ROW_MOVED) != 0;
    }
    for (size_t i = 0; i < lines->out->column_count; i++)
        if (unchanged->found[i].kind == VALUE_UNCHANGED)
            buf_addf(&unchanged->marks, "%s%zu,", unchanged->marks.len == 0 ? "," : "", i + 1);
    return true;
}

static Value
found_value(const Unchanged *unchanged, Found found)
{
    if (found.kind != VALUE_TEXT)
        return (Value){VALUE_NULL, TEXT_NONE};
    return (Value){VALUE_TEXT, {buf_string(&unchanged->bytes) + found.start, found.len}};
}

void
unchanged_fill(const Unchanged *unchanged, Value *row, bool *written)
{
    for (size_t i = 0; i < unchanged->out->column_count; i++) {
        if (unchanged->found[i].kind == VALUE_ABSENT)
            continue;
        row[i] = found_value(unchanged, unchanged->found[i]);
        written[i] = true;
    }
}

Text
unchanged_marks(const Unchanged *unchanged)
{
    return unchanged->marks.len == 0 ? TEXT_NONE : buf_text(&unchanged->marks);
}

bool
unchanged_is_marked(const Unchanged *unchanged, size_t index)
{
    return unchanged->found[index].kind == VALUE_UNCHANGED;
}

bool
unchanged_has_moved(const Unchanged *unchanged)
{
    return unchanged->has_moved;
}

void
unchanged_set_origin(const Unchanged *unchanged, Value *row, bool *written)
{
    const OutTable *out = unchanged->out;

    for (size_t i = 0; i < out->column_count; i++)
        row[i] = (Value){VALUE_NULL, TEXT_NONE};
    for (size_t i = 0; i < out->key_count; i++) {
        bool is_earlier = unchanged->key == NULL;

        row[out->key[i]] = is_earlier ? found_value(unchanged, unchanged->origin[i])
                                      : (Value){VALUE_TEXT, unchanged->key[i]};
        written[out->key[i]] = is_earlier;
    }
}
