#include <stdio.h>

#include "base/fault.h"
#include "target/postgres.h"

typedef struct Relation {
    Text schema;
    char oid[24];
    char kind;
    bool found;
    Arena *arena;
} Relation;

static bool
take_relation(void *context, const Value *values, size_t count, Error *err)
{
    Relation *relation = context;

    (void)count;
    (void)err;
    (void)snprintf(relation->oid, sizeof(relation->oid), TEXT_FMT, TEXT_ARG(values[0].text));
    relation->schema = arena_text(relation->arena, values[1].text);
    relation->kind = values[2].text.data[0];
    relation->found = true;
    return true;
}

static bool
find_relation(PostgresTarget *target, Text schema, Text name, Relation *relation, Error *err)
{
    const char *params[] = {
        arena_text(relation->arena, schema.data == NULL ? TEXT("") : schema).data,
        arena_text(relation->arena, name).data};
    PostgresStatement statement = {
        .sql = "SELECT c.oid, n.nspname, c.relkind"
               " FROM pg_catalog.pg_class c"
               " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
               " WHERE c.relname = $2::text AND c.relkind IN ('r', 'p', 'f', 'v', 'm')"
               " AND CASE WHEN $1::text = '' THEN pg_catalog.pg_table_is_visible(c.oid)"
               " ELSE n.nspname = $1::text END",
        .params = params,
        .param_count = 2,
        .row = take_relation,
        .context = relation};

    if (memchr(params[0], '\0', schema.len) != NULL || memchr(params[1], '\0', name.len) != NULL)
        return true; /* no table has such a name */
    return postgres_run(target, &statement, err);
}

/* The columns of describe_sql(). */
enum {
    COLUMN_NAME,
    COLUMN_TYPE,
    COLUMN_BASE,
    COLUMN_KIND,
    COLUMN_NOT_NULL,
    COLUMN_GENERATED,
    COLUMN_DEFAULT,
    COLUMN_IS_TEXT,
    COLUMN_COLLATION,
    COLUMN_KEY,
};

typedef struct Description {
    Arena *arena;
    TargetTable *table;
    size_t size;    /* of table->columns */
    size_t key[64]; /* position in the primary key, from 1, to column index + 1 */
} Description;

static bool
is_true(Value value)
{
    return value.kind == VALUE_TEXT && text_is(value.text, "t");
}

static LogicalType
logical_type(Text base, Text kind)
{
    /* enums have names of their own, and travel as text; citext is one of contrib's types */
    if (text_is(kind, "e") || text_is(base, "citext") || text_ends_with(base, ".citext"))
        return LOGICAL_TEXT;
    return logical_type_of_postgres(base);
}

static TargetColumn *
grow_columns(Description *description)
{
    TargetTable *table = description->table;

    if (table->column_count == description->size) {
        TargetColumn *old = table->columns;

        description->size = description->size == 0 ? 32 : description->size * 2;
        table->columns = ARENA_ARRAY(description->arena, TargetColumn, description->size);
        if (old != NULL)
            memcpy(table->columns, old, table->column_count * sizeof(*old));
    }
    return &table->columns[table->column_count++];
}

static bool
take_column(void *context, const Value *values, size_t count, Error *err)
{
    Description *description = context;
    Arena *arena = description->arena;
    TargetColumn *column = grow_columns(description);
    uint64_t key = 0;

    (void)count;
    (void)err;
    column->name = arena_text(arena, values[COLUMN_NAME].text);
    column->type = arena_text(arena, values[COLUMN_TYPE].text);
    if (values[COLUMN_COLLATION].kind == VALUE_TEXT)
        column->type = text_of(arena_printf(arena, TEXT_FMT " COLLATE " TEXT_FMT,
            TEXT_ARG(column->type), TEXT_ARG(values[COLUMN_COLLATION].text)));
    column->logical = logical_type(values[COLUMN_BASE].text, values[COLUMN_KIND].text);
    column->not_null = is_true(values[COLUMN_NOT_NULL]);
    column->generated = is_true(values[COLUMN_GENERATED]);
    column->has_default = is_true(values[COLUMN_DEFAULT]);
    column->is_text = is_true(values[COLUMN_IS_TEXT]);
    if (values[COLUMN_KEY].kind == VALUE_TEXT && text_to_u64(values[COLUMN_KEY].text, &key) &&
        key >= 1 && key <= ARRAY_LEN(description->key)) {
        description->key[key - 1] = description->table->column_count;
        description->table->key_count = MAX(description->table->key_count, (size_t)key);
    }
    return true;
}

/* A domain is followed down to its base type; the innermost type modifier counts. */
static void
describe_sql(int version, Buf *sql)
{
    buf_addf(sql,
        "WITH RECURSIVE base(attnum, typ, typmod, filled) AS ("
        " SELECT attnum, atttypid, atttypmod, attnotnull FROM pg_catalog.pg_attribute"
        " WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped"
        " UNION ALL"
        " SELECT b.attnum, t.typbasetype,"
        " CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE b.typmod END,"
        " b.filled OR t.typnotnull"
        " FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typ AND t.typtype = 'd')"
        " SELECT a.attname, pg_catalog.format_type(b.typ, b.typmod),"
        " CASE WHEN t.typcategory = 'A' THEN '[]' ELSE pg_catalog.format_type(b.typ, NULL) END,"
        " t.typtype, b.filled, %s, a.atthasdef%s,"
        " t.typname = 'citext'%s,"
        " CASE WHEN c.oid IS NOT NULL AND a.attcollation <> t.typcollation"
        " THEN pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.collname) END,"
        " pg_catalog.array_position(p.conkey, a.attnum)"
        " FROM pg_catalog.pg_attribute a"
        " JOIN base b ON b.attnum = a.attnum"
        " JOIN pg_catalog.pg_type t ON t.oid = b.typ AND t.typtype <> 'd'"
        " LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation"
        " LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace"
        " LEFT JOIN pg_catalog.pg_constraint p ON p.conrelid = a.attrelid AND p.contype = 'p'"
        " WHERE a.attrelid = $1::oid ORDER BY a.attnum",
        version >= 120000 ? "a.attgenerated <> ''" : "false",
        version >= 100000 ? " OR a.attidentity <> ''" : "",
        version >= 120000 ? " OR (c.oid IS NOT NULL AND NOT c.collisdeterministic)" : "");
}

static TargetTable *
describe_columns(PostgresTarget *target, const Relation *relation, Text name, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    Arena *arena = relation->arena;
    const char *params[] = {relation->oid};
    Description description = {.arena = arena, .table = ARENA_NEW(arena, TargetTable)};
    TargetTable *table = description.table;
    PostgresStatement statement = {
        .params = params, .param_count = 1, .row = take_column, .context = &description};

    table->schema = relation->schema;
    table->name = arena_text(arena, name);
    describe_sql(PQserverVersion(target->connection), &sql);
    statement.sql = buf_string(&sql);
    if (!postgres_run(target, &statement, err))
        return NULL;
    table->key = ARENA_ARRAY(arena, size_t, table->key_count + 1);
    for (size_t i = 0; i < table->key_count; i++)
        table->key[i] = description.key[i] - 1;
    return table;
}

bool
postgres_describe(
    Target *base, Text schema, Text name, Arena *arena, TargetTable **ret_table, Error *err)
{
    PostgresTarget *target = (PostgresTarget *)base;
    Relation relation = {.arena = arena};
    TargetTable *table;

    if (FAULT("postgres.describe"))
        return postgres_lose(target, err);
    if (!find_relation(target, schema, name, &relation, err))
        return error_wrap(err, "describe " TEXT_FMT, TEXT_ARG(name));
    if (!relation.found) {
        *ret_table = NULL;
        return true;
    }
    if (relation.kind == 'v' || relation.kind == 'm')
        return error_set(err, ERR_TARGET,
            TEXT_FMT "." TEXT_FMT " is a %sview: rows can be merged into tables only",
            TEXT_ARG(relation.schema), TEXT_ARG(name), relation.kind == 'm' ? "materialized " : "");
    table = describe_columns(target, &relation, name, err);
    if (table == NULL)
        return error_wrap(err, "describe " TEXT_FMT, TEXT_ARG(name));
    *ret_table = table;
    return true;
}

/* The columns of check_sql. */
enum {
    CHECK_VERSION,
    CHECK_DATABASE,
    CHECK_USER,
    CHECK_ENCODING,
    CHECK_RECOVERY,
    CHECK_READ_ONLY,
    CHECK_SCHEMA,
    CHECK_MAY_CREATE,
    CHECK_MAY_TEMP,
    CHECK_FSYNC,
    CHECK_SYNCHRONOUS,
    CHECK_COUNT,
};

static const char check_sql[] =
    "SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_database(),"
    " current_user, pg_catalog.current_setting('server_encoding'), pg_catalog.pg_is_in_recovery(),"
    " pg_catalog.current_setting('transaction_read_only') = 'on', pg_catalog.current_schema(),"
    " pg_catalog.has_schema_privilege(pg_catalog.current_schema(), 'CREATE'),"
    " pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP'),"
    " pg_catalog.current_setting('fsync') = 'on',"
    " pg_catalog.current_setting('synchronous_commit')";

typedef struct CheckFacts {
    Arena *arena;
    Value values[CHECK_COUNT];
} CheckFacts;

static bool
take_facts(void *context, const Value *values, size_t count, Error *err)
{
    CheckFacts *facts = context;

    (void)err;
    for (size_t i = 0; i < MIN(count, (size_t)CHECK_COUNT); i++)
        facts->values[i] = (Value){values[i].kind, arena_text(facts->arena, values[i].text)};
    return true;
}

/* Tables that INSERT … SELECT cannot fill without a word in the script. */
static bool
take_identity(void *context, const Value *values, size_t count, Error *err)
{
    (void)count;
    (void)err;
    buf_addf(context,
        "note: column " TEXT_FMT " of table " TEXT_FMT
        " is GENERATED ALWAYS AS IDENTITY: a merge script must insert into it with OVERRIDING "
        "SYSTEM VALUE, as the shipped ones do\n",
        TEXT_ARG(values[1].text), TEXT_ARG(values[0].text));
    return true;
}

static bool
report_identity(PostgresTarget *target, Buf *report, Error *err)
{
    PostgresStatement statement = {
        .sql = "SELECT a.attrelid::pg_catalog.regclass, a.attname FROM pg_catalog.pg_attribute a"
               " JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')"
               " WHERE a.attidentity = 'a' AND pg_catalog.pg_table_is_visible(c.oid)"
               " AND pg_catalog.has_table_privilege(c.oid, 'INSERT')"
               " ORDER BY 1, 2 LIMIT 20",
        .row = take_identity,
        .context = report};

    return PQserverVersion(target->connection) < 100000 || postgres_run(target, &statement, err);
}

static void
report_facts(const PostgresTarget *target, const Value *values, Buf *report)
{
    buf_addf(report, "PostgreSQL " TEXT_FMT ", database " TEXT_FMT ", user " TEXT_FMT ", %s\n",
        TEXT_ARG(values[CHECK_VERSION].text), TEXT_ARG(values[CHECK_DATABASE].text),
        TEXT_ARG(values[CHECK_USER].text),
        PQsslInUse(target->connection) != 0 ? PQsslAttribute(target->connection, "protocol")
                                            : "no TLS");
    if (values[CHECK_SCHEMA].kind != VALUE_TEXT)
        buf_add_string(report, "note: no schema of the search_path exists: name one for every "
                               "table and for target.position_schema\n");
    else if (!is_true(values[CHECK_MAY_CREATE]))
        buf_addf(report,
            "note: user " TEXT_FMT " may not create tables in schema " TEXT_FMT
            ": create dray_position and the staging tables beforehand, or GRANT CREATE\n",
            TEXT_ARG(values[CHECK_USER].text), TEXT_ARG(values[CHECK_SCHEMA].text));
    if (!is_true(values[CHECK_MAY_TEMP]))
        buf_addf(report, "note: user " TEXT_FMT " may not create temporary tables\n",
            TEXT_ARG(values[CHECK_USER].text));
    if (!is_true(values[CHECK_FSYNC]))
        buf_add_string(report,
            "note: fsync is off: a crash of the server's machine can damage the database\n");
    if (text_is(values[CHECK_SYNCHRONOUS].text, "off"))
        buf_add_string(report,
            "note: synchronous_commit is off: a crash of the server can lose the "
            "last blocks after the source was told that they are safe\n");
}

bool
postgres_check(Target *base, Buf *report, Error *err)
{
    PostgresTarget *target = (PostgresTarget *)base;
    CLEANUP(arena_free) Arena *arena = arena_new();
    CheckFacts facts = {.arena = arena};
    const Value *values = facts.values;
    PostgresStatement statement = {.sql = check_sql, .row = take_facts, .context = &facts};

    if (!postgres_run(target, &statement, err))
        return false;
    report_facts(target, values, report);
    if (!text_is(values[CHECK_ENCODING].text, "UTF8"))
        return error_set(err, ERR_TARGET,
            "database " TEXT_FMT " has encoding " TEXT_FMT
            ": only UTF8 can hold every text; create the database with ENCODING 'UTF8'",
            TEXT_ARG(values[CHECK_DATABASE].text), TEXT_ARG(values[CHECK_ENCODING].text));
    if (is_true(values[CHECK_RECOVERY]))
        return error_set_retriable(err, ERR_TARGET,
            "the server is a standby: nothing can be written until it is promoted");
    if (is_true(values[CHECK_READ_ONLY]))
        return error_set_retriable(
            err, ERR_TARGET, "transactions are read only here (default_transaction_read_only)");
    return report_identity(target, report, err);
}
