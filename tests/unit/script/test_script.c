#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "script/script.h"

static void
expect_error(const SqlDialect *dialect, const char *text, const char *expected)
{
    CLEANUP(script_free) Script *script = NULL;
    Error err = {0};

    script = script_parse("m.sql", text_of(text), dialect, &err);
    assert_null(script);
    assert_int_equal(err.kind, ERR_SCRIPT);
    assert_string_equal(err.text, expected);
}

#define PG (&sql_dialect_postgres)
#define MY (&sql_dialect_mysql)

static void
test_mistakes_are_found_with_their_place(void **state)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"", "m.sql:1:1: the script has no section \"-- @apply\""},
        {"-- @begin\na;\n", "m.sql:3:1: the script has no section \"-- @apply\""},
        {"SELECT 1;", "m.sql:1:1: a section must begin before the first statement: \"-- @apply\""},
        {"-- @aply\n", "m.sql:1:4: @aply is neither a section nor a directive"},
        {"-- @apply now\n", "m.sql:1:4: nothing is expected behind \"@apply\""},
        {"-- @apply\na;\n-- @apply\n", "m.sql:3:4: section @apply began already in line 1"},
        {"-- @apply\n  x %%NOPE%%;", "m.sql:2:5: %%NOPE%% is not a parameter"},
        {"-- @apply\n  x\n '\xc3\xa4 %%NOPE%%';", "m.sql:3:5: %%NOPE%% is not a parameter"},
        {"-- @apply\n\\!  cp %%NOPE%%", "m.sql:2:8: %%NOPE%% is not a parameter"},
        {"-- @begin\n%%PKEY%%;", "m.sql:2:1: %%PKEY%% has no value in section @begin"},
        {"-- @apply\n%%TRUNCATE_SEQNO%%;",
            "m.sql:2:1: %%TRUNCATE_SEQNO%% has no value in section @apply"},
        {"-- @apply\n%%KEPT_SET%%;", "m.sql:2:1: %%KEPT_SET%% is empty for most tables: write \"-- "
                                     "@if kept\" in front of this "
                                     "statement"},
        {"-- @apply\nCOMMIT;",
            "m.sql:2:1: this statement would end the block's transaction, so it cannot stand in "
            "section @apply"},
        {"-- @truncate\n\n /* x */ vacuum x;",
            "m.sql:3:10: this statement would end the block's transaction, so it cannot stand in "
            "section @truncate"},
        {"-- @commit\nCOPY x FROM STDIN;",
            "m.sql:2:1: there is no CSV file to load in section @commit"},
        {"-- @apply\n-- @expect rows 1\n",
            "m.sql:2:4: there is no statement in front of this @expect"},
        {"-- @apply\n\\! ls\n-- @expect rows 1\n",
            "m.sql:3:4: there is no statement in front of this @expect"},
        {"-- @apply\na;\n-- @expect 1\n", "m.sql:3:4: \"@expect rows NUMBER\" is expected"},
        {"-- @apply\na;\n-- @expect rows x\n",
            "m.sql:3:4: a number or a parameter is expected, not x"},
        {"-- @apply\na;\n-- @expect rows %%NOPE%%\n", "m.sql:3:17: %%NOPE%% is not a parameter"},
        {"-- @apply\na;\n-- @expect rows 1\n-- @expect rows 1\n",
            "m.sql:4:4: the statement in front has an @expect already"},
        {"-- @apply\n-- @if full\na;",
            "m.sql:2:4: @if kept, values, unchanged, again, deletes or no deletes is expected"},
        {"-- @apply\n-- @if no deletes\na;\n-- @if deletes\nb;",
            "m.sql:2:4: @if deletes and @if no deletes need a line \"-- @deletes\" in the script"},
        {"-- @deletes keep\n", "m.sql:1:4: nothing is expected behind \"@deletes\""},
        {"-- @distinguish_updates 1\n",
            "m.sql:1:4: nothing is expected behind \"@distinguish_updates\""},
        {"-- @apply\nUPDATE x SET %%UNCHANGED_SET%%;",
            "m.sql:2:14: %%UNCHANGED_SET%% has a value only where lines leave values out: write "
            "\"-- @if unchanged\" in front of this statement"},
        {"-- @apply\n-- @if kept\nDELETE FROM x WHERE %%ORIGIN_JOIN%%;",
            "m.sql:3:21: %%ORIGIN_JOIN%% has a value only where lines leave values out: write \"-- "
            "@if unchanged\" in front of this statement"},
        {"-- @apply\na;\n-- @expect rows %%UNCHANGED_ROWS%%\n",
            "m.sql:3:17: %%UNCHANGED_ROWS%% has a value only where lines leave values out: write "
            "\"-- @if unchanged\" in front of this statement"},
        {"-- @apply\n-- @if kept\n", "m.sql:2:4: no statement follows this @if"},
        {"-- @apply\n-- @if kept\n-- @begin\na;", "m.sql:2:4: no statement follows this @if"},
        {"-- @begin\n-- @if kept\na;", "m.sql:2:4: @if has no meaning in section @begin"},
        {"-- @if kept\n", "m.sql:1:4: @if stands before the first section"},
        {"-- @all_lines x\n", "m.sql:1:4: nothing is expected behind \"@all_lines\""},
        {"-- @live\n", "m.sql:1:4: \"@live CONDITION\" is expected"},
        {"-- @live a\n-- @live b\n", "m.sql:2:4: there is a @live already"},
        {"-- @live %%PKEY%% = 1\n", "m.sql:1:4: @live takes no parameters"},
        {"-- @apply\n\\!\n", "m.sql:2:1: there is no command behind \"\\!\""},
        {"-- @apply\na '", "m.sql:2:3: this string does not end"},
        {"-- @apply\na \xff;", "m.sql:2:3: this byte is not UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        expect_error(PG, cases[i].text, cases[i].error);
    expect_error(MY, "-- @apply\nTRUNCATE x;",
        "m.sql:2:1: this statement would end the block's transaction, so it cannot stand in "
        "section "
        "@apply");
}

static void
test_a_nul_byte_is_found(void **state)
{
    Error err = {0};

    (void)state;
    assert_null(script_parse("m.sql", TEXT("-- @apply\na\0;"), PG, &err));
    assert_string_equal(err.text, "m.sql:2:2: a NUL byte stands here");
}

static void
test_a_script_is_cut_into_sections(void **state)
{
    CLEANUP(script_free) Script *script = NULL;
    Error err = {0};
    const ScriptStatement *apply;

    (void)state;
    script = script_parse("m.sql",
        TEXT("-- a comment\n-- @all_lines\n-- @prepare\nSET x = 1;\n-- @load\nTRUNCATE x;\n-- "
             "@apply\n"
             "COPY x FROM STDIN;\n-- @expect rows %%CSV_ROWS%%\n-- @if kept\nb %%KEPT_SET%%;\n\\! "
             "ls\n"
             "c 'LIKE %%x%% 5%%';\n-- @expect rows 7\n-- @release\nd;"),
        PG, &err);
    assert_non_null(script);
    assert_true(script->all_lines && script->has_load && script->streams);
    assert_null(script->live.data);
    assert_false(script->needs_key);
    assert_int_equal(script->counts[SECTION_PREPARE], 1);
    assert_int_equal(script->counts[SECTION_APPLY], 4);
    assert_int_equal(script->counts[SECTION_BEGIN], 0);
    apply = script->sections[SECTION_APPLY];
    assert_int_equal(apply[0].kind, STATEMENT_LOAD_STREAMED);
    assert_int_equal(apply[0].line, 8);
    assert_true(text_is(apply[0].expect_rows->parameter, "CSV_ROWS"));
    assert_int_equal(apply[1].condition, CONDITION_KEPT);
    assert_true(apply[2].is_command);
    assert_int_equal(apply[2].condition, CONDITION_NONE);
    assert_int_equal(apply[3].piece_count, 1);
    assert_true(text_is(apply[3].expect_rows->text, "7"));
}

static void
test_flags_tell_what_a_script_needs(void **state)
{
    static const struct {
        const char *text;
        bool needs_key, streams;
    } cases[] = {
        {"COPY x FROM STDIN; SELECT '%%PKEY%%';", true, true},
        {"COPY x FROM STDIN; SELECT %%STAGE_LAST%%;", true, true},
        {"COPY x FROM STDIN; SELECT 1;", false, true},
        {"COPY x FROM '%%CSV_FILE%%';", false, false},
        {"COPY x FROM STDIN;\n\\! cp %%CSV_FILE%% /tmp", false, false},
        {"COPY x FROM STDIN; SELECT %%BLOCK_DIR%%;", false, false},
        {"SELECT 1;", false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(script_free) Script *script = NULL;
        CLEANUP(buf_clear) Buf text = BUF_INIT;
        Error err = {0};

        buf_addf(&text, "-- @apply\n%s\n", cases[i].text);
        script = script_parse("m.sql", buf_text(&text), PG, &err);
        assert_non_null(script);
        assert_int_equal(script->needs_key, cases[i].needs_key);
        assert_int_equal(script->streams, cases[i].streams);
    }
}

static void
check_shipped(const char *directory, const char *name, const SqlDialect *dialect, bool streams)
{
    Error err;
    char *path = file_join(directory, name);
    Script *script = script_load(path, dialect, &err);

    if (script == NULL) {
        fail_msg("%s: %s", path, err.text);
        return;
    }
    assert_int_equal(
        script->needs_key, strcmp(name, "append.sql") != 0 && strcmp(name, "keep_all.sql") != 0);
    assert_int_equal(
        script->all_lines, strncmp(name, "merge", 5) != 0 && strcmp(name, "keep_latest.sql") != 0);
    assert_int_equal(script->has_deletes, strcmp(name, "keep_all.sql") == 0);
    assert_int_equal(script->distinguishes, script->has_deletes);
    assert_int_equal(script->streams, streams);
    /* a table that keeps deleted rows says which are live */
    assert_int_equal(script->live.data != NULL,
        strcmp(name, "history.sql") == 0 || strcmp(name, "soft_delete.sql") == 0);
    script_free(script);
    free(path);
}

/* Every shipped script, under the dialect of its folder. */
static void
test_shipped_scripts_are_right(void **state)
{
    static const SqlDialect *const dialects[] = {&sql_dialect_postgres, &sql_dialect_mysql,
        &sql_dialect_sqlite, &sql_dialect_vertica, &sql_dialect_redshift};
    const char *root = getenv("DRAY_SOURCE_ROOT");
    size_t count = 0;

    (void)state;
    assert_non_null(root);
    for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
        CLEANUP(buf_clear) Buf directory = BUF_INIT;
        FileList files = {0};
        Error err = {0};

        buf_addf(&directory, "%s/merge-scripts/%s", root, dialects[i]->name);
        assert_true(file_list(buf_string(&directory), &files, &err));
        for (size_t j = 0; j < files.count; j++, count++)
            check_shipped(buf_string(&directory), files.names[j], dialects[i], i < 3);
        file_list_free(&files);
    }
    assert_int_equal(count, 22);
}

static void
test_a_script_is_looked_up_beside_the_configuration_first(void **state)
{
    const char *root = getenv("DRAY_SOURCE_ROOT");
    CLEANUP(buf_clear) Buf expected = BUF_INIT;
    CLEANUP(buf_clear) Buf own = BUF_INIT;
    Error err = {0};
    char *found;

    (void)state;
    buf_addf(&own, "%s/merge-scripts/mysql", root);
    found = script_find("merge.sql", buf_string(&own), root, "postgres", &err);
    assert_true(text_ends_with(text_of(found), "mysql/merge.sql"));
    free(found);
    found = script_find("merge.sql", "/nowhere", root, "postgres", &err);
    assert_true(text_ends_with(text_of(found), "postgres/merge.sql"));
    free(found);
    found = script_find("/some/where.sql", "/nowhere", root, "postgres", &err);
    assert_string_equal(found, "/some/where.sql");
    free(found);
    assert_null(script_find("none.sql", "/nowhere", root, "postgres", &err));
    buf_addf(&expected,
        "merge script none.sql is neither /nowhere/none.sql nor %s/merge-scripts/postgres/none.sql",
        root);
    assert_string_equal(err.text, buf_string(&expected));
    assert_int_equal(err.kind, ERR_CONFIG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes_are_found_with_their_place),
        cmocka_unit_test(test_a_nul_byte_is_found),
        cmocka_unit_test(test_a_script_is_cut_into_sections),
        cmocka_unit_test(test_flags_tell_what_a_script_needs),
        cmocka_unit_test(test_shipped_scripts_are_right),
        cmocka_unit_test(test_a_script_is_looked_up_beside_the_configuration_first),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
