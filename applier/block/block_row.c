#include "block/block_row.h"

static bool
key_value(const OutColumn *column, Value value, const char *what, Text *ret, Error *err)
{
    switch (value.kind) {
    case VALUE_TEXT:
        *ret = value.text;
        return true;
    case VALUE_NULL:
        return error_set(err, ERR_DATA, "key column " TEXT_FMT " is null", TEXT_ARG(column->name));
    case VALUE_ABSENT:
    case VALUE_UNCHANGED:
        break;
    }
    return error_set(err, ERR_DATA,
        "%s does not tell the old value of key column " TEXT_FMT " (replica identity)", what,
        TEXT_ARG(column->name));
}

bool
block_row_old_key(const OutTable *out, const Change *change, Text *keys, Error *err)
{
    const Value *values = change->before;
    const char *what = change->kind == CHANGE_DELETE ? "delete" : "update";

    if (values == NULL && change->kind == CHANGE_UPDATE)
        values = change->after;
    if (values == NULL)
        return error_set(err, ERR_DATA, "%s without an old image", what);
    for (size_t i = 0; i < out->key_count; i++) {
        const OutColumn *column = &out->columns[out->key[i]];

        if (!key_value(column, values[column->source_index], what, &keys[i], err))
            return false;
    }
    return true;
}

void
block_row_set_old(const OutTable *out, const Change *change, const Text *keys, Value *row)
{
    const Value *values = change->before != NULL ? change->before : change->after;

    for (size_t i = 0; i < out->column_count; i++) {
        Value value = {VALUE_NULL, TEXT_NONE};

        if (out->key_count == 0 && values[out->columns[i].source_index].kind == VALUE_TEXT)
            value = values[out->columns[i].source_index];
        row[i] = value;
    }
    for (size_t i = 0; i < out->key_count; i++)
        row[out->key[i]] = (Value){VALUE_TEXT, keys[i]};
}

bool
block_row_set_new(
    const OutTable *out, const Change *change, bool may_omit, Value *row, Text *keys, Error *err)
{
    if (change->after == NULL)
        return error_set(err, ERR_INTERNAL, "change without a new image");
    for (size_t i = 0; i < out->column_count; i++) {
        const OutColumn *column = &out->columns[i];
        Value value = change->after[column->source_index];

        bool omitted = value.kind == VALUE_UNCHANGED;

        if (omitted && change->before != NULL)
            value = change->before[column->source_index];
        if (omitted && may_omit && !column->in_key && value.kind != VALUE_TEXT &&
            value.kind != VALUE_NULL) {
            row[i] = (Value){VALUE_UNCHANGED, TEXT_NONE};
            continue;
        }
        if (value.kind != VALUE_TEXT && value.kind != VALUE_NULL)
            return error_set(err, ERR_DATA,
                "the source does not tell the value of column " TEXT_FMT "%s",
                TEXT_ARG(column->name),
                change->kind == CHANGE_UPDATE ? ", which the update left unchanged" : "");
        row[i] = value;
    }
    for (size_t i = 0; i < out->key_count; i++)
        if (!key_value(&out->columns[out->key[i]], row[out->key[i]], "insert", &keys[i], err))
            return false;
    return true;
}

bool
block_row_same_key(const OutTable *out, const Text *a, const Text *b)
{
    for (size_t i = 0; i < out->key_count; i++)
        if (!text_equal(a[i], b[i]))
            return false;
    return out->key_count > 0;
}
