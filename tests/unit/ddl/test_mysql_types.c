/*
 * The mapping tables of MySQL and MariaDB as the source: every type that the two servers show, into
 * all targets that there is a dialect for.
 */
#include "ddl/types.h"
#include "support/test.h"

typedef enum Asked {
    PLAIN,
    UNSIGNED,
    IN_KEY,
} Asked;

/* A type that ends in "!" comes with a warning, in "?" with a note. */
typedef struct Case {
    const char *type_name;
    int64_t length;
    int precision;
    int scale;
    Asked asked;
    const char *mapped[6]; /* as in targets */
} Case;

static const char *const targets[] = {
    "postgres", "mysql", "sqlite", "vertica", "redshift", "clickhouse"};

/* clang-format off */
#define NUMBER(name, asked, ...) {name, -1, -1, -1, asked, {__VA_ARGS__}}
#define FRACTION(name, digits, ...) {name, -1, digits, -1, PLAIN, {__VA_ARGS__}}
#define LENGTH(name, length, asked, ...) {name, length, -1, -1, asked, {__VA_ARGS__}}
static const Case cases[] = {
    NUMBER("tinyint", PLAIN, "smallint", "tinyint", "INTEGER", "bigint", "smallint", "Int8"),
    NUMBER("tinyint", UNSIGNED, "smallint", "tinyint unsigned", "INTEGER", "bigint", "smallint", "UInt8"),
    NUMBER("smallint", PLAIN, "smallint", "smallint", "INTEGER", "bigint", "smallint", "Int16"),
    NUMBER("smallint", UNSIGNED, "integer", "smallint unsigned", "INTEGER", "bigint", "integer", "UInt16"),
    NUMBER("mediumint", PLAIN, "integer", "mediumint", "INTEGER", "bigint", "integer", "Int32"),
    NUMBER("mediumint", UNSIGNED, "integer", "mediumint unsigned", "INTEGER", "bigint", "integer", "UInt32"),
    NUMBER("int", PLAIN, "integer", "int", "INTEGER", "bigint", "integer", "Int32"),
    NUMBER("int", UNSIGNED, "bigint", "int unsigned", "INTEGER", "bigint", "bigint", "UInt32"),
    NUMBER("bigint", PLAIN, "bigint", "bigint", "INTEGER", "bigint", "bigint", "Int64"),
    NUMBER("bigint", UNSIGNED, "numeric(20,0)", "bigint unsigned", "TEXT?", "numeric(20,0)", "numeric(20,0)", "UInt64"),
    NUMBER("float", PLAIN, "real", "float", "REAL", "double precision", "real", "Float32"),
    NUMBER("double", PLAIN, "double precision", "double", "REAL", "double precision", "double precision", "Float64"),
    NUMBER("float", UNSIGNED, "real", "float", "REAL", "double precision", "real", "Float32"),
    NUMBER("year", PLAIN, "smallint", "year", "INTEGER", "bigint", "smallint", "UInt16"),
    {"decimal", -1, 65, 30, PLAIN, {"numeric(65,30)", "decimal(65,30)", "TEXT", "numeric(65,30)", "varchar(68)?", "Decimal(65, 30)"}},
    {"decimal", -1, 38, 0, UNSIGNED, {"numeric(38,0)", "decimal(38,0)", "TEXT", "numeric(38,0)", "numeric(38,0)", "Decimal(38, 0)"}},
    LENGTH("bit", 64, PLAIN, "bit(64)", "bit(64)", "TEXT", "varchar(64)", "varchar(64)", "String"),

    NUMBER("date", PLAIN, "date?", "date", "TEXT", "date?", "date?", "Date32!?"),
    FRACTION("time", 0, "interval(0)?", "time(0)", "TEXT", "varchar(17)?", "varchar(17)?", "String?"),
    FRACTION("time", 6, "interval(6)?", "time(6)", "TEXT", "varchar(17)?", "varchar(17)?", "String?"),
    FRACTION("datetime", 0, "timestamp(0) without time zone?", "datetime(0)", "TEXT", "timestamp?", "timestamp?", "DateTime64(0)!?"),
    FRACTION("datetime", 6, "timestamp(6) without time zone?", "datetime(6)", "TEXT", "timestamp?", "timestamp?", "DateTime64(6)!?"),
    FRACTION("timestamp", 3, "timestamp(3) with time zone?", "timestamp(3)", "TEXT", "timestamp with time zone?", "timestamptz?", "DateTime64(3, 'UTC')?"),
    NUMBER("time", PLAIN, "interval?", "time(6)", "TEXT", "varchar(17)?", "varchar(17)?", "String?"),
    NUMBER("datetime", PLAIN, "timestamp without time zone?", "datetime(6)", "TEXT", "timestamp?", "timestamp?", "DateTime64(6)!?"),
    NUMBER("timestamp", PLAIN, "timestamp with time zone?", "timestamp(6)", "TEXT", "timestamp with time zone?", "timestamptz?", "DateTime64(6, 'UTC')?"),

    LENGTH("char", 0, PLAIN, "text", "char(0)", "TEXT", "long varchar(32000000)!", "varchar(65535)!", "String"),
    LENGTH("char", 255, IN_KEY, "character varying(255)", "char(255)", "TEXT", "varchar(1020)", "varchar(1020)", "String"),
    LENGTH("varchar", 20, PLAIN, "character varying(20)", "varchar(20)", "TEXT", "varchar(80)", "varchar(80)", "String"),
    LENGTH("varchar", 1024, PLAIN, "character varying(1024)", "varchar(1024)", "TEXT", "varchar(4096)", "varchar(4096)", "String"),
    LENGTH("varchar", 16383, PLAIN, "character varying(16383)", "text", "TEXT", "long varchar(262140)", "varchar(65532)", "String"),
    LENGTH("varchar", 65532, PLAIN, "character varying(65532)", "mediumtext", "TEXT", "long varchar(262140)", "varchar(65535)!", "String"),
    LENGTH("varchar", 768, IN_KEY, "character varying(768)", "varchar(768)", "TEXT", "varchar(3072)", "varchar(3072)", "String"),
    LENGTH("varchar", 3000, IN_KEY, "character varying(3000)", "varchar(768)!", "TEXT", "varchar(12000)", "varchar(12000)", "String"),
    LENGTH("tinytext", 255, PLAIN, "text", "text", "TEXT", "varchar(1020)", "varchar(1020)", "String"),
    LENGTH("text", 65535, PLAIN, "text", "mediumtext", "TEXT", "long varchar(262140)", "varchar(65535)!", "String"),
    LENGTH("mediumtext", 16777215, PLAIN, "text", "longtext", "TEXT", "long varchar(32000000)!", "varchar(65535)!", "String"),
    LENGTH("longtext", 4294967295, PLAIN, "text", "longtext", "TEXT", "long varchar(32000000)!", "varchar(65535)!", "String"),
    LENGTH("text", 65535, IN_KEY, "text", "varchar(190)!", "TEXT", "varchar(65000)!", "varchar(65535)!", "String"),
    LENGTH("enum", 7, PLAIN, "text", "varchar(255)", "TEXT", "varchar(1020)", "varchar(1020)", "String"),
    LENGTH("enum", 7, IN_KEY, "text", "varchar(255)", "TEXT", "varchar(1020)", "varchar(1020)", "String"),
    LENGTH("set", 7, PLAIN, "text", "mediumtext", "TEXT", "long varchar(262140)", "varchar(65535)!", "String"),
    LENGTH("set", 7, IN_KEY, "text", "varchar(190)!", "TEXT", "varchar(65000)!", "varchar(65535)!", "String"),
    NUMBER("json", PLAIN, "json", "longtext", "TEXT", "long varchar(32000000)!", "varchar(65535)!", "String"),
    NUMBER("json", IN_KEY, "text", "varchar(190)!", "TEXT", "varchar(65000)!", "varchar(65535)!", "String"),

    LENGTH("binary", 16, IN_KEY, "bytea", "binary(16)", "BLOB", "varbinary(16)", "varbyte(16)", "String"),
    LENGTH("varbinary", 4096, PLAIN, "bytea", "varbinary(4096)", "BLOB", "varbinary(4096)", "varbyte(4096)", "String"),
    LENGTH("varbinary", 65532, PLAIN, "bytea", "blob", "BLOB", "long varbinary(65535)", "varbyte(65532)", "String"),
    LENGTH("varbinary", 3072, IN_KEY, "bytea", "varbinary(3072)", "BLOB", "varbinary(3072)", "varbyte(3072)", "String"),
    LENGTH("varbinary", 65532, IN_KEY, "bytea", "varbinary(3072)!", "BLOB", "varbinary(65000)!", "varbyte(65532)", "String"),
    LENGTH("tinyblob", 255, PLAIN, "bytea", "tinyblob", "BLOB", "varbinary(255)", "varbyte(255)", "String"),
    LENGTH("blob", 65535, PLAIN, "bytea", "blob", "BLOB", "long varbinary(65535)", "varbyte(65535)", "String"),
    LENGTH("mediumblob", 16777215, PLAIN, "bytea", "mediumblob", "BLOB", "long varbinary(16777215)", "varbyte(1024000)!", "String"),
    LENGTH("longblob", 4294967295, PLAIN, "bytea", "longblob", "BLOB", "long varbinary(32000000)!", "varbyte(1024000)!", "String"),
    LENGTH("blob", 65535, IN_KEY, "bytea", "varbinary(760)!", "BLOB", "varbinary(65000)!", "varbyte(65535)", "String"),
    NUMBER("vector", PLAIN, "bytea?", "blob?", "BLOB", "long varbinary(65535)", "varbyte(65535)", "String"),

    NUMBER("uuid", IN_KEY, "uuid", "char(36)", "TEXT", "uuid", "varchar(36)", "UUID"),
    NUMBER("inet6", IN_KEY, "inet", "varchar(45)", "TEXT", "varchar(45)", "varchar(45)", "IPv6"),
    NUMBER("inet4", IN_KEY, "inet", "varchar(15)", "TEXT", "varchar(45)", "varchar(45)", "IPv4"),
    NUMBER("point", IN_KEY, "text?", "point", "TEXT", "varchar(65000)!", "varchar(65535)!", "String"),
#define GEOMETRY(name) NUMBER(name, PLAIN, "text?", name, "TEXT", "long varchar(32000000)!?", "geometry!", "String")
    GEOMETRY("geometry"), GEOMETRY("point"), GEOMETRY("linestring"), GEOMETRY("polygon"),
    GEOMETRY("multipoint"), GEOMETRY("multilinestring"), GEOMETRY("multipolygon"),
    GEOMETRY("geometrycollection"),

    /* what a later server may have */
    NUMBER("a type of tomorrow", PLAIN, "text", "longtext", "TEXT", "long varchar(32000000)!", "varchar(65535)!", "String"),
    NUMBER("a type of tomorrow", IN_KEY, "text", "varchar(190)!", "TEXT", "varchar(65000)!", "varchar(65535)!", "String"),
};
/* clang-format on */

static const SqlDialect *
dialect_of(const char *target)
{
    for (const SqlDialect *const *sql = sql_dialects; *sql != NULL; sql++)
        if (strcmp((*sql)->name, target) == 0)
            return *sql;
    fail_msg("no dialect %s", target);
    return NULL;
}

static void
every_type_is_mapped_in_every_target(void **state)
{
    const char *given = getenv("DRAY_SOURCE_ROOT");

    (void)state;
    for (size_t at = 0; at < ARRAY_LEN(targets); at++) {
        CLEANUP(arena_free) Arena *arena = arena_new();
        CLEANUP(type_map_free) TypeMap *map = NULL;
        Error err;

        map = type_map_load(
            given == NULL ? "." : given, "/nowhere", "mysql", dialect_of(targets[at]), &err);
        assert_ok(map != NULL, err);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            const Case *c = &cases[i];
            SourceColumn column = {.name = TEXT("c"),
                .type = text_of(c->type_name),
                .type_name = text_of(c->type_name),
                .length = c->length,
                .precision = c->precision,
                .scale = c->scale,
                .is_unsigned = c->asked == UNSIGNED};
            MappedType type;

            assert_ok(type_map_column(map, &column, c->asked == IN_KEY, arena, &type, &err), err);
            print_message("# %s: %s(%lld)\n", targets[at], c->type_name, (long long)c->length);
            assert_string_equal(
                arena_printf(arena, TEXT_FMT "%s%s", TEXT_ARG(type.type),
                    type.warning.data == NULL ? "" : "!", type.note.data == NULL ? "" : "?"),
                c->mapped[at]);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_type_is_mapped_in_every_target),
};

TEST_MAIN(tests)
