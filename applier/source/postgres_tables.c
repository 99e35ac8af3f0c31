#include "source/postgres_tables.h"

#include <stdlib.h>

#include "base/map.h"
#include "source/postgres_columns.h"
#include "source/postgres_problem.h"

/* The arrays of column lists and row filters came with this server. */
#define VERSION_COLUMN_LISTS 150000
#define VERSION_VIA_ROOT     130000

typedef struct PostgresTables {
    SourceTables base;
    PostgresConnection *connection;
    char *publication;
} PostgresTables;

/* One call: what it asks through, and the tables found so far. */
typedef struct Load {
    PostgresConnection *connection;
    const PostgresPublication *publication;
    const PostgresTablesView *view; /* NULL: the publication counts */
    Arena *arena;
    PostgresTableList list;
    Map by_oid;
    Buf oids; /* "{16384,16390}" */
} Load;

static bool
is_true(const PGresult *result, int row, int column)
{
    return *PQgetvalue(result, row, column) == 't';
}

static Text
take_text(Load *load, const PGresult *result, int row, int column)
{
    return arena_text(load->arena, postgres_result_text(result, row, column));
}

static int64_t
take_number(const PGresult *result, int row, int column)
{
    int64_t number;

    return text_to_i64(postgres_result_text(result, row, column), &number) ? number : -1;
}

bool
postgres_publication_read(PostgresConnection *connection, Text name, Arena *arena,
    PostgresPublication *ret_publication, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    PostgresPublication publication = {.name = arena_text(arena, name)};
    const char *param = publication.name.data;

    buf_addf(&sql,
        "SELECT puballtables, pubinsert, pubupdate, pubdelete, pubtruncate, %s,"
        " obj_description(oid, 'pg_publication') FROM pg_publication WHERE pubname = $1",
        PQserverVersion(connection->pq) >= VERSION_VIA_ROOT ? "pubviaroot" : "false");
    if (!postgres_connection_query(connection, buf_string(&sql), &param, 1, &result, err))
        return error_wrap(err, "read publication \"%s\"", param);
    if (PQntuples(result) > 0) {
        publication.exists = true;
        publication.all_tables = is_true(result, 0, 0);
        publication.publishes_insert = is_true(result, 0, 1);
        publication.publishes_update = is_true(result, 0, 2);
        publication.publishes_delete = is_true(result, 0, 3);
        publication.publishes_truncate = is_true(result, 0, 4);
        publication.via_root = is_true(result, 0, 5);
        publication.comment = arena_text(arena, postgres_result_text(result, 0, 6));
    }
    *ret_publication = publication;
    return true;
}

enum {
    TABLE_OID,
    TABLE_SCHEMA,
    TABLE_NAME,
    TABLE_KIND,
    TABLE_PERSISTENCE,
    TABLE_IDENTITY,
    TABLE_PARENT,
    TABLE_ROWS,
    TABLE_BYTES,
    TABLE_MAY_SELECT,
    TABLE_PUBLISHED,
    TABLE_ODD_PARTITION,
    TABLE_FILTER,
};

/* The table itself and, below a parent, all of its partitions. */
#define MEMBERS                                                                  \
    "(WITH RECURSIVE m(oid) AS (SELECT c.oid UNION ALL SELECT i.inhrelid FROM m" \
    " JOIN pg_inherits i ON i.inhparent = m.oid WHERE c.relkind = 'p') SELECT "

/* pg_table_size() waits for a lock, which must not be: see the header. */
static const char tables_sql[] =
    "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relreplident,"
    " (SELECT pn.nspname || '.' || pc.relname FROM pg_inherits i"
    " JOIN pg_class pc ON pc.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = pc.relnamespace"
    " WHERE i.inhrelid = c.oid AND c.relispartition)," MEMBERS
    "sum(CASE WHEN l.reltuples > 0 THEN l.reltuples::bigint"
    " ELSE nullif(pg_stat_get_live_tuples(l.oid), 0) END)"
    " FROM m JOIN pg_class l ON l.oid = m.oid WHERE l.relkind = 'r')," MEMBERS
    "sum(CASE WHEN l.oid IN (SELECT relation FROM pg_locks WHERE mode = 'AccessExclusiveLock'"
    " AND relation IS NOT NULL) THEN l.relpages::bigint * current_setting('block_size')::bigint"
    " ELSE pg_table_size(l.oid) END)"
    " FROM m JOIN pg_class l ON l.oid = m.oid WHERE l.relkind = 'r'),"
    " has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'),"
    " p.schemaname IS NOT NULL," MEMBERS
    "min(ln.nspname || '.' || l.relname) FROM m JOIN pg_class l ON l.oid = m.oid"
    " JOIN pg_namespace ln ON ln.oid = l.relnamespace"
    " WHERE l.relkind = 'r' AND l.relreplident <> c.relreplident), ";
static const char tables_from_sql[] =
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_publication_tables p ON p.pubname = $1 AND p.schemaname = n.nspname"
    " AND p.tablename = c.relname"
    " WHERE c.relkind IN ('r', 'p', 'f') AND ";
static const char tables_order_sql[] = " ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

static PostgresTable *
read_table(Load *load, const PGresult *result, int row)
{
    PostgresTable *table = ARENA_NEW(load->arena, PostgresTable);

    table->oid = take_text(load, result, row, TABLE_OID);
    table->kind = *PQgetvalue(result, row, TABLE_KIND);
    table->persistence = *PQgetvalue(result, row, TABLE_PERSISTENCE);
    table->replica_identity = *PQgetvalue(result, row, TABLE_IDENTITY);
    table->may_select = is_true(result, row, TABLE_MAY_SELECT);
    table->base.schema = take_text(load, result, row, TABLE_SCHEMA);
    table->base.name = take_text(load, result, row, TABLE_NAME);
    table->base.is_published = is_true(result, row, TABLE_PUBLISHED);
    table->base.is_partitioned = table->kind == 'p';
    table->base.parent = take_text(load, result, row, TABLE_PARENT);
    table->base.row_estimate = take_number(result, row, TABLE_ROWS);
    table->base.byte_estimate = take_number(result, row, TABLE_BYTES);
    table->base.filter = take_text(load, result, row, TABLE_FILTER);
    if (table->base.is_published)
        table->odd_partition = take_text(load, result, row, TABLE_ODD_PARTITION);
    return table;
}

/* condition may use $2 and $3. */
static bool
select_tables(
    Load *load, const char *condition, const char *const *params, int param_count, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const char *all[3] = {load->publication->name.data};
    bool has_filters = PQserverVersion(load->connection->pq) >= VERSION_COLUMN_LISTS;
    size_t count;

    for (int i = 0; i < param_count; i++)
        all[i + 1] = params[i];
    buf_add_string(&sql, tables_sql);
    buf_add_string(&sql, has_filters ? "p.rowfilter" : "NULL");
    buf_add_string(&sql, tables_from_sql);
    buf_add_string(&sql, condition);
    buf_add_string(&sql, tables_order_sql);
    if (!postgres_connection_query(
            load->connection, buf_string(&sql), all, param_count + 1, &result, err))
        return error_wrap(err, "read the catalogue");
    count = (size_t)PQntuples(result);
    load->list.items = ARENA_ARRAY(load->arena, PostgresTable *, count + 1);
    buf_add_char(&load->oids, '{');
    for (size_t i = 0; i < count; i++) {
        PostgresTable *table = read_table(load, result, (int)i);

        load->list.items[load->list.count++] = table;
        (void)map_put(&load->by_oid, table->oid, table);
        buf_addf(&load->oids, "%s" TEXT_FMT, i == 0 ? "" : ",", TEXT_ARG(table->oid));
    }
    buf_add_char(&load->oids, '}');
    return true;
}

/* Columns that a column list leaves out are not part of a published table. */
static void
leave_out(Load *load, PostgresTable *table, Text name)
{
    SourceTable *base = &table->base;

    for (size_t i = 0; i < base->column_count; i++) {
        if (!text_equal(base->columns[i].name, name))
            continue;
        memmove(&base->columns[i], &base->columns[i + 1],
            (base->column_count - i - 1) * sizeof(*base->columns));
        base->column_count--;
        break;
    }
    table->left_out = text_of(arena_printf(load->arena, TEXT_FMT "%s" TEXT_FMT,
        TEXT_ARG(table->left_out), table->left_out.len > 0 ? ", " : "", TEXT_ARG(name)));
}

/* Columns that the view does not have. */
static void
apply_view(Load *load)
{
    for (size_t i = 0; i < load->list.count; i++) {
        PostgresTable *table = load->list.items[i];

        for (size_t j = 0; j < table->base.column_count;) {
            Text name = table->base.columns[j].name;

            if (load->view->has_column(load->view->context, table, name))
                j++;
            else
                leave_out(load, table, name);
        }
    }
}

static bool
apply_column_lists(Load *load, Error *err)
{
    static const char sql[] =
        "SELECT c.oid, a.attname FROM pg_publication_tables p"
        " JOIN pg_namespace n ON n.nspname = p.schemaname"
        " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " AND a.attgenerated = '' AND NOT a.attname = ANY (p.attnames)"
        " WHERE p.pubname = $1 AND c.oid = ANY ($2::oid[]) ORDER BY c.oid, a.attnum";
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    const char *params[] = {load->publication->name.data, buf_string(&load->oids)};

    if (PQserverVersion(load->connection->pq) < VERSION_COLUMN_LISTS)
        return true;
    if (!postgres_connection_query(load->connection, sql, params, 2, &result, err))
        return error_wrap(err, "read the column lists of the publication");
    for (int row = 0; row < PQntuples(result); row++) {
        PostgresTable *table = map_get(&load->by_oid, postgres_result_text(result, row, 0));

        if (table != NULL)
            leave_out(load, table, postgres_result_text(result, row, 1));
    }
    return true;
}

/* One column of a primary key or of the index of a replica identity. */
enum {
    KEY_TABLE,
    KEY_INDEX,
    KEY_PRIMARY,
    KEY_IDENTITY,
    KEY_IMMEDIATE,
    KEY_COLUMN,
    KEY_COLLATION,
    KEY_OPERATORS,
};

#define REPLICA_INDEXES "i.indisprimary OR i.indisreplident"
#define UNIQUE_INDEXES  "i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL"

static const char keys_sql[] =
    "SELECT i.indrelid, i.indexrelid, i.indisprimary, i.indisreplident, i.indimmediate, a.attname,"
    " CASE WHEN k.coll <> a.attcollation THEN (SELECT quote_ident(cn.nspname) || '.' ||"
    " quote_ident(co.collname) FROM pg_collation co JOIN pg_namespace cn"
    " ON cn.oid = co.collnamespace WHERE co.oid = k.coll) END,"
    /* the schema of the operators by which the index orders, where they have the usual names */
    " (SELECT quote_ident(on_.nspname) FROM pg_opclass o JOIN pg_amop ao"
    " ON ao.amopfamily = o.opcfamily AND ao.amoplefttype = o.opcintype"
    " AND ao.amoprighttype = o.opcintype AND ao.amopstrategy = 5 JOIN pg_operator op"
    " ON op.oid = ao.amopopr JOIN pg_namespace on_ ON on_.oid = op.oprnamespace"
    " WHERE o.oid = k.opclass AND o.opcdefault AND op.oprname = '>')"
    " FROM pg_index i, unnest(i.indkey::int2[], i.indcollation::oid[], i.indclass::oid[])"
    " WITH ORDINALITY AS k(attnum, coll, opclass, ord), pg_attribute a"
    " WHERE i.indrelid = ANY ($1::oid[]) AND i.indisvalid AND k.ord <= i.indnkeyatts"
    " AND a.attrelid = i.indrelid AND a.attnum = k.attnum AND (";
static const char keys_order_sql[] =
    ") ORDER BY i.indrelid, i.indisprimary DESC, i.indexrelid, k.ord";

/* An index as it stands in the rows from first to before end. */
static PostgresIndex
read_index(Load *load, const PostgresTable *table, const PGresult *result, int first, int end)
{
    PostgresIndex index = {.usual_order = true,
        .is_primary = is_true(result, first, KEY_PRIMARY),
        .is_immediate = is_true(result, first, KEY_IMMEDIATE)};

    index.columns = ARENA_ARRAY(load->arena, size_t, (size_t)(end - first));
    index.collations = ARENA_ARRAY(load->arena, Text, (size_t)(end - first));
    index.operators = ARENA_ARRAY(load->arena, Text, (size_t)(end - first));
    for (int row = first; row < end; row++) {
        const SourceColumn *column =
            source_table_column(&table->base, postgres_result_text(result, row, KEY_COLUMN));

        if (column == NULL) {
            index.left_out = true;
            continue;
        }
        if (column->is_generated) {
            index.generated = column->name;
            continue;
        }
        index.operators[index.count] = take_text(load, result, row, KEY_OPERATORS);
        index.usual_order = index.usual_order && index.operators[index.count].data != NULL;
        index.collations[index.count] = take_text(load, result, row, KEY_COLLATION);
        index.columns[index.count++] = (size_t)(column - table->base.columns);
    }
    return index;
}

static void
use_as_identity(PostgresTable *table, const PostgresIndex *index, RowIdentity identity)
{
    table->base.identity = identity;
    table->identity = index->columns;
    table->identity_count = index->count;
    table->generated_key = index->generated;
    table->identity_left_out = index->left_out;
}

/* Chunks are read in the order of the key, so that it must be whole and in an order we can name. */
void
postgres_tables_use_key(PostgresTable *table, const PostgresIndex *index)
{
    if (table->base.key_count > 0 || index->generated.data != NULL || index->left_out ||
        !index->usual_order)
        return;
    table->base.key = index->columns;
    table->base.key_count = index->count;
    table->key_collations = index->collations;
    table->key_operators = index->operators;
}

static void
use_index(Load *load, PostgresTable *table, const PGresult *result, int first, int end)
{
    PostgresIndex index = read_index(load, table, result, first, end);
    bool immediate = index.is_immediate;

    if (index.is_primary) {
        postgres_tables_use_key(table, &index);
        table->has_deferrable_key = !immediate;
        if (table->replica_identity == 'd' && immediate)
            use_as_identity(table, &index, IDENTITY_KEY);
        if (table->replica_identity == 'f')
            use_as_identity(table, &index, IDENTITY_FULL);
    }
    if (is_true(result, first, KEY_IDENTITY) && table->replica_identity == 'i') {
        postgres_tables_use_key(table, &index);
        use_as_identity(table, &index, IDENTITY_INDEX);
    }
}

static void
begin_identity(Load *load)
{
    for (size_t i = 0; i < load->list.count; i++) {
        PostgresTable *table = load->list.items[i];

        table->base.identity =
            table->replica_identity == 'f' && load->view == NULL ? IDENTITY_FULL : IDENTITY_NOTHING;
    }
}

static void
give_indexes(Load *load, PostgresTable *table, PostgresIndex *const *indexes, size_t index_count)
{
    /* a trigger has every value at hand */
    for (size_t i = 0; i < table->base.column_count; i++)
        table->base.columns[i].may_omit = false;
    load->view->finish(load->view->context, table, indexes, index_count, load->arena);
}

/* The view judges the table by all of its indexes at once; rows from first on, of one table. */
static int
view_table(Load *load, PostgresTable *table, const PGresult *result, int first)
{
    int rows = PQntuples(result);
    int end = first;
    PostgresIndex **indexes = NULL;
    size_t count = 0;

    while (end < rows && text_equal(postgres_result_text(result, end, KEY_TABLE), table->oid))
        end++;
    indexes = ARENA_ARRAY(load->arena, PostgresIndex *, (size_t)(end - first) + 1);
    for (int row = first, next = first; row < end; row = next) {
        Text index = postgres_result_text(result, row, KEY_INDEX);

        while (next < end && text_equal(postgres_result_text(result, next, KEY_INDEX), index))
            next++;
        indexes[count] = ARENA_NEW(load->arena, PostgresIndex);
        *indexes[count++] = read_index(load, table, result, row, next);
    }
    give_indexes(load, table, indexes, count);
    return end;
}

static void
view_tables(Load *load, const PGresult *result)
{
    Map seen = MAP_INIT;

    for (int row = 0; row < PQntuples(result);) {
        Text oid = postgres_result_text(result, row, KEY_TABLE);

        (void)map_put(&seen, oid, load);
        row = view_table(load, map_get(&load->by_oid, oid), result, row);
    }
    for (size_t i = 0; i < load->list.count; i++)
        if (map_get(&seen, load->list.items[i]->oid) == NULL)
            give_indexes(load, load->list.items[i], NULL, 0);
    map_clear(&seen);
}

static bool
read_keys(Load *load, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const char *param = buf_string(&load->oids);

    buf_addf(&sql, "%s%s%s", keys_sql, load->view == NULL ? REPLICA_INDEXES : UNIQUE_INDEXES,
        keys_order_sql);
    if (!postgres_connection_query(load->connection, buf_string(&sql), &param, 1, &result, err))
        return error_wrap(err, "read the keys of tables");
    begin_identity(load);
    if (load->view != NULL) {
        view_tables(load, result);
        return true;
    }
    for (int row = 0, next = 0; row < PQntuples(result); row = next) {
        Text index = postgres_result_text(result, row, KEY_INDEX);
        PostgresTable *table = map_get(&load->by_oid, postgres_result_text(result, row, KEY_TABLE));

        while (next < PQntuples(result) &&
               text_equal(postgres_result_text(result, next, KEY_INDEX), index))
            next++;
        if (table != NULL)
            use_index(load, table, result, row, next);
    }
    return true;
}

/* What follows from identity and publication. */
static void
finish_table(Load *load, PostgresTable *table)
{
    CLEANUP(buf_clear) Buf problem = BUF_INIT;

    if (table->base.identity == IDENTITY_FULL) {
        table->generated_key = TEXT_NONE;
        table->identity_left_out = table->left_out.data != NULL;
        /* the old row has it always */
        for (size_t i = 0; i < table->base.column_count; i++)
            table->base.columns[i].may_omit = false;
    }
    for (size_t i = 0; i < table->identity_count; i++)
        table->base.columns[table->identity[i]].may_omit = false;
    postgres_problem_add(table, load->publication, &problem);
    if (problem.len > 0)
        table->base.problem = arena_text(load->arena, buf_text(&problem));
}

static bool
load_tables(
    Load *load, const char *condition, const char *const *params, int param_count, Error *err)
{
    if (!select_tables(load, condition, params, param_count, err))
        return false;
    if (load->list.count == 0)
        return true;
    if (!postgres_columns_read(
            load->connection, buf_string(&load->oids), &load->by_oid, load->arena, err))
        return false;
    if (load->view != NULL) {
        if (!load->view->begin(load->view->context, load->connection, buf_string(&load->oids), err))
            return false;
        apply_view(load);
        return read_keys(load, err);
    }
    if (!apply_column_lists(load, err) || !read_keys(load, err))
        return false;
    for (size_t i = 0; i < load->list.count; i++)
        finish_table(load, load->list.items[i]);
    return true;
}

static bool
load_list(PostgresConnection *connection, const PostgresPublication *publication,
    const char *condition, const char *const params[2], Arena *arena, PostgresTableList *ret_list,
    Error *err)
{
    Load load = {.connection = connection, .publication = publication, .arena = arena};
    bool ok = load_tables(&load, condition, params, params == NULL ? 0 : 2, err);

    map_clear(&load.by_oid);
    buf_clear(&load.oids);
    if (ok)
        *ret_list = load.list;
    return ok;
}

bool
postgres_tables_published(PostgresConnection *connection, const PostgresPublication *publication,
    Arena *arena, PostgresTableList *ret_list, Error *err)
{
    return load_list(
        connection, publication, "p.schemaname IS NOT NULL", NULL, arena, ret_list, err);
}

bool
postgres_tables_candidates(PostgresConnection *connection, const PostgresPublication *publication,
    Arena *arena, PostgresTableList *ret_list, Error *err)
{
    return load_list(connection, publication,
        "c.relkind <> 'f' AND c.relpersistence = 'p' AND c.oid >= 16384"
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema')",
        NULL, arena, ret_list, err);
}

bool
postgres_tables_find(PostgresConnection *connection, const PostgresPublication *publication,
    Text schema, Text name, Arena *arena, PostgresTable **ret_table, Error *err)
{
    const char *params[] = {arena_text(arena, schema).data, arena_text(arena, name).data};
    PostgresTableList list = {.count = 0};

    if (!load_list(connection, publication, "n.nspname = $2 AND c.relname = $3", params, arena,
            &list, err))
        return error_wrap(err, "table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(schema), TEXT_ARG(name));
    *ret_table = list.count == 0 ? NULL : list.items[0];
    return true;
}

bool
postgres_tables_view(PostgresConnection *connection, const PostgresTablesView *view, Arena *arena,
    PostgresTableList *ret_list, Error *err)
{
    /* no publication has this name */
    const PostgresPublication none = {.name = TEXT("")};
    Load load = {.connection = connection, .publication = &none, .view = view, .arena = arena};
    int param_count = (view->params[0] != NULL) + (view->params[1] != NULL);
    bool ok = load_tables(&load, view->condition, view->params, param_count, err);

    map_clear(&load.by_oid);
    buf_clear(&load.oids);
    if (ok)
        *ret_list = load.list;
    return ok;
}

static void
tables_close(SourceTables *base)
{
    PostgresTables *tables = (PostgresTables *)base;

    postgres_connection_close(tables->connection);
    free(tables->publication);
    free(tables);
}

static bool
tables_list(
    SourceTables *base, Arena *arena, SourceTable ***ret_tables, size_t *ret_count, Error *err)
{
    PostgresTables *tables = (PostgresTables *)base;
    PostgresPublication publication = {.exists = false};
    PostgresTableList list = {.count = 0};
    SourceTable **items;

    if (!postgres_publication_read(
            tables->connection, text_of(tables->publication), arena, &publication, err))
        return false;
    if (!publication.exists)
        return error_set(err, ERR_SOURCE,
            "publication \"%s\" does not exist: make it with dray install", tables->publication);
    if (!postgres_tables_published(tables->connection, &publication, arena, &list, err))
        return false;
    items = ARENA_ARRAY(arena, SourceTable *, list.count + 1);
    for (size_t i = 0; i < list.count; i++)
        items[i] = &list.items[i]->base;
    *ret_tables = items;
    *ret_count = list.count;
    return true;
}

static bool
tables_describe(
    SourceTables *base, Text schema, Text name, Arena *arena, SourceTable **ret_table, Error *err)
{
    PostgresTables *tables = (PostgresTables *)base;
    PostgresPublication publication = {.exists = false};
    PostgresTable *table = NULL;

    if (!postgres_publication_read(
            tables->connection, text_of(tables->publication), arena, &publication, err) ||
        !postgres_tables_find(tables->connection, &publication, schema, name, arena, &table, err))
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
postgres_tables_open(const SourceStart *start, Error *err)
{
    const PostgresSourceOptions *options = start->options;
    CLEANUP(buf_clear) Buf publication = BUF_INIT;
    PostgresConnection *connection = postgres_connection_open(options, POSTGRES_ORDINARY, err);
    PostgresTables *tables;

    if (connection == NULL)
        return NULL;
    tables = calloc(1, sizeof(*tables));
    if (tables == NULL)
        abort();
    postgres_publication_name(start->service, options, &publication);
    tables->base.driver = &driver;
    tables->connection = connection;
    tables->publication = buf_steal(&publication);
    return &tables->base;
}
