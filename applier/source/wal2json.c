#include "source/wal2json.h"

#include <stdlib.h>

#include "source/json.h"
#include "source/shape.h"

struct Wal2json {
    Shapes *shapes;
    Cells columns;
    Cells identity;
    Cells primary;
    Cells merged; /* the new row, with unchanged values taken from identity */
    Value *old;   /* the old row, in the shape's order */
    size_t old_size;
    Text action;
    size_t action_column;
};

Wal2json *
wal2json_new(void)
{
    Wal2json *decoder = calloc(1, sizeof(*decoder));

    if (decoder == NULL)
        abort();
    decoder->shapes = shapes_new();
    return decoder;
}

void
wal2json_free(Wal2json *decoder)
{
    if (decoder == NULL)
        return;
    shapes_free(decoder->shapes);
    cells_clear(&decoder->columns);
    cells_clear(&decoder->identity);
    cells_clear(&decoder->primary);
    cells_clear(&decoder->merged);
    free(decoder->old);
    free(decoder);
}

static bool
hex_number(Text text, uint64_t *ret)
{
    uint64_t value = 0;

    if (text.len == 0 || text.len > 8)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if ((c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'))
            value = value << 4 | (uint64_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *ret = value;
    return true;
}

bool
wal2json_parse_lsn(Text text, uint64_t *ret_lsn)
{
    size_t slash = text_find(text, '/');
    uint64_t high;
    uint64_t low;

    if (slash == text.len || !hex_number((Text){text.data, slash}, &high) ||
        !hex_number((Text){text.data + slash + 1, text.len - slash - 1}, &low))
        return false;
    *ret_lsn = high << 32 | low;
    return true;
}

/* bytea: lower-case hexadecimal, without the "\x" that some writers leave in front. */
static bool
take_bytes(Text *text)
{
    char *digits;

    if (text->len >= 2 && text->data[0] == '\\' && text->data[1] == 'x')
        *text = (Text){text->data + 2, text->len - 2};
    digits = (char *)(uintptr_t)text->data;
    for (size_t i = 0; i < text->len; i++) {
        if (digits[i] >= 'A' && digits[i] <= 'F')
            digits[i] |= 0x20;
        else if (!((digits[i] >= '0' && digits[i] <= '9') ||
                     (digits[i] >= 'a' && digits[i] <= 'f')))
            return false;
    }
    return text->len % 2 == 0;
}

/* A column's value in its canonical text (event/value.h). */
static bool
take_value(JsonScan *scan, Cell *cell, const JsonScalar *scalar, Value *ret_value, Error *err)
{
    static const Text bytea = {"bytea", 5};

    ret_value->kind = VALUE_TEXT;
    ret_value->text = scalar->text;
    cell->hint = CELL_OTHER;
    switch (scalar->kind) {
    case JSON_KIND_NULL:
        ret_value->kind = VALUE_NULL;
        cell->hint = CELL_NULL;
        return true;
    case JSON_KIND_TRUE:
    case JSON_KIND_FALSE:
        ret_value->text = scalar->kind == JSON_KIND_TRUE ? TEXT("t") : TEXT("f");
        cell->hint = CELL_BOOL;
        return true;
    case JSON_KIND_NUMBER:
        return true;
    case JSON_KIND_TEXT:
        break;
    }
    if (cell->type.len == bytea.len && text_equal(cell->type, bytea) &&
        !take_bytes(&ret_value->text))
        return source_json_error(scan, err,
            "value of column " TEXT_FMT
            " is not hexadecimal: the log must be recorded with bytea_output = hex",
            TEXT_ARG(cell->name));
    return true;
}

static bool
want_text(JsonScan *scan, const char *what, bool or_null, Text *ret_text, Error *err)
{
    JsonScan before = *scan;
    JsonScalar scalar = {JSON_KIND_NULL, TEXT_NONE};

    if (!source_json_scalar(scan, &scalar, err))
        return false;
    if (scalar.kind != JSON_KIND_TEXT && !(or_null && scalar.kind == JSON_KIND_NULL))
        return source_json_error(&before, err, "%s is not a text", what);
    *ret_text = scalar.text;
    return true;
}

enum {
    SEEN_NAME = 1,
    SEEN_TYPE = 2,
    SEEN_VALUE = 4,
};

static bool
seen_once(JsonScan *scan, unsigned *seen, unsigned flag, const char *what, Error *err)
{
    if ((*seen & flag) != 0)
        return source_json_error(scan, err, "%s is there twice", what);
    *seen |= flag;
    return true;
}

/* {"name":"id","type":"integer","value":1}; primary keys have no value. */
static bool
take_cell(JsonScan *scan, Cells *cells, bool with_value, Error *err)
{
    size_t index = cells_add(cells);
    Cell *cell = &cells->cells[index];
    JsonScan begin = *scan;
    JsonScalar value = {JSON_KIND_NULL, TEXT_NONE};
    unsigned seen = 0;
    Text key;
    Next next;

    cell->type = TEXT_NONE;
    if (!source_json_open(scan, '{', err))
        return false;
    while ((next = source_json_member(scan, &key, err)) == NEXT_ITEM) {
        bool ok;

        if (text_equal(key, TEXT("name")))
            ok = seen_once(scan, &seen, SEEN_NAME, "name", err) &&
                 want_text(scan, "a column's name", false, &cell->name, err);
        else if (text_equal(key, TEXT("type")))
            ok = seen_once(scan, &seen, SEEN_TYPE, "type", err) &&
                 want_text(scan, "a column's type", true, &cell->type, err);
        else if (with_value && text_equal(key, TEXT("value")))
            ok = seen_once(scan, &seen, SEEN_VALUE, "value", err) &&
                 source_json_scalar(scan, &value, err);
        else
            ok = source_json_skip(scan, err);
        if (!ok)
            return false;
    }
    if (next == NEXT_FAILED)
        return false;
    if ((seen & SEEN_NAME) == 0)
        return source_json_error(&begin, err, "a column without a name");
    if (with_value && (seen & SEEN_VALUE) == 0)
        return source_json_error(
            &begin, err, "column " TEXT_FMT " has no value", TEXT_ARG(cell->name));
    return take_value(&begin, cell, &value, &cells->values[index], err);
}

static bool
take_cells(JsonScan *scan, Cells *cells, bool with_value, Error *err)
{
    Next next;

    if (cells->given)
        return source_json_error(scan, err, "an array of columns is there twice");
    cells->given = true;
    if (!source_json_open(scan, '[', err))
        return false;
    while ((next = source_json_element(scan, err)) == NEXT_ITEM)
        if (!take_cell(scan, cells, with_value, err))
            return false;
    return next == NEXT_END;
}

static bool
take_xid(JsonScan *scan, WalLine *line, Error *err)
{
    JsonScan before = *scan;
    JsonScalar scalar = {JSON_KIND_NULL, TEXT_NONE};

    if (!source_json_scalar(scan, &scalar, err))
        return false;
    if (scalar.kind == JSON_KIND_NULL)
        return true;
    if (scalar.kind != JSON_KIND_NUMBER || !text_to_u64(scalar.text, &line->xid))
        return source_json_error(&before, err, "xid is not a transaction number");
    line->has_xid = true;
    return true;
}

static bool
take_lsn(JsonScan *scan, WalLine *line, Error *err)
{
    JsonScan before = *scan;
    Text text = TEXT_NONE;

    if (!want_text(scan, "lsn", true, &text, err))
        return false;
    if (text.data == NULL)
        return true;
    if (!wal2json_parse_lsn(text, &line->lsn))
        return source_json_error(&before, err, "lsn is not two hexadecimal numbers with \"/\"");
    line->has_lsn = true;
    return true;
}

static bool
take_field(Wal2json *decoder, JsonScan *scan, Text key, WalLine *line, Error *err)
{
    if (text_equal(key, TEXT("columns")))
        return take_cells(scan, &decoder->columns, true, err);
    if (text_equal(key, TEXT("identity")))
        return take_cells(scan, &decoder->identity, true, err);
    if (text_equal(key, TEXT("pk")))
        return take_cells(scan, &decoder->primary, false, err);
    if (text_equal(key, TEXT("xid")))
        return take_xid(scan, line, err);
    if (text_equal(key, TEXT("lsn")))
        return take_lsn(scan, line, err);
    if (text_equal(key, TEXT("schema")))
        return want_text(scan, "schema", false, &line->schema, err);
    if (text_equal(key, TEXT("table")))
        return want_text(scan, "table", false, &line->table, err);
    if (text_equal(key, TEXT("timestamp")))
        return want_text(scan, "timestamp", true, &line->timestamp, err);
    if (text_equal(key, TEXT("action"))) {
        decoder->action_column = (size_t)(scan->at - scan->start) + 1;
        return want_text(scan, "action", false, &decoder->action, err);
    }
    if (text_equal(key, TEXT("change")))
        return source_json_error(scan, err,
            "this is wal2json's format version 1: record the log with -o format-version=2");
    return source_json_skip(scan, err);
}

static bool
take_line(Wal2json *decoder, JsonScan *scan, WalLine *line, Error *err)
{
    Text key;
    Next next;

    if (!source_json_open(scan, '{', err))
        return false;
    while ((next = source_json_member(scan, &key, err)) == NEXT_ITEM)
        if (!take_field(decoder, scan, key, line, err))
            return false;
    return next == NEXT_END && source_json_end(scan, err);
}

static Value *
old_values(Wal2json *decoder, size_t count)
{
    if (count > decoder->old_size) {
        decoder->old_size = MAX(count, decoder->old_size * 2);
        decoder->old = realloc(decoder->old, decoder->old_size * sizeof(*decoder->old));
        if (decoder->old == NULL)
            abort();
    }
    for (size_t i = 0; i < count; i++)
        decoder->old[i] = (Value){VALUE_ABSENT, TEXT_NONE};
    return decoder->old;
}

/* The identity's values in the shape's order. */
static const Value *
old_row(Wal2json *decoder, const Shape *shape)
{
    const Table *table = &shape->table;
    const Cells *identity = &decoder->identity;
    Value *old = old_values(decoder, table->column_count);
    size_t at = 0;

    for (size_t i = 0; i < table->column_count && at < identity->count; i++)
        if (text_equal(table->columns[i].name, identity->cells[at].name))
            old[i] = identity->values[at++];
    return old;
}

static bool
change_insert(Wal2json *decoder, TableShapes *table, WalLine *line, Error *err)
{
    Shape *shape;

    if (!decoder->columns.given)
        return error_set(err, ERR_DATA, "an insert without columns");
    shape = table->full;
    if (shape == NULL || shape->key != table->key || !shape_fits(shape, &decoder->columns))
        shape = shapes_find(decoder->shapes, table, &decoder->columns, err);
    if (shape == NULL)
        return false;
    shapes_set_full(table, shape);
    line->change = (Change){CHANGE_INSERT, &shape->table, decoder->columns.values, NULL};
    return true;
}

static bool
value_equal(const Value *a, const Value *b)
{
    return a->kind == b->kind && (a->kind != VALUE_TEXT || text_equal(a->text, b->text));
}

/* Does the row differ from identity in a column of the key (NULL: in any column)? */
static bool
differs(const Cells *identity, const Cells *row, const KeyNames *key)
{
    size_t guess = 0;

    for (size_t i = 0; i < identity->count; i++) {
        size_t at = cells_find(row, identity->cells[i].name, guess);

        if (at == row->count)
            continue;
        guess = at + 1;
        if ((key == NULL || key_has(key, identity->cells[i].name)) &&
            !value_equal(&identity->values[i], &row->values[at]))
            return true;
    }
    return false;
}

/* The new row: columns, and where identity has more than they, that in its order. */
static const Cells *
new_row(Wal2json *decoder)
{
    const Cells *identity = &decoder->identity;
    const Cells *columns = &decoder->columns;
    Cells *merged = &decoder->merged;
    size_t guess = 0;

    if (identity->count <= columns->count || !cells_cover(identity, columns))
        return columns;
    cells_reset(merged);
    for (size_t i = 0; i < identity->count; i++) {
        size_t at = cells_find(columns, identity->cells[i].name, guess);
        size_t to = cells_add(merged);
        bool repeated = at < columns->count;

        merged->cells[to] = repeated ? columns->cells[at] : identity->cells[i];
        merged->values[to] = repeated ? columns->values[at] : identity->values[i];
        guess = repeated ? at + 1 : guess;
    }
    return merged;
}

/* May a value of the type be stored out of line? */
static bool
can_be_toasted(LogicalType type)
{
    switch (type) {
    case LOGICAL_BOOL:
    case LOGICAL_INT:
    case LOGICAL_UINT:
    case LOGICAL_FLOAT:
    case LOGICAL_DATE:
    case LOGICAL_TIME:
    case LOGICAL_TIMETZ:
    case LOGICAL_TIMESTAMP:
    case LOGICAL_TIMESTAMPTZ:
    case LOGICAL_INTERVAL:
    case LOGICAL_UUID:
        return false;
    case LOGICAL_UNKNOWN:
    case LOGICAL_NUMERIC:
    case LOGICAL_TEXT:
    case LOGICAL_BYTES:
    case LOGICAL_BIT:
    case LOGICAL_JSON:
    case LOGICAL_ARRAY:
    case LOGICAL_OTHER:
    case LOGICAL_GEOMETRY:
        return true;
    }
    return true;
}

/* A row with fewer columns than the full shape: is it because of unchanged TOAST values? */
static bool
lacks_toast(const TableShapes *table, const Shape *full, const Cells *row, const Cells *identity)
{
    bool whole;

    if (row->count >= full->table.column_count || !shape_has_part(full, row))
        return false;
    /* the whole old row does not have the missing columns either: they were dropped */
    whole = table->full_identity;
    for (size_t i = 0; table->key != NULL && i < identity->count; i++)
        whole = whole || !key_has(table->key, identity->cells[i].name);
    return !(whole && cells_cover(identity, row));
}

static bool
check_key_kept(const TableShapes *table, const Shape *full, const Cells *row, const Cells *identity,
    Error *err)
{
    size_t guess = 0;

    if (!differs(identity, row, table->key))
        return true;
    for (size_t i = 0; i < full->table.column_count; i++) {
        const Column *column = &full->table.columns[i];
        size_t at = cells_find(row, column->name, guess);

        if (at == row->count && can_be_toasted(column->logical))
            return error_set(err, ERR_DATA,
                "update changes the key and does not repeat column " TEXT_FMT
                " (unchanged TOAST): set REPLICA IDENTITY FULL",
                TEXT_ARG(column->name));
        guess = at == row->count ? guess : at + 1;
    }
    return true;
}

static void
learn_from_update(Wal2json *decoder, TableShapes *table)
{
    const Cells *identity = &decoder->identity;

    if (identity->count == 0)
        return;
    if (!cells_cover(identity, &decoder->columns)) {
        shapes_learn_identity(decoder->shapes, table, identity);
        table->full_identity = false;
    } else if (table->full != NULL && identity->count >= table->full->table.column_count) {
        table->full_identity = shape_has_part(table->full, identity);
    }
}

static bool
change_update(Wal2json *decoder, TableShapes *table, WalLine *line, Error *err)
{
    const Cells *identity = &decoder->identity;
    const Cells *row;
    Shape *full;
    Shape *shape;

    if (!decoder->columns.given)
        return error_set(err, ERR_DATA, "an update without columns");
    learn_from_update(decoder, table);
    row = new_row(decoder);
    full = shapes_full(decoder->shapes, table);
    if (full != NULL && shape_fits(full, row)) {
        shape = full;
    } else {
        bool part = full != NULL && lacks_toast(table, full, row, identity);

        if (part && !check_key_kept(table, full, row, identity, err))
            return false;
        shape = shapes_find(decoder->shapes, table, row, err);
        if (shape == NULL)
            return false;
        if (!part)
            shapes_set_full(table, shape);
    }
    line->change = (Change){CHANGE_UPDATE, &shape->table, row->values, NULL};
    if (differs(identity, row, NULL))
        line->change.before = old_row(decoder, shape);
    return true;
}

static bool
change_delete(Wal2json *decoder, TableShapes *table, WalLine *line, Error *err)
{
    const Cells *identity = &decoder->identity;
    Shape *shape;

    if (identity->count == 0)
        return error_set(err, ERR_DATA, "a delete without identity: set a REPLICA IDENTITY");
    if (table->full != NULL && !table->full_identity && shape_has_part(table->full, identity)) {
        if (identity->count < table->full->table.column_count)
            shapes_learn_identity(decoder->shapes, table, identity);
        else
            table->full_identity = true;
    }
    shape = shapes_full(decoder->shapes, table);
    if (shape == NULL || !shape_has_part(shape, identity))
        shape = shapes_find(decoder->shapes, table, identity, err);
    if (shape == NULL)
        return false;
    line->change = (Change){CHANGE_DELETE, &shape->table, NULL, old_row(decoder, shape)};
    return true;
}

static bool
take_change(Wal2json *decoder, char action, WalLine *line, Error *err)
{
    TableShapes *table;
    bool ok;

    line->action = WAL_CHANGE;
    if (line->table.data == NULL)
        return source_json_error_at(decoder->action_column, err, "a change without a table");
    table = shapes_table(decoder->shapes, line->schema, line->table);
    if (decoder->primary.given)
        shapes_learn_primary(decoder->shapes, table, &decoder->primary);
    if (action == 'I')
        ok = change_insert(decoder, table, line, err);
    else if (action == 'U')
        ok = change_update(decoder, table, line, err);
    else
        ok = change_delete(decoder, table, line, err);
    if (!ok)
        return error_wrap(err, "table " TEXT_FMT "%s" TEXT_FMT, TEXT_ARG(line->schema),
            line->schema.len > 0 ? "." : "", TEXT_ARG(line->table));
    return true;
}

static bool
take_action(Wal2json *decoder, WalLine *line, Error *err)
{
    char action = '\0';

    if (decoder->action.len == 1)
        action = decoder->action.data[0];
    switch (action) {
    case 'B':
        line->action = WAL_BEGIN;
        return true;
    case 'C':
        line->action = WAL_COMMIT;
        return true;
    case 'M':
        line->action = WAL_MESSAGE;
        return true;
    case 'T':
        line->action = WAL_TRUNCATE;
        if (line->table.data == NULL)
            return source_json_error_at(decoder->action_column, err, "a truncate without a table");
        return true;
    case 'I':
    case 'U':
    case 'D':
        return take_change(decoder, action, line, err);
    default:
        return source_json_error_at(decoder->action_column, err,
            "unknown action \"" TEXT_FMT "\" (known are B, I, U, D, T, M and C)",
            TEXT_ARG(decoder->action));
    }
}

bool
wal2json_decode(Wal2json *decoder, char *line, size_t len, WalLine *ret_line, Error *err)
{
    JsonScan scan;

    cells_reset(&decoder->columns);
    cells_reset(&decoder->identity);
    cells_reset(&decoder->primary);
    decoder->action = TEXT_NONE;
    *ret_line = (WalLine){.timestamp = TEXT_NONE, .schema = TEXT(""), .table = TEXT_NONE};
    source_json_init(&scan, line, len);
    if (!take_line(decoder, &scan, ret_line, err))
        return false;
    if (decoder->action.data == NULL)
        return source_json_error_at(
            1, err, "no \"action\": this is not wal2json's format version 2");
    return take_action(decoder, ret_line, err);
}
