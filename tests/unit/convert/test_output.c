/* What converters write is read back as it was. */
#include <yaml.h>

#include "convert/output.h"
#include "support/test.h"

static void
check_scalar(Text text, const char *expected)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    yaml_parser_t parser;
    yaml_document_t document;
    yaml_node_t *node;

    output_scalar(&out, text);
    if (expected != NULL)
        assert_string_equal(out.data, expected);
    buf_addf(&line, "a: %s\n", out.data);
    assert_true(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (unsigned char *)line.data, line.len);
    assert_true(yaml_parser_load(&parser, &document));
    node = yaml_document_get_node(&document, 3);
    assert_non_null(node);
    assert_int_equal(node->type, YAML_SCALAR_NODE);
    assert_true(
        text_equal((Text){(char *)node->data.scalar.value, node->data.scalar.length}, text));
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
}

static void
scalars_are_plain_only_where_that_is_safe(void **state)
{
    (void)state;
    check_scalar(TEXT("dbname=x user=y"), "dbname=x user=y");
    check_scalar(TEXT("${HOME}/log/x.log"), "${HOME}/log/x.log");
    check_scalar(TEXT(""), "\"\"");
    check_scalar(TEXT("*"), "\"*\"");
    check_scalar(TEXT("a: b"), "\"a: b\"");
    check_scalar(TEXT("a #b"), "\"a #b\"");
    check_scalar(TEXT("No"), "\"No\"");
    check_scalar(TEXT("1_000"), "\"1_000\"");
    check_scalar(TEXT("-"), "\"-\"");
    check_scalar(TEXT("end "), "\"end \"");
    check_scalar(TEXT("a\"b\\c\nd\te"), "\"a\\\"b\\\\c\\nd\\u0009e\"");
    check_scalar(TEXT("Ä 李 🐉"), "\"Ä 李 🐉\"");
    check_scalar(TEXT("\xc2\x85\xe2\x80\xa8\xef\xbb\xbf"), "\"\\u0085\\u2028\\ufeff\"");
}

/* Each code point of Unicode, and each pair of ASCII characters. */
static void
every_character_is_read_back(void **state)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    (void)state;
    for (uint32_t point = 0; point < 0x110000; point++) {
        if (point >= 0xd800 && point < 0xe000)
            continue;
        if (point < 0x80) {
            buf_add_char(&text, (char)point);
        } else if (point < 0x800) {
            buf_addf(&text, "%c%c", (char)(0xc0 | point >> 6), (char)(0x80 | (point & 0x3f)));
        } else if (point < 0x10000) {
            buf_addf(&text, "%c%c%c", (char)(0xe0 | point >> 12),
                (char)(0x80 | (point >> 6 & 0x3f)), (char)(0x80 | (point & 0x3f)));
        } else {
            buf_addf(&text, "%c%c%c%c", (char)(0xf0 | point >> 18),
                (char)(0x80 | (point >> 12 & 0x3f)), (char)(0x80 | (point >> 6 & 0x3f)),
                (char)(0x80 | (point & 0x3f)));
        }
    }
    check_scalar(buf_text(&text), NULL);
    for (int i = 1; i < 0x80; i++) {
        for (int j = 1; j < 0x80; j++) {
            char pair[2] = {(char)i, (char)j};

            check_scalar((Text){pair, 2}, NULL);
            check_scalar((Text){pair, 1}, NULL);
        }
    }
}

static void
values_take_no_variable(void **state)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    (void)state;
    output_option(&out, "  ", "a", TEXT("x${HOME}$y$${z}$"));
    assert_string_equal(out.data, "  a: x$${HOME}$y$$${z}$\n");
}

static void
comments_hold_their_lines_and_nothing_else(void **state)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    (void)state;
    output_comment(&out, "  ", TEXT("one\n\n\ttwo\r\x1b[0m ä\xc2\x85x\n"));
    assert_string_equal(out.data, "  # one\n  #\n  # \ttwo??[0m ä?x\n");
}

static void
durations_have_the_largest_unit_that_fits(void **state)
{
    static const int64_t times[] = {0, 1, 200, 1000, 1500, 59000, 60000, 90000, 1200000, 3600000};
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        output_time(&out, times[i]);
        buf_add_char(&out, ' ');
    }
    assert_string_equal(out.data, "0s 1ms 200ms 1s 1500ms 59s 1min 90s 20min 60min ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_are_plain_only_where_that_is_safe),
        cmocka_unit_test(every_character_is_read_back),
        cmocka_unit_test(values_take_no_variable),
        cmocka_unit_test(comments_hold_their_lines_and_nothing_else),
        cmocka_unit_test(durations_have_the_largest_unit_that_fits),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
