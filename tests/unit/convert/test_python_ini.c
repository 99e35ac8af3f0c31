/* Python 2's ini files: rules, one by one, and what is told of mistakes. */
#include "convert/python_ini.h"
#include "support/test.h"

static PythonIni *
parse(const char *text, Buf *notes)
{
    Error err;
    PythonIni *ini = python_ini_parse("f.ini", text_of(text), notes, &err);

    assert_ok(ini != NULL, err);
    return ini;
}

static void
check_value(PythonIni *ini, const char *section, const char *name, const char *expected)
{
    PythonIniSection *found = python_ini_section(ini, section);
    Text value;
    Error err;

    assert_non_null(found);
    assert_ok(python_ini_get(ini, found, name, &value, &err), err);
    if (expected == NULL)
        assert_null(value.data);
    else
        assert_text(value, expected);
}

static void
check_parse_error(const char *text, const char *expected)
{
    Error err;

    assert_null(python_ini_parse("f.ini", text_of(text), NULL, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, expected);
}

static void
check_value_error(const char *text, const char *expected)
{
    CLEANUP(python_ini_free) PythonIni *ini = parse(text, NULL);
    Text value;
    Error err;

    assert_false(python_ini_get(ini, python_ini_section(ini, "s"), "a", &value, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.text, expected);
}

static void
options_stand_behind_equals_or_colon_and_names_have_no_case(void **state)
{
    CLEANUP(python_ini_free)
    PythonIni *ini =
        parse("[s]\nA=1\n long\nTwo Words : x = y\r\nempty=\nquoted = \"\"\nx:=:\n", NULL);

    (void)state;
    check_value(ini, "s", "a", "1\nlong");
    check_value(ini, "s", "two words", "x = y");
    check_value(ini, "s", "empty", "");
    check_value(ini, "s", "quoted", "");
    check_value(ini, "s", "x", "=:");
    check_value(ini, "s", "none", NULL);
}

static void
a_value_goes_on_in_indented_lines_over_empty_ones_and_comments(void **state)
{
    CLEANUP(buf_clear) Buf notes = BUF_INIT;
    CLEANUP(python_ini_free)
    PythonIni *ini = parse("[s]\nt =\n"
                           "   create table x (y int);  \n"
                           "\n"
                           "# comment\n"
                           "; comment\n"
                           "\tselect ';' ; select 2;\n"
                           "  # kept\n"
                           "  ; kept\n"
                           "u = 1\n",
        &notes);

    (void)state;
    check_value(ini, "s", "t", "\ncreate table x (y int);\nselect ';' ; select 2;\n# kept\n; kept");
    check_value(ini, "s", "u", "1");
    assert_string_equal(notes.data,
        "f.ini:8: the line is a part of the value above, as to Python 2; to Python 3 it is a "
        "comment\n"
        "f.ini:9: the line is a part of the value above, as to Python 2; to Python 3 it is a "
        "comment\n");
}

static void
a_semicolon_behind_a_blank_is_a_comment_where_it_is_the_first_one(void **state)
{
    CLEANUP(buf_clear) Buf notes = BUF_INIT;
    CLEANUP(python_ini_free)
    PythonIni *ini = parse("[s] ; any\na = 1 ; x\nb = 1;2 ; x\nc = ;x\nd = 1 # x\n", &notes);

    (void)state;
    check_value(ini, "s", "a", "1");
    check_value(ini, "s", "b", "1;2 ; x");
    check_value(ini, "s", "c", ";x");
    check_value(ini, "s", "d", "1 # x");
    assert_string_equal(notes.data,
        "f.ini:2: what stands behind \" ;\" is a comment, as to Python 2; to Python 3 it is a part "
        "of the value\n");
}

static void
sections_go_on_and_the_last_of_two_options_counts(void **state)
{
    CLEANUP(buf_clear) Buf notes = BUF_INIT;
    CLEANUP(python_ini_free)
    PythonIni *ini = parse("\xef\xbb\xbf[s]\na=1\n[t]\na=2\n[s]\nb=3\nA=4\n\t5\n[empty]\n", &notes);

    (void)state;
    check_value(ini, "s", "a", "4\n5");
    check_value(ini, "s", "b", "3");
    check_value(ini, "t", "a", "2");
    assert_non_null(python_ini_section(ini, "empty"));
    assert_null(python_ini_section(ini, "DEFAULT"));
    assert_int_equal(ini->sections.count, 3);
    assert_int_equal(python_ini_find(ini, python_ini_section(ini, "s"), "a")->line, 7);
    assert_string_equal(notes.data,
        "f.ini:7: the option is given again: this one counts; to Python 3 it is an error\n");
}

static void
names_in_values_are_looked_up_in_section_defaults_and_presets(void **state)
{
    CLEANUP(python_ini_free)
    PythonIni *ini = parse("[s]\n"
                           "a = %(B)s/%(job)s.log %% 100%%\n"
                           "b = %(c)s\n"
                           "d = 1\n"
                           "e = %(__name__)s\n"
                           "[DEFAULT]\n"
                           "c = /%(d)s/%(e)s\n"
                           "d = 2\n",
        NULL);
    PythonIniSection *section = python_ini_section(ini, "s");

    (void)state;
    python_ini_preset(ini, "job", TEXT("j%%"));
    check_value(ini, "s", "a", "/1/s/j%.log % 100%");
    check_value(ini, "s", "c", "/1/s");
    assert_true(python_ini_find(ini, section, "b")->used);
    assert_true(python_ini_find(ini, section, "c")->used);
    assert_int_equal(python_ini_find(ini, section, "job")->line, 0);
}

static void
an_option_of_the_section_counts_before_a_preset(void **state)
{
    CLEANUP(python_ini_free) PythonIni *ini = parse("[s]\njob = own\na = %(job)s\nb = 1\n", NULL);

    (void)state;
    python_ini_preset(ini, "job", TEXT("preset"));
    check_value(ini, "s", "a", "own");
    assert_false(python_ini_find(ini, python_ini_section(ini, "s"), "b")->used);
}

static void
all_lines_that_are_nothing_are_told_without_their_content(void **state)
{
    (void)state;
    check_parse_error(
        "\n# c\na = secret\n[s]\n", "f.ini:3: a line in front of the first [section]");
    check_parse_error("[s]\n secret\n= secret\na\n[]\n",
        "f.ini:2: the line is no [section], no option = value, and no comment\n"
        "f.ini:3: the line is no [section], no option = value, and no comment\n"
        "f.ini:4: the line is no [section], no option = value, and no comment\n"
        "f.ini:5: the line is no [section], no option = value, and no comment");
}

static void
wrong_names_in_values_name_the_option_and_not_the_value(void **state)
{
    (void)state;
    check_value_error("[s]\n\na = secret %(Nothing)s\n", "f.ini:3: a: there is no option nothing");
    check_value_error("[s]\na = 100%\n", "f.ini:2: a: % stands alone; for a percent sign write %%");
    check_value_error("[s]\na = %d\n", "f.ini:2: a: % stands alone; for a percent sign write %%");
    check_value_error(
        "[s]\na = %(b)d\n", "f.ini:2: a: %( begins no %(name)s; for a percent sign write %%");
    check_value_error(
        "[s]\na = %(b)s\nb = %(a)s\n", "f.ini:2: a: options name each other more than ten deep");
}

static void
ten_deep_is_well_and_eleven_is_too_deep(void **state)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    CLEANUP(python_ini_free) PythonIni *ini = NULL;
    Text value;
    Error err;

    (void)state;
    buf_add_string(&text, "[s]\nn0 = end\n");
    for (int i = 1; i <= 10; i++)
        buf_addf(&text, "n%d = %%(n%d)s\n", i, i - 1);
    ini = parse(text.data, NULL);
    check_value(ini, "s", "n9", "end");
    assert_false(python_ini_get(ini, python_ini_section(ini, "s"), "n10", &value, &err));
}

/* 100 names a level, ten levels: without a limit it would never end. */
static void
values_that_multiply_end_in_an_error(void **state)
{
    const char *const ends[] = {"", "0123456789"};

    (void)state;
    for (size_t end = 0; end < ARRAY_LEN(ends); end++) {
        CLEANUP(buf_clear) Buf text = BUF_INIT;

        buf_addf(&text, "[s]\nn0 = %s\n", ends[end]);
        for (int i = 1; i <= 8; i++) {
            buf_addf(&text, "n%d = ", i);
            for (int j = 0; j < 100; j++)
                buf_addf(&text, "%%(n%d)s", i - 1);
            buf_add_char(&text, '\n');
        }
        buf_add_string(&text, "a = %(n8)s\n");
        check_value_error(text.data, "f.ini:11: a: the value becomes too long");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_behind_equals_or_colon_and_names_have_no_case),
        cmocka_unit_test(a_value_goes_on_in_indented_lines_over_empty_ones_and_comments),
        cmocka_unit_test(a_semicolon_behind_a_blank_is_a_comment_where_it_is_the_first_one),
        cmocka_unit_test(sections_go_on_and_the_last_of_two_options_counts),
        cmocka_unit_test(names_in_values_are_looked_up_in_section_defaults_and_presets),
        cmocka_unit_test(an_option_of_the_section_counts_before_a_preset),
        cmocka_unit_test(all_lines_that_are_nothing_are_told_without_their_content),
        cmocka_unit_test(wrong_names_in_values_name_the_option_and_not_the_value),
        cmocka_unit_test(ten_deep_is_well_and_eleven_is_too_deep),
        cmocka_unit_test(values_that_multiply_end_in_an_error),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
