/*
 * map_shape.h - a table map and what the catalogue has of the table, into a MysqlShape
 *
 * Pure. What the map tells wins; the catalogue adds what it does not tell, for a column of the same
 * name and stored in the same way; where the map has no names, of the same place, and then all of
 * the columns must be stored in the same way.
 *
 * Columns that servers hide are in maps, too: row_start and row_end of system-versioned tables, and
 * DB_ROW_HASH_1 … of unique keys that are hashes (MariaDB), behind the others.
 */
#pragma once

#include "source/mysql/schema.h"
#include "source/mysql/tables.h"

/* table is NULL where the catalogue has none. */
typedef struct MapShapeInput {
    const BinlogTableMap *map;
    const MysqlTable *table;
    bool is_mariadb;
} MapShapeInput;

#define MAP_SHAPE_NONE SIZE_MAX

/* Only the catalogue says what some columns are called, or what their bytes mean. */
bool map_shape_needs_catalogue(const MapShapeInput *input);
/* Where the map has names: those columns of which only the catalogue knows what they are. names has
 * room for two more than the map has columns. Returns their number. */
size_t map_shape_ambiguous(const MapShapeInput *input, Text *names);

/*
 * All but table.id and defaults. *ret_catalogue: by index in table.columns, index in the
 * catalogue's columns, or MAP_SHAPE_NONE. ERR_SOURCE, without the table's name, where the catalogue
 * has not what the map lacks. In the arena.
 */
bool map_shape_make(const MapShapeInput *input, Arena *arena, MysqlShape *ret_shape,
    size_t **ret_catalogue, Error *err) MUST_CHECK;

/* Append bytes that are the same for two maps if they describe the same table in the same way; the
 * same for shapes. */
void map_shape_add_map(const BinlogTableMap *map, Buf *out);
void map_shape_add_shape(const MysqlShape *shape, Buf *out);
