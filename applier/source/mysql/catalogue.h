/*
 * catalogue.h - what information_schema tells of tables, as MysqlTables
 *
 * A few queries for any number of tables. information_schema compares names without regard to case;
 * what is wanted is told apart here.
 *
 * Sources: MySQL reference manual, "INFORMATION_SCHEMA Tables"; MariaDB documentation, "Information
 * Schema Tables".
 */
#pragma once

#include "source/mysql/tables.h"

/* What a server has that does not change: asked once for several calls. */
typedef struct CatalogueKnown CatalogueKnown;

CatalogueKnown *source_mysql_catalogue_known_new(void) MUST_CHECK;
void source_mysql_catalogue_known_free(CatalogueKnown *known);
CLEANUP_DEFINE(CatalogueKnown *, source_mysql_catalogue_known_free);

typedef struct CatalogueWish {
    Text schema; /* of one table; TEXT_NONE: all that the options carry */
    Text name;
    CatalogueKnown *known; /* may be NULL */
    bool columns_only;     /* not what costs the server time: estimates, engines, triggers, foreign
                              keys, problems */
} CatalogueWish;

/* Sorted by schema and name, in the arena. */
bool source_mysql_catalogue_read(MysqlServer *server, const MysqlSourceOptions *options,
    const CatalogueWish *wish, Arena *arena, MysqlTable ***ret_tables, size_t *ret_count,
    Error *err) MUST_CHECK;
