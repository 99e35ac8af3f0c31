#include "source/postgres_columns.h"

#include "source/postgres_value.h"

/* Below it stand the types that the server itself brings (FirstNormalObjectId). */
#define FIRST_USER_OID 16384
/* A domain over a domain over … : the server has no limit, but no cycles either. */
#define DOMAIN_DEPTH 64

typedef struct Type {
    Text oid;
    Text name;    /* of a built-in one as format_type() prints it, else without its schema */
    Text base;    /* oid of a domain's base type */
    Text element; /* oid of an array's element type; TEXT_NONE where it is no array */
    int64_t modifier;
    char kind; /* pg_type.typtype */
    bool is_built_in;
    bool may_be_toasted;
    const Text *labels;
    size_t label_count;
} Type;

typedef struct Columns {
    PostgresConnection *connection;
    const char *oids;
    Arena *arena;
    Map types; /* oid -> Type */
} Columns;

static int64_t
number_of(Text text, int64_t otherwise)
{
    int64_t number;

    return text.data != NULL && text_to_i64(text, &number) ? number : otherwise;
}

/* The types of all columns, and what they are made of. */
static const char types_sql[] =
    "WITH RECURSIVE used(oid, typbasetype, typelem) AS ("
    "SELECT t.oid, t.typbasetype, t.typelem FROM pg_type t WHERE t.oid IN"
    " (SELECT atttypid FROM pg_attribute WHERE attrelid = ANY ($1::oid[]) AND attnum > 0)"
    " UNION SELECT t.oid, t.typbasetype, t.typelem FROM used u"
    " JOIN pg_type t ON t.oid IN (u.typbasetype, u.typelem))"
    "SELECT t.oid, CASE WHEN t.oid < 16384 THEN format_type(t.oid, NULL) ELSE t.typname END,"
    " nullif(t.typbasetype, 0),"
    " (SELECT e.oid FROM pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid),"
    " t.typtypmod, t.typtype, t.typlen = -1 AND t.typstorage <> 'p'"
    " FROM used u JOIN pg_type t ON t.oid = u.oid";

static bool
read_types(Columns *columns, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;

    if (!postgres_connection_query(columns->connection, types_sql, &columns->oids, 1, &result, err))
        return error_wrap(err, "read the types of columns");
    for (int row = 0; row < PQntuples(result); row++) {
        Type *type = ARENA_NEW(columns->arena, Type);

        type->oid = arena_text(columns->arena, postgres_result_text(result, row, 0));
        type->name = arena_text(columns->arena, postgres_result_text(result, row, 1));
        type->base = arena_text(columns->arena, postgres_result_text(result, row, 2));
        type->element = arena_text(columns->arena, postgres_result_text(result, row, 3));
        type->modifier = number_of(postgres_result_text(result, row, 4), -1);
        type->kind = *PQgetvalue(result, row, 5);
        type->is_built_in = number_of(type->oid, 0) < FIRST_USER_OID;
        type->may_be_toasted = *PQgetvalue(result, row, 6) == 't';
        (void)map_put(&columns->types, type->oid, type);
    }
    return true;
}

static bool
read_labels(Columns *columns, Error *err)
{
    static const char sql[] =
        "SELECT enumtypid, enumlabel FROM pg_enum"
        " WHERE enumtypid = ANY ($1::oid[]) ORDER BY enumtypid, enumsortorder";
    CLEANUP(postgres_result_free) PGresult *result = NULL;
    CLEANUP(buf_clear) Buf oids = BUF_INIT;
    const char *param;

    map_each (&columns->types, entry) {
        const Type *type = entry->value;

        if (type->kind == 'e')
            buf_addf(&oids, "%s" TEXT_FMT, oids.len == 0 ? "{" : ",", TEXT_ARG(type->oid));
    }
    if (oids.len == 0)
        return true;
    buf_add_char(&oids, '}');
    param = buf_string(&oids);
    if (!postgres_connection_query(columns->connection, sql, &param, 1, &result, err))
        return error_wrap(err, "read the labels of enums");
    for (int row = 0, next = 0; row < PQntuples(result); row = next) {
        Type *type = map_get(&columns->types, postgres_result_text(result, row, 0));
        Text *labels;

        while (next < PQntuples(result) && text_equal(postgres_result_text(result, next, 0),
                                               postgres_result_text(result, row, 0)))
            next++;
        labels = ARENA_ARRAY(columns->arena, Text, (size_t)(next - row));
        for (int i = row; i < next; i++)
            labels[i - row] = arena_text(columns->arena, postgres_result_text(result, i, 1));
        if (type == NULL)
            continue;
        type->labels = labels;
        type->label_count = (size_t)(next - row);
    }
    return true;
}

PostgresModifier
postgres_columns_modifier(Text type_name, int64_t typmod)
{
    PostgresModifier modifier = {-1, -1, -1};
    Text name = type_name;

    if (text_ends_with(name, "[]"))
        name.len -= 2;
    if (typmod < 0)
        return modifier;
    if (text_is(name, "character varying") || text_is(name, "character")) {
        modifier.length = typmod - 4;
    } else if (text_is(name, "bit") || text_is(name, "bit varying")) {
        modifier.length = typmod;
    } else if (text_is(name, "numeric")) {
        modifier.precision = (int)(((typmod - 4) >> 16) & 0xffff);
        /* eleven bits with a sign, since 15 */
        modifier.scale = (int)((((typmod - 4) & 0x7ff) ^ 1024) - 1024);
    } else if (text_is(name, "interval")) {
        if ((typmod & 0xffff) != 0xffff)
            modifier.precision = (int)(typmod & 0xffff);
    } else if (text_starts_with(name, "time")) {
        modifier.precision = (int)typmod;
    }
    return modifier;
}

/* The type under a column's domains; *modifier becomes the one that counts. NULL: not known. */
static const Type *
resolve(const Columns *columns, Text oid, int64_t *modifier)
{
    const Type *type = map_get(&columns->types, oid);

    for (int depth = 0; type != NULL && type->kind == 'd' && depth < DOMAIN_DEPTH; depth++) {
        if (*modifier < 0)
            *modifier = type->modifier;
        type = map_get(&columns->types, type->base);
    }
    return type;
}

static const char *
kind_name(const Type *type)
{
    if (type->kind == 'e')
        return "enum";
    if (type->kind == 'c')
        return "composite";
    if (type->is_built_in)
        return NULL;
    if (type->kind == 'r')
        return "range";
    return type->kind == 'm' ? "multirange" : NULL;
}

/* An array of a domain of an array has two pairs of brackets: it is told so. */
static void
describe_type(Columns *columns, Text oid, int64_t modifier, SourceColumn *column)
{
    const Type *type = resolve(columns, oid, &modifier);
    CLEANUP(buf_clear) Buf name = BUF_INIT;
    const char *kind;
    bool is_array = false;
    PostgresModifier facts;

    column->may_omit = type == NULL || type->may_be_toasted;
    for (int depth = 0; type != NULL && type->element.data != NULL && depth < DOMAIN_DEPTH;
         depth++) {
        is_array = true;
        type = resolve(columns, type->element, &modifier);
        buf_add_string(&name, "[]");
    }
    if (type == NULL) {
        column->type_name = column->type;
        column->logical = LOGICAL_OTHER;
        return;
    }
    kind = kind_name(type);
    column->type_name = text_of(arena_printf(columns->arena, "%.*s%s",
        kind == NULL ? (int)type->name.len : (int)strlen(kind),
        kind == NULL ? type->name.data : kind, buf_string(&name)));
    column->logical = LOGICAL_OTHER;
    if (is_array || (kind == NULL && type->is_built_in))
        column->logical = logical_type_of_postgres(column->type_name);
    facts = (PostgresModifier){-1, -1, -1};
    if (type->is_built_in)
        facts = postgres_columns_modifier(type->name, modifier);
    column->length = facts.length;
    column->precision = facts.precision;
    column->scale = facts.scale;
    column->labels = type->labels;
    column->label_count = type->label_count;
}

enum {
    COLUMN_TABLE,
    COLUMN_NAME,
    COLUMN_TYPE,
    COLUMN_TYPE_OID,
    COLUMN_MODIFIER,
    COLUMN_NOT_NULL,
    COLUMN_GENERATED,
    COLUMN_IDENTITY,
    COLUMN_NUMBER,
    COLUMN_ADDED,
    COLUMN_DEFAULT,
};

static const char columns_sql[] =
    "SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid, a.atttypmod,"
    " a.attnotnull, a.attgenerated <> '',"
    " a.attidentity <> '' OR EXISTS (SELECT FROM pg_depend d JOIN pg_class s ON s.oid = d.objid"
    " WHERE d.classid = 'pg_class'::regclass AND s.relkind = 'S' AND d.deptype IN ('a', 'i')"
    " AND d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid"
    " AND d.refobjsubid = a.attnum),"
    " a.attnum, (a.attmissingval::text::text[])[1], a.atthasdef"
    " FROM pg_attribute a WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0"
    " AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum";

/* What older rows have, in the canonical text. */
static Text
added_value(Columns *columns, Text text, LogicalType logical)
{
    Value value = {VALUE_TEXT, arena_text(columns->arena, text)};
    Error ignored;

    /* a value that the server printed and that is none is as good as not known */
    if (text.data == NULL || !postgres_value_canonical(logical, &value, &ignored))
        return TEXT_NONE;
    return value.text;
}

static SourceColumn
read_column(Columns *columns, const PGresult *result, int row)
{
    SourceColumn column = {.length = -1, .precision = -1, .scale = -1};

    column.name = arena_text(columns->arena, postgres_result_text(result, row, COLUMN_NAME));
    column.type = arena_text(columns->arena, postgres_result_text(result, row, COLUMN_TYPE));
    column.not_null = *PQgetvalue(result, row, COLUMN_NOT_NULL) == 't';
    column.is_generated = *PQgetvalue(result, row, COLUMN_GENERATED) == 't';
    column.is_identity = *PQgetvalue(result, row, COLUMN_IDENTITY) == 't';
    column.has_default = *PQgetvalue(result, row, COLUMN_DEFAULT) == 't';
    column.number = (int)number_of(postgres_result_text(result, row, COLUMN_NUMBER), 0);
    describe_type(columns, postgres_result_text(result, row, COLUMN_TYPE_OID),
        number_of(postgres_result_text(result, row, COLUMN_MODIFIER), -1), &column);
    column.added_value =
        added_value(columns, postgres_result_text(result, row, COLUMN_ADDED), column.logical);
    return column;
}

static bool
read_columns(Columns *columns, const Map *tables, Error *err)
{
    CLEANUP(postgres_result_free) PGresult *result = NULL;

    if (!postgres_connection_query(
            columns->connection, columns_sql, &columns->oids, 1, &result, err))
        return error_wrap(err, "read the columns of tables");
    for (int row = 0, next = 0; row < PQntuples(result); row = next) {
        Text oid = postgres_result_text(result, row, COLUMN_TABLE);
        PostgresTable *table = map_get(tables, oid);

        while (next < PQntuples(result) &&
               text_equal(postgres_result_text(result, next, COLUMN_TABLE), oid))
            next++;
        if (table == NULL)
            continue;
        table->base.columns = ARENA_ARRAY(columns->arena, SourceColumn, (size_t)(next - row));
        for (int i = row; i < next; i++)
            table->base.columns[table->base.column_count++] = read_column(columns, result, i);
    }
    return true;
}

bool
postgres_columns_read(
    PostgresConnection *connection, const char *oids, const Map *tables, Arena *arena, Error *err)
{
    Columns columns = {.connection = connection, .oids = oids, .arena = arena};
    bool ok = read_types(&columns, err) && read_labels(&columns, err) &&
              read_columns(&columns, tables, err);

    map_clear(&columns.types);
    return ok;
}
