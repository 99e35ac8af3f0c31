#include "source/json.h"

#include "support/test.h"

/* Decode one scalar. */
static bool
scalar(Buf *line, Text json, JsonScalar *ret_scalar, Error *err)
{
    JsonScan scan;

    line->len = 0;
    buf_add_text(line, json);
    source_json_init(&scan, line->data, line->len);
    return source_json_scalar(&scan, ret_scalar, err) && source_json_end(&scan, err);
}

static void
strings_are_decoded_to_utf8(void **state)
{
    static const struct {
        Text json;
        const char *text;
    } good[] = {
        {{"\"\"", 2}, ""},
        {{"\"plain text of some length\"", 27}, "plain text of some length"},
        {{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 18}, "\"\\/\b\f\n\r\t"},
        {{"\"\\u0041\\u00e9\\u20AC\"", 20}, "A\xC3\xA9\xE2\x82\xAC"},
        {{"\"a\\ud83d\\uDE00z and more behind it\"", 35}, "a\xF0\x9F\x98\x80z and more behind it"},
        {{"\"\xC3\xA9\xF0\x9F\x98\x80\"", 8}, "\xC3\xA9\xF0\x9F\x98\x80"},
        {{"\"\\uFFFF\x7F\"", 9}, "\xEF\xBF\xBF\x7F"},
    };
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    JsonScalar got;
    Error err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(scalar(&line, good[i].json, &got, &err), err);
        assert_int_equal(got.kind, JSON_KIND_TEXT);
        assert_text(got.text, good[i].text);
    }
}

static void
numbers_keep_their_text(void **state)
{
    static const char *const good[] = {"0", "-0", "12", "-1.50", "1e5", "1.5E+300", "0.0e-1",
        "123456789012345678901234567890.123456789"};
    static const char *const bad[] = {
        "-", "01", "-00", "1.", ".5", "1e", "1e+", "+1", "0x1", "NaN", "Infinity", "1 2"};
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    JsonScalar got;
    Error err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(scalar(&line, text_of(good[i]), &got, &err), err);
        assert_int_equal(got.kind, JSON_KIND_NUMBER);
        assert_text(got.text, good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(scalar(&line, text_of(bad[i]), &got, &err));
}

static void
every_error_names_its_column(void **state)
{
    static const struct {
        Text json;
        const char *error;
    } bad[] = {
        {{"", 0}, "column 1: the line ends where a value should stand"},
        {{"]", 1}, "column 1: \"]\" where a value should stand"},
        {{"\x01", 1}, "column 1: byte 0x01 where a value should stand"},
        {{"\"abc", 4}, "column 5: the line ends inside a string"},
        {{"\"abc\\", 5}, "column 6: the line ends inside a string"},
        {{"\"abcdefghi\tj\"", 13}, "column 11: control byte in a string"},
        {{"\"a\0b\"", 5}, "column 3: control byte in a string"},
        {{"\"ab\xC3\x28\"", 6}, "column 4: invalid UTF-8 in a string"},
        {{"\"abcdefgh\xED\xA0\x80\"", 13}, "column 10: invalid UTF-8 in a string"},
        {{"\"\\x\"", 4}, "column 2: unknown escape in a string"},
        {{"\"\\u12G4\"", 8}, "column 2: \\u without four hexadecimal digits"},
        {{"\"\\ud83d\"", 8}, "column 2: high surrogate without a low one behind it"},
        {{"\"\\ud83d\\ud83d\"", 14}, "column 2: high surrogate without a low one behind it"},
        {{"\"a\\ude00\"", 9}, "column 3: low surrogate without a high one before it"},
        {{"\"a\\u0000\"", 9}, "column 3: \\u0000: a text cannot hold the NUL character"},
        {{"01", 2}, "column 1: number with a leading zero"},
        {{"1.x", 3}, "column 1: number without digits behind its point"},
        {{"1e", 2}, "column 1: number without digits in its exponent"},
        {{"-x", 2}, "column 1: not a number"},
        {{"nul", 3}, "column 1: \"n\" where a value should stand"},
        {{"true x", 6}, "column 6: bytes behind the end of the object"},
        {{"{}", 2}, "column 1: an object where a single value should stand"},
        {{"[]", 2}, "column 1: an array where a single value should stand"},
    };
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    JsonScalar got;
    Error err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(scalar(&line, bad[i].json, &got, &err));
        assert_string_equal(err.text, bad[i].error);
        assert_int_equal(err.kind, ERR_DATA);
    }
}

static void
whole_objects_are_told_from_torn_ones(void **state)
{
    static const char *const whole[] = {
        "{}", " { } ", "{\"a\":[1,{\"b\":[]},null,true,\"\\u0000\"]}", "{\"a\":{},\"b\":\"x\"}\r"};
    static const struct {
        const char *json, *error;
    } torn[] = {
        {"", "column 1: the line ends where an object should stand"},
        {"[]", "column 1: \"[\" where an object should stand"},
        {"{\"a\":1", "column 7: the line ends where \",\" or \"}\" should stand"},
        {"{\"a\":[1", "column 8: the line ends where \",\" or \"]\" should stand"},
        {"{\"a\":[1,]}", "column 9: \"]\" where a value should stand"},
        {"{\"a\":1,}", "column 8: \"}\" where a key should stand"},
        {"{\"a\"}", "column 5: \"}\" where \":\" should stand"},
        {"{a:1}", "column 2: \"a\" where a key or \"}\" should stand"},
        {"{\"a\":1}}", "column 8: bytes behind the end of the object"},
        {"{\"a\":1]", "column 7: \"]\" where \",\" or \"}\" should stand"},
    };
    Error err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(whole); i++)
        assert_ok(source_json_is_object(text_of(whole[i]), &err), err);
    for (size_t i = 0; i < ARRAY_LEN(torn); i++) {
        assert_false(source_json_is_object(text_of(torn[i].json), &err));
        assert_string_equal(err.text, torn[i].error);
    }
}

static void
depth_is_limited(void **state)
{
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    Error err;

    (void)state;
    buf_add_string(&line, "{\"a\":");
    for (int i = 0; i < JSON_DEPTH - 1; i++)
        buf_add_char(&line, '[');
    for (int i = 0; i < JSON_DEPTH - 1; i++)
        buf_add_char(&line, ']');
    buf_add_char(&line, '}');
    assert_ok(source_json_is_object(buf_text(&line), &err), err);
    line.len = 0;
    buf_add_string(&line, "{\"a\":");
    for (int i = 0; i < 100000; i++)
        buf_add_char(&line, '[');
    assert_false(source_json_is_object(buf_text(&line), &err));
    assert_string_equal(err.text, "column 37: nested deeper than 32");
}

static void
members_and_elements_are_pulled(void **state)
{
    char line[] = " {\"a\\u0062\" : [ 1 , \"x\" ] , \"skip\":{\"y\":[{}]},\"c\":null} ";
    JsonScan scan;
    JsonScalar value;
    Text key;
    Error err;

    (void)state;
    source_json_init(&scan, line, strlen(line));
    assert_ok(source_json_open(&scan, '{', &err), err);
    assert_int_equal(source_json_member(&scan, &key, &err), NEXT_ITEM);
    assert_text(key, "ab");
    assert_ok(source_json_open(&scan, '[', &err), err);
    assert_int_equal(source_json_element(&scan, &err), NEXT_ITEM);
    assert_ok(source_json_scalar(&scan, &value, &err), err);
    assert_text(value.text, "1");
    assert_int_equal(source_json_element(&scan, &err), NEXT_ITEM);
    assert_ok(source_json_scalar(&scan, &value, &err), err);
    assert_text(value.text, "x");
    assert_int_equal(source_json_element(&scan, &err), NEXT_END);
    assert_int_equal(source_json_member(&scan, &key, &err), NEXT_ITEM);
    assert_ok(source_json_skip(&scan, &err), err);
    assert_int_equal(source_json_member(&scan, &key, &err), NEXT_ITEM);
    assert_text(key, "c");
    assert_ok(source_json_scalar(&scan, &value, &err), err);
    assert_int_equal(value.kind, JSON_KIND_NULL);
    assert_int_equal(source_json_member(&scan, &key, &err), NEXT_END);
    assert_ok(source_json_end(&scan, &err), err);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(strings_are_decoded_to_utf8),
    cmocka_unit_test(numbers_keep_their_text),
    cmocka_unit_test(every_error_names_its_column),
    cmocka_unit_test(whole_objects_are_told_from_torn_ones),
    cmocka_unit_test(depth_is_limited),
    cmocka_unit_test(members_and_elements_are_pulled),
};

TEST_MAIN(tests)
