#include "ddl/template.h"

#include "support/test.h"

static const TemplateParam items[] = {{"NAME", {"\"t\"", 3}}, {"COLUMNS", {"a int,\nb int", 12}}};
static const TemplateParams params = {items, ARRAY_LEN(items)};

static bool
fill(const char *text, Arena *arena, TemplateStatements *statements, Error *err)
{
    return template_fill(
        "stage.sql", text_of(text), &sql_dialect_postgres, &params, arena, statements, err);
}

static void
statements_are_split_and_filled(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    TemplateStatements statements;
    Error err;

    (void)state;
    assert_ok(fill("-- about %%NAME%%\nCREATE TABLE %%NAME%% (%%COLUMNS%%);\n"
                   "COMMENT ON TABLE %%NAME%% IS '; 100%';",
                  arena, &statements, &err),
        err);
    assert_int_equal(statements.count, 2);
    assert_text(statements.items[0], "CREATE TABLE \"t\" (a int,\nb int)");
    assert_text(statements.items[1], "COMMENT ON TABLE \"t\" IS '; 100%'");
}

static void
mistakes_have_file_line_and_column(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"SELECT 1;\n  CREATE %%WRONG%%;", "stage.sql:2:10: unknown parameter %%WRONG%%"},
        {"CREATE\n TABLE %%WRONG%%;", "stage.sql:2:8: unknown parameter %%WRONG%%"},
        {"SELECT '%%NAME%%';",
            "stage.sql:1:8: a parameter of a template cannot stand inside quotes: '%%NAME%%'"},
        {"-- nothing\n", "stage.sql:1:1: no statement"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        TemplateStatements statements;
        Error err;

        assert_false(fill(cases[i].text, arena, &statements, &err));
        assert_string_equal(err.text, cases[i].error);
        assert_int_equal(err.kind, ERR_SCRIPT);
    }
}

static void
a_missing_file_is_named(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    TemplateStatements statements;
    Error err;

    (void)state;
    assert_false(template_load(
        "/no/such/stage.sql", &sql_dialect_postgres, &params, arena, &statements, &err));
    assert_string_equal(err.text, "open /no/such/stage.sql: No such file or directory");
    assert_int_equal(err.kind, ERR_IO);
}

static void
conditions_choose_lines(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    static const char text[] = "CREATE TABLE t (a int\n"
                               "-- @if key\n"
                               "  , PRIMARY KEY (a)\n"
                               "-- @end\n"
                               "-- @if not key\n"
                               "  , b int\n"
                               "-- @end\n"
                               ");\n"
                               "-- @if key\n"
                               "CREATE INDEX i ON t (a);\n"
                               "-- @end\n";
    static const struct {
        bool key;
        const char *first;
        size_t count;
    } cases[] = {
        {true, "CREATE TABLE t (a int\n  , PRIMARY KEY (a)\n)", 2},
        {false, "CREATE TABLE t (a int\n  , b int\n)", 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const TemplateFlag flag = {"key", cases[i].key};
        const TemplateParams some = {items, ARRAY_LEN(items), &flag, 1};
        TemplateStatements statements;
        Error err;

        assert_ok(template_fill("base.sql", text_of(text), &sql_dialect_postgres, &some, arena,
                      &statements, &err),
            err);
        assert_int_equal(statements.count, cases[i].count);
        assert_text(statements.items[0], cases[i].first);
    }
}

static void
wrong_conditions_have_file_and_line(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"SELECT 1;\n-- @if kye\n-- @end\n", "stage.sql:2:1: unknown condition \"kye\""},
        {"-- @if key\nSELECT 1;\n", "stage.sql:1:1: @if without @end"},
        {"-- @if key\n-- @if not key\n-- @end\n", "stage.sql:2:1: @if within @if"},
        {"SELECT 1;\n-- @end\n", "stage.sql:2:1: @end without @if"},
        {"-- @if not key\nSELECT 1;\n-- @end\nSELECT %%X%%;",
            "stage.sql:4:8: unknown parameter %%X%%"},
    };
    static const TemplateFlag flag = {"key", true};
    static const TemplateParams some = {items, ARRAY_LEN(items), &flag, 1};
    TemplateStatements statements;
    Error err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_false(template_fill("stage.sql", text_of(cases[i].text), &sql_dialect_postgres,
            &some, arena, &statements, &err));
        assert_string_equal(err.text, cases[i].error);
        assert_int_equal(err.kind, ERR_SCRIPT);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(statements_are_split_and_filled),
    cmocka_unit_test(mistakes_have_file_line_and_column),
    cmocka_unit_test(a_missing_file_is_named),
    cmocka_unit_test(conditions_choose_lines),
    cmocka_unit_test(wrong_conditions_have_file_and_line),
};

TEST_MAIN(tests)
