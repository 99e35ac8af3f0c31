#include "block/block_shape.h"

bool
block_shape_omits(const OutTable *out)
{
    for (size_t i = 0; i < out->column_count; i++)
        if (out->columns[i].may_omit)
            return true;
    return false;
}

bool
block_shape_equal(const OutTable *a, const OutTable *b)
{
    if (a->column_count != b->column_count || a->key_count != b->key_count ||
        block_shape_omits(a) != block_shape_omits(b))
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

void
block_shape_describe(const OutTable *out, Arena *arena, BlockFile *file)
{
    file->column_count = out->column_count;
    file->columns = ARENA_ARRAY(arena, BlockColumn, out->column_count + 1);
    for (size_t i = 0; i < out->column_count; i++) {
        Text type = out->columns[i].source_type;

        file->columns[i] = (BlockColumn){arena_text(arena, out->columns[i].name),
            type.data == NULL ? TEXT("") : arena_text(arena, type), out->columns[i].logical};
    }
    file->key_count = out->key_count;
    file->key = ARENA_ARRAY(arena, size_t, out->key_count + 1);
    for (size_t i = 0; i < out->key_count; i++)
        file->key[i] = out->key[i];
}
