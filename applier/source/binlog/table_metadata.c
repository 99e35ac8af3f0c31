#include "source/binlog/table_metadata.h"

#include "source/binlog/wire.h"

typedef enum FieldKind {
    FIELD_SIGNEDNESS = 1,
    FIELD_DEFAULT_CHARSET = 2,
    FIELD_COLUMN_CHARSET = 3,
    FIELD_NAMES = 4,
    FIELD_SET_LABELS = 5,
    FIELD_ENUM_LABELS = 6,
    FIELD_GEOMETRY = 7,
    FIELD_KEY = 8,
    FIELD_KEY_WITH_PREFIX = 9,
    FIELD_ENUM_DEFAULT_CHARSET = 10,
    FIELD_ENUM_COLUMN_CHARSET = 11,
} FieldKind;

/* Which columns a field speaks of, in their order. */
typedef bool (*Belongs)(const BinlogColumn *column);

/* The field that is read. */
typedef struct Field {
    Reader reader;
    Arena *arena;
    BinlogTableMap *map;
    Belongs has_charset;
} Field;

static bool
is_numeric(const BinlogColumn *column)
{
    switch (column->type) {
    case MYSQL_COLUMN_DECIMAL:
    case MYSQL_COLUMN_TINY:
    case MYSQL_COLUMN_SHORT:
    case MYSQL_COLUMN_LONG:
    case MYSQL_COLUMN_FLOAT:
    case MYSQL_COLUMN_DOUBLE:
    case MYSQL_COLUMN_LONGLONG:
    case MYSQL_COLUMN_INT24:
    case MYSQL_COLUMN_NEWDECIMAL:
    case MYSQL_COLUMN_YEAR: /* both servers, whatever their manuals and tools say */
        return true;
    default:
        return false;
    }
}

static bool
is_character(const BinlogColumn *column)
{
    switch (column->type) {
    case MYSQL_COLUMN_VARCHAR:
    case MYSQL_COLUMN_VARCHAR_COMPRESSED:
    case MYSQL_COLUMN_VAR_STRING:
    case MYSQL_COLUMN_STRING:
    case MYSQL_COLUMN_TINY_BLOB:
    case MYSQL_COLUMN_MEDIUM_BLOB:
    case MYSQL_COLUMN_LONG_BLOB:
    case MYSQL_COLUMN_BLOB:
    case MYSQL_COLUMN_BLOB_COMPRESSED:
        return true;
    default:
        return false;
    }
}

/* What else has a character set, the binary one: as the servers write it, not as their tools read.
 */
static bool
is_character_for_mysql(const BinlogColumn *column)
{
    return column->type == MYSQL_COLUMN_VECTOR || is_character(column);
}

static bool
is_character_for_mariadb(const BinlogColumn *column)
{
    return column->type == MYSQL_COLUMN_GEOMETRY || is_character(column);
}

static bool
is_enum(const BinlogColumn *column)
{
    return column->type == MYSQL_COLUMN_ENUM;
}

static bool
is_set(const BinlogColumn *column)
{
    return column->type == MYSQL_COLUMN_SET;
}

static bool
is_enum_or_set(const BinlogColumn *column)
{
    return is_enum(column) || is_set(column);
}

static size_t
count_columns(const BinlogTableMap *map, Belongs belongs)
{
    size_t count = 0;

    for (size_t i = 0; i < map->column_count; i++)
        count += belongs(&map->columns[i]) ? 1 : 0;
    return count;
}

/* The first bit is the highest of the first byte. */
static bool
read_signs(Field *field)
{
    BinlogTableMap *map = field->map;
    Text bits = binlog_wire_rest(&field->reader);
    size_t at = 0;

    if (bits.len != (count_columns(map, is_numeric) + 7) / 8)
        return true;
    for (size_t i = 0; i < map->column_count; i++) {
        if (!is_numeric(&map->columns[i]))
            continue;
        map->columns[i].is_unsigned = (bits.data[at / 8] >> (7 - at % 8) & 1) != 0;
        at++;
    }
    map->has_signs = true;
    return true;
}

/* The n-th column that belongs; NULL: there are less. */
static BinlogColumn *
find_column(BinlogTableMap *map, Belongs belongs, uint64_t n)
{
    for (size_t i = 0; i < map->column_count; i++)
        if (belongs(&map->columns[i]) && n-- == 0)
            return &map->columns[i];
    return NULL;
}

static bool
read_default_charset(Field *field, Belongs belongs)
{
    BinlogTableMap *map = field->map;
    unsigned collation = (unsigned)binlog_wire_length(&field->reader);

    for (size_t i = 0; i < map->column_count; i++)
        if (belongs(&map->columns[i]))
            map->columns[i].collation = collation;
    while (!field->reader.overrun && field->reader.at < field->reader.len) {
        BinlogColumn *column = find_column(map, belongs, binlog_wire_length(&field->reader));

        if (column == NULL)
            return false;
        column->collation = (unsigned)binlog_wire_length(&field->reader);
    }
    return !field->reader.overrun;
}

static bool
read_charsets(Field *field, Belongs belongs)
{
    BinlogTableMap *map = field->map;

    for (size_t i = 0; i < map->column_count && !field->reader.overrun; i++)
        if (belongs(&map->columns[i]))
            map->columns[i].collation = (unsigned)binlog_wire_length(&field->reader);
    return !field->reader.overrun;
}

static bool
read_names(Field *field)
{
    BinlogTableMap *map = field->map;

    for (size_t i = 0; i < map->column_count && !field->reader.overrun; i++)
        map->columns[i].name = arena_text(field->arena, binlog_wire_text(&field->reader));
    map->has_names = true;
    return !field->reader.overrun;
}

static bool
read_labels(Field *field, Belongs belongs)
{
    BinlogTableMap *map = field->map;

    for (size_t i = 0; i < map->column_count && !field->reader.overrun; i++) {
        uint64_t count;
        Text *labels;

        if (!belongs(&map->columns[i]))
            continue;
        count = binlog_wire_length(&field->reader);
        /* each has a length of one byte at least */
        if (field->reader.overrun || count > field->reader.len - field->reader.at)
            return false;
        labels = ARENA_ARRAY(field->arena, Text, count);
        for (size_t j = 0; j < count; j++)
            labels[j] = arena_text(field->arena, binlog_wire_text(&field->reader));
        map->columns[i].labels = labels;
        map->columns[i].label_count = count;
    }
    return !field->reader.overrun;
}

static bool
read_key(Field *field, bool has_prefixes)
{
    BinlogTableMap *map = field->map;
    size_t count = 0;
    size_t *key = ARENA_ARRAY(field->arena, size_t, MAX(field->reader.len, (size_t)1));

    while (!field->reader.overrun && field->reader.at < field->reader.len) {
        uint64_t column = binlog_wire_length(&field->reader);

        if (has_prefixes)
            (void)binlog_wire_length(&field->reader);
        if (column >= map->column_count)
            return false;
        key[count++] = column;
    }
    map->key = key;
    map->key_count = count;
    return !field->reader.overrun;
}

static bool
read_field(Field *field, unsigned kind)
{
    switch (kind) {
    case FIELD_SIGNEDNESS:
        return read_signs(field);
    case FIELD_DEFAULT_CHARSET:
        field->map->has_collations = true;
        return read_default_charset(field, field->has_charset);
    case FIELD_COLUMN_CHARSET:
        field->map->has_collations = true;
        return read_charsets(field, field->has_charset);
    case FIELD_NAMES:
        return read_names(field);
    case FIELD_SET_LABELS:
        return read_labels(field, is_set);
    case FIELD_ENUM_LABELS:
        return read_labels(field, is_enum);
    case FIELD_KEY:
        return read_key(field, false);
    case FIELD_KEY_WITH_PREFIX:
        return read_key(field, true);
    case FIELD_ENUM_DEFAULT_CHARSET:
        return read_default_charset(field, is_enum_or_set);
    case FIELD_ENUM_COLUMN_CHARSET:
        return read_charsets(field, is_enum_or_set);
    default: /* geometries, visibility, vectors, and what later versions add */
        return true;
    }
}

/* What is told of no column is told of all. */
static void
conclude(BinlogTableMap *map)
{
    map->has_key = map->has_names;
    map->has_signs = map->has_signs || count_columns(map, is_numeric) == 0;
    map->has_collations = map->has_collations || count_columns(map, is_character) == 0;
    map->has_labels = map->has_names;
    for (size_t i = 0; i < map->column_count; i++)
        if (is_enum_or_set(&map->columns[i]) && map->columns[i].labels == NULL)
            map->has_labels = false;
}

bool
binlog_table_metadata_read(
    Text fields, bool is_mariadb, Arena *arena, BinlogTableMap *map, Error *err)
{
    Reader reader = reader_of(fields.data, fields.len);

    while (reader.at < reader.len) {
        unsigned kind = reader_u8(&reader);
        Text bytes = binlog_wire_text(&reader);
        Field field = {reader_of(bytes.data, bytes.len), arena, map,
            is_mariadb ? is_character_for_mariadb : is_character_for_mysql};

        if (reader.overrun || !read_field(&field, kind))
            return error_set(err, ERR_SOURCE,
                "the metadata field of kind %u ends early, or has a wrong length", kind);
    }
    conclude(map);
    return true;
}
