#include "source/binlog/rows.h"

#include "source/binlog/compress.h"
#include "source/binlog/json.h"
#include "source/binlog/wire.h"

/* Of an event's flags. */
#define FLAG_ENDS_STATEMENT 1
/* Of PARTIAL_UPDATE_ROWS' value options. */
#define OPTION_PARTIAL_JSON 1

/* One image of a row. */
typedef struct Image {
    const uint8_t *in_image; /* bits */
    const uint8_t *nulls;    /* bits, one a column in the image */
    const uint8_t *begin;    /* the first value */
    const uint8_t *diffs;    /* bits, one a JSON column of the table; NULL: no diffs */
} Image;

/* The row that is read. */
typedef struct RowRead {
    BinlogRows *rows;
    const BinlogValueType *types;
    BinlogMemory *memory;
    const uint8_t *at;
    const uint8_t *end;
    Image before;
    const Value *old_values;
} RowRead;

static bool
find_kind(unsigned type, BinlogRowsKind *ret_kind)
{
    switch (type) {
    case BINLOG_WRITE_ROWS_V1:
    case BINLOG_WRITE_ROWS:
    case BINLOG_WRITE_ROWS_COMPRESSED_V1:
    case BINLOG_WRITE_ROWS_COMPRESSED:
        *ret_kind = BINLOG_ROWS_WRITE;
        return true;
    case BINLOG_UPDATE_ROWS_V1:
    case BINLOG_UPDATE_ROWS:
    case BINLOG_PARTIAL_UPDATE_ROWS:
    case BINLOG_UPDATE_ROWS_COMPRESSED_V1:
    case BINLOG_UPDATE_ROWS_COMPRESSED:
        *ret_kind = BINLOG_ROWS_UPDATE;
        return true;
    case BINLOG_DELETE_ROWS_V1:
    case BINLOG_DELETE_ROWS:
    case BINLOG_DELETE_ROWS_COMPRESSED_V1:
    case BINLOG_DELETE_ROWS_COMPRESSED:
        *ret_kind = BINLOG_ROWS_DELETE;
        return true;
    default:
        return false;
    }
}

static bool
has_extra_data(unsigned type)
{
    return (type >= BINLOG_WRITE_ROWS && type <= BINLOG_DELETE_ROWS) ||
           type == BINLOG_PARTIAL_UPDATE_ROWS ||
           (type >= BINLOG_WRITE_ROWS_COMPRESSED && type <= BINLOG_DELETE_ROWS_COMPRESSED);
}

static bool
is_compressed(unsigned type)
{
    return type >= BINLOG_WRITE_ROWS_COMPRESSED_V1 && type <= BINLOG_DELETE_ROWS_COMPRESSED;
}

static size_t
count_bits(const uint8_t *bits, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; i < count / 8; i++)
        sum += (size_t)__builtin_popcount(bits[i]);
    if (count % 8 != 0)
        sum += (size_t)__builtin_popcount(bits[count / 8] & ((1U << count % 8) - 1));
    return sum;
}

/* The bits of an image. */
static const uint8_t *
read_bits(Reader *reader, size_t count, size_t *ret_set)
{
    Text bits = reader_bytes(reader, count / 8 + (count % 8 != 0));

    *ret_set = reader->overrun ? 0 : count_bits((const uint8_t *)bits.data, count);
    return (const uint8_t *)bits.data;
}

/* What stands before the column count. */
static void
read_post_header(
    const BinlogFormat *format, const BinlogEvent *event, Reader *reader, BinlogRows *rows)
{
    bool is_old =
        event->type < ARRAY_LEN(format->post_header) && format->post_header[event->type] == 6;
    size_t extra;

    rows->table_id = binlog_wire_int(reader, is_old ? 4 : 6);
    rows->ends_statement = (binlog_wire_int(reader, 2) & FLAG_ENDS_STATEMENT) != 0;
    if (!has_extra_data(event->type))
        return;
    extra = binlog_wire_int(reader, 2);
    if (extra < 2)
        reader->overrun = true;
    else
        (void)reader_bytes(reader, extra - 2);
}

bool
binlog_rows_open(const BinlogFormat *format, const BinlogEvent *event, Buf *scratch,
    BinlogRows *ret_rows, Error *err)
{
    Reader reader = binlog_event_reader(event);
    BinlogRows rows = {.is_partial = event->type == BINLOG_PARTIAL_UPDATE_ROWS};

    if (!find_kind(event->type, &rows.kind))
        return binlog_event_fail(event, 0, "it has no rows", err);
    read_post_header(format, event, &reader, &rows);
    rows.column_count = binlog_wire_length(&reader);
    if (rows.kind != BINLOG_ROWS_WRITE)
        rows.in_before = read_bits(&reader, rows.column_count, &rows.before_count);
    if (rows.kind != BINLOG_ROWS_DELETE)
        rows.in_after = read_bits(&reader, rows.column_count, &rows.after_count);
    rows.rows = binlog_wire_rest(&reader);
    if (!binlog_event_check(event, &reader, err))
        return false;
    if (is_compressed(event->type)) {
        char buffer[16];

        scratch->len = 0;
        if (!binlog_uncompress_event(rows.rows, scratch, err))
            return error_wrap(err, "%s event", binlog_type_name(event->type, buffer));
        rows.rows = buf_text(scratch);
    }
    *ret_rows = rows;
    return true;
}

static bool
fail_early(Error *err)
{
    return error_set(err, ERR_SOURCE, "the row goes past the event's end");
}

/* Bits at the cursor; NULL: it ends early. */
static const uint8_t *
take_bits(RowRead *row, size_t count)
{
    const uint8_t *bits = row->at;
    size_t size = count / 8 + (count % 8 != 0);

    if ((size_t)(row->end - row->at) < size)
        return NULL;
    row->at += size;
    return bits;
}

/* A value of a length and bytes, as JSON is, without its length. */
static bool
take_bytes(
    const BinlogColumn *column, const uint8_t **at, const uint8_t *end, Text *ret, Error *err)
{
    const uint8_t *begin = *at;

    if (!binlog_value_skip(column, at, end, err))
        return false;
    begin += column->length;
    *ret = (Text){(const char *)begin, (size_t)(*at - begin)};
    return true;
}

/* The binary value of a column in the old image. False with err->kind ERR_NONE: it has none. */
static bool
find_old(const RowRead *row, size_t column, Text *ret, Error *err)
{
    const Image *image = &row->before;
    const uint8_t *at = image->begin;
    size_t place = 0;

    err->kind = ERR_NONE;
    if (!binlog_bit(image->in_image, column))
        return false;
    for (size_t i = 0; i < column; i++) {
        if (!binlog_bit(image->in_image, i) || binlog_bit(image->nulls, place++))
            continue;
        if (!binlog_value_skip(&row->types[i].column, &at, row->end, err))
            return false;
    }
    return !binlog_bit(image->nulls, place) &&
           take_bytes(&row->types[column].column, &at, row->end, ret, err);
}

/* A JSON document after the diffs that stand at the cursor. */
static bool
read_diffs(RowRead *row, size_t column, Value *ret, Error *err)
{
    const BinlogValueType *type = &row->types[column];
    Buf *scratch;
    Text diffs;
    Text old;

    if (!take_bytes(&type->column, &row->at, row->end, &diffs, err))
        return false;
    if (type->is_left_out)
        return true;
    if (diffs.len == 0) { /* nothing changed */
        *ret = row->old_values[column];
        return true;
    }
    if (!find_old(row, column, &old, err)) {
        if (err->kind != ERR_NONE)
            return false;
        return error_set(err, ERR_DATA,
            "a part of a JSON document changed, and the whole is not in the log: set "
            "binlog_row_value_options = '' or binlog_row_image = FULL on the server, and bootstrap "
            "the table anew");
    }
    scratch = binlog_memory_scratch(row->memory);
    if (!binlog_json_apply(old, diffs, scratch, err))
        return false;
    *ret = (Value){VALUE_TEXT, binlog_memory_take(row->memory, scratch)};
    return true;
}

/* One value at the cursor, which is in the image and not null. */
static bool
read_value(RowRead *row, size_t column, Value *ret, Error *err)
{
    const BinlogValueType *type = &row->types[column];

    if (type->is_left_out)
        return binlog_value_skip(&type->column, &row->at, row->end, err);
    return binlog_value_read(type, &row->at, row->end, row->memory, ret, err);
}

static bool
fail_column(const RowRead *row, size_t column, const Image *image, Error *err)
{
    Text name = row->types[column].column.name;
    const char *which = image == &row->before ? "old" : "new";

    if (name.len == 0)
        return error_wrap(err, "column %zu of the %s image", column + 1, which);
    return error_wrap(err, "column " TEXT_FMT " of the %s image", TEXT_ARG(name), which);
}

static bool
read_values(RowRead *row, const Image *image, Value *values, Error *err)
{
    size_t count = row->rows->column_count;
    size_t place = 0; /* among those of the image */
    size_t json = 0;  /* among the table's JSON columns */

    for (size_t i = 0; i < count; i++) {
        const BinlogValueType *type = &row->types[i];
        bool is_diff = image->diffs != NULL && type->column.type == MYSQL_COLUMN_JSON &&
                       binlog_bit(image->diffs, json++);
        const uint8_t *begin = row->at;
        bool ok;

        values[i] = (Value){VALUE_ABSENT, TEXT_NONE};
        if (!binlog_bit(image->in_image, i))
            continue;
        if (binlog_bit(image->nulls, place++)) {
            if (!type->is_left_out)
                values[i].kind = VALUE_NULL;
            continue;
        }
        ok = is_diff ? read_diffs(row, i, &values[i], err) : read_value(row, i, &values[i], err);
        if (!ok && image == &row->before && err->kind == ERR_DATA && !type->in_key) {
            /* what cannot be shown is not needed: it may have been put right by this very row */
            values[i] = (Value){VALUE_ABSENT, TEXT_NONE};
            row->at = begin;
            ok = binlog_value_skip(&type->column, &row->at, row->end, err);
        }
        if (!ok)
            return fail_column(row, i, image, err);
    }
    return true;
}

static bool
read_before(RowRead *row, Value *values, Error *err)
{
    Image *image = &row->before;

    image->in_image = row->rows->in_before;
    image->nulls = take_bits(row, row->rows->before_count);
    image->begin = row->at;
    if (image->nulls == NULL)
        return fail_early(err);
    return read_values(row, image, values, err);
}

static size_t
count_json(const RowRead *row)
{
    size_t count = 0;

    for (size_t i = 0; i < row->rows->column_count; i++)
        count += row->types[i].column.type == MYSQL_COLUMN_JSON ? 1 : 0;
    return count;
}

/* Value options, and the bits that follow from them. */
static bool
read_options(RowRead *row, Image *image, Error *err)
{
    Reader reader = reader_of(row->at, (size_t)(row->end - row->at));
    uint64_t options = binlog_wire_length(&reader);

    if (reader.overrun)
        return fail_early(err);
    row->at += reader.at;
    if ((options & ~(uint64_t)OPTION_PARTIAL_JSON) != 0)
        return error_set(
            err, ERR_SOURCE, "the row has options of a later server that are not known");
    if (options != 0) {
        image->diffs = take_bits(row, count_json(row));
        if (image->diffs == NULL)
            return fail_early(err);
    }
    return true;
}

static bool
read_after(RowRead *row, Value *values, Error *err)
{
    Image image = {.in_image = row->rows->in_after};

    if (row->rows->is_partial && !read_options(row, &image, err))
        return false;
    image.nulls = take_bits(row, row->rows->after_count);
    image.begin = row->at;
    if (image.nulls == NULL)
        return fail_early(err);
    return read_values(row, &image, values, err);
}

static bool
read_row(RowRead *row, Value *before, Value *after, Error *err)
{
    const uint8_t *begin = row->at;

    if (row->rows->in_before != NULL && !read_before(row, before, err))
        return false;
    if (row->rows->in_after != NULL && !read_after(row, after, err))
        return false;
    if (row->at == begin)
        return error_set(err, ERR_SOURCE, "the images have no columns");
    return true;
}

Next
binlog_rows_next(BinlogRows *rows, const BinlogValueType *types, BinlogMemory *memory,
    Value *before, Value *after, Error *err)
{
    const uint8_t *at = (const uint8_t *)rows->rows.data;
    RowRead row = {rows, types, memory, at, at + rows->rows.len, {0}, before};
    size_t taken;

    if (rows->rows.len == 0)
        return NEXT_END;
    for (size_t i = 0; i < rows->column_count; i++) {
        if (rows->in_before == NULL)
            before[i] = (Value){VALUE_ABSENT, TEXT_NONE};
        if (rows->in_after == NULL)
            after[i] = (Value){VALUE_ABSENT, TEXT_NONE};
    }
    if (!read_row(&row, before, after, err)) {
        (void)error_wrap(err, "row %zu", rows->row + 1);
        return NEXT_FAILED;
    }
    taken = (size_t)(row.at - at);
    rows->rows.data += taken;
    rows->rows.len -= taken;
    rows->row++;
    return NEXT_ITEM;
}
