#include "postgres_world.h"

/* ---- catalogue ---- */

static const SourceColumn *
column(const SourceTable *table, const char *name)
{
    const SourceColumn *found = source_table_column(table, text_of(name));

    if (found == NULL)
        fail_msg("no column %s", name);
    return found;
}

static void
check_type(const SourceTable *table, const char *name, const char *type, const char *type_name,
    LogicalType logical)
{
    const SourceColumn *found = column(table, name);

    assert_text(found->type, type);
    assert_text(found->type_name, type_name);
    assert_int_equal(found->logical, logical);
}

static SourceTable *
catalogue(Arena *arena, const char *name)
{
    Error err;
    CLEANUP(source_tables_close) SourceTables *tables = source_postgres.tables_open(&start, &err);
    SourceTable *table = NULL;

    assert_non_null(tables);
    assert_ok(tables->driver->describe(tables, TEXT("s"), text_of(name), arena, &table, &err), err);
    return table;
}

static void
columns_are_described_down_to_their_base_types(void **state)
{
    Arena *arena = arena_new();
    SourceTable *table;

    (void)state;
    run("CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s'); CREATE TYPE pair AS (a int, b text);"
        "CREATE TYPE span AS RANGE (subtype = float8); CREATE DOMAIN price AS numeric(10,2);"
        "CREATE DOMAIN cheap AS price; CREATE DOMAIN words AS varchar(7)[];"
        "CREATE TABLE t (a varchar(20), b char(3), c numeric, d numeric(20,-3), e cheap, f mood,"
        " g mood[], h pair, i span, j int4range, k words, l timestamp(3) with time zone, m time,"
        " n interval(2), o bit varying(5), p cheap[], q \"char\", r bit, s text[][])");
    table = catalogue(arena, "t");
    check_type(table, "a", "character varying(20)", "character varying", LOGICAL_TEXT);
    assert_int_equal(column(table, "a")->length, 20);
    check_type(table, "b", "character(3)", "character", LOGICAL_TEXT);
    assert_int_equal(column(table, "b")->length, 3);
    check_type(table, "c", "numeric", "numeric", LOGICAL_NUMERIC);
    assert_int_equal(column(table, "c")->precision, -1);
    assert_int_equal(column(table, "d")->precision, 20);
    assert_int_equal(column(table, "d")->scale, -3);
    check_type(table, "e", "s.cheap", "numeric", LOGICAL_NUMERIC);
    assert_int_equal(column(table, "e")->precision, 10);
    assert_int_equal(column(table, "e")->scale, 2);
    check_type(table, "f", "s.mood", "enum", LOGICAL_OTHER);
    assert_int_equal(column(table, "f")->label_count, 3);
    assert_text(column(table, "f")->labels[2], "it's");
    check_type(table, "g", "s.mood[]", "enum[]", LOGICAL_ARRAY);
    check_type(table, "h", "s.pair", "composite", LOGICAL_OTHER);
    check_type(table, "i", "s.span", "range", LOGICAL_OTHER);
    check_type(table, "j", "int4range", "int4range", LOGICAL_OTHER);
    check_type(table, "k", "s.words", "character varying[]", LOGICAL_ARRAY);
    assert_int_equal(column(table, "k")->length, 7);
    check_type(
        table, "l", "timestamp(3) with time zone", "timestamp with time zone", LOGICAL_TIMESTAMPTZ);
    assert_int_equal(column(table, "l")->precision, 3);
    check_type(table, "m", "time without time zone", "time without time zone", LOGICAL_TIME);
    assert_int_equal(column(table, "n")->precision, 2);
    assert_int_equal(column(table, "o")->length, 5);
    check_type(table, "p", "s.cheap[]", "numeric[]", LOGICAL_ARRAY);
    check_type(table, "q", "\"char\"", "\"char\"", LOGICAL_TEXT);
    assert_int_equal(column(table, "r")->length, 1);
    check_type(table, "s", "text[]", "text[]", LOGICAL_ARRAY);
    arena_free(arena);
}

static void
columns_tell_where_their_values_come_from(void **state)
{
    Arena *arena = arena_new();
    SourceTable *table;

    (void)state;
    run("CREATE TABLE t (id serial PRIMARY KEY, gone int, i int GENERATED ALWAYS AS IDENTITY,"
        " g int GENERATED ALWAYS AS (id) STORED, n int NOT NULL, d int DEFAULT 3);"
        "INSERT INTO t (n) VALUES (1); ALTER TABLE t DROP gone;"
        "ALTER TABLE t ADD a text DEFAULT 'it''s \"x\"', ADD b bytea DEFAULT '\\x00ff',"
        " ADD c boolean DEFAULT true, ADD e int[] DEFAULT '{1,NULL}', ADD f int,"
        " ADD h timestamptz DEFAULT '2026-01-01 00:00+01'");
    table = catalogue(arena, "t");
    assert_int_equal(table->column_count, 11);
    assert_true(column(table, "id")->is_identity);
    assert_true(column(table, "i")->is_identity);
    assert_true(column(table, "g")->is_generated);
    assert_false(column(table, "d")->is_identity);
    assert_true(column(table, "n")->not_null);
    assert_int_equal(column(table, "id")->number, 1);
    assert_int_equal(column(table, "i")->number, 3);
    assert_int_equal(column(table, "a")->number, 7);
    assert_text(column(table, "a")->added_value, "it's \"x\"");
    assert_text(column(table, "b")->added_value, "00ff");
    assert_text(column(table, "c")->added_value, "t");
    assert_text(column(table, "e")->added_value, "{1,NULL}");
    assert_null(column(table, "f")->added_value.data);
    assert_text(column(table, "h")->added_value, "2025-12-31 23:00:00+00");
    assert_null(column(table, "d")->added_value.data);
    assert_true(column(table, "a")->may_omit);
    assert_false(column(table, "n")->may_omit);
    arena_free(arena);
}

static void
keys_are_in_the_order_of_their_index(void **state)
{
    Arena *arena = arena_new();
    SourceTable *table;

    (void)state;
    run("CREATE TABLE t (a int, b text, c int NOT NULL UNIQUE, PRIMARY KEY (b, a))");
    table = catalogue(arena, "t");
    assert_int_equal(table->key_count, 2);
    assert_int_equal(table->key[0], 1);
    assert_int_equal(table->key[1], 0);
    assert_int_equal(table->identity, IDENTITY_KEY);
    /* the primary key stays the key, the stream tells by the index */
    run("ALTER TABLE t REPLICA IDENTITY USING INDEX t_c_key");
    table = catalogue(arena, "t");
    assert_int_equal(table->key_count, 2);
    assert_int_equal(table->identity, IDENTITY_INDEX);
    run("ALTER TABLE t DROP CONSTRAINT t_pkey");
    table = catalogue(arena, "t");
    assert_int_equal(table->key_count, 1);
    assert_int_equal(table->key[0], 2);
    run("ALTER TABLE t REPLICA IDENTITY FULL");
    table = catalogue(arena, "t");
    assert_int_equal(table->identity, IDENTITY_FULL);
    assert_int_equal(table->key_count, 0);
    assert_false(column(table, "b")->may_omit);
    assert_null(catalogue(arena, "nothing"));
    run("CREATE VIEW v AS SELECT 1 AS x");
    assert_null(catalogue(arena, "v"));
    arena_free(arena);
}

static void
the_list_is_that_of_the_publication_under_the_names_of_the_stream(void **state)
{
    Arena *arena = arena_new();
    Error err;
    SourceTables *tables = source_postgres.tables_open(&start, &err);
    SourceTable **list = NULL;
    size_t count = 0;

    (void)state;
    run("CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE \"A\" (id int PRIMARY KEY);"
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF p DEFAULT; INSERT INTO p SELECT generate_series(1, 1000);"
        "ANALYZE p1");
    assert_false(tables->driver->list(tables, arena, &list, &count, &err));
    assert_string_equal(err.text, "publication \"pub\" does not exist: make it with dray install");
    run("CREATE PUBLICATION pub FOR TABLE b, \"A\", p");
    assert_ok(tables->driver->list(tables, arena, &list, &count, &err), err);
    assert_int_equal(count, 3);
    assert_text(list[0]->name, "A");
    assert_text(list[1]->name, "b");
    assert_text(list[2]->name, "p1");
    assert_text(list[2]->parent, "s.p");
    assert_int_equal(list[2]->row_estimate, 1000);
    assert_true(list[0]->is_published);
    run("ALTER PUBLICATION pub SET (publish_via_partition_root)");
    assert_ok(tables->driver->list(tables, arena, &list, &count, &err), err);
    assert_text(list[2]->name, "p");
    assert_true(list[2]->is_partitioned);
    assert_int_equal(list[2]->row_estimate, 1000);
    source_tables_close(tables);
    arena_free(arena);
}

/* An ALTER TABLE that is not committed yet must not hold the service up. */
static void
a_locked_table_is_described_without_waiting(void **state)
{
    Arena *arena = arena_new();
    PGconn *other = connect_server();
    SourceTable *table;

    (void)state;
    run("CREATE TABLE t (id int PRIMARY KEY)");
    PQclear(PQexec(other, "BEGIN; ALTER TABLE s.t ADD x int"));
    table = catalogue(arena, "t");
    assert_int_equal(table->column_count, 1);
    PQfinish(other);
    arena_free(arena);
}

static void
retained_wal_is_told_of_a_slot_that_is_there(void **state)
{
    int64_t bytes = 0;
    Error err;

    (void)state;
    assert_ok(source_postgres.retained(&start, &bytes, &err), err);
    assert_int_equal(bytes, -1);
    run("SELECT pg_create_logical_replication_slot('dray_test', 'pgoutput')");
    run("CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 2000)");
    assert_ok(source_postgres.retained(&start, &bytes, &err), err);
    assert_true(bytes > 50000);
    run("SELECT pg_drop_replication_slot('dray_test')");
}

#define CASE(test) cmocka_unit_test_setup(test, clean)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(columns_are_described_down_to_their_base_types),
        CASE(columns_tell_where_their_values_come_from),
        CASE(keys_are_in_the_order_of_their_index),
        CASE(the_list_is_that_of_the_publication_under_the_names_of_the_stream),
        CASE(a_locked_table_is_described_without_waiting),
        CASE(retained_wal_is_told_of_a_slot_that_is_there),
    };

    return run_world(tests, ARRAY_LEN(tests));
}
