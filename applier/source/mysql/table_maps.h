/*
 * table_maps.h - which table the number in a rows event means
 *
 * A server writes a TABLE_MAP before the rows of each statement, nearly always one that it has
 * written before: those cost a comparison. Tables that the service does not carry are not looked up
 * in the catalogue. One thread.
 */
#pragma once

#include "source/mysql/schema.h"

typedef struct MappedTable {
    uint64_t id;
    const MysqlShape *shape; /* NULL: its rows are passed over */
} MappedTable;

typedef struct TableMaps TableMaps;

/* Neither options nor schema are taken. */
TableMaps *table_maps_new(const MysqlSourceOptions *options, MysqlSchema *schema) MUST_CHECK;
void table_maps_free(TableMaps *maps);
CLEANUP_DEFINE(TableMaps *, table_maps_free);

/* A TABLE_MAP event at this place. */
bool table_maps_take(TableMaps *maps, const BinlogFormat *format, const BinlogEvent *event,
    const MysqlPlace *place, Error *err) MUST_CHECK;
/* The table of a rows event; NULL where nothing told of it. */
const MappedTable *table_maps_find(const TableMaps *maps, const BinlogEvent *event);
/* Tables may have other columns now: look them up again. Not between a statement's maps and its
 * rows. */
void table_maps_forget(TableMaps *maps);
/* Between transactions: forget them where they are many. */
void table_maps_trim(TableMaps *maps);
/* The number that stands for no table, in the event that ends a statement. */
bool table_maps_is_end_marker(const BinlogEvent *event);
