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

static void
statements_tell_their_lines_and_conditions_do_not_move_them(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    const TemplateFlag flag = {"key", false};
    const TemplateParams some = {items, ARRAY_LEN(items), &flag, 1};
    TemplateStatements statements;
    Error err;

    (void)state;
    assert_ok(template_fill("base.sql",
                  TEXT("-- about\nSELECT\n1;\n-- @if key\nSELECT 2;\n-- @end\n\n  SELECT 3; "
                       "SELECT 4;\n"),
                  &sql_dialect_postgres, &some, arena, &statements, &err),
        err);
    assert_int_equal(statements.count, 3);
    assert_int_equal(statements.lines[0], 2);
    assert_int_equal(statements.lines[1], 8);
    assert_int_equal(statements.lines[2], 8);
}

static void
magic_words_and_parameters_are_filled_together_in_one_pass(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    static const TemplateParam odd[] = {{"NAME", {"_PKEY", 5}}};
    const Text key = TEXT("%%NAME%%");
    const MagicWords words = {TEXT(""), TEXT("p"), TEXT("%%NAME%%;"), &key, 1};
    const TemplateParams both = {.items = odd, .count = 1, .words = &words};
    TemplateStatements statements;
    Error err;

    (void)state;
    assert_ok(template_fill("partition.sql",
                  TEXT("SELECT %%NAME%%, _PKEY, '_PARENT' -- _PKEY\nFROM _PARENT;"),
                  &sql_dialect_postgres, &both, arena, &statements, &err),
        err);
    assert_int_equal(statements.count, 1);
    assert_text(statements.items[0],
        "SELECT _PKEY, \"%%NAME%%\", '%%NAME%%;' -- _PKEY\nFROM \"%%NAME%%;\"");
}

static void
a_value_that_is_missing_is_an_error_where_it_is_used(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    static const TemplateParam none[] = {{"PKEY", {"", 0}, "the table has no key"}};
    const MagicWords words = {TEXT(""), TEXT("p"), TEXT("t"), NULL, 0};
    const TemplateFlag flag = {"key", false};
    const TemplateParams params_of = {none, 1, &flag, 1, &words, "the table has no key"};
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"A\n (%%PKEY%%);", "p.sql:2:3: %%PKEY%% has no value: the table has no key"},
        {"A\n  (_PKEY);", "p.sql:2:4: _PKEY has no value: the table has no key"},
        {"A '(_PKEY)';", "p.sql:1:3: _PKEY has no value: the table has no key"},
        {"-- @if key\nA (_PKEY, %%PKEY%%);\n-- @end\nB; -- _PKEY\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        TemplateStatements statements;
        Error err;
        bool ok = template_fill("p.sql", text_of(cases[i].text), &sql_dialect_postgres, &params_of,
            arena, &statements, &err);

        assert_int_equal(ok, cases[i].error == NULL);
        if (ok)
            continue;
        assert_string_equal(err.text, cases[i].error);
        assert_int_equal(err.kind, ERR_CONFIG);
    }
}

static void
a_template_may_be_empty_where_that_is_allowed(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    const TemplateParams some = {.may_be_empty = true};
    TemplateStatements statements;
    Error err;

    (void)state;
    assert_ok(template_fill("p.sql", TEXT("-- nothing\n"), &sql_dialect_postgres, &some, arena,
                  &statements, &err),
        err);
    assert_int_equal(statements.count, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(statements_are_split_and_filled),
    cmocka_unit_test(mistakes_have_file_line_and_column),
    cmocka_unit_test(a_missing_file_is_named),
    cmocka_unit_test(conditions_choose_lines),
    cmocka_unit_test(wrong_conditions_have_file_and_line),
    cmocka_unit_test(statements_tell_their_lines_and_conditions_do_not_move_them),
    cmocka_unit_test(magic_words_and_parameters_are_filled_together_in_one_pass),
    cmocka_unit_test(a_value_that_is_missing_is_an_error_where_it_is_used),
    cmocka_unit_test(a_template_may_be_empty_where_that_is_allowed),
};

TEST_MAIN(tests)
