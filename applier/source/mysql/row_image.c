#include "source/mysql/row_image.h"

#include <stdlib.h>

#define KEPT_MEMORY ((size_t)1 << 20)

struct RowImage {
    BinlogRows rows;
    const MysqlShape *shape;
    BinlogMemory *memory;
    Buf scratch;   /* what had to be unpacked */
    size_t size;   /* of each of the arrays below */
    Value *values; /* one block: images, then the rows that are handed out */
    Value *old_image;
    Value *new_image;
    Value *before;
    Value *after;
};

RowImage *
row_image_new(void)
{
    RowImage *image = calloc(1, sizeof(*image));

    if (image == NULL)
        abort();
    image->memory = binlog_memory_new();
    return image;
}

void
row_image_free(RowImage *image)
{
    if (image == NULL)
        return;
    binlog_memory_free(image->memory);
    buf_clear(&image->scratch);
    free(image->values);
    free(image);
}

static bool
wrap(const RowImage *image, Error *err)
{
    const Table *table = &image->shape->table;

    return error_wrap(
        err, "table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(table->schema), TEXT_ARG(table->name));
}

static void
make_room(RowImage *image, size_t count)
{
    if (count > image->size) {
        free(image->values);
        image->values = calloc(count * 4, sizeof(*image->values));
        if (image->values == NULL)
            abort();
        image->size = count;
    }
    image->old_image = image->values;
    image->new_image = image->values + image->size;
    image->before = image->values + 2 * image->size;
    image->after = image->values + 3 * image->size;
}

bool
row_image_open(RowImage *image, const BinlogFormat *format, const BinlogEvent *event,
    const MysqlShape *shape, Error *err)
{
    image->shape = shape;
    buf_reset(&image->scratch, KEPT_MEMORY);
    if (!binlog_rows_open(format, event, &image->scratch, &image->rows, err))
        return wrap(image, err);
    if (image->rows.column_count != shape->image_count) {
        (void)error_set(err, ERR_SOURCE, "a row has %zu columns, and the table's description %zu",
            image->rows.column_count, shape->image_count);
        return wrap(image, err);
    }
    make_room(image, MAX(shape->image_count, shape->table.column_count) + 1);
    return true;
}

bool
row_image_lacks_defaults(const RowImage *image)
{
    const MysqlShape *shape = image->shape;

    if (image->rows.kind != BINLOG_ROWS_WRITE)
        return false;
    for (size_t i = 0; i < shape->table.column_count; i++)
        if (!binlog_bit(image->rows.in_after, shape->image_of[i]) &&
            shape->defaults[i].kind == VALUE_ABSENT)
            return true;
    return false;
}

static const Value *
take_old(RowImage *image)
{
    const MysqlShape *shape = image->shape;

    for (size_t i = 0; i < shape->table.column_count; i++)
        image->before[i] = image->old_image[shape->image_of[i]];
    return image->before;
}

static bool
take_inserted(RowImage *image, Error *err)
{
    const MysqlShape *shape = image->shape;

    for (size_t i = 0; i < shape->table.column_count; i++) {
        image->after[i] = image->new_image[shape->image_of[i]];
        if (image->after[i].kind != VALUE_ABSENT)
            continue;
        image->after[i] = shape->defaults[i];
        if (image->after[i].kind == VALUE_ABSENT)
            return error_set(err, ERR_SOURCE,
                "column " TEXT_FMT ": an insert leaves it out, and what its default is cannot be "
                "told: set binlog_row_image = FULL, and copy the table again: dray bootstrap",
                TEXT_ARG(shape->table.columns[i].name));
    }
    return true;
}

static void
take_updated(RowImage *image)
{
    const MysqlShape *shape = image->shape;

    for (size_t i = 0; i < shape->table.column_count; i++) {
        image->after[i] = image->new_image[shape->image_of[i]];
        if (image->after[i].kind == VALUE_ABSENT)
            image->after[i] = image->before[i];
        if (image->after[i].kind == VALUE_ABSENT)
            image->after[i] = (Value){.kind = VALUE_UNCHANGED};
    }
}

static bool
take_row(RowImage *image, ChangeKind kind, Change *change, Error *err)
{
    *change = (Change){.kind = kind, .table = &image->shape->table};
    switch (kind) {
    case CHANGE_INSERT:
        change->after = image->after;
        return take_inserted(image, err);
    case CHANGE_UPDATE:
        change->before = take_old(image);
        change->after = image->after;
        take_updated(image);
        return true;
    case CHANGE_DELETE:
        change->before = take_old(image);
        return true;
    }
    return error_set(err, ERR_INTERNAL, "unknown kind of rows %d", (int)kind);
}

/* What a row is, as *ret_kind; false: one that is not carried. */
static bool
is_carried(const RowImage *image, ChangeKind *ret_kind)
{
    bool is_write = image->rows.kind == BINLOG_ROWS_WRITE;
    bool is_delete = image->rows.kind == BINLOG_ROWS_DELETE;

    *ret_kind = is_write ? CHANGE_INSERT : is_delete ? CHANGE_DELETE : CHANGE_UPDATE;
    return source_mysql_shape_is_current(image->shape, is_write ? NULL : image->old_image,
        is_delete ? NULL : image->new_image, ret_kind);
}

Next
row_image_next(RowImage *image, Change *ret_change, Error *err)
{
    ChangeKind kind = CHANGE_INSERT;
    Next next;

    do {
        binlog_memory_reset(image->memory);
        next = binlog_rows_next(&image->rows, image->shape->types, image->memory, image->old_image,
            image->new_image, err);
    } while (next == NEXT_ITEM && !is_carried(image, &kind));
    if (next == NEXT_ITEM && !take_row(image, kind, ret_change, err))
        next = NEXT_FAILED;
    if (next == NEXT_FAILED)
        (void)wrap(image, err);
    return next;
}
