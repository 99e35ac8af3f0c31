#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "script/statement.h"

/* The statements, each in [], commands as [!…], directives as [@…]; or the error. */
static void
expect_split(const SqlDialect *dialect, const char *sql, const char *expected)
{
    CLEANUP(buf_clear) Buf got = BUF_INIT;
    Error err = {0};
    Splitter splitter;
    SplitItem item;

    splitter_init(&splitter, "x.sql", dialect, text_of(sql));
    for (;;) {
        if (!splitter_next(&splitter, &item, &err)) {
            buf_addf(&got, "error %s", err.text);
            break;
        }
        if (item.kind == SPLIT_END)
            break;
        buf_addf(
            &got, "[%s" TEXT_FMT "]", item.kind == SPLIT_COMMAND ? "!" : "", TEXT_ARG(item.text));
    }
    assert_string_equal(buf_string(&got), expected);
}

#define PG   sql_dialect_postgres
#define MY   sql_dialect_mysql
#define LITE sql_dialect_sqlite

static void
test_statements_end_at_a_semicolon(void **state)
{
    (void)state;
    expect_split(&PG, "a; b;\n\n;;c\n;", "[a][b][c]");
    expect_split(&PG, "", "");
    expect_split(&PG,
        "\xef\xbb\xbf"
        "a;",
        "[a]");
    expect_split(&PG, "a", "error x.sql:1:1: this statement does not end with \";\"");
    expect_split(&PG, "a;\n  b", "[a]error x.sql:2:3: this statement does not end with \";\"");
}

static void
test_strings_hide_semicolons(void **state)
{
    (void)state;
    expect_split(&PG, "a ';' b; c '''; ' d;", "[a ';' b][c '''; ' d]");
    expect_split(&PG, "a \";\" b; \"x\"\";\";", "[a \";\" b][\"x\"\";\"]");
    expect_split(&PG, "a 'x' -- ';\n b;", "[a 'x' -- ';\n b]");
    expect_split(&MY, "a `;` b; c \";\" d;", "[a `;` b][c \";\" d]");
    expect_split(&LITE, "a [;] b; c `;` d; [a]]; ]; [x",
        "[a [;] b][c `;` d][[a]]][]]"
        "error x.sql:1:28: this quoted identifier does not end");
}

static void
test_backslashes_escape_only_where_the_dialect_says(void **state)
{
    (void)state;
    expect_split(&PG, "a '\\'; b;", "[a '\\'][b]");
    expect_split(&PG, "a E'\\'; b';", "[a E'\\'; b']");
    expect_split(&PG, "a e'\\\\'; b;", "[a e'\\\\'][b]");
    expect_split(&PG, "a U&'\\'; b;", "[a U&'\\'][b]");
    expect_split(&PG, "aE '\\'; b;", "[aE '\\'][b]");
    expect_split(&MY, "a '\\'; b';", "[a '\\'; b']");
    expect_split(&MY, "a \"\\\"; b\";", "[a \"\\\"; b\"]");
    expect_split(&MY, "a `\\`; b;", "[a `\\`][b]");
    expect_split(&LITE, "a '\\'; b;", "[a '\\'][b]");
    expect_split(&MY, "a '\\", "error x.sql:1:3: this string does not end");
}

static void
test_dollar_quotes(void **state)
{
    (void)state;
    expect_split(&PG, "a $$;$$; b;", "[a $$;$$][b]");
    expect_split(&PG, "a $x$ $$; $y$; $x$; b;", "[a $x$ $$; $y$; $x$][b]");
    expect_split(&PG, "a$b$; c$b$;", "[a$b$][c$b$]");
    expect_split(&PG, "a $1; $2;", "[a $1][$2]");
    expect_split(&PG, "a $$;", "error x.sql:1:3: this dollar-quoted text does not end");
    expect_split(&MY, "a $$; b;", "[a $$][b]");
}

static void
test_comments(void **state)
{
    (void)state;
    expect_split(
        &PG, "-- x;\n/* y; */ a /* ; /* ; */ ; */ b; # c;", "[a /* ; /* ; */ ; */ b][# c]");
    expect_split(&MY, "/* ; /* ; */ a; # x;\nb;", "[a][b]");
    expect_split(&MY, "a --1; --\tx;\nb; --", "[a --1][b]");
    expect_split(&LITE, "a --1; b\n;", "[a --1; b]");
    expect_split(&PG, "/*+ hint */ a;", "[/*+ hint */ a]");
    expect_split(&PG, "a /* x", "error x.sql:1:3: this comment does not end");
    expect_split(&PG, "a '", "error x.sql:1:3: this string does not end");
}

static void
test_executable_comments_are_code(void **state)
{
    (void)state;
    expect_split(&MY, "/*!50100 a */; b;", "[/*!50100 a */][b]");
    expect_split(&MY, "x /*M!100100 ';*/' */; b;", "[x /*M!100100 ';*/' */][b]");
    expect_split(&MY, "x /*! ; */; b;", "[x /*! ; */][b]");
    expect_split(&PG, "/*! a; */ b;", "[b]");
}

static void
test_bodies_are_one_statement(void **state)
{
    (void)state;
    expect_split(&PG,
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; "
        "END; b;",
        "[CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 2 END; "
        "END][b]");
    expect_split(&PG, "BEGIN; a; END; b;", "[BEGIN][a][END][b]");
    expect_split(&LITE,
        "create trigger t after update on x begin update y set z = case when 1 then 2 end; "
        "select \"end\"; end; b;",
        "[create trigger t after update on x begin update y set z = case when 1 then 2 end; "
        "select \"end\"; end][b]");
    expect_split(&MY,
        "CREATE PROCEDURE p() BEGIN IF 1 THEN a; END IF; CASE x WHEN 1 THEN b; END CASE; "
        "l: LOOP c; END LOOP; BEGIN d; END; SET @end = t.end; END; e;",
        "[CREATE PROCEDURE p() BEGIN IF 1 THEN a; END IF; CASE x WHEN 1 THEN b; END CASE; "
        "l: LOOP c; END LOOP; BEGIN d; END; SET @end = t.end; END][e]");
    expect_split(&MY, "BEGIN NOT ATOMIC a; b; END; c;", "[BEGIN NOT ATOMIC a; b; END][c]");
    expect_split(&MY, "CREATE TABLE begin (a int); b;", "[CREATE TABLE begin (a int)][b]");
    expect_split(&PG, "CREATE RULE r AS ON INSERT TO t DO (a; b); c;",
        "[CREATE RULE r AS ON INSERT TO t DO (a; b)][c]");
}

static void
test_commands_and_dot_commands(void **state)
{
    (void)state;
    expect_split(&PG, "\\! echo ';' -- @apply\na;", "[!echo ';' -- @apply][a]");
    expect_split(&PG, "  \\!ls\r\n", "[!ls]");
    expect_split(&PG, "a\n\\! ls\n;", "error x.sql:1:1: this statement does not end with \";\"");
    expect_split(&LITE, ".import 'a;' b\nselect\n.5;", "[.import 'a;' b][select\n.5]");
    expect_split(&PG, ".import a;", "[.import a]");
}

static void
test_directives_are_comment_lines(void **state)
{
    (void)state;
    expect_split(
        &PG, "-- @apply  \na; -- @truncate\n  --@expect rows 1\n", "[@apply][a][@expect rows 1]");
    expect_split(&PG, "a '\n-- @apply\n';", "[a '\n-- @apply\n']");
    expect_split(&PG, "a\n-- @apply\n;", "error x.sql:1:1: this statement does not end with \";\"");
    expect_split(&PG, "/*\n-- @apply\n*/ a;", "[a]");
}

static void
test_places_count_lines_and_characters(void **state)
{
    Error err = {0};
    Splitter splitter;
    SplitItem item;

    (void)state;
    splitter_init(&splitter, "x.sql", &PG, TEXT("'\xc3\xa4\n\xc3\xb6'; \xc3\xbc /* */ ; x;"));
    assert_true(splitter_next(&splitter, &item, &err));
    assert_int_equal(item.line, 1);
    assert_true(splitter_next(&splitter, &item, &err));
    assert_int_equal(item.line, 2);
    assert_int_equal(item.column, 5);
}

static void
test_sql_split_takes_plain_files_only(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Error err = {0};
    SplitItem *items;
    size_t count;

    (void)state;
    assert_true(
        sql_split("t.sql", TEXT("-- @x\na;b;c;d;e;f;g;h;i;"), &PG, arena, &items, &count, &err));
    assert_int_equal(count, 9);
    assert_true(text_is(items[8].text, "i"));
    assert_false(sql_split("t.sql", TEXT("a;\n\\! ls\n"), &PG, arena, &items, &count, &err));
    assert_string_equal(err.text, "t.sql:2:1: a command is not allowed here");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements_end_at_a_semicolon),
        cmocka_unit_test(test_strings_hide_semicolons),
        cmocka_unit_test(test_backslashes_escape_only_where_the_dialect_says),
        cmocka_unit_test(test_dollar_quotes),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_executable_comments_are_code),
        cmocka_unit_test(test_bodies_are_one_statement),
        cmocka_unit_test(test_commands_and_dot_commands),
        cmocka_unit_test(test_directives_are_comment_lines),
        cmocka_unit_test(test_places_count_lines_and_characters),
        cmocka_unit_test(test_sql_split_takes_plain_files_only),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
