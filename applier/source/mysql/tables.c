#include "source/mysql/tables.h"

#include <stdlib.h>

#include "source/mysql/catalogue.h"

bool
source_mysql_tables_list(MysqlServer *server, const MysqlSourceOptions *options, Arena *arena,
    MysqlTable ***ret_tables, size_t *ret_count, Error *err)
{
    CatalogueWish wish = {.columns_only = false};

    return source_mysql_catalogue_read(server, options, &wish, arena, ret_tables, ret_count, err);
}

bool
source_mysql_tables_list_columns(MysqlServer *server, const MysqlSourceOptions *options,
    Arena *arena, MysqlTable ***ret_tables, size_t *ret_count, Error *err)
{
    CatalogueWish wish = {.columns_only = true};

    return source_mysql_catalogue_read(server, options, &wish, arena, ret_tables, ret_count, err);
}

static bool
find(MysqlServer *server, const MysqlSourceOptions *options, const CatalogueWish *wish,
    Arena *arena, MysqlTable **ret_table, Error *err)
{
    MysqlTable **tables;
    size_t count = 0;

    if (!source_mysql_catalogue_read(server, options, wish, arena, &tables, &count, err))
        return false;
    *ret_table = count == 0 ? NULL : tables[0];
    return true;
}

bool
source_mysql_tables_find(MysqlServer *server, const MysqlSourceOptions *options, Text schema,
    Text name, Arena *arena, MysqlTable **ret_table, Error *err)
{
    CatalogueWish wish = {.schema = schema, .name = name};

    return find(server, options, &wish, arena, ret_table, err);
}

bool
source_mysql_tables_find_columns(MysqlServer *server, const MysqlSourceOptions *options,
    Text schema, Text name, Arena *arena, MysqlTable **ret_table, Error *err)
{
    CatalogueWish wish = {.schema = schema, .name = name, .columns_only = true};

    return find(server, options, &wish, arena, ret_table, err);
}

/* ---- the driver's ---- */

typedef struct Tables {
    SourceTables base;
    MysqlServer *server;
    CatalogueKnown *known;
    const MysqlSourceOptions *options;
} Tables;

static void
tables_close(SourceTables *base)
{
    Tables *tables = (Tables *)base;

    source_mysql_catalogue_known_free(tables->known);
    source_mysql_server_close(tables->server);
    free(tables);
}

static bool
tables_list(
    SourceTables *base, Arena *arena, SourceTable ***ret_tables, size_t *ret_count, Error *err)
{
    Tables *tables = (Tables *)base;
    CatalogueWish wish = {.known = tables->known};
    MysqlTable **found;
    SourceTable **given;
    size_t count;

    if (!source_mysql_catalogue_read(
            tables->server, tables->options, &wish, arena, &found, &count, err))
        return false;
    given = ARENA_ARRAY(arena, SourceTable *, count + 1);
    for (size_t i = 0; i < count; i++)
        given[i] = &found[i]->base;
    *ret_tables = given;
    *ret_count = count;
    return true;
}

static bool
tables_describe(
    SourceTables *base, Text schema, Text name, Arena *arena, SourceTable **ret_table, Error *err)
{
    Tables *tables = (Tables *)base;
    CatalogueWish wish = {.schema = schema, .name = name, .known = tables->known};
    MysqlTable *found;

    if (!find(tables->server, tables->options, &wish, arena, &found, err))
        return false;
    *ret_table = found == NULL ? NULL : &found->base;
    return true;
}

static const SourceTablesDriver tables_driver = {
    .close = tables_close,
    .list = tables_list,
    .describe = tables_describe,
};

SourceTables *
source_mysql_tables_open(const SourceStart *start, Error *err)
{
    CLEANUP(source_mysql_server_close)
    MysqlServer *server = source_mysql_server_open(start->options, err);
    Tables *tables;

    if (server == NULL)
        return NULL;
    tables = calloc(1, sizeof(*tables));
    if (tables == NULL)
        abort();
    tables->base.driver = &tables_driver;
    tables->server = STEAL(server);
    tables->options = start->options;
    tables->known = source_mysql_catalogue_known_new();
    return &tables->base;
}
