#include "target/postgres.h"

#define D          target_postgres
#define OPTIONS    PostgresOptions
#define CONNECTION "host=%s user=postgres dbname=postgres "

#include "driver_test.h"

/* ---- describe and check ---- */

static void
every_kind_of_column_is_described(void **state)
{
    const TargetTable *table;

    (void)state;
    run("CREATE SCHEMA \"Odd one\"");
    run("CREATE TYPE \"Odd one\".colour AS ENUM ('red')");
    run("CREATE DOMAIN \"Odd one\".code AS varchar(7) NOT NULL CHECK (VALUE <> '')");
    run("CREATE DOMAIN \"Odd one\".outer_code AS \"Odd one\".code");
    run("CREATE COLLATION \"Odd one\".nocase (provider = icu, locale = 'und-u-ks-level2',"
        " deterministic = false)");
    run("CREATE TABLE \"Odd one\".\"Ta\"\"ble\" (i int, gone int, n numeric(10,2) NOT NULL,"
        " s bigserial, a int GENERATED ALWAYS AS IDENTITY, g int GENERATED ALWAYS AS (i * 2) "
        "STORED,"
        " c \"Odd one\".colour, d \"Odd one\".outer_code, ts timestamp(3) with time zone,"
        " arr text[], x text COLLATE \"Odd one\".nocase, y text COLLATE \"C\","
        " b bytea DEFAULT 'x', j jsonb, u uuid, bit bit(3), iv interval, \"Q uote\" bool,"
        " PRIMARY KEY (n, i))");
    run("ALTER TABLE \"Odd one\".\"Ta\"\"ble\" DROP COLUMN gone");
    table = describe("Odd one", "Ta\"ble");
    assert_non_null(table);
    assert_int_equal(table->column_count, 17);
    assert_int_equal(table->key_count, 2);
    assert_true(text_is(table->columns[table->key[0]].name, "n"));
    assert_true(text_is(table->columns[table->key[1]].name, "i"));
    assert_string_equal(column_text(table, "i"), "integer: int filled");
    assert_string_equal(column_text(table, "n"), "numeric(10,2): numeric filled");
    assert_string_equal(column_text(table, "s"), "bigint: int filled default");
    assert_string_equal(column_text(table, "a"), "integer: int filled default");
    assert_string_equal(column_text(table, "g"), "integer: int generated default");
    assert_string_equal(column_text(table, "c"), "\"Odd one\".colour: text");
    assert_string_equal(column_text(table, "d"), "character varying(7): text filled");
    assert_string_equal(column_text(table, "ts"), "timestamp(3) with time zone: timestamptz");
    assert_string_equal(column_text(table, "arr"), "text[]: array");
    assert_string_equal(column_text(table, "x"), "text COLLATE \"Odd one\".nocase: text text");
    assert_string_equal(column_text(table, "y"), "text COLLATE pg_catalog.\"C\": text");
    assert_string_equal(column_text(table, "b"), "bytea: bytes default");
    assert_string_equal(column_text(table, "j"), "jsonb: json");
    assert_string_equal(column_text(table, "u"), "uuid: uuid");
    assert_string_equal(column_text(table, "bit"), "bit(3): bit");
    assert_string_equal(column_text(table, "iv"), "interval: interval");
    assert_string_equal(column_text(table, "Q uote"), "boolean: bool");
    assert_null(describe("", "Ta\"ble"));
    assert_null(describe("Odd one", "table"));
    run("DROP SCHEMA \"Odd one\" CASCADE");
}

static void
the_types_a_staging_table_inherits_can_be_created(void **state)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    const TargetTable *table;

    (void)state;
    run("CREATE TEMP TABLE kinds(a text COLLATE \"C\", b numeric(5,1)[], c varchar(3),"
        " d timestamp(2) without time zone, e \"char\", f name)");
    table = describe("", "kinds");
    for (size_t i = 0; i < table->column_count; i++)
        buf_addf(&sql, "%s" TEXT_FMT " " TEXT_FMT, i == 0 ? "CREATE TEMP TABLE again(" : ", ",
            TEXT_ARG(table->columns[i].name), TEXT_ARG(table->columns[i].type));
    buf_add_string(&sql, ")");
    run(buf_string(&sql));
    for (size_t i = 0; i < table->column_count; i++)
        assert_true(text_equal(table->columns[i].type, describe("", "again")->columns[i].type));
}

static void
partitioned_and_temporary_tables_are_described_and_views_refused(void **state)
{
    TargetTable *table = NULL;
    Error err = {0};

    (void)state;
    run("CREATE TABLE parted(id int PRIMARY KEY) PARTITION BY RANGE (id)");
    run("CREATE TEMP TABLE parted2(id int, \"K\" text, PRIMARY KEY (\"K\", id))");
    run("CREATE VIEW v AS SELECT 1");
    assert_int_equal(describe("public", "parted")->key_count, 1);
    assert_true(text_is(describe("", "parted")->schema, "public"));
    assert_int_equal(describe("", "parted2")->key[0], 1);
    assert_null(describe("", "nothing"));
    assert_false(D.describe(target, TEXT(""), TEXT("v"), arena, &table, &err));
    assert_string_equal(err.text, "public.v is a view: rows can be merged into tables only");
    run("DROP VIEW v");
    run("DROP TABLE parted");
}

static void
check_reports_server_and_rights(void **state)
{
    CLEANUP(buf_clear) Buf report = BUF_INIT;
    Error err = {0};

    (void)state;
    run("CREATE TABLE always(i int GENERATED ALWAYS AS IDENTITY)");
    assert_true(D.check(target, &report, &err));
    run("DROP TABLE always");
    assert_non_null(strstr(buf_string(&report), "PostgreSQL "));
    assert_non_null(strstr(buf_string(&report), "database postgres, user postgres, no TLS"));
    assert_non_null(strstr(buf_string(&report), "fsync is off"));
    assert_non_null(strstr(buf_string(&report), "column i of table always is GENERATED ALWAYS"));
}

static void
check_refuses_another_encoding(void **state)
{
    CLEANUP(buf_clear) Buf report = BUF_INIT;
    Error err = {0};

    (void)state;
    run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    D.close(target);
    target = connect_with("dbname=latin");
    assert_false(D.check(target, &report, &err));
    assert_false(err.retriable);
    assert_non_null(strstr(err.text, "has encoding LATIN1"));
}

static void
check_finds_rights_and_read_only_servers(void **state)
{
    CLEANUP(buf_clear) Buf report = BUF_INIT;
    Error err = {0};

    (void)state;
    run("CREATE ROLE reader LOGIN");
    D.close(target);
    target = connect_with("user=reader");
    assert_true(D.check(target, &report, &err));
    assert_non_null(strstr(buf_string(&report), "may not create tables in schema public"));
    run("SET default_transaction_read_only = on");
    assert_false(D.check(target, &report, &err));
    assert_true(err.retriable);
}

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        EACH(every_kind_of_column_is_described),
        EACH(the_types_a_staging_table_inherits_can_be_created),
        EACH(partitioned_and_temporary_tables_are_described_and_views_refused),
        EACH(check_reports_server_and_rights),
        EACH(check_refuses_another_encoding),
        EACH(check_finds_rights_and_read_only_servers),
    };

    if (!server_has_postgres())
        return server_skip("PostgreSQL");
    server_start_postgres(&server);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
