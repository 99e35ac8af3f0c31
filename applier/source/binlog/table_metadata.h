/*
 * table_metadata.h - the optional fields at the end of TABLE_MAP (binlog_row_metadata)
 *
 * Written in binlog/table_map.h. Fields of kinds that are not known are passed over.
 */
#pragma once

#include "source/binlog/table_map.h"

/* Fill in columns, key and has_…; types and lengths of the columns are there. ERR_SOURCE names kind
 * and fault; what a field claims is checked against its bytes before memory is taken. Signs of
 * another number of columns than are known to have some are passed over. */
bool binlog_table_metadata_read(
    Text fields, bool is_mariadb, Arena *arena, BinlogTableMap *map, Error *err) MUST_CHECK;
