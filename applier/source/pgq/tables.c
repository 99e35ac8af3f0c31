#include "source/pgq/tables.h"

#include <stdlib.h>

typedef struct PgqTables {
    SourceTables base;
    PostgresConnection *connection;
    char *queue;
} PgqTables;

/* What the catalogue asks us while it reads (PostgresTablesView). */
typedef struct View {
    Text queue;
    Arena *arena;
    Map by_oid; /* PgqTriggers */
} View;

static const PgqTriggers no_triggers = {NULL, 0};

/* Has the table c a trigger for the queue? encode() makes the NUL behind an argument \000. */
#define HAS_TRIGGER                                                                   \
    "EXISTS (SELECT FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid"             \
    " JOIN pg_namespace fn ON fn.oid = f.pronamespace WHERE t.tgrelid = c.oid"        \
    " AND fn.nspname = 'pgq' AND f.proname IN ('logutriga', 'jsontriga', 'sqltriga'," \
    " 'logtriga') AND split_part(encode(t.tgargs, 'escape'), '\\000', 1) ="           \
    " encode(convert_to($2, getdatabaseencoding()), 'escape'))"

/* ---- the view ---- */

static const PgqTriggers *
triggers_of(const View *view, const PostgresTable *table)
{
    const PgqTriggers *triggers = map_get(&view->by_oid, table->oid);

    return triggers == NULL ? &no_triggers : triggers;
}

static bool
view_begin(void *context, PostgresConnection *connection, const char *oids, Error *err)
{
    View *view = context;

    return pgq_triggers_read(connection, view->queue, oids, view->arena, &view->by_oid, err);
}

static bool
view_has_column(void *context, const PostgresTable *table, Text column)
{
    return !pgq_triggers_ignore(triggers_of(context, table), column);
}

/* Has the index just the columns that the list names? */
static bool
is_index_of(const PostgresTable *table, const PostgresIndex *index, Text list)
{
    Text rest = list;
    Text name;
    size_t count = 0;

    while (pgq_list_next(&rest, &name))
        count++;
    if (index->left_out || count != index->count)
        return false;
    for (size_t i = 0; i < index->count; i++)
        if (!pgq_list_has(list, table->base.columns[index->columns[i]].name))
            return false;
    return true;
}

static bool
has_nulls(const PostgresTable *table, const PostgresIndex *index)
{
    for (size_t i = 0; i < index->count; i++)
        if (!table->base.columns[index->columns[i]].not_null)
            return true;
    return false;
}

static void
use_identity(PostgresTable *table, size_t *columns, size_t count, RowIdentity identity)
{
    table->base.identity = count == 0 ? IDENTITY_NOTHING : identity;
    table->identity = columns;
    table->identity_count = count;
}

/* The key is named by the trigger. */
static void
use_named_key(
    PostgresTable *table, PostgresIndex *const *indexes, size_t count, Text list, Arena *arena)
{
    SourceTable *base = &table->base;
    size_t *columns = ARENA_ARRAY(arena, size_t, base->column_count + 1);
    size_t column_count = 0;
    Text name;

    for (size_t i = 0; i < count; i++) {
        const PostgresIndex *index = indexes[i];

        if (!index->is_immediate || index->generated.data != NULL ||
            !is_index_of(table, index, list) || has_nulls(table, index))
            continue;
        postgres_tables_use_key(table, index);
        use_identity(
            table, index->columns, index->count, index->is_primary ? IDENTITY_KEY : IDENTITY_INDEX);
        return;
    }
    while (pgq_list_next(&list, &name)) {
        const SourceColumn *column = source_table_column(base, name);

        if (column != NULL && !column->is_generated && column_count < base->column_count)
            columns[column_count++] = (size_t)(column - base->columns);
    }
    use_identity(table, columns, column_count, IDENTITY_INDEX);
}

static void
view_finish(void *context, PostgresTable *table, PostgresIndex *const *indexes, size_t index_count,
    Arena *arena)
{
    CLEANUP(buf_clear) Buf problem = BUF_INIT;
    const PgqTriggers *triggers = triggers_of(context, table);
    const PgqTableTrigger *first = pgq_triggers_first(triggers);
    Text named = first == NULL ? TEXT_NONE : pgq_trigger_argument(first, "pkey");

    table->base.is_published = table->kind == 'r' && first != NULL && !pgq_triggers_deny(triggers);
    if (named.data != NULL) {
        use_named_key(table, indexes, index_count, named, arena);
    } else if (index_count > 0 && indexes[0]->is_primary) {
        postgres_tables_use_key(table, indexes[0]);
        table->generated_key = indexes[0]->generated;
        use_identity(table, indexes[0]->columns, indexes[0]->count, IDENTITY_KEY);
    }
    pgq_triggers_problem(table, triggers, &problem);
    if (problem.len > 0)
        table->base.problem = arena_text(arena, buf_text(&problem));
}

static bool
read_tables(PostgresConnection *connection, Text queue, PostgresTablesView *how, Arena *arena,
    PgqTableList *ret_list, Error *err)
{
    View view = {.queue = queue, .arena = arena};
    PostgresTableList list = {.count = 0};
    bool ok;

    how->context = &view;
    how->begin = view_begin;
    how->has_column = view_has_column;
    how->finish = view_finish;
    ok = postgres_tables_view(connection, how, arena, &list, err);
    if (ok) {
        ret_list->count = list.count;
        ret_list->items = ARENA_ARRAY(arena, PgqTable, list.count + 1);
        for (size_t i = 0; i < list.count; i++)
            ret_list->items[i] = (PgqTable){list.items[i], triggers_of(&view, list.items[i])};
    }
    map_clear(&view.by_oid);
    return ok;
}

bool
pgq_tables_with_triggers(
    PostgresConnection *connection, Text queue, Arena *arena, PgqTableList *ret_list, Error *err)
{
    PostgresTablesView how = {
        .condition = HAS_TRIGGER, .params = {arena_text(arena, queue).data, NULL}};

    return read_tables(connection, queue, &how, arena, ret_list, err);
}

bool
pgq_tables_candidates(
    PostgresConnection *connection, Text queue, Arena *arena, PgqTableList *ret_list, Error *err)
{
    PostgresTablesView how = {
        .condition = "c.relkind <> 'f' AND c.relpersistence <> 't' AND c.oid >= 16384"
                     " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pgq',"
                     " 'pgq_node', 'pgq_ext', 'londiste')"};

    return read_tables(connection, queue, &how, arena, ret_list, err);
}

bool
pgq_tables_find(PostgresConnection *connection, Text queue, Text schema, Text name, Arena *arena,
    PostgresTable **ret_table, Error *err)
{
    PostgresTablesView how = {.condition = "n.nspname = $2 AND c.relname = $3",
        .params = {arena_text(arena, schema).data, arena_text(arena, name).data}};
    PgqTableList list = {.count = 0};

    if (!read_tables(connection, queue, &how, arena, &list, err))
        return error_wrap(err, "table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(schema), TEXT_ARG(name));
    *ret_table = list.count == 0 ? NULL : list.items[0].table;
    return true;
}

/* ---- SourceTables ---- */

PostgresSourceOptions
pgq_connection_options(const PgqSourceOptions *options)
{
    return (PostgresSourceOptions){.connection = options->connection,
        .slot = "",
        .publication = "",
        .connect_timeout_ms = options->connect_timeout_ms};
}

static void
tables_close(SourceTables *base)
{
    PgqTables *tables = (PgqTables *)base;

    postgres_connection_close(tables->connection);
    free(tables->queue);
    free(tables);
}

static bool
check_queue(PgqTables *tables, Error *err)
{
    static const char sql[] = "SELECT to_regclass('pgq.queue') IS NOT NULL";
    static const char queue_sql[] = "SELECT FROM pgq.queue WHERE queue_name = $1";
    CLEANUP(postgres_result_free) PGresult *has_pgq = NULL;
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    const char *param = tables->queue;

    if (!postgres_connection_query(tables->connection, sql, NULL, 0, &has_pgq, err))
        return false;
    if (*PQgetvalue(has_pgq, 0, 0) != 't')
        return error_set(err, ERR_SOURCE,
            "database %s has no PgQ: CREATE EXTENSION pgq, then dray install",
            PQdb(tables->connection->pq));
    if (!postgres_connection_query(tables->connection, queue_sql, &param, 1, &result, err))
        return error_wrap(err, "look for queue \"%s\"", param);
    return PQntuples(result) > 0 ||
           error_set(
               err, ERR_SOURCE, "queue \"%s\" does not exist: make it with dray install", param);
}

static bool
tables_list(
    SourceTables *base, Arena *arena, SourceTable ***ret_tables, size_t *ret_count, Error *err)
{
    PgqTables *tables = (PgqTables *)base;
    PgqTableList list = {.count = 0};
    SourceTable **items;
    size_t count = 0;

    if (!check_queue(tables, err) ||
        !pgq_tables_with_triggers(tables->connection, text_of(tables->queue), arena, &list, err))
        return false;
    items = ARENA_ARRAY(arena, SourceTable *, list.count + 1);
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].table->base.is_published)
            items[count++] = &list.items[i].table->base;
    *ret_tables = items;
    *ret_count = count;
    return true;
}

static bool
tables_describe(
    SourceTables *base, Text schema, Text name, Arena *arena, SourceTable **ret_table, Error *err)
{
    PgqTables *tables = (PgqTables *)base;
    PostgresTable *table = NULL;

    if (!pgq_tables_find(
            tables->connection, text_of(tables->queue), schema, name, arena, &table, err))
        return false;
    *ret_table = table == NULL ? NULL : &table->base;
    return true;
}

static const SourceTablesDriver driver = {
    .close = tables_close,
    .list = tables_list,
    .describe = tables_describe,
};

SourceTables *
pgq_tables_open(const SourceStart *start, Error *err)
{
    const PgqSourceOptions *options = start->options;
    PostgresSourceOptions how = pgq_connection_options(options);
    PostgresConnection *connection = postgres_connection_open(&how, POSTGRES_ORDINARY, err);
    PgqTables *tables;

    if (connection == NULL)
        return NULL;
    tables = calloc(1, sizeof(*tables));
    if (tables == NULL)
        abort();
    tables->base.driver = &driver;
    tables->connection = connection;
    tables->queue = text_dup(text_of(options->queue));
    return &tables->base;
}
