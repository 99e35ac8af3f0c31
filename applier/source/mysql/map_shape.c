#include "source/mysql/map_shape.h"

#include "source/mysql/columns.h"

#define UUID_BYTES  16
#define INET4_BYTES 4

static const char row_start_name[] = "row_start";
static const char row_end_name[] = "row_end";
static const char hash_name[] = "DB_ROW_HASH_";

/* ---- is a column stored as the catalogue says? ---- */

/* Types that a server writes for the same column, by its settings or age. */
static unsigned
usual_type(unsigned type)
{
    switch (type) {
    case MYSQL_COLUMN_TIME:
        return MYSQL_COLUMN_TIME2;
    case MYSQL_COLUMN_DATETIME:
        return MYSQL_COLUMN_DATETIME2;
    case MYSQL_COLUMN_TIMESTAMP:
        return MYSQL_COLUMN_TIMESTAMP2;
    case MYSQL_COLUMN_NEWDATE:
        return MYSQL_COLUMN_DATE;
    case MYSQL_COLUMN_VAR_STRING:
        return MYSQL_COLUMN_VARCHAR;
    case MYSQL_COLUMN_TINY_BLOB:
    case MYSQL_COLUMN_MEDIUM_BLOB:
    case MYSQL_COLUMN_LONG_BLOB:
        return MYSQL_COLUMN_BLOB;
    default:
        return type;
    }
}

static bool
has_length(unsigned type)
{
    switch (type) {
    case MYSQL_COLUMN_VARCHAR:
    case MYSQL_COLUMN_STRING:
    case MYSQL_COLUMN_BIT:
    case MYSQL_COLUMN_NEWDECIMAL:
    case MYSQL_COLUMN_ENUM:
    case MYSQL_COLUMN_SET:
    case MYSQL_COLUMN_BLOB:
    case MYSQL_COLUMN_BLOB_COMPRESSED:
    case MYSQL_COLUMN_VARCHAR_COMPRESSED:
        return true;
    default:
        return false;
    }
}

static bool
is_integer(unsigned type)
{
    switch (type) {
    case MYSQL_COLUMN_TINY:
    case MYSQL_COLUMN_SHORT:
    case MYSQL_COLUMN_INT24:
    case MYSQL_COLUMN_LONG:
    case MYSQL_COLUMN_LONGLONG:
        return true;
    default:
        return false;
    }
}

static bool
is_stored_alike(
    const BinlogTableMap *map, const BinlogColumn *logged, const BinlogValueType *described)
{
    const BinlogColumn *column = &described->column;
    unsigned type = usual_type(logged->type);

    if (type != usual_type(column->type))
        return false;
    if (has_length(type) && logged->length != column->length)
        return false;
    /* of the old temporal types the map tells no digits */
    if (logged->type == column->type && logged->decimals != column->decimals &&
        (type == MYSQL_COLUMN_NEWDECIMAL || type == MYSQL_COLUMN_TIME2 ||
            type == MYSQL_COLUMN_DATETIME2 || type == MYSQL_COLUMN_TIMESTAMP2))
        return false;
    /* MariaDB tells wrong signs of virtual columns */
    return !map->has_signs || !is_integer(type) || described->is_left_out ||
           logged->is_unsigned == column->is_unsigned;
}

/* ---- which column of the catalogue is it? ---- */

static bool
is_period_column(const BinlogColumn *column)
{
    return column->type == MYSQL_COLUMN_TIMESTAMP2 && column->decimals == 6 && !column->may_be_null;
}

/* Are the columns of a system-versioned table's period hidden? */
static bool
has_hidden_period(const MysqlTable *table)
{
    return table != NULL && table->is_versioned && table->row_end >= table->base.column_count;
}

static size_t
find_by_name(const MysqlTable *table, Text name)
{
    for (size_t i = 0; table != NULL && i < table->base.column_count; i++)
        if (text_equal(table->base.columns[i].name, name))
            return i;
    return MAP_SHAPE_NONE;
}

/* One column of the image. */
typedef struct Place {
    size_t catalogue; /* index there, or MAP_SHAPE_NONE */
    bool is_hidden;   /* a column that the server made for itself */
    bool is_row_end;
} Place;

static bool
is_hash_name(Text name)
{
    return text_starts_with(name, hash_name);
}

static Place
place_by_name(const MapShapeInput *input, const BinlogColumn *column)
{
    size_t at = find_by_name(input->table, column->name);
    Place place = {.catalogue = MAP_SHAPE_NONE};

    if (at != MAP_SHAPE_NONE) {
        place.is_row_end = at == input->table->row_end;
        if (is_stored_alike(input->map, column, &input->table->types[at]))
            place.catalogue = at;
        return place;
    }
    if (!input->is_mariadb)
        return place;
    place.is_hidden = column->type == MYSQL_COLUMN_LONGLONG && is_hash_name(column->name);
    if (has_hidden_period(input->table) && is_period_column(column)) {
        place.is_row_end = text_is(column->name, row_end_name);
        place.is_hidden = place.is_row_end || text_is(column->name, row_start_name);
    }
    return place;
}

/* Hidden columns are behind the others; their types tell them apart. */
static Place
place_by_index(const MapShapeInput *input, size_t index)
{
    const MysqlTable *table = input->table;
    const BinlogColumn *column = &input->map->columns[index];
    Place place = {.catalogue = MAP_SHAPE_NONE};

    if (index < table->base.column_count) {
        place.is_row_end = index == table->row_end;
        place.catalogue = index;
        return place;
    }
    place.is_hidden = true;
    place.is_row_end = is_period_column(column) && index > table->base.column_count &&
                       is_period_column(&input->map->columns[index - 1]);
    return place;
}

static Place
place_of(const MapShapeInput *input, size_t index)
{
    if (input->map->has_names)
        return place_by_name(input, &input->map->columns[index]);
    return place_by_index(input, index);
}

/* ---- what only the catalogue knows ---- */

/* Temporal types from before 5.6. MariaDB has them with a fraction (mysql56_temporal_format = OFF),
 * whose digits are not in a map: binlog/temporal.h. */
static bool
is_old_temporal(const BinlogColumn *column)
{
    return column->type == MYSQL_COLUMN_TIME || column->type == MYSQL_COLUMN_DATETIME ||
           column->type == MYSQL_COLUMN_TIMESTAMP;
}

/* MariaDB's UUID, INET6 and INET4 look like BINARY in a map. */
static bool
is_ambiguous(const MapShapeInput *input, const BinlogColumn *column)
{
    if (input->is_mariadb && is_old_temporal(column))
        return true;
    return input->is_mariadb && column->type == MYSQL_COLUMN_STRING &&
           (column->length == UUID_BYTES || column->length == INET4_BYTES) &&
           (column->collation == 0 || column->collation == BINLOG_COLLATION_BINARY);
}

/* Could be the hidden period of a table that is not versioned any more. */
static bool
is_like_period(const MapShapeInput *input)
{
    const BinlogTableMap *map = input->map;
    bool start = false;
    bool end = false;

    for (size_t i = 0; input->is_mariadb && i < map->column_count; i++) {
        if (!is_period_column(&map->columns[i]))
            continue;
        start |= text_is(map->columns[i].name, row_start_name);
        end |= text_is(map->columns[i].name, row_end_name);
    }
    return start && end;
}

bool
map_shape_needs_catalogue(const MapShapeInput *input)
{
    if (!input->map->has_names || is_like_period(input))
        return true;
    for (size_t i = 0; i < input->map->column_count; i++)
        if (is_ambiguous(input, &input->map->columns[i]))
            return true;
    return false;
}

size_t
map_shape_ambiguous(const MapShapeInput *input, Text *names)
{
    size_t count = 0;

    for (size_t i = 0; i < input->map->column_count; i++)
        if (is_ambiguous(input, &input->map->columns[i]))
            names[count++] = input->map->columns[i].name;
    if (is_like_period(input)) {
        names[count++] = text_of(row_start_name);
        names[count++] = text_of(row_end_name);
    }
    return count;
}

static bool
check_counts(const MapShapeInput *input, Error *err)
{
    const MysqlTable *table = input->table;
    size_t expected;

    if (table == NULL)
        return error_set(err, ERR_SOURCE, "the catalogue has no such table");
    expected = table->base.column_count + table->hash_count + (has_hidden_period(table) ? 2 : 0);
    if (input->map->column_count == expected)
        return true;
    return error_set(err, ERR_SOURCE, "its rows have %zu columns, and the catalogue has %zu",
        input->map->column_count, expected);
}

static bool
check_without_names(const MapShapeInput *input, Error *err)
{
    const MysqlTable *table = input->table;

    if (!check_counts(input, err))
        return false;
    for (size_t i = 0; i < table->base.column_count; i++)
        if (!is_stored_alike(input->map, &input->map->columns[i], &table->types[i]))
            return error_set(err, ERR_SOURCE,
                "column %zu of its rows is not stored as " TEXT_FMT " " TEXT_FMT
                " of the catalogue is",
                i + 1, TEXT_ARG(table->base.columns[i].name),
                TEXT_ARG(table->base.columns[i].type));
    return true;
}

static bool
refuse_ambiguous(const BinlogColumn *column, Error *err)
{
    if (is_old_temporal(column))
        return error_set(err, ERR_SOURCE,
            "column " TEXT_FMT " is a time of MariaDB 5.3, of any number of digits: the catalogue, "
            "which alone could tell, has no such column any more",
            TEXT_ARG(column->name));
    return error_set(err, ERR_SOURCE,
        "column " TEXT_FMT " has %u bytes, which may be %s or BINARY: the catalogue, which "
        "alone could tell, has no such column any more",
        TEXT_ARG(column->name), column->length,
        column->length == UUID_BYTES ? "a UUID, an INET6" : "an INET4");
}

static bool
check_with_names(const MapShapeInput *input, Error *err)
{
    const BinlogTableMap *map = input->map;

    for (size_t i = 0; i < map->column_count; i++) {
        const BinlogColumn *column = &map->columns[i];
        Place place = place_by_name(input, column);

        if (is_ambiguous(input, column) && place.catalogue == MAP_SHAPE_NONE)
            return refuse_ambiguous(column, err);
    }
    if (is_like_period(input) && input->table == NULL)
        return error_set(err, ERR_SOURCE,
            "its columns %s and %s may be those of a system-versioned table: the catalogue, which "
            "alone could tell, has no such table any more",
            row_start_name, row_end_name);
    return true;
}

/* ---- the shape ---- */

/* Of the arena. */
typedef struct Making {
    const MapShapeInput *input;
    Arena *arena;
    MysqlShape *shape;
    BinlogValueType *types;
    Column *columns;
    size_t *image_of;
    size_t *catalogue;
    size_t *column_of; /* by index in the image: in the table, or MAP_SHAPE_NONE */
} Making;

static bool
set_labels(const Making *making, const BinlogColumn *logged, BinlogValueType *type, Error *err)
{
    Text *labels;

    if (!making->input->map->has_labels || logged->label_count == 0)
        return true;
    labels = ARENA_ARRAY(making->arena, Text, logged->label_count);
    for (size_t i = 0; i < logged->label_count; i++) {
        CLEANUP(buf_clear) Buf label = BUF_INIT;

        if (type->charset == NULL)
            buf_add_text(&label, logged->labels[i]);
        else if (!binlog_charset_convert(type->charset, logged->labels[i], &label, err))
            return error_wrap(err, "member %zu of its type", i + 1);
        labels[i] = arena_text(making->arena, buf_text(&label));
    }
    type->column.labels = labels;
    type->column.label_count = logged->label_count;
    return true;
}

static bool
set_charset(BinlogValueType *type, Error *err)
{
    unsigned collation = type->column.collation;

    type->charset = NULL;
    if (collation == 0 || collation == BINLOG_COLLATION_BINARY || type->is_left_out)
        return true;
    type->charset = binlog_charset_of_collation(collation);
    if (type->charset == NULL)
        return error_set(err, ERR_SOURCE,
            "its collation has the number %u, whose character set is not known here: convert the "
            "column to utf8mb4",
            collation);
    return true;
}

/* Labels of the catalogue stay where they are: they live shorter than the shape. */
static void
copy_labels(const Making *making, BinlogValueType *type)
{
    Text *labels = ARENA_ARRAY(making->arena, Text, type->column.label_count);

    for (size_t i = 0; i < type->column.label_count; i++)
        labels[i] = arena_text(making->arena, type->column.labels[i]);
    type->column.labels = labels;
}

static bool
set_type(const Making *making, size_t index, const Place *place, Error *err)
{
    const BinlogTableMap *map = making->input->map;
    const BinlogColumn *logged = &map->columns[index];
    BinlogValueType *type = &making->types[index];

    *type = (BinlogValueType){.column = *logged};
    type->column.labels = NULL;
    type->column.label_count = 0;
    if (place->catalogue != MAP_SHAPE_NONE) {
        const BinlogValueType *known = &making->input->table->types[place->catalogue];

        type->special = known->special;
        type->is_left_out = known->is_left_out;
        type->column.name = known->column.name;
        if (is_old_temporal(logged))
            type->column.decimals = known->column.decimals;
        if (!map->has_signs)
            type->column.is_unsigned = known->column.is_unsigned;
        /* MINIMAL tells none of enums and sets */
        if (!map->has_collations || logged->collation == 0)
            type->column.collation = known->column.collation;
        if (!map->has_labels) {
            type->column.labels = known->column.labels;
            type->column.label_count = known->column.label_count;
            copy_labels(making, type);
        }
    }
    if (map->has_names)
        type->column.name = logged->name;
    type->column.name = arena_text(making->arena, type->column.name);
    type->is_left_out = (type->is_left_out || place->is_hidden) && !place->is_row_end;
    if (!set_charset(type, err) || !set_labels(making, logged, type, err))
        return error_wrap(err, "column " TEXT_FMT, TEXT_ARG(type->column.name));
    type->logical = source_mysql_column_logical(&type->column, type->special);
    return true;
}

static void
add_column(Making *making, size_t index, const Place *place)
{
    const BinlogValueType *type = &making->types[index];
    Column *column = &making->columns[making->shape->table.column_count];
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    making->column_of[index] = making->shape->table.column_count;
    making->image_of[making->shape->table.column_count] = index;
    making->catalogue[making->shape->table.column_count] = place->catalogue;
    making->shape->table.column_count++;
    if (place->catalogue != MAP_SHAPE_NONE)
        buf_add_text(&text, making->input->table->base.columns[place->catalogue].type);
    else
        source_mysql_column_type_text(type, &text);
    *column = (Column){.name = type->column.name,
        .type = arena_text(making->arena, buf_text(&text)),
        .logical = type->logical,
        .may_omit = true};
}

/* The map's key, else the catalogue's; none where a column of it is not carried. */
static void
set_key(Making *making)
{
    const BinlogTableMap *map = making->input->map;
    const MysqlTable *table = making->input->table;
    MysqlShape *shape = making->shape;
    size_t count = 0;
    const size_t *key = NULL;

    if (map->has_key) {
        key = map->key;
        count = map->key_count;
    } else if (!map->has_names) {
        key = table->base.key;
        count = table->base.key_count;
    }
    for (size_t i = 0; i < count; i++)
        if (key[i] >= map->column_count ||
            (making->column_of[key[i]] == MAP_SHAPE_NONE && key[i] != shape->row_end))
            return;
    for (size_t i = 0; i < count; i++) {
        Column *column;

        if (key[i] == shape->row_end)
            continue;
        column = &making->columns[making->column_of[key[i]]];
        column->in_key = true;
        making->types[key[i]].in_key = true;
        column->may_omit = false;
        shape->table.has_key = true;
    }
}

static bool
fill(Making *making, Error *err)
{
    const BinlogTableMap *map = making->input->map;
    MysqlShape *shape = making->shape;

    for (size_t i = 0; i < map->column_count; i++) {
        Place place = place_of(making->input, i);

        making->column_of[i] = MAP_SHAPE_NONE;
        if (!set_type(making, i, &place, err))
            return false;
        if (place.is_row_end)
            shape->row_end = i;
        else if (!making->types[i].is_left_out)
            add_column(making, i, &place);
    }
    set_key(making);
    return true;
}

bool
map_shape_make(const MapShapeInput *input, Arena *arena, MysqlShape *ret_shape,
    size_t **ret_catalogue, Error *err)
{
    const BinlogTableMap *map = input->map;
    size_t count = map->column_count;
    Making making = {.input = input, .arena = arena, .shape = ret_shape};

    if (!(map->has_names ? check_with_names(input, err) : check_without_names(input, err)))
        return false;
    making.types = ARENA_ARRAY(arena, BinlogValueType, count);
    making.columns = ARENA_ARRAY(arena, Column, count);
    making.image_of = ARENA_ARRAY(arena, size_t, count);
    making.catalogue = ARENA_ARRAY(arena, size_t, count);
    making.column_of = ARENA_ARRAY(arena, size_t, count);
    *ret_shape = (MysqlShape){
        .image_count = count, .row_end = count, .types = making.types, .image_of = making.image_of};
    ret_shape->table = (Table){.schema = arena_text(arena, map->schema),
        .name = arena_text(arena, map->name),
        .columns = making.columns};
    *ret_catalogue = making.catalogue;
    return fill(&making, err);
}

/* ---- comparing ---- */

static void
add_number(Buf *out, uint64_t number)
{
    buf_add(out, &number, sizeof(number));
}

static void
add_text(Buf *out, Text text)
{
    add_number(out, text.len);
    buf_add_text(out, text);
}

static void
add_logged(const BinlogColumn *column, Buf *out)
{
    add_number(out, column->type);
    add_number(out, (uint64_t)column->length << 32 | column->decimals << 2 |
                        (column->may_be_null ? 2U : 0U) | (column->is_unsigned ? 1U : 0U));
    add_number(out, column->collation);
    add_text(out, column->name);
    add_number(out, column->label_count);
    for (size_t i = 0; i < column->label_count; i++)
        add_text(out, column->labels[i]);
}

void
map_shape_add_map(const BinlogTableMap *map, Buf *out)
{
    add_number(out, map->column_count);
    add_number(out, (map->has_signs ? 1U : 0U) | (map->has_collations ? 2U : 0U) |
                        (map->has_names ? 4U : 0U) | (map->has_labels ? 8U : 0U) |
                        (map->has_key ? 16U : 0U));
    for (size_t i = 0; i < map->column_count; i++)
        add_logged(&map->columns[i], out);
    for (size_t i = 0; map->has_key && i < map->key_count; i++)
        add_number(out, map->key[i]);
}

void
map_shape_add_shape(const MysqlShape *shape, Buf *out)
{
    add_number(out, shape->image_count);
    add_number(out, shape->row_end);
    for (size_t i = 0; i < shape->image_count; i++) {
        add_logged(&shape->types[i].column, out);
        add_number(out, shape->types[i].special);
        add_number(out, shape->types[i].is_left_out ? 1 : 0);
    }
    for (size_t i = 0; i < shape->table.column_count; i++) {
        add_text(out, shape->table.columns[i].type);
        add_number(out, shape->table.columns[i].in_key ? 1 : 0);
    }
}
