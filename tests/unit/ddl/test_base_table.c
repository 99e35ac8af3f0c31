/*
 * test_base_table.c - base tables of a made-up source, and golden texts of all built-in types
 *
 * tests/golden/ddl/TARGET.sql: DRAY_GOLDEN_WRITE=1 writes them anew; read the difference before it
 * is committed.
 */
#include "ddl/base_table.h"

#include "base/file.h"
#include "support/test.h"
#include "target/sql_scanner.h"

static CsvDialect csv = {
    .notation = {.bytes = BYTES_HEX, .bools = BOOL_DIGITS, .zone = ZONE_UTC},
    .header = {HEADER_OPCODE, HEADER_SEQNO},
    .header_count = 2,
    .header_names = {{"dray_opcode", 11}, {"dray_seqno", 10}},
};

typedef struct Fixture {
    Arena *arena;
    SourceTable source;
    Table table;
    OutTable *out;
    TypeMap *types;
    BaseSpec spec;
    Error err;
} Fixture;

static const char *
root(void)
{
    const char *given = getenv("DRAY_SOURCE_ROOT");

    return given == NULL ? "." : given;
}

#define NONE -1, -1, -1

/* Every type of a column that PostgreSQL brings, and what users make of them. */
static const struct {
    const char *type;
    const char *name;
    int64_t length;
    int precision;
    int scale;
} all_types[] = {
    {"smallint", "smallint", NONE},
    {"integer", "integer", NONE},
    {"bigint", "bigint", NONE},
    {"real", "real", NONE},
    {"double precision", "double precision", NONE},
    {"numeric", "numeric", NONE},
    {"numeric(10,2)", "numeric", -1, 10, 2},
    {"numeric(38,38)", "numeric", -1, 38, 38},
    {"numeric(65,30)", "numeric", -1, 65, 30},
    {"numeric(1000,500)", "numeric", -1, 1000, 500},
    {"numeric(3,5)", "numeric", -1, 3, 5},
    {"numeric(3,-1)", "numeric", -1, 3, -1},
    {"money", "money", NONE},
    {"boolean", "boolean", NONE},
    {"\"char\"", "\"char\"", NONE},
    {"name", "name", NONE},
    {"text", "text", NONE},
    {"character varying", "character varying", NONE},
    {"character varying(20)", "character varying", 20, -1, -1},
    {"character varying(255)", "character varying", 255, -1, -1},
    {"character varying(256)", "character varying", 256, -1, -1},
    {"character varying(16384)", "character varying", 16384, -1, -1},
    {"character(5)", "character", 5, -1, -1},
    {"bpchar", "character", NONE},
    {"bytea", "bytea", NONE},
    {"bit(1)", "bit", 1, -1, -1},
    {"bit(64)", "bit", 64, -1, -1},
    {"bit(65)", "bit", 65, -1, -1},
    {"bit varying", "bit varying", NONE},
    {"bit varying(9)", "bit varying", 9, -1, -1},
    {"date", "date", NONE},
    {"time without time zone", "time without time zone", NONE},
    {"time(3) without time zone", "time without time zone", -1, 3, -1},
    {"time with time zone", "time with time zone", NONE},
    {"time(0) with time zone", "time with time zone", -1, 0, -1},
    {"timestamp without time zone", "timestamp without time zone", NONE},
    {"timestamp(0) without time zone", "timestamp without time zone", -1, 0, -1},
    {"timestamp with time zone", "timestamp with time zone", NONE},
    {"timestamp(3) with time zone", "timestamp with time zone", -1, 3, -1},
    {"interval", "interval", NONE},
    {"interval day to second(3)", "interval", -1, 3, -1},
    {"uuid", "uuid", NONE},
    {"json", "json", NONE},
    {"jsonb", "jsonb", NONE},
    {"jsonpath", "jsonpath", NONE},
    {"xml", "xml", NONE},
    {"inet", "inet", NONE},
    {"cidr", "cidr", NONE},
    {"macaddr", "macaddr", NONE},
    {"macaddr8", "macaddr8", NONE},
    {"point", "point", NONE},
    {"line", "line", NONE},
    {"lseg", "lseg", NONE},
    {"box", "box", NONE},
    {"path", "path", NONE},
    {"polygon", "polygon", NONE},
    {"circle", "circle", NONE},
    {"tsvector", "tsvector", NONE},
    {"tsquery", "tsquery", NONE},
    {"oid", "oid", NONE},
    {"regclass", "regclass", NONE},
    {"xid", "xid", NONE},
    {"xid8", "xid8", NONE},
    {"pg_lsn", "pg_lsn", NONE},
    {"pg_snapshot", "pg_snapshot", NONE},
    {"int4range", "int4range", NONE},
    {"int8range", "int8range", NONE},
    {"numrange", "numrange", NONE},
    {"tsrange", "tsrange", NONE},
    {"tstzrange", "tstzrange", NONE},
    {"daterange", "daterange", NONE},
    {"int4multirange", "int4multirange", NONE},
    {"datemultirange", "datemultirange", NONE},
    {"integer[]", "integer[]", NONE},
    {"character varying(3)[]", "character varying[]", 3, -1, -1},
    {"character(3)[]", "character[]", 3, -1, -1},
    {"timestamp(3) with time zone[]", "timestamp with time zone[]", -1, 3, -1},
    {"int4range[]", "int4range[]", NONE},
    {"public.mood", "enum", NONE},
    {"public.mood[]", "enum[]", NONE},
    {"public.pair", "composite", NONE},
    {"public.pair[]", "composite[]", NONE},
    {"public.floats", "range", NONE},
    {"public.floatss", "multirange", NONE},
    {"public.citext", "citext", NONE},
    {"public.hstore", "hstore", NONE},
    {"public.price", "numeric", -1, 12, 3},
};

static int
set_up(void **state)
{
    Fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->arena = arena_new();
    f->source = (SourceTable){.schema = TEXT("public"), .name = TEXT("items")};
    f->table = (Table){.schema = TEXT("public"), .name = TEXT("items")};
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    Fixture *f = *state;

    arena_free(f->arena);
    type_map_free(f->types);
    free(f);
    return 0;
}

static void
add_column(Fixture *f, SourceColumn column, bool in_key)
{
    Column *columns = ARENA_ARRAY(f->arena, Column, f->table.column_count + 1);
    SourceColumn *known = ARENA_ARRAY(f->arena, SourceColumn, f->source.column_count + 1);

    if (f->table.column_count > 0) {
        memcpy(columns, f->table.columns, f->table.column_count * sizeof(*columns));
        memcpy(known, f->source.columns, f->source.column_count * sizeof(*known));
    }
    columns[f->table.column_count++] = (Column){
        .name = column.name, .type = column.type, .logical = column.logical, .in_key = in_key};
    known[f->source.column_count++] = column;
    f->table.columns = columns;
    f->table.has_key |= in_key;
    f->source.columns = known;
}

static SourceColumn
column_of(const char *name, const char *type, LogicalType logical)
{
    return (SourceColumn){.name = text_of(name),
        .type = text_of(type),
        .type_name = text_of(type),
        .logical = logical,
        .length = -1,
        .precision = -1,
        .scale = -1};
}

static void
use(Fixture *f, const SqlDialect *sql)
{
    if (f->types != NULL)
        type_map_free(f->types);
    f->types = type_map_load(root(), "/nowhere", "postgres", sql, &f->err);
    assert_ok(f->types != NULL, f->err);
    f->out = rule_apply(NULL, &f->table, NULL, 0, f->arena, &f->err);
    assert_ok(f->out != NULL, f->err);
    f->spec = (BaseSpec){&f->source, f->out, f->types, sql, &f->table, &csv};
}

static const char *
template_of(Fixture *f, const char *script)
{
    char *path = base_table_template("/nowhere", root(), f->spec.sql, "base", script, &f->err);
    const char *copy;

    assert_ok(path != NULL, f->err);
    copy = arena_string(f->arena, path);
    free(path);
    return copy;
}

static Text
create(Fixture *f, const char *script, Buf *warnings)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    TemplateStatements statements;

    assert_ok(base_table_create(
                  &f->spec, template_of(f, script), f->arena, &statements, warnings, &f->err),
        f->err);
    for (size_t i = 0; i < statements.count; i++)
        buf_addf(&text, TEXT_FMT ";\n", TEXT_ARG(statements.items[i]));
    return arena_text(f->arena, buf_text(&text));
}

static void
small_table(Fixture *f, const SqlDialect *sql)
{
    SourceColumn name = column_of("name", "text", LOGICAL_TEXT);

    name.not_null = true;
    add_column(f, column_of("id", "integer", LOGICAL_INT), true);
    add_column(f, name, false);
    use(f, sql);
}

/* ---- tests ---- */

static void
only_key_columns_are_not_null(void **state)
{
    Fixture *f = *state;

    small_table(f, &sql_dialect_postgres);
    assert_text(create(f, NULL, NULL), "CREATE TABLE \"public\".\"items\" (\n"
                                       "    \"id\" integer NOT NULL,\n"
                                       "    \"name\" text\n"
                                       "    , PRIMARY KEY (\"id\")\n"
                                       ");\n");
}

static void
a_table_without_a_key_gets_none(void **state)
{
    Fixture *f = *state;

    add_column(f, column_of("a", "integer", LOGICAL_INT), false);
    use(f, &sql_dialect_clickhouse);
    assert_text(create(f, NULL, NULL), "CREATE TABLE `public`.`items` (\n"
                                       "    `a` Int32 NULL\n"
                                       ")\n"
                                       "ENGINE = MergeTree\n"
                                       "ORDER BY tuple();\n");
}

static void
each_script_has_the_table_that_it_needs(void **state)
{
    Fixture *f = *state;

    small_table(f, &sql_dialect_sqlite);
    assert_text(create(f, "/etc/append.sql", NULL), "CREATE TABLE \"items\" (\n"
                                                    "    \"dray_opcode\" VARCHAR(2),\n"
                                                    "    \"dray_seqno\" BIGINT,\n"
                                                    "    \"id\" INTEGER,\n"
                                                    "    \"name\" TEXT\n"
                                                    ");\n");
    assert_text(create(f, "history.sql", NULL),
        "CREATE TABLE \"items\" (\n"
        "    \"id\" INTEGER NOT NULL,\n"
        "    \"name\" TEXT,\n"
        "    \"valid_from\" text,\n"
        "    \"valid_to\" text\n"
        ");\n"
        "CREATE INDEX \"key_of_items\" ON \"items\" (\"id\");\n");
    assert_text(create(f, "soft_delete.sql", NULL), "CREATE TABLE \"items\" (\n"
                                                    "    \"id\" INTEGER NOT NULL,\n"
                                                    "    \"name\" TEXT,\n"
                                                    "    \"deleted_at\" text\n"
                                                    "    , PRIMARY KEY (\"id\")\n"
                                                    ");\n");
    assert_text(create(f, "keep_all.sql", NULL), "CREATE TABLE \"items\" (\n"
                                                 "    \"id\" INTEGER NOT NULL,\n"
                                                 "    \"name\" TEXT\n"
                                                 ");\n");
    /* a script of a user's own */
    assert_string_equal(template_of(f, "/etc/mine.sql"), template_of(f, NULL));
}

static void
deletes_that_are_kept_have_their_opcode(void **state)
{
    static const TableRule keeps = {.deletes = DELETES_KEEP};
    Fixture *f = *state;
    OutTable out;
    TargetTable *table;

    small_table(f, &sql_dialect_sqlite);
    out = *f->spec.out;
    assert_ok(
        base_table_describe(&f->spec, template_of(f, "keep_all.sql"), f->arena, &table, &f->err),
        f->err);
    assert_int_equal(table->column_count, 2);
    out.rule = &keeps;
    f->spec.out = &out;
    assert_text(create(f, "keep_all.sql", NULL), "CREATE TABLE \"items\" (\n"
                                                 "    \"dray_opcode\" VARCHAR(2),\n"
                                                 "    \"id\" INTEGER NOT NULL,\n"
                                                 "    \"name\" TEXT\n"
                                                 ");\n");
    assert_ok(
        base_table_describe(&f->spec, template_of(f, "keep_all.sql"), f->arena, &table, &f->err),
        f->err);
    assert_int_equal(table->column_count, 3);
    assert_text(table->columns[0].name, "dray_opcode");
    assert_text(table->columns[table->key[0]].name, "id");
}

static void
its_description_has_the_columns_of_the_template_too(void **state)
{
    Fixture *f = *state;
    TargetTable *table;

    small_table(f, &sql_dialect_postgres);
    assert_ok(
        base_table_describe(&f->spec, template_of(f, "append.sql"), f->arena, &table, &f->err),
        f->err);
    assert_int_equal(table->column_count, 4);
    assert_text(table->columns[0].name, "dray_opcode");
    assert_int_equal(table->key_count, 1);
    assert_text(table->columns[table->key[0]].name, "id");
    assert_ok(
        base_table_describe(&f->spec, template_of(f, "history.sql"), f->arena, &table, &f->err),
        f->err);
    assert_int_equal(table->column_count, 4);
    assert_text(table->columns[3].name, "valid_to");
    assert_text(table->columns[3].type, "timestamp(6)");
}

static void
what_may_be_lost_is_told_above_the_column_and_to_the_caller(void **state)
{
    Fixture *f = *state;
    CLEANUP(buf_clear) Buf warnings = BUF_INIT;

    add_column(f, column_of("code", "text", LOGICAL_TEXT), true);
    use(f, &sql_dialect_mysql);
    assert_text(create(f, NULL, &warnings),
        "CREATE TABLE `public`.`items` (\n"
        "    -- warning: MySQL cannot index a text without a length; a key of more than 190 "
        "characters stops the service\n"
        "    `code` varchar(190) NOT NULL\n"
        "    , PRIMARY KEY (`code`)\n"
        ") ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4\n"
        "    /*M!100202 COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;\n");
    assert_string_equal(buf_string(&warnings),
        "table public.items: column code: text becomes varchar(190): MySQL cannot index a text "
        "without a length; a key of more than 190 characters stops the service\n");
}

static void
a_column_that_the_catalogue_does_not_have_is_described_by_its_shape(void **state)
{
    Fixture *f = *state;

    small_table(f, &sql_dialect_mysql);
    f->source.columns[1].name = TEXT("renamed since");
    ((Column *)(uintptr_t)f->table.columns)[1].type = TEXT("character varying(9)");
    assert_non_null(strstr(create(f, NULL, NULL).data, "`name` varchar(9)"));
    f->spec.source = NULL;
    assert_non_null(strstr(create(f, NULL, NULL).data, "`id` int NOT NULL"));
    ((Column *)(uintptr_t)f->table.columns)[1].type = TEXT_NONE;
    {
        TemplateStatements statements;

        assert_false(base_table_create(
            &f->spec, template_of(f, NULL), f->arena, &statements, NULL, &f->err));
        assert_string_equal(f->err.text,
            "table public.items: column name: the source does not tell its type: make the base "
            "table yourself");
    }
}

static void
added_columns_have_the_value_of_older_rows(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *type;
        LogicalType logical;
        const char *value;
        const char *postgres;
        const char *mysql;
    } cases[] = {
        {"text", LOGICAL_TEXT, NULL, "text", "longtext NULL"},
        {"text", LOGICAL_TEXT, "it's \\", "text DEFAULT 'it''s \\'",
            "longtext NULL DEFAULT ('it''s \\\\')"},
        {"boolean", LOGICAL_BOOL, "t", "boolean DEFAULT '1'", "tinyint(1) NULL DEFAULT ('1')"},
        {"bytea", LOGICAL_BYTES, "00ff", "bytea DEFAULT '00ff'", "longblob NULL DEFAULT (x'00ff')"},
        {"timestamp with time zone", LOGICAL_TIMESTAMPTZ, "2024-01-01 01:00:00+01",
            "timestamp with time zone DEFAULT '2024-01-01 00:00:00'",
            "datetime(6) NULL DEFAULT ('2024-01-01 00:00:00')"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        SourceColumn column = column_of("added", cases[i].type, cases[i].logical);

        column.added_value = text_of(cases[i].value);
        add_column(f, column, false);
        for (int mysql = 0; mysql < 2; mysql++) {
            CLEANUP(buf_clear) Buf sql = BUF_INIT;
            CLEANUP(buf_clear) Buf expected = BUF_INIT;
            const char *quote = mysql ? "`" : "\"";

            use(f, mysql ? &sql_dialect_mysql : &sql_dialect_postgres);
            buf_addf(&expected, "ALTER TABLE %spublic%s.%sitems%s ADD COLUMN %sadded%s %s", quote,
                quote, quote, quote, quote, quote, mysql ? cases[i].mysql : cases[i].postgres);
            assert_ok(
                base_table_add_column(&f->spec, &f->out->columns[0], &sql, NULL, &f->err), f->err);
            assert_string_equal(sql.data, expected.data);
        }
        f->table.column_count = f->source.column_count = 0;
    }
}

static void
types_and_names_are_changed_as_the_target_spells_it(void **state)
{
    Fixture *f = *state;
    static const struct {
        const SqlDialect *sql;
        const char *type;
    } cases[] = {
        {&sql_dialect_postgres, "ALTER TABLE \"public\".\"items\" ALTER COLUMN \"name\" TYPE text "
                                "USING \"name\"::text"},
        {&sql_dialect_mysql, "ALTER TABLE `public`.`items` MODIFY COLUMN `name` longtext"},
        {&sql_dialect_sqlite, "-- sqlite cannot change a column's type: make \"items\" anew with "
                              "\"name\" TEXT, copy the rows, and rename it"},
        {&sql_dialect_vertica, "ALTER TABLE \"public\".\"items\" ALTER COLUMN \"name\" SET DATA "
                               "TYPE long varchar(32000000)"},
    };

    small_table(f, &sql_dialect_postgres);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf sql = BUF_INIT;

        use(f, cases[i].sql);
        assert_ok(
            base_table_change_type(&f->spec, &f->out->columns[1], &sql, NULL, &f->err), f->err);
        assert_string_equal(sql.data, cases[i].type);
    }
    {
        CLEANUP(buf_clear) Buf sql = BUF_INIT;

        use(f, &sql_dialect_mysql);
        base_table_rename_column(&f->spec, TEXT("a`b"), TEXT("c"), &sql);
        assert_string_equal(sql.data, "ALTER TABLE `public`.`items` RENAME COLUMN `a``b` TO `c`");
    }
}

static void
a_template_that_is_missing_or_wrong_is_told(void **state)
{
    Fixture *f = *state;
    TemplateStatements statements;
    char *directory = test_directory();
    const char *path = arena_printf(f->arena, "%s/base.sql", directory);

    small_table(f, &sql_dialect_sqlite);
    assert_null(base_table_template("/a", "/b", f->spec.sql, "base", "x.sql", &f->err));
    assert_string_equal(f->err.text,
        "no template base.sql: looked in /a/templates/sqlite and in /b/templates/sqlite");
    assert_ok(file_write_durable(path, "-- @column x\nSELECT 1;\n", 23, &f->err), f->err);
    assert_false(base_table_create(&f->spec, path, f->arena, &statements, NULL, &f->err));
    assert_string_equal(
        f->err.text, arena_printf(f->arena, "%s:1:1: \"-- @column NAME TYPE\" is expected", path));
    assert_ok(file_remove_tree(directory, &f->err), f->err);
    free(directory);
}

/* ---- golden ---- */

static void
compare(Fixture *f, const SqlDialect *sql)
{
    const char *path = arena_printf(f->arena, "%s/tests/golden/ddl/%s.sql", root(), sql->name);
    CLEANUP(buf_clear) Buf expected = BUF_INIT;
    SqlScanner scanner;
    SqlToken token;
    Text made;

    use(f, sql);
    made = create(f, NULL, NULL);
    if (getenv("DRAY_GOLDEN_WRITE") != NULL)
        assert_ok(file_write_durable(path, made.data, made.len, &f->err), f->err);
    assert_ok(file_read_all(path, (size_t)1 << 20, &expected, &f->err), f->err);
    assert_string_equal(made.data, buf_string(&expected));
    /* the dialect reads it as statements: nothing is left open */
    sql_scanner_init(&scanner, sql, made);
    for (sql_scanner_next(&scanner, &token); token.kind != SQL_END;
         sql_scanner_next(&scanner, &token)) {
        assert_false(token.open);
        assert_true(token.kind != SQL_PARAMETER);
    }
}

static void
every_built_in_type_has_a_type_in_every_target(void **state)
{
    Fixture *f = *state;

    for (size_t i = 0; i < ARRAY_LEN(all_types); i++) {
        SourceColumn column =
            column_of(arena_printf(f->arena, "c%zu", i), all_types[i].type, LOGICAL_OTHER);

        column.type_name = text_of(all_types[i].name);
        column.length = all_types[i].length;
        column.precision = all_types[i].precision;
        column.scale = all_types[i].scale;
        add_column(f, column, i < 3);
    }
    for (const SqlDialect *const *sql = sql_dialects; *sql != NULL; sql++)
        compare(f, *sql);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(only_key_columns_are_not_null),
    TEST(a_table_without_a_key_gets_none),
    TEST(each_script_has_the_table_that_it_needs),
    TEST(deletes_that_are_kept_have_their_opcode),
    TEST(its_description_has_the_columns_of_the_template_too),
    TEST(what_may_be_lost_is_told_above_the_column_and_to_the_caller),
    TEST(a_column_that_the_catalogue_does_not_have_is_described_by_its_shape),
    TEST(added_columns_have_the_value_of_older_rows),
    TEST(types_and_names_are_changed_as_the_target_spells_it),
    TEST(a_template_that_is_missing_or_wrong_is_told),
    TEST(every_built_in_type_has_a_type_in_every_target),
};

TEST_MAIN(tests)
