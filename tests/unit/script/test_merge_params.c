#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

static void
expect(const SqlDialect *dialect, const char *sql, const char *expected)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    Fixture fixture;

    fixture_init(&fixture, dialect);
    fixture_fill(&fixture, sql, &out);
    assert_string_equal(buf_string(&out), expected);
    fixture_clear(&fixture);
}

#define PG   (&sql_dialect_postgres)
#define MY   (&sql_dialect_mysql)
#define LITE (&sql_dialect_sqlite)

static void
test_names_and_columns(void **state)
{
    (void)state;
    expect(PG,
        "%%BASE_TABLE%% %%BASE_TABLE_FQN%% %%BASE_SCHEMA%% %%STAGE_TABLE%% %%STAGE_SCHEMA%% "
        "%%STAGE_TABLE_FQN%%;",
        "\"shop\".\"orders\" \"shop\".\"orders\" \"shop\" \"stage_orders\" \"stage\" "
        "\"stage\".\"stage_orders\"");
    expect(MY, "%%BASE_TABLE%%;", "`shop`.`orders`");
    expect(LITE, "%%BASE_TABLE%%;", "\"orders\"");
    expect(PG, "%%BASE_COLUMNS%%;", "\"a\", \"b\", \"v\"");
    expect(PG, "%%STAGE_COLUMNS%%;", "\"d_opcode\", \"d_row_id\", \"a\", \"b\", \"v\", \"g\"");
    expect(PG, "%%HEADER_COLUMNS%%;", "\"d_opcode\", \"d_row_id\"");
    expect(PG, "%%LOAD_COLUMNS%%|%%LOAD_SET%%;",
        "\"d_opcode\", \"d_row_id\", \"a\", \"b\", \"v\", \"g\"|");
    expect(PG, "%%SET_COLUMNS%%;", "\"v\" = stage.\"v\"");
    expect(MY, "%%SET_COLUMNS%%;", "base.`v` = stage.`v`");
    expect(PG, "-- @if kept\n%%KEPT_COLUMNS%% %%KEPT_SET%%;", "\"note\" \"note\" = base.\"note\"");
    expect(MY, "-- @if kept\n%%KEPT_SET%%;", "stage.`note` = base.`note`");
}

static void
test_keys_of_several_columns(void **state)
{
    (void)state;
    expect(PG, "%%PKEY%% %%BASE_PKEY%% %%STAGE_PKEY%%;",
        "\"a\", \"b\" (\"orders\".\"a\", \"orders\".\"b\") "
        "(\"stage_orders\".\"a\", \"stage_orders\".\"b\")");
    expect(LITE, "%%PKEY_JOIN%%;",
        "base.\"a\" = stage.\"a\" AND base.\"b\" = stage.\"b\" AND "
        "base.\"b\" = stage.\"b\" COLLATE BINARY");
    expect(MY, "%%PKEY_GROUP%%;", "stage.`a`, CAST(stage.`b` AS BINARY)");
    expect(MY, "%%STAGE_LAST%%;",
        "stage.`d_row_id` IN (SELECT last_row FROM (SELECT MAX(stage.`d_row_id`) AS last_row FROM "
        "`stage`.`stage_orders` AS stage GROUP BY stage.`a`, CAST(stage.`b` AS BINARY)) AS "
        "last_rows)");
}

static void
test_numbers_and_strings(void **state)
{
    (void)state;
    expect(PG, "%%SERVICE%% %%BLOCK_DIR%% %%CSV_FILE%% %%CSV_ROWS%% %%CSV_NULL%%;",
        "'sales' '/blocks/1' '/blocks/1/shop.orders.csv' 3 'null'");
    expect(PG, "%%FIRST_SEQNO%% %%LAST_SEQNO%% %%GENERATION%%;", "5 9 2");
    expect(PG, "%%OPCODE%% stage.%%ROW_ID%%;", "\"d_opcode\" stage.\"d_row_id\"");
    expect(PG, "%%TIMESTAMP%%;", "error m.sql:2:1: %%TIMESTAMP%% has no value here");
}

static void
test_values_left_out_have_a_place(void **state)
{
    static const struct {
        const SqlDialect *dialect;
        const char *set;
        const char *join;
    } cases[] = {
        {LITE,
            "\"b\" = CASE WHEN stage.\"d_unchanged\" LIKE '%,2,%' THEN base.\"b\" ELSE stage.\"b\" "
            "END, \"v\" = CASE WHEN stage.\"d_unchanged\" LIKE '%,3,%' THEN base.\"v\" ELSE "
            "stage.\"v\" END",
            "base.\"a\" = origin.\"a\" AND base.\"b\" = origin.\"b\" AND base.\"b\" = origin.\"b\" "
            "COLLATE BINARY"},
        {MY,
            "stage.`b` = CASE WHEN stage.`d_unchanged` LIKE '%,2,%' THEN base.`b` ELSE stage.`b` "
            "END, stage.`v` = CASE WHEN stage.`d_unchanged` LIKE '%,3,%' THEN base.`v` ELSE "
            "stage.`v` END",
            "base.`a` = origin.`a` AND base.`b` = origin.`b` AND CAST(base.`b` AS BINARY) = "
            "CAST(origin.`b` AS BINARY)"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Fixture fixture;
        MergeParams *params;

        fixture_init(&fixture, cases[i].dialect);
        params = merge_params_new(&fixture.table, fixture.arena);
        assert_false(merge_params_allow(params, CONDITION_UNCHANGED));
        assert_null(merge_params_get(params, TEXT("UNCHANGED_SET")));
        fixture.block.manifest.dialect.header_names[HEADER_UNCHANGED] = TEXT("d_unchanged");
        fixture.file.unchanged = (size_t[]){1, 2};
        fixture.file.unchanged_count = 2;
        fixture.table.origins = 7;
        params = merge_params_new(&fixture.table, fixture.arena);
        assert_true(merge_params_allow(params, CONDITION_UNCHANGED));
        assert_false(merge_params_allow(params, CONDITION_AGAIN));
        assert_true(text_is(merge_params_get(params, TEXT("UNCHANGED_SET"))->sql, cases[i].set));
        assert_true(text_is(merge_params_get(params, TEXT("ORIGIN_JOIN"))->sql, cases[i].join));
        assert_true(text_is(merge_params_get(params, TEXT("UNCHANGED_ROWS"))->sql, "7"));
        fixture.table.again = true;
        params = merge_params_new(&fixture.table, fixture.arena);
        assert_true(merge_params_allow(params, CONDITION_AGAIN));
        fixture_clear(&fixture);
    }
}

static void
test_what_a_table_lacks_has_no_value(void **state)
{
    Fixture fixture;
    MergeParams *params;

    (void)state;
    fixture_init(&fixture, PG);
    fixture.table.key_count = 0;
    fixture.table.stage_is_compact = true;
    fixture.base.column_count = 4;
    params = merge_params_new(&fixture.table, fixture.arena);
    assert_null(merge_params_get(params, TEXT("PKEY")));
    assert_null(merge_params_get(params, TEXT("STAGE_LAST")));
    assert_null(merge_params_get(params, TEXT("KEPT_SET")));
    assert_null(merge_params_get(params, TEXT("NONSENSE")));
    assert_false(merge_params_allow(params, CONDITION_KEPT));
    assert_true(merge_params_allow(params, CONDITION_VALUES));
    fixture.table.key_count = 2;
    fixture.file.column_count = 2;
    params = merge_params_new(&fixture.table, fixture.arena);
    assert_true(text_is(merge_params_get(params, TEXT("STAGE_LAST"))->sql, "1 = 1"));
    assert_false(merge_params_allow(params, CONDITION_VALUES));
    fixture.table.file = NULL;
    params = merge_params_new(&fixture.table, fixture.arena);
    assert_null(merge_params_get(params, TEXT("BASE_TABLE")));
    assert_non_null(merge_params_get(params, TEXT("LAST_SEQNO")));
    fixture.table.block = NULL;
    params = merge_params_new(&fixture.table, fixture.arena);
    assert_null(merge_params_get(params, TEXT("LAST_SEQNO")));
    assert_non_null(merge_params_get(params, TEXT("SERVICE")));
    fixture_clear(&fixture);
}

static void
test_a_truncate_without_rows_has_names_and_its_time(void **state)
{
    Fixture fixture;
    MergeParams *params;

    (void)state;
    fixture_init(&fixture, PG);
    fixture.file.name = TEXT_NONE;
    fixture.file.column_count = 0;
    params = merge_params_new(&fixture.table, fixture.arena);
    assert_true(text_is(
        merge_params_get(params, TEXT("TRUNCATE_TIMESTAMP"))->sql, "'1970-01-01 00:00:01.000'"));
    assert_true(text_is(merge_params_get(params, TEXT("TRUNCATE_SEQNO"))->sql, "77"));
    assert_non_null(merge_params_get(params, TEXT("BASE_TABLE")));
    assert_null(merge_params_get(params, TEXT("CSV_FILE")));
    fixture.file.truncate_time_us = TIME_UNKNOWN;
    params = merge_params_new(&fixture.table, fixture.arena);
    assert_true(text_is(merge_params_get(params, TEXT("TRUNCATE_TIMESTAMP"))->sql, "NULL"));
    fixture_clear(&fixture);
}

/* ---- values that try to get out of where they stand ---- */

#define HOSTILE "a'b\"c`d\\e;$(f)\n%%PKEY%%-- "

static void
expect_hostile(const SqlDialect *dialect, const char *sql, const char *expected)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    Fixture fixture;

    fixture_init(&fixture, dialect);
    fixture.base.schema = TEXT("");
    fixture.base.name = TEXT(HOSTILE);
    fixture.table.csv_path = HOSTILE;
    fixture_fill(&fixture, sql, &out);
    assert_string_equal(buf_string(&out), expected);
    fixture_clear(&fixture);
}

static void
test_hostile_values_stay_inside_sql_quotes(void **state)
{
    (void)state;
    expect_hostile(PG, "x %%BASE_TABLE%%;", "x \"a'b\"\"c`d\\e;$(f)\n%%PKEY%%-- \"");
    expect_hostile(MY, "x %%BASE_TABLE%%;", "x `a'b\"c``d\\e;$(f)\n%%PKEY%%-- `");
    expect_hostile(PG, "'/%%BASE_TABLE%%/';", "'/a''b\"c`d\\e;$(f)\n%%PKEY%%-- /'");
    expect_hostile(PG, "E'%%BASE_TABLE%%';", "E'a''b\"c`d\\\\e;$(f)\n%%PKEY%%-- '");
    expect_hostile(PG, "U&'%%BASE_TABLE%%';", "U&'a''b\"c`d\\\\e;$(f)\n%%PKEY%%-- '");
    expect_hostile(PG, "\"x_%%BASE_TABLE%%\";", "\"x_a'b\"\"c`d\\e;$(f)\n%%PKEY%%-- \"");
    expect_hostile(MY, "'%%BASE_TABLE%%';", "'a''b\"c`d\\\\e;$(f)\n%%PKEY%%-- '");
    expect_hostile(MY, "\"%%BASE_TABLE%%\";", "\"a'b\"\"c`d\\\\e;$(f)\n%%PKEY%%-- \"");
    expect_hostile(MY, "`%%BASE_TABLE%%`;", "`a'b\"c``d\\e;$(f)\n%%PKEY%%-- `");
    expect_hostile(LITE, "[%%BASE_TABLE%%];", "[a'b\"c`d\\e;$(f)\n%%PKEY%%-- ]");
    expect_hostile(LITE, ".import %%CSV_FILE%% x", ".import 'a''b\"c`d\\e;$(f)\n%%PKEY%%-- ' x");
    expect_hostile(PG, "x /* %%BASE_TABLE%% */ y;", "x /* %%BASE_TABLE%% */ y");
}

static void
test_hostile_values_are_refused_where_they_cannot_be_quoted(void **state)
{
    Fixture fixture;

    (void)state;
    expect_hostile(PG, "DO $$x %%BASE_TABLE%%$$;",
        "error m.sql:2:8: %%BASE_TABLE%% holds a \"$\", which cannot stand inside dollar quotes");
    expect(PG, "DO $x$ '%%BASE_TABLE%%' %%BASE_TABLE%% $x$;",
        "DO $x$ 'shop.orders' \"shop\".\"orders\" $x$");
    expect(PG, "DO $$ it's %%BASE_TABLE%% $$;",
        "error m.sql:2:9: the quote that begins here does not end, and a parameter follows it");
    expect(PG, "E%%SERVICE%%;",
        "error m.sql:2:2: %%SERVICE%% stands directly behind a word: put a space between them");
    expect(PG, "U&%%SERVICE%%;",
        "error m.sql:2:3: %%SERVICE%% stands directly behind a word: put a space between them");
    fixture_init(&fixture, LITE);
    fixture.base.name = TEXT("x]y");
    for (int i = 0; i < 2; i++) {
        CLEANUP(buf_clear) Buf out = BUF_INIT;

        fixture_fill(&fixture, i == 0 ? "[%%BASE_TABLE%%];" : "%%BASE_TABLE%%;", &out);
        assert_string_equal(
            buf_string(&out), i == 0 ? "error m.sql:2:2: %%BASE_TABLE%% holds a \"]\", which "
                                       "cannot stand inside brackets"
                                     : "error m.sql:2:1: %%BASE_TABLE%% holds a NUL byte");
        fixture.base.name = TEXT("x\0y");
    }
    fixture_clear(&fixture);
}

static void
test_hostile_values_stay_inside_shell_quotes(void **state)
{
    (void)state;
    expect_hostile(PG, "\\! cp %%CSV_FILE%% x", "cp 'a'\\''b\"c`d\\e;$(f)\n%%PKEY%%-- ' x");
    expect_hostile(PG, "\\! cp '/x/%%CSV_FILE%%'", "cp '/x/a'\\''b\"c`d\\e;$(f)\n%%PKEY%%-- '");
    expect_hostile(
        PG, "\\! cp \"/x/%%CSV_FILE%%\"", "cp \"/x/a'b\\\"c\\`d\\\\e;\\$(f)\n%%PKEY%%-- \"");
    expect_hostile(PG, "\\! f=%%CSV_FILE%%; wc -l < \"$f\" # %%CSV_FILE%%",
        "f='a'\\''b\"c`d\\e;$(f)\n%%PKEY%%-- '; wc -l < \"$f\" ");
}

static void
test_parameters_the_shell_could_read_twice_are_refused(void **state)
{
    static const char *const behind[] = {"echo $(wc ", "echo \"$(wc ", "echo `wc ", "echo ${x} ",
        "cat <<E; ", "echo $'x' ", "echo $\"x\" "};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(behind); i++) {
        CLEANUP(buf_clear) Buf sql = BUF_INIT;
        CLEANUP(buf_clear) Buf expected = BUF_INIT;

        buf_addf(&sql, "\\! %s%%%%CSV_FILE%%%%", behind[i]);
        buf_addf(&expected,
            "error m.sql:2:%zu: %%%%CSV_FILE%%%% stands behind $(…), ${…}, backquotes, $'…' or <<: "
            "assign it to a shell variable before them, and use that",
            4 + strlen(behind[i]));
        expect(PG, buf_string(&sql), buf_string(&expected));
    }
    expect(PG, "\\! echo $%%CSV_FILE%%",
        "error m.sql:2:10: %%CSV_FILE%% stands directly behind \"$\" or \"\\\"");
    expect(PG, "\\! echo \"\\%%CSV_FILE%%\"",
        "error m.sql:2:11: %%CSV_FILE%% stands directly behind \"$\" or \"\\\"");
    expect(PG, "\\! echo 'x", "error m.sql:2:11: a quote in this command does not end");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_columns),
        cmocka_unit_test(test_keys_of_several_columns),
        cmocka_unit_test(test_numbers_and_strings),
        cmocka_unit_test(test_values_left_out_have_a_place),
        cmocka_unit_test(test_what_a_table_lacks_has_no_value),
        cmocka_unit_test(test_a_truncate_without_rows_has_names_and_its_time),
        cmocka_unit_test(test_hostile_values_stay_inside_sql_quotes),
        cmocka_unit_test(test_hostile_values_are_refused_where_they_cannot_be_quoted),
        cmocka_unit_test(test_hostile_values_stay_inside_shell_quotes),
        cmocka_unit_test(test_parameters_the_shell_could_read_twice_are_refused),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
