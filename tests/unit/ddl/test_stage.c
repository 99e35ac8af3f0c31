#include "ddl/stage.h"

#include "support/sqlite_db.h"

static CsvDialect csv = {
    .header = {HEADER_OPCODE, HEADER_SEQNO, HEADER_ROW_ID, HEADER_TIMESTAMP},
    .header_count = 4,
    .header_names = {{"dray_opcode", 11}, {"dray_seqno", 10}, {"dray_row_id", 11},
        {"dray_timestamp", 14}, {"dray_service", 12}},
};

static const char *
template_path(Db *db, const char *target)
{
    const char *root = getenv("DRAY_SOURCE_ROOT");

    return arena_printf(db->arena, "%s/templates/%s/stage.sql", root == NULL ? "." : root, target);
}

static TargetTable *
describe(Db *db, const char *name)
{
    TargetTable *table = NULL;

    assert_ok(
        target_sqlite.describe(db->target, TEXT(""), text_of(name), db->arena, &table, &db->err),
        db->err);
    return table;
}

static StageSpec
spec_of(Db *db)
{
    const TargetTable *base = describe(db, "items");

    if (base == NULL) {
        (void)db_run(db, "CREATE TABLE items (id INTEGER PRIMARY KEY, "
                         "name TEXT COLLATE NOCASE NOT NULL UNIQUE, \"odd \"\"name\" , "
                         "total NUMERIC(10,2) DEFAULT 0 CHECK (total >= 0), "
                         "twice INTEGER GENERATED ALWAYS AS (id * 2) STORED)");
        base = describe(db, "items");
    }
    return (StageSpec){base, TEXT(""), TEXT("stage_items"), &csv};
}

static bool
prepare(Db *db, const StageSpec *spec, bool create)
{
    return stage_prepare(db->target, spec, template_path(db, "sqlite"), create, &db->err);
}

static const char *
schema_of(Db *db)
{
    return db_query(db, "SELECT sql FROM sqlite_schema WHERE name = 'stage_items'");
}

static void
a_staging_table_has_header_and_base_columns_without_constraints(void **state)
{
    Db *db = *state;
    StageSpec spec = spec_of(db);

    assert_ok(prepare(db, &spec, true), db->err);
    assert_string_equal(schema_of(db), "CREATE TABLE \"stage_items\" (\n"
                                       "    \"dray_opcode\" VARCHAR(2),\n"
                                       "    \"dray_seqno\" BIGINT,\n"
                                       "    \"dray_row_id\" BIGINT,\n"
                                       "    \"dray_timestamp\" TEXT,\n"
                                       "    \"id\" INTEGER,\n"
                                       "    \"name\" TEXT COLLATE \"NOCASE\",\n"
                                       "    \"odd \"\"name\",\n"
                                       "    \"total\" NUMERIC(10,2),\n"
                                       "    \"twice\" INTEGER\n"
                                       ")");
    assert_false(target_sqlite.in_transaction(db->target));
    (void)db_run(db, "INSERT INTO stage_items (dray_opcode, id) VALUES ('D', 1), ('D', 1)");
}

static void
a_fitting_table_is_left_as_it_is(void **state)
{
    Db *db = *state;
    StageSpec spec = spec_of(db);

    (void)db_run(db, "CREATE TABLE stage_items (id integer, name TEXT collate nocase, "
                     "\"odd \"\"name\", total numeric(10,2), twice INTEGER, added TEXT, "
                     "dray_opcode CHAR(2) NOT NULL, dray_seqno INTEGER, dray_row_id INTEGER "
                     "PRIMARY KEY, dray_timestamp TEXT)");
    (void)db_run(db, "INSERT INTO stage_items (dray_opcode) VALUES ('I')");
    assert_ok(prepare(db, &spec, true), db->err);
    assert_ok(prepare(db, &spec, false), db->err);
    assert_string_equal(db_query(db, "SELECT count(*) FROM stage_items"), "1");
}

static void
a_table_that_does_not_fit_is_made_again(void **state)
{
    Db *db = *state;
    StageSpec spec = spec_of(db);

    assert_ok(prepare(db, &spec, true), db->err);
    (void)db_run(db, "ALTER TABLE items ADD COLUMN later TEXT");
    spec.base = describe(db, "items");
    assert_error(db, prepare(db, &spec, false), ERR_TARGET,
        "staging table stage_items: column later is missing: change or drop it, or set "
        "target.create_tables: stage");
    assert_ok(prepare(db, &spec, true), db->err);
    assert_non_null(strstr(schema_of(db), "\"later\" TEXT"));
}

static void
a_table_that_is_not_ours_is_never_dropped(void **state)
{
    Db *db = *state;
    StageSpec spec = spec_of(db);

    (void)db_run(db, "CREATE TABLE stage_items (precious TEXT, dray_opcode TEXT)");
    (void)db_run(db, "INSERT INTO stage_items VALUES ('gold', 'x')");
    assert_error(db, prepare(db, &spec, true), ERR_TARGET,
        "staging table stage_items: a table of this name has no column dray_seqno: it is no "
        "staging table of ours and is left alone; rename it, or set stage.table_prefix or "
        "stage.column_prefix");
    assert_string_equal(db_query(db, "SELECT precious FROM stage_items"), "gold");
}

static void
the_base_table_is_never_its_own_staging_table(void **state)
{
    Db *db = *state;
    StageSpec spec = spec_of(db);

    spec.name = TEXT("Items");
    assert_error(db, prepare(db, &spec, true), ERR_CONFIG,
        "table items would be its own staging table: set stage.table_prefix or stage.schema");
}

static void
header_columns_of_an_audit_table_are_not_repeated(void **state)
{
    Db *db = *state;
    StageSpec spec = spec_of(db);

    (void)db_run(db, "ALTER TABLE items ADD COLUMN DRAY_SEQNO INTEGER");
    spec.base = describe(db, "items");
    assert_true(prepare(db, &spec, true));
    assert_true(prepare(db, &spec, false));
    assert_int_equal(describe(db, "stage_items")->column_count,
        spec.base->column_count - 1 + spec.csv->header_count);
}

static void
a_missing_table_is_not_made_unasked(void **state)
{
    Db *db = *state;
    StageSpec spec = spec_of(db);

    assert_error(db, prepare(db, &spec, false), ERR_TARGET,
        "staging table stage_items: it is missing: make it with dray ddl --execute, or set "
        "target.create_tables: stage");
    assert_null(describe(db, "stage_items"));
}

static void
what_does_not_fit_is_named(void **state)
{
    Db *db = *state;
    StageSpec spec = spec_of(db);
    static const char header[] = "dray_opcode TEXT, dray_row_id BIGINT, dray_timestamp TEXT";
    static const char base[] = "id INTEGER, name TEXT COLLATE NOCASE, \"odd \"\"name\", "
                               "total NUMERIC(10,2), twice INTEGER";
    static const struct {
        const char *columns;
        const char *base;
        const char *why;
    } cases[] = {
        {"dray_seqno TEXT", base, "column dray_seqno is of type TEXT and should be BIGINT"},
        {"dray_seqno INTEGER AS (1)", base, "column dray_seqno is generated"},
        {"dray_seqno BIGINT", "id INTEGER, name TEXT",
            "column name is of type 'TEXT', in the base table 'TEXT COLLATE \"NOCASE\"'"},
        {"dray_seqno BIGINT", "id INTEGER NOT NULL",
            "column id is NOT NULL: lines of deletes have only the key"},
        {"dray_seqno BIGINT, must TEXT NOT NULL", base,
            "column must is NOT NULL, has no default and is not in the base table"},
        {"dray_seqno BIGINT PRIMARY KEY", base,
            "its primary key has no column dray_row_id: a key may come in several lines"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Text why = TEXT("");

        (void)db_run(db, "DROP TABLE IF EXISTS s");
        (void)db_run(db, arena_printf(db->arena, "CREATE TABLE s (%s, %s, %s)", header,
                             cases[i].columns, cases[i].base));
        assert_false(stage_fits(&spec, describe(db, "s"), &sql_dialect_sqlite, db->arena, &why));
        assert_text(why, cases[i].why);
    }
}

static void
a_template_that_makes_something_else_is_told(void **state)
{
    Db *db = *state;
    StageSpec spec = spec_of(db);
    char *path = file_join(db->directory, "stage.sql");
    static const char *const texts[] = {"CREATE TABLE other (a);",
        "CREATE TABLE %%STAGE_TABLE_FQN%% (dray_opcode TEXT);",
        "CREATE TABLE %%STAGE_TABLE_FQN%% (%%COLUMNS%%); nonsense;"};
    const char *const errors[] = {
        arena_printf(db->arena, "staging table stage_items: %s did not make the table", path),
        arena_printf(db->arena,
            "staging table stage_items: made from %s it does not fit: column dray_seqno is "
            "missing",
            path),
        arena_printf(db->arena,
            "staging table stage_items: make it from %s: near \"nonsense\": syntax error at line "
            "1, column 1 of the statement",
            path)};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        (void)db_run(db, "DROP TABLE IF EXISTS stage_items");
        assert_ok(file_write_durable(path, texts[i], strlen(texts[i]), &db->err), db->err);
        assert_false(stage_prepare(db->target, &spec, path, true, &db->err));
        assert_string_equal(db->err.text, errors[i]);
    }
    /* the last one failed as a whole */
    assert_null(describe(db, "stage_items"));
    free(path);
}

static void
statements_are_printed_for_each_target(void **state)
{
    Db *db = *state;
    TargetColumn columns[] = {{.name = TEXT("Id"), .type = TEXT("integer"), .not_null = true},
        {.name = TEXT("tags"), .type = TEXT("character varying(20)[] COLLATE \"C\"")}};
    TargetTable base = {TEXT("dw"), TEXT("items"), columns, 2, NULL, 0};
    StageSpec spec = {&base, TEXT("stage"), TEXT("stage_items"), &csv};
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    assert_ok(
        stage_print(&sql_dialect_postgres, &spec, template_path(db, "postgres"), &out, &db->err),
        db->err);
    assert_string_equal(out.data, "CREATE UNLOGGED TABLE \"stage\".\"stage_items\" (\n"
                                  "    \"dray_opcode\" varchar(2),\n"
                                  "    \"dray_seqno\" bigint,\n"
                                  "    \"dray_row_id\" bigint,\n"
                                  "    \"dray_timestamp\" timestamp(6),\n"
                                  "    \"Id\" integer,\n"
                                  "    \"tags\" character varying(20)[] COLLATE \"C\"\n"
                                  ") WITH (autovacuum_enabled = false);\n");
    buf_reset(&out, 0);
    columns[1].type = TEXT("varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    assert_ok(stage_print(&sql_dialect_mysql, &spec, template_path(db, "mysql"), &out, &db->err),
        db->err);
    assert_string_equal(out.data,
        "CREATE TABLE `stage`.`stage_items` (\n"
        "    `dray_opcode` VARCHAR(2) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,\n"
        "    `dray_seqno` BIGINT NULL,\n"
        "    `dray_row_id` BIGINT NULL,\n"
        "    `dray_timestamp` DATETIME(6) NULL,\n"
        "    `Id` integer NULL,\n"
        "    `tags` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL\n"
        ") ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4\n"
        "    /*M!100202 COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;\n");
}

#define WITH_DB(test) cmocka_unit_test_setup_teardown(test, db_setup, db_teardown)

static const struct CMUnitTest tests[] = {
    WITH_DB(a_staging_table_has_header_and_base_columns_without_constraints),
    WITH_DB(a_fitting_table_is_left_as_it_is),
    WITH_DB(a_table_that_does_not_fit_is_made_again),
    WITH_DB(a_table_that_is_not_ours_is_never_dropped),
    WITH_DB(the_base_table_is_never_its_own_staging_table),
    WITH_DB(header_columns_of_an_audit_table_are_not_repeated),
    WITH_DB(a_missing_table_is_not_made_unasked),
    WITH_DB(what_does_not_fit_is_named),
    WITH_DB(a_template_that_makes_something_else_is_told),
    WITH_DB(statements_are_printed_for_each_target),
};

TEST_MAIN(tests)
