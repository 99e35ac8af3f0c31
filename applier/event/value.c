#include "event/value.h"

#include "base/attr.h"

static const char *const names[] = {
    [LOGICAL_UNKNOWN] = "unknown",
    [LOGICAL_BOOL] = "bool",
    [LOGICAL_INT] = "int",
    [LOGICAL_UINT] = "uint",
    [LOGICAL_NUMERIC] = "numeric",
    [LOGICAL_FLOAT] = "float",
    [LOGICAL_TEXT] = "text",
    [LOGICAL_BYTES] = "bytes",
    [LOGICAL_BIT] = "bit",
    [LOGICAL_DATE] = "date",
    [LOGICAL_TIME] = "time",
    [LOGICAL_TIMETZ] = "timetz",
    [LOGICAL_TIMESTAMP] = "timestamp",
    [LOGICAL_TIMESTAMPTZ] = "timestamptz",
    [LOGICAL_INTERVAL] = "interval",
    [LOGICAL_JSON] = "json",
    [LOGICAL_UUID] = "uuid",
    [LOGICAL_ARRAY] = "array",
    [LOGICAL_OTHER] = "other",
    [LOGICAL_GEOMETRY] = "geometry",
};

/* What format_type() prints for the built-in types, and the short names SQL knows them by. */
static const struct {
    const char *name;
    LogicalType type;
} postgres_types[] = {
    {"boolean", LOGICAL_BOOL},
    {"bool", LOGICAL_BOOL},
    {"smallint", LOGICAL_INT},
    {"integer", LOGICAL_INT},
    {"bigint", LOGICAL_INT},
    {"int", LOGICAL_INT},
    {"int2", LOGICAL_INT},
    {"int4", LOGICAL_INT},
    {"int8", LOGICAL_INT},
    {"oid", LOGICAL_UINT},
    {"numeric", LOGICAL_NUMERIC},
    {"decimal", LOGICAL_NUMERIC},
    {"real", LOGICAL_FLOAT},
    {"double precision", LOGICAL_FLOAT},
    {"float4", LOGICAL_FLOAT},
    {"float8", LOGICAL_FLOAT},
    {"text", LOGICAL_TEXT},
    {"character varying", LOGICAL_TEXT},
    {"character", LOGICAL_TEXT},
    {"varchar", LOGICAL_TEXT},
    {"char", LOGICAL_TEXT},
    {"bpchar", LOGICAL_TEXT},
    {"\"char\"", LOGICAL_TEXT},
    {"name", LOGICAL_TEXT},
    {"bytea", LOGICAL_BYTES},
    {"bit", LOGICAL_BIT},
    {"bit varying", LOGICAL_BIT},
    {"varbit", LOGICAL_BIT},
    {"date", LOGICAL_DATE},
    {"time", LOGICAL_TIME},
    {"time without time zone", LOGICAL_TIME},
    {"timetz", LOGICAL_TIMETZ},
    {"time with time zone", LOGICAL_TIMETZ},
    {"timestamp", LOGICAL_TIMESTAMP},
    {"timestamp without time zone", LOGICAL_TIMESTAMP},
    {"timestamptz", LOGICAL_TIMESTAMPTZ},
    {"timestamp with time zone", LOGICAL_TIMESTAMPTZ},
    {"interval", LOGICAL_INTERVAL},
    {"json", LOGICAL_JSON},
    {"jsonb", LOGICAL_JSON},
    {"uuid", LOGICAL_UUID},
};

/* What COLUMN_TYPE begins with in MariaDB and MySQL, and the other names that they take. */
static const struct {
    const char *name;
    LogicalType type;
} mysql_types[] = {
    {"tinyint", LOGICAL_INT}, /* booleans, too: they travel as 1 and 0 */
    {"smallint", LOGICAL_INT}, {"mediumint", LOGICAL_INT}, {"int", LOGICAL_INT},
    {"integer", LOGICAL_INT}, {"bigint", LOGICAL_INT}, {"year", LOGICAL_INT},
    {"decimal", LOGICAL_NUMERIC}, {"numeric", LOGICAL_NUMERIC}, {"float", LOGICAL_FLOAT},
    {"double", LOGICAL_FLOAT}, {"real", LOGICAL_FLOAT}, {"bit", LOGICAL_BIT},
    {"char", LOGICAL_TEXT}, {"varchar", LOGICAL_TEXT}, {"tinytext", LOGICAL_TEXT},
    {"text", LOGICAL_TEXT}, {"mediumtext", LOGICAL_TEXT}, {"longtext", LOGICAL_TEXT},
    {"enum", LOGICAL_TEXT}, {"set", LOGICAL_TEXT}, {"binary", LOGICAL_BYTES},
    {"varbinary", LOGICAL_BYTES}, {"tinyblob", LOGICAL_BYTES}, {"blob", LOGICAL_BYTES},
    {"mediumblob", LOGICAL_BYTES}, {"longblob", LOGICAL_BYTES},
    {"vector", LOGICAL_BYTES}, /* 4 bytes a number, as both servers keep it */
    {"date", LOGICAL_DATE}, {"time", LOGICAL_TIME}, {"datetime", LOGICAL_TIMESTAMP},
    {"timestamp", LOGICAL_TIMESTAMPTZ}, {"json", LOGICAL_JSON}, {"uuid", LOGICAL_UUID},
    {"geometry", LOGICAL_GEOMETRY}, {"point", LOGICAL_GEOMETRY}, {"linestring", LOGICAL_GEOMETRY},
    {"polygon", LOGICAL_GEOMETRY}, {"multipoint", LOGICAL_GEOMETRY},
    {"multilinestring", LOGICAL_GEOMETRY}, {"multipolygon", LOGICAL_GEOMETRY},
    {"geometrycollection", LOGICAL_GEOMETRY}, {"geomcollection", LOGICAL_GEOMETRY}, /* MySQL 8 */
};

const char *
logical_type_name(LogicalType type)
{
    return names[type];
}

bool
logical_type_parse(Text name, LogicalType *ret_type)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (text_is(name, names[i])) {
            *ret_type = (LogicalType)i;
            return true;
        }
    }
    return false;
}

/* The name without its length or precision, which may stand in the middle: "time(3) with time
 * zone". A quoted name is a user's own and is left as it is. */
static Text
without_modifier(Text type, char *copy, size_t size)
{
    size_t len = 0;
    bool inside = false;

    for (size_t i = 0; i < type.len && len < size; i++) {
        if (type.data[i] == '(')
            inside = true;
        if (!inside)
            copy[len++] = type.data[i];
        if (type.data[i] == ')')
            inside = false;
    }
    return text_trim((Text){copy, len});
}

LogicalType
logical_type_of_postgres(Text type)
{
    char copy[64];
    Text name;

    if (text_ends_with(type, "[]"))
        return LOGICAL_ARRAY;
    name = without_modifier(text_trim(type), copy, sizeof(copy));
    for (size_t i = 0; i < ARRAY_LEN(postgres_types); i++) {
        if (text_is(name, postgres_types[i].name))
            return postgres_types[i].type;
    }
    /* "interval day to second" and its like */
    if (text_starts_with(name, "interval "))
        return LOGICAL_INTERVAL;
    return LOGICAL_OTHER;
}

LogicalType
logical_type_of_mysql(Text type)
{
    Text whole = text_trim(type);
    Text name = {whole.data, MIN(text_find(whole, '('), text_find(whole, ' '))};

    for (size_t i = 0; i < ARRAY_LEN(mysql_types); i++) {
        if (!text_equal_nocase(name, text_of(mysql_types[i].name)))
            continue;
        if (mysql_types[i].type == LOGICAL_INT &&
            memmem(whole.data, whole.len, "unsigned", 8) != NULL)
            return LOGICAL_UINT;
        return mysql_types[i].type;
    }
    return LOGICAL_OTHER;
}
