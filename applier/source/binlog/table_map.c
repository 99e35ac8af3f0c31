#include "source/binlog/table_map.h"

#include "source/binlog/table_metadata.h"
#include "source/binlog/wire.h"

/* Of a row event that only ends a statement. */
#define END_MARKER_ID 0xFFFFFF
/* MySQL reference manual, "Limits on Table Column Count"; MariaDB's is the same. */
#define COLUMNS_MAX 4096

/* Old servers have ids of 4 bytes. */
static size_t
id_size(const BinlogFormat *format)
{
    return format->post_header[BINLOG_TABLE_MAP] == 6 ? 4 : 6;
}

uint64_t
binlog_table_map_id(const BinlogEvent *event)
{
    Reader reader = binlog_event_reader(event);

    return binlog_wire_int(&reader, 6);
}

bool
binlog_table_map_same(const BinlogEvent *event, Text last_body)
{
    Text body = event->body;

    return body.len == last_body.len && body.len >= 6 &&
           memcmp(body.data + 6, last_body.data + 6, body.len - 6) == 0;
}

/* STRING stands for ENUM and SET too, and has the two highest bits of its length in the type. */
static void
resolve_string(BinlogColumn *column, unsigned type, unsigned length)
{
    if ((type & 0x30) != 0x30) {
        column->type = type | 0x30;
        column->length = length | (((type & 0x30) ^ 0x30) << 4);
        return;
    }
    column->type = type;
    column->length = length;
}

/* What the metadata say of a column, by its type. False: the type is not known. */
static bool
read_column(Reader *reader, BinlogColumn *column)
{
    unsigned first;

    switch (column->type) {
    case MYSQL_COLUMN_FLOAT:
    case MYSQL_COLUMN_DOUBLE:
    case MYSQL_COLUMN_TINY_BLOB:
    case MYSQL_COLUMN_MEDIUM_BLOB:
    case MYSQL_COLUMN_LONG_BLOB:
    case MYSQL_COLUMN_BLOB:
    case MYSQL_COLUMN_BLOB_COMPRESSED:
    case MYSQL_COLUMN_GEOMETRY:
    case MYSQL_COLUMN_JSON:
    case MYSQL_COLUMN_VECTOR:
        column->length = reader_u8(reader);
        return true;
    case MYSQL_COLUMN_TIME2:
    case MYSQL_COLUMN_DATETIME2:
    case MYSQL_COLUMN_TIMESTAMP2:
        column->decimals = reader_u8(reader);
        return true;
    case MYSQL_COLUMN_VARCHAR:
    case MYSQL_COLUMN_VARCHAR_COMPRESSED:
        column->length = (unsigned)binlog_wire_int(reader, 2);
        return true;
    case MYSQL_COLUMN_BIT: /* bits that fill no byte, bytes */
        first = reader_u8(reader);
        column->length = 8U * reader_u8(reader) + first;
        return true;
    case MYSQL_COLUMN_NEWDECIMAL:
        column->length = reader_u8(reader);
        column->decimals = reader_u8(reader);
        return true;
    case MYSQL_COLUMN_VAR_STRING:
    case MYSQL_COLUMN_STRING:
    case MYSQL_COLUMN_ENUM:
    case MYSQL_COLUMN_SET:
        first = reader_u8(reader);
        resolve_string(column, first, reader_u8(reader));
        return true;
    default:
        return column->type <= MYSQL_COLUMN_NEWDATE;
    }
}

/* Lengths that a value's decoder relies on. */
static bool
is_column_sane(const BinlogColumn *column)
{
    switch (column->type) {
    case MYSQL_COLUMN_FLOAT:
        return column->length == 4;
    case MYSQL_COLUMN_DOUBLE:
        return column->length == 8;
    case MYSQL_COLUMN_TINY_BLOB:
    case MYSQL_COLUMN_MEDIUM_BLOB:
    case MYSQL_COLUMN_LONG_BLOB:
    case MYSQL_COLUMN_BLOB:
    case MYSQL_COLUMN_BLOB_COMPRESSED:
    case MYSQL_COLUMN_GEOMETRY:
    case MYSQL_COLUMN_JSON:
    case MYSQL_COLUMN_VECTOR:
        return column->length >= 1 && column->length <= 4;
    case MYSQL_COLUMN_TIME2:
    case MYSQL_COLUMN_DATETIME2:
    case MYSQL_COLUMN_TIMESTAMP2:
        return column->decimals <= 6;
    case MYSQL_COLUMN_BIT:
        return column->length >= 1 && column->length <= 64;
    case MYSQL_COLUMN_NEWDECIMAL:
        return column->length >= 1 && column->length <= 65 && column->decimals <= 38 &&
               column->decimals <= column->length;
    case MYSQL_COLUMN_ENUM:
        return column->length == 1 || column->length == 2;
    case MYSQL_COLUMN_SET:
        return column->length >= 1 && column->length <= 8;
    default:
        return true;
    }
}

static bool
fail_column(const BinlogTableMap *map, size_t index, const char *reason, Error *err)
{
    return error_set(err, ERR_SOURCE,
        "TABLE_MAP event of " TEXT_FMT "." TEXT_FMT ", column %zu of type %u: %s",
        TEXT_ARG(map->schema), TEXT_ARG(map->name), index + 1, map->columns[index].type, reason);
}

static bool
read_columns(BinlogTableMap *map, Text types, Text metadata, Error *err)
{
    Reader reader = reader_of(metadata.data, metadata.len);

    for (size_t i = 0; i < map->column_count; i++) {
        BinlogColumn *column = &map->columns[i];

        column->type = (uint8_t)types.data[i];
        if (!read_column(&reader, column))
            return fail_column(map, i, "the type is not known", err);
        if (reader.overrun)
            return fail_column(map, i, "the metadata end early", err);
        if (!is_column_sane(column))
            return fail_column(map, i, "the metadata have no length that it can have", err);
    }
    if (reader.at != reader.len)
        return error_set(err, ERR_SOURCE,
            "TABLE_MAP event of " TEXT_FMT "." TEXT_FMT ": %zu bytes of metadata are left over",
            TEXT_ARG(map->schema), TEXT_ARG(map->name), reader.len - reader.at);
    return true;
}

bool
binlog_read_table_map(const BinlogFormat *format, const BinlogEvent *event, Arena *arena,
    BinlogTableMap *ret_map, Error *err)
{
    Reader reader = binlog_event_reader(event);
    BinlogTableMap map = {0};
    uint64_t count;
    Text types;
    Text metadata;
    Text nullable;

    map.id = binlog_wire_int(&reader, id_size(format));
    (void)reader_bytes(&reader, 2);
    map.has_end_marker = map.id == END_MARKER_ID;
    map.schema = arena_text(arena, reader_bytes(&reader, reader_u8(&reader)));
    (void)reader_u8(&reader);
    map.name = arena_text(arena, reader_bytes(&reader, reader_u8(&reader)));
    (void)reader_u8(&reader);
    count = binlog_wire_length(&reader);
    types = reader_bytes(&reader, count);
    metadata = binlog_wire_text(&reader);
    nullable = reader_bytes(&reader, (count + 7) / 8);
    if (!binlog_event_check(event, &reader, err))
        return false;
    if (count > COLUMNS_MAX)
        return binlog_event_fail(event, 8, "more columns than a table can have", err);
    map.column_count = count;
    map.columns = ARENA_ARRAY(arena, BinlogColumn, count);
    if (!read_columns(&map, types, metadata, err))
        return false;
    for (size_t i = 0; i < count; i++)
        map.columns[i].may_be_null = (nullable.data[i / 8] >> (i % 8) & 1) != 0;
    if (!binlog_table_metadata_read(
            binlog_wire_rest(&reader), format->is_mariadb, arena, &map, err))
        return error_wrap(err, "TABLE_MAP event of " TEXT_FMT "." TEXT_FMT, TEXT_ARG(map.schema),
            TEXT_ARG(map.name));
    *ret_map = map;
    return true;
}

bool
binlog_table_map_is_sequence(const BinlogTableMap *map)
{
    static const char *const names[] = {"next_not_cached_value", "minimum_value", "maximum_value",
        "start_value", "increment", "cache_size", "cycle_option", "cycle_count"};

    if (map->column_count != ARRAY_LEN(names))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const BinlogColumn *column = &map->columns[i];

        if (column->may_be_null || (map->has_names && !text_is(column->name, names[i])))
            return false;
        if (!map->has_names && column->type != MYSQL_COLUMN_LONGLONG &&
            column->type != MYSQL_COLUMN_TINY)
            return false;
    }
    return true;
}
