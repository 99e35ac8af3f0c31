/*
 * The checksums of PostgreSQL as a source against those of the three targets, all of them real:
 * one value a row, typed on the PostgreSQL side, and spelled on the other side as a CSV file would.
 */
#include "target/checksum.h"

#include <inttypes.h>

#include "base/file.h"
#include "block/notation.h"
#include "server.h"
#include "source/postgres_canonical.h"
#include "support/test.h"
#include "target/md5.h"
#include "target/mysql.h"
#include "target/postgres.h"
#include "target/sqlite.h"

static Server postgres;
static Server mariadb;
static Arena *arena;
static char *directory;
static Target *source;
static Target *targets[3];

static Target *
open_target(const TargetDriver *driver, const char *connection)
{
    union {
        PostgresOptions postgres;
        MysqlOptions mysql;
        SqliteOptions sqlite;
    } options;
    Error err = {0};
    Target *target;

    memset(&options, 0, sizeof(options));
    field_set_presets(driver->fields, ".", arena, &options);
    if (driver == &target_postgres)
        options.postgres.connection = connection;
    else if (driver == &target_mysql)
        options.mysql.client.connection = connection;
    else
        options.sqlite.path = connection;
    target = driver->open(&options, &err);
    if (target == NULL)
        print_error("%s\n", err.text);
    return target;
}

static void
run(Target *target, const char *sql)
{
    Error err = {0};
    int64_t rows;

    if (!target->driver->execute(target, text_of(sql), NULL, &rows, &err))
        fail_msg("%s: %s", sql, err.text);
}

static bool
keep_text(void *context, const Value *values, size_t count, Error *err)
{
    Buf *text = context;

    (void)err;
    for (size_t i = 0; i < count; i++) {
        buf_add_string(text, i == 0 ? "" : "|");
        buf_add_text(text, values[i].kind == VALUE_NULL ? TEXT("(null)") : values[i].text);
    }
    buf_add_char(text, '\n');
    return true;
}

static const char *
ask(Target *target, const char *sql)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Error err = {0};

    if (!target->driver->query(target, text_of(sql), keep_text, &text, &err))
        fail_msg("%s: %s", sql, err.text);
    return arena_text(arena, buf_text(&text)).data;
}

static TargetTable *
describe(Target *target, const char *name)
{
    TargetTable *table = NULL;
    Error err = {0};

    assert_ok(target->driver->describe(target, TEXT(""), text_of(name), arena, &table, &err), err);
    assert_non_null(table);
    return table;
}

/* What a column of table t holds, as the canonical form shows it. */
static const char *
shown_by(Target *target, const TargetColumn *column, Canonical canonical)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    buf_add_string(&sql, "SELECT ");
    checksum_family(target->driver->sql)->canonical(column, canonical, &sql);
    buf_add_string(&sql, " FROM t AS base ORDER BY id");
    return ask(target, buf_string(&sql));
}

static void
drop_all(void)
{
    run(source, "DROP TABLE IF EXISTS s, t");
    run(targets[1], "DROP TABLE IF EXISTS t");
    run(targets[2], "DROP TABLE IF EXISTS t");
}

/* The same values in a source column and in a column of one target are shown alike. */
typedef struct Case {
    const char *source_type;
    const char *target_types[3]; /* PostgreSQL, MariaDB, SQLite; NULL: not there */
    const char *values[16];      /* source literals; NULL ends */
} Case;

static void
fill(Target *target, const char *type, LogicalType logical, Text rows)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const ValuesConfig policy = {POLICY_NULL, POLICY_NULL, POLICY_NULL, POLICY_NULL};
    const SqlDialect *dialect = target->driver->sql;
    int id = 0;

    run(target, arena_printf(arena, "CREATE TABLE t (id int PRIMARY KEY, x %s)", type));
    while (rows.len > 0) {
        Text line = {rows.data, text_find(rows, '\n')};
        bool null = text_is(line, "(null)");
        Buf value = BUF_INIT;
        Error err = {0};

        if (!null)
            assert_ok(notation_write(
                          &target->driver->notation, &policy, logical, line, &value, &null, &err),
                err);
        sql.len = 0;
        buf_addf(&sql, "INSERT INTO t VALUES (%d, ", ++id);
        if (null)
            buf_add_string(&sql, "NULL");
        else if (logical == LOGICAL_BYTES && target->driver != &target_postgres)
            buf_addf(&sql, "X'%s'", buf_string(&value));
        else if (logical == LOGICAL_BIT && strncmp(type, "bit", 3) == 0 &&
                 target->driver == &target_mysql)
            buf_addf(&sql, "b'%s'", buf_string(&value));
        else
            sql_add_string(dialect, buf_text(&value), &sql);
        buf_add_char(&sql, ')');
        run(target, buf_string(&sql));
        buf_clear(&value);
        rows = (Text){line.data + line.len + 1, rows.len - line.len - 1};
    }
}

/* event/value.h: bool as letter, bytes as bare hexadecimal; else the server's text. */
static const char *
value_expression(LogicalType logical)
{
    if (logical == LOGICAL_BOOL)
        return "CASE WHEN x THEN 't' WHEN NOT x THEN 'f' END";
    return logical == LOGICAL_BYTES ? "encode(x, 'hex')" : "x";
}

static void
check_case(const Case *what, size_t at)
{
    const ValuesConfig policy = {POLICY_NULL, POLICY_NULL, POLICY_NULL, POLICY_NULL};
    Target *target = targets[at];
    LogicalType logical = logical_type_of_postgres(text_of(what->source_type));
    const TargetColumn *column;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    Canonical canonical;
    const char *rows;

    drop_all();
    run(source,
        arena_printf(arena, "CREATE TABLE s (id int PRIMARY KEY, x %s)", what->source_type));
    for (int i = 0; what->values[i] != NULL; i++)
        run(source, arena_printf(arena, "INSERT INTO s VALUES (%d, %s)", i + 1, what->values[i]));
    rows =
        ask(source, arena_printf(arena, "SELECT %s FROM s ORDER BY id", value_expression(logical)));
    fill(target, what->target_types[at], logical, text_of(rows));
    column = &describe(target, "t")->columns[1];
    canonical = checksum_form(
        text_of(what->source_type), logical, column, &target->driver->notation, &policy);
    buf_add_string(&sql, "SELECT ");
    postgres_canonical("x", text_of(what->source_type), logical, canonical, &sql);
    buf_add_string(&sql, " FROM s ORDER BY id");
    rows = ask(source, buf_string(&sql));
    if (strcmp(rows, shown_by(target, column, canonical)) != 0)
        fail_msg("%s -> %s %s, form %d:\n%s---\n%s", what->source_type, target->driver->name,
            what->target_types[at], (int)canonical.form, rows, shown_by(target, column, canonical));
}

static const Case cases[] = {
    {"boolean", {"boolean", "tinyint(1)", "boolean"}, {"true", "false", "NULL"}},
    {"boolean", {"text", "varchar(5)", "text"}, {"true", "false", "NULL"}},
    {"boolean", {"smallint", "bit(1)", "int"}, {"NULL"}},
    {"bigint", {"bigint", "bigint", "integer"},
        {"0", "-1", "9223372036854775807", "-9223372036854775808", "NULL"}},
    {"integer", {"numeric(20,2)", "decimal(20,2)", "numeric"}, {"0", "-1", "2147483647", "100"}},
    {"integer", {"text", "varchar(30)", "text"}, {"0", "-1", "100", "NULL"}},
    {"integer", {"double precision", "double", "real"}, {"0", "-1", "2147483647", "100"}},
    {"numeric", {"numeric", "decimal(65,30)", "text"},
        {"0", "100", "-1.50", "0.000", "123456789012345678901234567890.123456789", "NULL",
            "0.000000000000000000000000000001", "'NaN'", "1000000"}},
    {"numeric(12,4)", {"numeric(20,6)", "decimal(20,6)", "numeric"},
        {"0", "100", "-1.5000", "12345678.1234", "0.0001", "10", "NULL", "-0.25"}},
    {"numeric(12,4)", {"double precision", "double", "real"},
        {"0", "100", "-1.5000", "12345678.1234", "0.0001"}},
    {"double precision", {"double precision", "double", "real"},
        {"0", "1", "-1", "0.1", "1e20", "1.7976931348623157e308", "2.2250738585072014e-308",
            "5e-324", "-3.141592653589793", "'NaN'", "'Infinity'", "'-Infinity'", "NULL", "8",
            "123456789.125"}},
    {"double precision", {"double precision", "double", "double"},
        {"1024", "0.5", "9007199254740993", "1e-5", "2.225073858507201e-308",
            "1.7976931348623155e308", "3", "7.999999999999999", "8.000000000000002", "-0.0",
            "4.9406564584124654e-320", "1e-300", "1e300", "1e15", "1e16"}},
    {"double precision", {"real", "float", NULL}, {"0", "1.5", "0.1", "3e38", "1e-40"}},
    {"double precision", {"text", "varchar(40)", "text"}, {"0", "1.5", "0.1", "3e38", "1e-40"}},
    {"real", {"real", "float", "real"}, {"0", "0.1", "3e38", "1e-45", "16777216", "NULL"}},
    {"real", {"double precision", "double", "double"}, {"0", "0.1", "3.4028235e38", "-7.3"}},
    {"text", {"text", "longtext", "text"},
        {"''", "NULL", "'a'", "'A '", "' a  '", "'\xF0\x9F\x90\x98 \xC3\xA9'", "'null'", "'N'",
            "E'a\\tb\\\\c'", "repeat('\xC3\xA9', 5000)", "'1.50'", "'00123'"}},
    {"character varying(20)", {"text", "varchar(20) COLLATE utf8mb4_general_ci", "varchar(20)"},
        {"''", "NULL", "'a'", "'A'", "'a '"}},
    {"text", {"text", "varchar(20) CHARACTER SET latin1", "text"}, {"'\xC3\xA9'", "'a'"}},
    {"character(5)", {"character(5)", "char(5)", "text"}, {"''", "'a'", "'abcde'", "NULL"}},
    {"character(5)", {"text", "varchar(5)", "char(5)"}, {"''", "'a'", "'abcde'", "NULL"}},
    {"bytea", {"bytea", "longblob", "blob"},
        {"''", "'\\x00ff0a'", "NULL", "decode(repeat('00ab', 9000), 'hex')"}},
    {"bit(5)", {"bit(5)", "bit(5)", "text"}, {"B'00000'", "B'01010'", "B'11111'", "NULL"}},
    {"date", {"date", "date", "text"},
        {"'2020-02-29'", "'0001-01-01'", "'9999-12-31'", "NULL", "'infinity'", "'-infinity'",
            "'10000-01-01'", "'0044-03-15 BC'"}},
    {"date", {"timestamp", "datetime", "timestamp"}, {"'2020-02-29'", "NULL"}},
    {"time", {"time", "time(6)", "time"},
        {"'00:00'", "'23:59:59.999999'", "'10:20:30.5'", "'10:20:00'", "'24:00'", "NULL"}},
    {"time with time zone", {"time with time zone", "time(6)", "text"},
        {"'00:00+02'", "'23:59:59.999999-03:30'", "'10:20:30.5+00'", "NULL"}},
    {"timestamp without time zone", {"timestamp", "datetime(6)", "timestamp"},
        {"'2020-02-29 00:00:00'", "'2020-02-29 10:20:30.5'", "'1970-01-01 00:00:00.000001'",
            "'infinity'", "'0044-03-15 10:00:00 BC'", "'12020-01-01'", "NULL"}},
    {"timestamp with time zone", {"timestamptz", "datetime(6)", "text"},
        {"'2020-02-29 00:00:00+02'", "'2020-02-29 10:20:30.5+00'", "'infinity'", "'-infinity'",
            "'0044-03-15 10:00:00+00 BC'", "'9999-12-31 23:30:00-01'", "'0001-01-01 00:30:00+01'",
            "NULL"}},
    {"timestamp with time zone", {"text", "timestamp(6)", "timestamptz"},
        {"'2020-02-29 00:00:00+02'", "'2020-02-29 10:20:30.5+00'", "NULL"}},
    {"interval", {"interval", "varchar(100)", "text"},
        {"'1 year 2 mons -3 days 04:05:06.7'", "'0'", "NULL"}},
    {"json", {"json", "longtext", "text"}, {"'{\"b\": 1,  \"a\": [1, 2.0]}'", "'null'", "NULL"}},
    {"json", {"jsonb", "json", "json"}, {"'{\"b\": 1,  \"a\": [1, 2.0]}'", "'null'", "NULL"}},
    {"jsonb", {"jsonb", "json", "text"}, {"'{\"b\": 1,  \"a\": [1, 2.0]}'", "'null'", "NULL"}},
    {"uuid", {"uuid", "uuid", "text"}, {"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "NULL"}},
    {"integer[]", {"integer[]", "longtext", "text"}, {"'{{1,2},{3,NULL}}'", "'{}'", "NULL"}},
};

static void
every_type_is_shown_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t at = 0; at < ARRAY_LEN(targets); at++)
            if (cases[i].target_types[at] != NULL)
                check_case(&cases[i], at);
}

/* Many doubles of all sizes, those beside powers of two among them. */
static void
bits_of_doubles_are_those_of_postgres(void **state)
{
    const char *same;

    (void)state;
    drop_all();
    run(targets[1], "CREATE TABLE t (id int PRIMARY KEY, x double)");
    run(source, "CREATE TABLE s AS SELECT row_number() OVER ()::int AS id, x FROM ("
                "SELECT (m * power(2::float8, e))::float8 AS x FROM generate_series(-1021, 1022) e,"
                " (VALUES (1::float8), (1.0000000000000002), (1.9999999999999998), (-1.1)) v(m)"
                " UNION ALL SELECT i * 5e-324::float8 FROM generate_series(1, 200) i"
                " UNION ALL SELECT sin(i) * power(10::float8, i % 300)"
                " FROM generate_series(1, 500) i) d");
    run(targets[1], arena_printf(arena, "INSERT INTO t VALUES %s",
                        ask(source, "SELECT string_agg('(' || id || ', ' || x || 'e0)', ', ')"
                                    " FROM (SELECT id, CASE WHEN x::text LIKE '%e%' THEN"
                                    " x::text || 'x' ELSE x::text END AS x FROM s) n"
                                    " WHERE x NOT LIKE '%x'")));
    run(targets[1], arena_printf(arena, "INSERT INTO t VALUES %s",
                        ask(source, "SELECT string_agg('(' || id || ', ' || x || ')', ', ')"
                                    " FROM s WHERE x::text LIKE '%e%'")));
    same = ask(source, "SELECT encode(float8send(x), 'hex') FROM s ORDER BY id");
    assert_string_equal(shown_by(targets[1], &describe(targets[1], "t")->columns[1],
                            (Canonical){CANONICAL_FLOAT8, 0}),
        same);
}

/* ---- whole tables ---- */

static const ChecksumColumn *
show_columns(Target *target, const TargetTable *table)
{
    const ChecksumFamily *family = checksum_family(target->driver->sql);
    ChecksumColumn *columns = ARENA_ARRAY(arena, ChecksumColumn, table->column_count);

    for (size_t i = 0; i < table->column_count; i++) {
        CLEANUP(buf_clear) Buf shown = BUF_INIT;
        CLEANUP(buf_clear) Buf value = BUF_INIT;

        family->canonical(
            &table->columns[i], (Canonical){i == 0 ? CANONICAL_NUMBER : CANONICAL_TEXT, 0}, &shown);
        family->key_value(&table->columns[i], i == 0 ? LOGICAL_INT : LOGICAL_TEXT, &value);
        columns[i] = (ChecksumColumn){arena_string(arena, buf_string(&shown)),
            arena_string(arena, buf_string(&value)), i > 0};
    }
    return columns;
}

static ChecksumTable
whole_table(Target *target, uint64_t slices)
{
    static const size_t key[] = {0, 1};
    const TargetTable *table = describe(target, "t");

    return (ChecksumTable){.family = checksum_family(target->driver->sql),
        .from = "t AS base",
        .columns = show_columns(target, table),
        .column_count = table->column_count,
        .key = key,
        .key_count = slices == 0 ? 0 : 2,
        .slices = slices};
}

static const char *
slices_of(Target *target, uint64_t slices)
{
    ChecksumTable table = whole_table(target, slices);
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    checksum_slices(&table, &sql);
    buf_add_string(&sql, " ORDER BY 1");
    return ask(target, buf_string(&sql));
}

static const char *
rows_of(Target *target, uint64_t slice)
{
    ChecksumTable table = whole_table(target, 7);
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    checksum_rows(&table, &slice, 1, &sql);
    return ask(target, buf_string(&sql));
}

static void
make_tables(void)
{
    static const char *const types[] = {"text", "varchar(50)", "text"};

    drop_all();
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        run(targets[i],
            arena_printf(arena, "CREATE TABLE t (id int, k %s, x %s)", types[i], types[i]));
        for (int id = 1; id <= 50; id++)
            run(targets[i],
                arena_printf(arena, "INSERT INTO t VALUES (%d, '%d\xC3\xA9', %s)", id, id % 3,
                    id % 7 == 0   ? "NULL"
                    : id % 5 == 0 ? "''"
                                  : "'x,y'"));
    }
}

static void
slices_and_rows_are_the_same_in_all_databases(void **state)
{
    (void)state;
    make_tables();
    for (size_t i = 1; i < ARRAY_LEN(targets); i++) {
        assert_string_equal(slices_of(targets[i], 7), slices_of(targets[0], 7));
        assert_string_equal(slices_of(targets[i], 0), slices_of(targets[0], 0));
        for (uint64_t slice = 0; slice < 7; slice++)
            assert_string_equal(rows_of(targets[i], slice), rows_of(targets[0], slice));
    }
    /* a slice has some of the rows, not all */
    assert_true(strlen(rows_of(targets[0], 3)) > 0);
    assert_true(strlen(rows_of(targets[0], 3)) < 2400);
}

/* After each change one database differs from an unchanged one, and after its undoing not. */
static void
each_small_change_changes_the_checksum(void **state)
{
    static const char *const changes[][2] = {
        {"UPDATE t SET x = '' WHERE id = 7", "UPDATE t SET x = NULL WHERE id = 7"},
        {"UPDATE t SET x = 'x,z' WHERE id = 1", "UPDATE t SET x = 'x,y' WHERE id = 1"},
        {"UPDATE t SET x = 'x,y ' WHERE id = 1", "UPDATE t SET x = 'x,y' WHERE id = 1"},
        {"UPDATE t SET x = 'X,y' WHERE id = 1", "UPDATE t SET x = 'x,y' WHERE id = 1"},
        {"UPDATE t SET x = 'N' WHERE id = 7", "UPDATE t SET x = NULL WHERE id = 7"},
        {"INSERT INTO t VALUES (51, '0', 'x')", "DELETE FROM t WHERE id = 51"},
        {"UPDATE t SET x = CASE id WHEN 5 THEN 'x,y' ELSE '' END WHERE id IN (5, 1)",
            "UPDATE t SET x = CASE id WHEN 1 THEN 'x,y' ELSE '' END WHERE id IN (5, 1)"},
    };

    (void)state;
    make_tables();
    for (size_t at = 0; at < ARRAY_LEN(targets); at++) {
        const char *before = slices_of(targets[at], 7);
        const char *whole = slices_of(targets[at], 0);

        for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
            run(targets[at], changes[i][0]);
            assert_string_not_equal(slices_of(targets[at], 7), before);
            assert_string_not_equal(slices_of(targets[at], 0), whole);
            run(targets[at], changes[i][1]);
            assert_string_equal(slices_of(targets[at], 7), before);
        }
    }
}

/* The examples of RFC 1321, A.5, and lengths around the padding. */
static void
md5_is_that_of_the_rfc(void **state)
{
    char hex[MD5_HEX_SIZE];

    (void)state;
    md5_hex(TEXT(""), hex);
    assert_string_equal(hex, "d41d8cd98f00b204e9800998ecf8427e");
    md5_hex(TEXT("message digest"), hex);
    assert_string_equal(hex, "f96b697d7cb7938d525a2f31aaf161d0");
    for (size_t len = 50; len < 140; len++) {
        char text[140];

        memset(text, 'q', len);
        md5_hex((Text){text, len}, hex);
        assert_string_equal(arena_printf(arena, "%s\n", hex),
            ask(source, arena_printf(arena, "SELECT md5(repeat('q', %zu))", len)));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(md5_is_that_of_the_rfc),
        cmocka_unit_test(every_type_is_shown_alike),
        cmocka_unit_test(bits_of_doubles_are_those_of_postgres),
        cmocka_unit_test(slices_and_rows_are_the_same_in_all_databases),
        cmocka_unit_test(each_small_change_changes_the_checksum),
    };
    Error err = {0};
    int failed;

    if (!server_has_postgres() || !server_has_mariadb())
        return server_skip("PostgreSQL or MariaDB");
    cmocka_set_message_output(CM_OUTPUT_TAP);
    arena = arena_new();
    directory = test_directory();
    server_start_postgres(&postgres);
    server_start_mariadb(&mariadb);
    targets[0] = open_target(&target_postgres,
        arena_printf(arena, "host=%s dbname=postgres user=postgres", postgres.socket));
    source = targets[0];
    targets[1] =
        open_target(&target_mysql, arena_printf(arena, "socket=%s user=root", mariadb.socket));
    run(targets[1], "CREATE DATABASE dw");
    run(targets[1], "USE dw");
    targets[2] = open_target(&target_sqlite, arena_printf(arena, "%s/dw.db", directory));
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        target_close(targets[i]);
    if (!file_remove_tree(directory, &err))
        (void)fprintf(stderr, "%s\n", err.text);
    free(directory);
    arena_free(arena);
    return failed;
}
