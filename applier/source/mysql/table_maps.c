#include "source/mysql/table_maps.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/map.h"

/* A server gives a table a new number whenever it opens it again. */
#define MANY_MAPS     10000
#define END_MARKER_ID 0xFFFFFF

typedef struct Entry {
    MappedTable table;
    Buf body; /* of its last event */
} Entry;

struct TableMaps {
    const MysqlSourceOptions *options;
    MysqlSchema *schema;
    Map entries; /* number, its bytes -> Entry */
    Entry *last; /* found or made last */
};

TableMaps *
table_maps_new(const MysqlSourceOptions *options, MysqlSchema *schema)
{
    TableMaps *maps = calloc(1, sizeof(*maps));

    if (maps == NULL)
        abort();
    maps->options = options;
    maps->schema = schema;
    return maps;
}

void
table_maps_forget(TableMaps *maps)
{
    map_each (&maps->entries, entry) {
        Entry *mapped = entry->value;

        buf_clear(&mapped->body);
        free(mapped);
    }
    map_clear(&maps->entries);
    maps->last = NULL;
}

void
table_maps_free(TableMaps *maps)
{
    if (maps == NULL)
        return;
    table_maps_forget(maps);
    free(maps);
}

void
table_maps_trim(TableMaps *maps)
{
    if (maps->entries.count > MANY_MAPS)
        table_maps_forget(maps);
}

static Text
id_key(const uint64_t *id)
{
    return (Text){(const char *)id, sizeof(*id)};
}

/* Is it a table whose rows are carried? */
static bool
is_wanted(TableMaps *maps, const BinlogFormat *format, const BinlogTableMap *map, bool *ret_wanted,
    Error *err)
{
    bool is_sequence = false;

    *ret_wanted = source_mysql_carries(maps->options, map->schema, map->name);
    if (!*ret_wanted || !format->is_mariadb || !binlog_table_map_is_sequence(map))
        return true;
    if (map->has_names)
        is_sequence = true;
    else if (!source_mysql_schema_is_sequence(
                 maps->schema, map->schema, map->name, &is_sequence, err))
        return false;
    *ret_wanted = !is_sequence;
    return true;
}

/* Describe the entry anew; it has no shape until that has worked. */
static bool
look_up(TableMaps *maps, Entry *entry, const BinlogFormat *format, const BinlogEvent *event,
    const MysqlPlace *place, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    BinlogTableMap map;
    bool wanted;

    entry->table.shape = NULL;
    buf_reset(&entry->body, SIZE_MAX);
    if (!binlog_read_table_map(format, event, arena, &map, err) ||
        !is_wanted(maps, format, &map, &wanted, err))
        return false;
    if (wanted && !source_mysql_schema_table(maps->schema, &map, place, &entry->table.shape, err))
        return error_wrap(
            err, "table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(map.schema), TEXT_ARG(map.name));
    buf_add_text(&entry->body, event->body);
    return true;
}

bool
table_maps_take(TableMaps *maps, const BinlogFormat *format, const BinlogEvent *event,
    const MysqlPlace *place, Error *err)
{
    uint64_t id = binlog_table_map_id(event);
    Entry *entry = maps->last;

    if (entry == NULL || entry->table.id != id)
        entry = map_get(&maps->entries, id_key(&id));
    if (entry == NULL) {
        entry = calloc(1, sizeof(*entry));
        if (entry == NULL)
            abort();
        entry->table.id = id;
        (void)map_put(&maps->entries, id_key(&id), entry);
    }
    maps->last = entry;
    if (entry->body.len > 0 && binlog_table_map_same(event, buf_text(&entry->body)))
        return true;
    return look_up(maps, entry, format, event, place, err);
}

const MappedTable *
table_maps_find(const TableMaps *maps, const BinlogEvent *event)
{
    uint64_t id = binlog_table_map_id(event);
    const Entry *entry = maps->last;

    if (entry == NULL || entry->table.id != id)
        entry = map_get(&maps->entries, id_key(&id));
    return entry == NULL ? NULL : &entry->table;
}

bool
table_maps_is_end_marker(const BinlogEvent *event)
{
    return binlog_table_map_id(event) == END_MARKER_ID;
}
