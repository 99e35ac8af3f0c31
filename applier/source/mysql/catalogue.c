#include "source/mysql/catalogue.h"

#include <stdlib.h>

#include "base/map.h"
#include "source/mysql/columns.h"
#include "source/mysql/defaults.h"
#include "source/mysql/problem.h"

#define VERSION_LONG_COLLATIONS 101000 /* MariaDB: collations whose name is shown with the set */

typedef struct RawColumn RawColumn;
struct RawColumn {
    MysqlColumnFacts facts;
    bool is_primary; /* COLUMN_KEY: of the key by which the server tells rows apart */
    bool may_select;
    RawColumn *next;
};

/* A table while it is read. */
typedef struct RawTable {
    MysqlTable *table;
    RawColumn *first;
    RawColumn **end;
    size_t column_count;
    size_t primary_count; /* columns with is_primary */
    bool key_done;
} RawTable;

/* An index, row by row. */
typedef struct RawIndex {
    RawTable *raw;
    Buf name;
    size_t *columns;
    size_t count;
    bool is_usable; /* columns of the table, all of them */
    bool has_prefix;
    Text generated;
} RawIndex;

struct CatalogueKnown {
    Arena *arena;
    Map collations; /* name -> its number */
    Map engines;    /* with transactions */
};

/* One call. */
typedef struct Load {
    MysqlServer *server;
    const MysqlSourceOptions *options;
    const CatalogueWish *wish;
    Arena *arena;
    Arena *scratch;
    bool has_longtext;
    Map tables; /* "schema" NUL "table" -> RawTable */
    CatalogueKnown *known;
    RawIndex index;
} Load;

/* ---- texts of queries ---- */

static void
add_condition(const Load *load, const char *schema_column, const char *name_column, Buf *sql)
{
    if (load->wish->schema.data == NULL) {
        buf_addf(sql, "%s NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')",
            schema_column);
        return;
    }
    buf_addf(sql, "%s = ", schema_column);
    source_mysql_add_string(sql, load->wish->schema);
    if (name_column == NULL)
        return;
    buf_addf(sql, " AND %s = ", name_column);
    source_mysql_add_string(sql, load->wish->name);
}

static Text
shown(Value value)
{
    return value.kind == VALUE_TEXT ? value.text : TEXT_NONE;
}

static int64_t
number_of(Value value)
{
    int64_t number;

    return value.kind == VALUE_TEXT && text_to_i64(value.text, &number) ? number : -1;
}

static Text
key_of(Text schema, Text name, Buf *key)
{
    buf_reset(key, SIZE_MAX);
    buf_add_text(key, schema);
    buf_add_char(key, '\0');
    buf_add_text(key, name);
    return buf_text(key);
}

static RawTable *
find_raw(const Load *load, Text schema, Text name)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;

    return map_get(&load->tables, key_of(schema, name, &key));
}

/* ---- what the server has ---- */

static bool
take_collation(void *context, const Value *values, size_t count, Error *err)
{
    Load *load = context;
    int64_t *number = ARENA_NEW(load->known->arena, int64_t);

    (void)count;
    (void)err;
    *number = number_of(values[1]);
    if (values[0].kind == VALUE_TEXT && *number > 0)
        (void)map_put(&load->known->collations, values[0].text, number);
    return true;
}

static bool
read_collations(Load *load, Error *err)
{
    bool is_long = load->server->is_mariadb && load->server->version >= VERSION_LONG_COLLATIONS;

    if (load->known->collations.count > 0)
        return true;
    return source_mysql_server_query(load->server,
        is_long ? TEXT("SELECT FULL_COLLATION_NAME, ID"
                       " FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY")
                : TEXT("SELECT COLLATION_NAME, ID FROM information_schema.COLLATIONS"),
        take_collation, load, err);
}

static bool
take_engine(void *context, const Value *values, size_t count, Error *err)
{
    Load *load = context;

    (void)count;
    (void)err;
    (void)map_put(&load->known->engines, shown(values[0]), load);
    return true;
}

static bool
read_engines(Load *load, Error *err)
{
    if (load->known->engines.count > 0)
        return true;
    return source_mysql_server_query(load->server,
        TEXT("SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'"),
        take_engine, load, err);
}

/* ---- tables ---- */

enum {
    TABLE_SCHEMA,
    TABLE_NAME,
    TABLE_TYPE,
    TABLE_ENGINE,
    TABLE_ROWS,
    TABLE_BYTES,
    TABLE_LOWER_CASE, /* @@lower_case_table_names */
};

/* information_schema compares without regard to case, also where the server does not. */
static bool
is_wanted(const Load *load, Text schema, Text name, bool ignore_case)
{
    if (load->wish->schema.data == NULL)
        return source_mysql_carries(load->options, schema, name);
    if (ignore_case)
        return text_equal_nocase(schema, load->wish->schema) &&
               text_equal_nocase(name, load->wish->name);
    return text_equal(schema, load->wish->schema) && text_equal(name, load->wish->name);
}

static bool
take_table(void *context, const Value *values, size_t count, Error *err)
{
    Load *load = context;
    CLEANUP(buf_clear) Buf key = BUF_INIT;
    Text schema = shown(values[TABLE_SCHEMA]);
    Text name = shown(values[TABLE_NAME]);
    RawTable *raw;
    MysqlTable *table;

    (void)count;
    (void)err;
    if (!is_wanted(load, schema, name, number_of(values[TABLE_LOWER_CASE]) != 0) ||
        find_raw(load, schema, name) != NULL)
        return true;
    raw = ARENA_NEW(load->scratch, RawTable);
    raw->table = table = ARENA_NEW(load->arena, MysqlTable);
    raw->end = &raw->first;
    table->base.schema = arena_text(load->arena, schema);
    table->base.name = arena_text(load->arena, name);
    table->base.identity = IDENTITY_FULL;
    table->base.is_published = source_mysql_carries(load->options, schema, name);
    table->base.row_estimate = number_of(values[TABLE_ROWS]);
    table->base.byte_estimate = number_of(values[TABLE_BYTES]);
    table->engine = arena_text(load->arena, shown(values[TABLE_ENGINE]));
    table->is_versioned = text_is(shown(values[TABLE_TYPE]), "SYSTEM VERSIONED");
    table->is_transactional =
        table->engine.data != NULL && map_get(&load->known->engines, table->engine) != NULL;
    table->may_select = true;
    (void)map_put(&load->tables, key_of(schema, name, &key), raw);
    return true;
}

static bool
read_tables(Load *load, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_addf(&sql,
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, %s, @@lower_case_table_names"
        " FROM information_schema.TABLES"
        " WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND ",
        load->wish->columns_only ? "NULL, NULL" : "TABLE_ROWS, DATA_LENGTH");
    add_condition(load, "TABLE_SCHEMA", "TABLE_NAME", &sql);
    return source_mysql_server_query(load->server, buf_text(&sql), take_table, load, err);
}

/* ---- columns ---- */

enum {
    COLUMN_SCHEMA,
    COLUMN_TABLE,
    COLUMN_NAME,
    COLUMN_TYPE,
    COLUMN_DATA_TYPE,
    COLUMN_CHARACTERS,
    COLUMN_OCTETS,
    COLUMN_PRECISION,
    COLUMN_SCALE,
    COLUMN_FRACTION,
    COLUMN_COLLATION,
    COLUMN_NULLABLE,
    COLUMN_DEFAULT,
    COLUMN_EXTRA,
    COLUMN_GENERATION,
    COLUMN_KEY,
    COLUMN_PRIVILEGES,
};

static const char columns_sql[] =
    "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, DATA_TYPE,"
    " CHARACTER_MAXIMUM_LENGTH, CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE,"
    " DATETIME_PRECISION, COLLATION_NAME, IS_NULLABLE, COLUMN_DEFAULT, EXTRA,"
    " GENERATION_EXPRESSION, COLUMN_KEY, PRIVILEGES FROM information_schema.COLUMNS WHERE ";

static unsigned
collation_of(const Load *load, Value value)
{
    const int64_t *number =
        value.kind == VALUE_TEXT ? map_get(&load->known->collations, value.text) : NULL;

    return number == NULL ? 0 : (unsigned)*number;
}

/* Of a system-versioned table of MariaDB, where the columns were named. */
static bool
is_row_period(const RawColumn *column)
{
    return text_is(column->facts.generation, "ROW START") ||
           text_is(column->facts.generation, "ROW END");
}

static bool
take_column(void *context, const Value *values, size_t count, Error *err)
{
    Load *load = context;
    RawTable *raw = find_raw(load, shown(values[COLUMN_SCHEMA]), shown(values[COLUMN_TABLE]));
    RawColumn *column;

    (void)count;
    (void)err;
    if (raw == NULL)
        return true;
    column = ARENA_NEW(load->scratch, RawColumn);
    column->facts = (MysqlColumnFacts){
        .name = arena_text(load->scratch, shown(values[COLUMN_NAME])),
        .column_type = arena_text(load->scratch, shown(values[COLUMN_TYPE])),
        .data_type = arena_text(load->scratch, shown(values[COLUMN_DATA_TYPE])),
        .default_text = arena_text(load->scratch, shown(values[COLUMN_DEFAULT])),
        .extra = arena_text(load->scratch, shown(values[COLUMN_EXTRA])),
        .generation = arena_text(load->scratch, shown(values[COLUMN_GENERATION])),
        .characters = number_of(values[COLUMN_CHARACTERS]),
        .octets = number_of(values[COLUMN_OCTETS]),
        .precision = number_of(values[COLUMN_PRECISION]),
        .scale = number_of(values[COLUMN_SCALE]),
        .fraction = number_of(values[COLUMN_FRACTION]),
        .collation = collation_of(load, values[COLUMN_COLLATION]),
        .not_null = text_is(shown(values[COLUMN_NULLABLE]), "NO"),
        .is_mariadb = load->server->is_mariadb,
    };
    column->is_primary = text_is(shown(values[COLUMN_KEY]), "PRI");
    column->may_select = values[COLUMN_PRIVILEGES].kind == VALUE_TEXT &&
                         memmem(values[COLUMN_PRIVILEGES].text.data,
                             values[COLUMN_PRIVILEGES].text.len, "select", 6) != NULL;
    raw->primary_count += column->is_primary && !is_row_period(column) ? 1 : 0;
    raw->column_count++;
    *raw->end = column;
    raw->end = &column->next;
    load->has_longtext |= text_is(column->facts.data_type, "longtext");
    return true;
}

static bool
read_columns(Load *load, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_add_string(&sql, columns_sql);
    add_condition(load, "TABLE_SCHEMA", "TABLE_NAME", &sql);
    buf_add_string(&sql, " ORDER BY ORDINAL_POSITION");
    return source_mysql_server_query(load->server, buf_text(&sql), take_column, load, err);
}

/* ---- which texts of MariaDB are JSON ---- */

static RawColumn *
find_column(const RawTable *raw, Text name)
{
    RawColumn *column = raw->first;

    while (column != NULL && !text_equal(column->facts.name, name))
        column = column->next;
    return column;
}

/* The constraint that MariaDB makes of the type JSON: json_valid(`name`), and nothing else. */
static bool
take_constraint(void *context, const Value *values, size_t count, Error *err)
{
    static const char start[] = "json_valid(`";
    static const char end[] = "`)";
    Load *load = context;
    RawTable *raw = find_raw(load, shown(values[0]), shown(values[1]));
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    Text clause = shown(values[2]);
    RawColumn *column;

    (void)count;
    (void)err;
    if (raw == NULL || !text_starts_with(clause, start) || !text_ends_with(clause, end) ||
        clause.len < sizeof(start) + sizeof(end) - 2)
        return true;
    for (size_t i = sizeof(start) - 1; i < clause.len - (sizeof(end) - 1); i++) {
        buf_add_char(&name, clause.data[i]);
        if (clause.data[i] == '`')
            i++;
    }
    column = find_column(raw, buf_text(&name));
    if (column != NULL)
        column->facts.is_json = true;
    return true;
}

static bool
read_constraints(Load *load, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    if (!load->server->is_mariadb || !load->has_longtext)
        return true;
    buf_add_string(&sql, "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CHECK_CLAUSE"
                         " FROM information_schema.CHECK_CONSTRAINTS WHERE ");
    add_condition(load, "CONSTRAINT_SCHEMA", "TABLE_NAME", &sql);
    return source_mysql_server_query(load->server, buf_text(&sql), take_constraint, load, err);
}

/* ---- keys ---- */

enum {
    INDEX_SCHEMA,
    INDEX_TABLE,
    INDEX_NAME,
    INDEX_COLUMN, /* null: an expression */
    INDEX_PREFIX,
    INDEX_SEQUENCE,
    INDEX_TYPE,
};

/* Where in the table's columns a column of a key is; the row's end of a system-versioned table is
 * part of its key only for the server. */
static size_t
place_in_table(const RawTable *raw, Text name, const RawColumn **ret_column)
{
    size_t at = 0;

    for (const RawColumn *column = raw->first; column != NULL; column = column->next, at++) {
        if (!text_equal(column->facts.name, name))
            continue;
        *ret_column = column;
        return at;
    }
    *ret_column = NULL;
    return at;
}

static bool
is_generated(const RawColumn *column)
{
    Text extra = column->facts.extra;

    return memmem(extra.data, extra.len, "VIRTUAL GENERATED", 17) != NULL ||
           memmem(extra.data, extra.len, "STORED GENERATED", 16) != NULL;
}

/* An index has been read: is it the key? The server marks the columns of the one that it takes
 * where there is no primary key (COLUMN_KEY), which is the one in the log. */
static void
end_index(Load *load)
{
    RawIndex *index = &load->index;
    RawTable *raw = index->raw;
    bool is_primary = text_is(buf_text(&index->name), "PRIMARY");

    index->raw = NULL;
    if (raw == NULL || raw->key_done || !index->is_usable || index->count == 0)
        return;
    if (!is_primary && (index->has_prefix || index->count != raw->primary_count))
        return;
    raw->key_done = true;
    raw->table->has_primary_key = is_primary;
    raw->table->generated_key = index->generated;
    if (index->generated.data != NULL)
        return;
    raw->table->key_has_prefix = index->has_prefix;
    raw->table->base.identity = is_primary ? IDENTITY_KEY : IDENTITY_INDEX;
    raw->table->base.key = index->columns;
    raw->table->base.key_count = index->count;
}

static void
begin_index(Load *load, RawTable *raw, Text name)
{
    RawIndex *index = &load->index;

    index->raw = raw;
    buf_reset(&index->name, SIZE_MAX);
    buf_add_text(&index->name, name);
    index->columns = ARENA_ARRAY(load->arena, size_t, raw->column_count);
    index->count = 0;
    index->is_usable = true;
    index->has_prefix = false;
    index->generated = TEXT_NONE;
}

/* Unique keys of long texts are kept in MariaDB as hashes, in a hidden column each. */
static bool
is_hidden_hash(const Load *load, const MysqlTable *table, const Value *values)
{
    return load->server->is_mariadb && text_is(shown(values[INDEX_TYPE]), "HASH") &&
           text_is(shown(values[INDEX_SEQUENCE]), "1") &&
           !text_equal_nocase(table->engine, TEXT("MEMORY"));
}

static bool
take_index(void *context, const Value *values, size_t count, Error *err)
{
    Load *load = context;
    RawIndex *index = &load->index;
    RawTable *raw = find_raw(load, shown(values[INDEX_SCHEMA]), shown(values[INDEX_TABLE]));
    const RawColumn *column = NULL;
    size_t at;

    (void)count;
    (void)err;
    if (raw == NULL)
        return true;
    if (raw != index->raw || !text_equal(buf_text(&index->name), shown(values[INDEX_NAME]))) {
        end_index(load);
        begin_index(load, raw, shown(values[INDEX_NAME]));
    }
    if (is_hidden_hash(load, raw->table, values))
        raw->table->hash_count++;
    at = place_in_table(raw, shown(values[INDEX_COLUMN]), &column);
    if (column != NULL && is_row_period(column))
        return true;
    if (column == NULL || !column->is_primary || index->count >= raw->column_count) {
        index->is_usable = false;
        return true;
    }
    if (is_generated(column))
        index->generated = arena_text(load->arena, column->facts.name);
    index->has_prefix |= values[INDEX_PREFIX].kind == VALUE_TEXT;
    index->columns[index->count++] = at;
    return true;
}

static bool
read_keys(Load *load, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_add_string(&sql, "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART,"
                         " SEQ_IN_INDEX, INDEX_TYPE"
                         " FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND ");
    add_condition(load, "TABLE_SCHEMA", "TABLE_NAME", &sql);
    /* binary: names that differ only in case are two tables */
    buf_add_string(&sql, " ORDER BY BINARY TABLE_SCHEMA, BINARY TABLE_NAME,"
                         " INDEX_NAME <> 'PRIMARY', BINARY INDEX_NAME, SEQ_IN_INDEX");
    if (!source_mysql_server_query(load->server, buf_text(&sql), take_index, load, err))
        return false;
    end_index(load);
    return true;
}

/* ---- triggers and foreign keys ---- */

static bool
take_trigger(void *context, const Value *values, size_t count, Error *err)
{
    RawTable *raw = find_raw(context, shown(values[0]), shown(values[1]));

    (void)count;
    (void)err;
    if (raw != NULL)
        raw->table->has_triggers = true;
    return true;
}

static bool
read_triggers(Load *load, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_add_string(&sql, "SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE"
                         " FROM information_schema.TRIGGERS WHERE ");
    add_condition(load, "EVENT_OBJECT_SCHEMA", "EVENT_OBJECT_TABLE", &sql);
    return source_mysql_server_query(load->server, buf_text(&sql), take_trigger, load, err);
}

static bool
take_cascade(void *context, const Value *values, size_t count, Error *err)
{
    Load *load = context;
    RawTable *raw = find_raw(load, shown(values[0]), shown(values[1]));

    (void)count;
    (void)err;
    if (raw != NULL && !raw->table->has_cascades) {
        raw->table->has_cascades = true;
        raw->table->cascade = arena_text(load->arena, shown(values[2]));
    }
    return true;
}

/* MySQL 9.6 and later do themselves, and log, what foreign keys do, unless they are told not to. */
static bool
logs_cascades(Load *load, bool *ret_logs, Error *err)
{
    CLEANUP(buf_clear) Buf native = BUF_INIT;
    bool found = false;

    *ret_logs = false;
    if (load->server->is_mariadb)
        return true;
    if (!source_mysql_server_value(load->server,
            TEXT("SELECT VARIABLE_VALUE FROM performance_schema.global_variables"
                 " WHERE VARIABLE_NAME = 'innodb_native_foreign_keys'"),
            &native, &found, err))
        return false;
    *ret_logs = found && text_equal_nocase(buf_text(&native), TEXT("OFF"));
    return true;
}

static bool
read_cascades(Load *load, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    bool logs;

    if (!logs_cascades(load, &logs, err))
        return false;
    if (logs)
        return true;
    buf_add_string(&sql,
        "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME"
        " FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE (DELETE_RULE IN ('CASCADE',"
        " 'SET NULL', 'SET DEFAULT') OR UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))"
        " AND ");
    add_condition(load, "CONSTRAINT_SCHEMA", "TABLE_NAME", &sql);
    buf_add_string(&sql, " ORDER BY BINARY CONSTRAINT_NAME");
    return source_mysql_server_query(load->server, buf_text(&sql), take_cascade, load, err);
}

/* ---- all together ---- */

static void
describe_columns(Load *load, RawTable *raw)
{
    MysqlTable *table = raw->table;
    size_t at = 0;

    table->base.columns = ARENA_ARRAY(load->arena, SourceColumn, raw->column_count);
    table->base.column_count = raw->column_count;
    table->types = ARENA_ARRAY(load->arena, BinlogValueType, raw->column_count);
    table->collations = ARENA_ARRAY(load->arena, unsigned, raw->column_count);
    table->defaults = ARENA_ARRAY(load->arena, Text, raw->column_count);
    table->missing = ARENA_ARRAY(load->arena, Value, raw->column_count);
    table->row_end = raw->column_count;
    for (const RawColumn *column = raw->first; column != NULL; column = column->next, at++) {
        SourceColumn *described = &table->base.columns[at];

        source_mysql_column_describe(&column->facts, load->arena, described, &table->types[at]);
        described->may_omit = true;
        if (text_is(column->facts.generation, "ROW END"))
            table->row_end = at;
        table->by_transaction |= is_row_period(column) && described->logical == LOGICAL_UINT;
        table->collations[at] = column->facts.collation;
        table->defaults[at] = described->has_default
                                  ? arena_text(load->arena, column->facts.default_text)
                                  : TEXT_NONE;
        table->missing[at] = (Value){.kind = VALUE_ABSENT};
        if (!described->is_generated && !described->is_identity)
            table->missing[at] =
                source_mysql_column_default(&column->facts, &table->types[at], load->arena);
        /* such a date is no value elsewhere */
        if (table->missing[at].kind == VALUE_TEXT &&
            !text_starts_with(table->missing[at].text, "0000-00-00"))
            described->added_value = table->missing[at].text;
        table->may_select = table->may_select && column->may_select;
    }
    for (size_t i = 0; i < table->base.key_count; i++)
        table->base.columns[table->base.key[i]].may_omit = false;
}

static int
compare_tables(const void *a, const void *b)
{
    const SourceTable *left = *(const SourceTable *const *)a;
    const SourceTable *right = *(const SourceTable *const *)b;
    int order = text_compare(left->schema, right->schema);

    return order != 0 ? order : text_compare(left->name, right->name);
}

static bool
read_all(Load *load, Error *err)
{
    if (!load->wish->columns_only && !read_engines(load, err))
        return false;
    if (!read_collations(load, err) || !read_tables(load, err))
        return false;
    if (load->tables.count == 0)
        return true;
    if (!read_columns(load, err) || !read_constraints(load, err) || !read_keys(load, err))
        return false;
    return load->wish->columns_only || (read_triggers(load, err) && read_cascades(load, err));
}

static void
give_tables(Load *load, MysqlTable ***ret_tables, size_t *ret_count)
{
    MysqlTable **tables = ARENA_ARRAY(load->arena, MysqlTable *, load->tables.count + 1);
    size_t count = 0;

    map_each (&load->tables, entry) {
        RawTable *raw = entry->value;

        /* without columns: dropped in between */
        if (raw->column_count == 0)
            continue;
        describe_columns(load, raw);
        if (!load->wish->columns_only)
            source_mysql_problem_set(raw->table, load->server->is_mariadb, load->arena);
        tables[count++] = raw->table;
    }
    qsort(tables, count, sizeof(MysqlTable *), compare_tables);
    *ret_tables = tables;
    *ret_count = count;
}

CatalogueKnown *
source_mysql_catalogue_known_new(void)
{
    CatalogueKnown *known = calloc(1, sizeof(*known));

    if (known == NULL)
        abort();
    known->arena = arena_new();
    return known;
}

void
source_mysql_catalogue_known_free(CatalogueKnown *known)
{
    if (known == NULL)
        return;
    map_clear(&known->collations);
    map_clear(&known->engines);
    arena_free(known->arena);
    free(known);
}

bool
source_mysql_catalogue_read(MysqlServer *server, const MysqlSourceOptions *options,
    const CatalogueWish *wish, Arena *arena, MysqlTable ***ret_tables, size_t *ret_count,
    Error *err)
{
    CLEANUP(arena_free) Arena *scratch = arena_new();
    CLEANUP(source_mysql_catalogue_known_free)
    CatalogueKnown *own = wish->known == NULL ? source_mysql_catalogue_known_new() : NULL;
    Load load = {.server = server,
        .options = options,
        .wish = wish,
        .arena = arena,
        .scratch = scratch,
        .known = own != NULL ? own : wish->known};
    bool ok = read_all(&load, err);

    if (ok)
        give_tables(&load, ret_tables, ret_count);
    map_clear(&load.tables);
    buf_clear(&load.index.name);
    return ok || error_wrap(err, "read the catalogue");
}
