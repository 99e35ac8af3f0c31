#include "source/binlog/json.h"

#include "support/test.h"

/* The text; "error: …" where there is none. Valid until the next call. */
static const char *
printed(Text binary)
{
    static Buf out;
    Error err = {0};

    buf_reset(&out, 0);
    if (!binlog_json_print(binary, &out, &err)) {
        assert_int_equal(err.kind, ERR_DATA);
        buf_reset(&out, 0);
        buf_addf(&out, "error: %s", err.text);
    }
    return buf_string(&out);
}

static const char *
applied(Text binary, Text diffs)
{
    static Buf out;
    Error err = {0};

    buf_reset(&out, 0);
    if (!binlog_json_apply(binary, diffs, &out, &err)) {
        assert_int_equal(err.kind, ERR_DATA);
        buf_reset(&out, 0);
        buf_addf(&out, "error: %s", err.text);
    }
    return buf_string(&out);
}

#define PRINTED(bytes)        printed(TEXT(bytes))
#define APPLIED(bytes, diffs) applied(TEXT(bytes), TEXT(diffs))

static void
single_values(void **state)
{
    (void)state;
    assert_string_equal(PRINTED(""), "null");
    assert_string_equal(PRINTED("\x04\x00"), "null");
    assert_string_equal(PRINTED("\x04\x01"), "true");
    assert_string_equal(PRINTED("\x04\x02"), "false");
    assert_string_equal(PRINTED("\x05\x00\x80"), "-32768");
    assert_string_equal(PRINTED("\x06\xFF\xFF"), "65535");
    assert_string_equal(PRINTED("\x07\x00\x00\x00\x80"), "-2147483648");
    assert_string_equal(PRINTED("\x08\xFF\xFF\xFF\xFF"), "4294967295");
    assert_string_equal(PRINTED("\x09\x00\x00\x00\x00\x00\x00\x00\x80"), "-9223372036854775808");
    assert_string_equal(PRINTED("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), "18446744073709551615");
    assert_string_equal(PRINTED("\x0B\x00\x00\x00\x00\x00\x00\x00\x80"), "-0.0");
    assert_string_equal(PRINTED("\x0C\x05"
                                "a\"\\\n\x01"),
        "\"a\\\"\\\\\\n\\u0001\"");
    assert_string_equal(PRINTED("\x0F\x0F\x03"
                                "abc"),
        "\"base64:type15:YWJj\"");
    assert_string_equal(PRINTED("\x0F\xF6\x04\x03\x01\x8C\x05"), "12.5");
}

static const char *
print_number(double number)
{
    char bytes[9] = {0x0B};

    memcpy(bytes + 1, &number, sizeof(number)); /* a little-endian machine's */
    return printed((Text){bytes, sizeof(bytes)});
}

static void
floating_point_numbers_as_mysql_prints_them(void **state)
{
    (void)state;
    assert_string_equal(print_number(0), "0.0");
    assert_string_equal(print_number(1), "1.0");
    assert_string_equal(print_number(-100), "-100.0");
    assert_string_equal(print_number(0.1), "0.1");
    assert_string_equal(print_number(12345.678), "12345.678");
    assert_string_equal(print_number(1e14), "100000000000000.0");
    assert_string_equal(print_number(123456789012345), "123456789012345.0");
    assert_string_equal(print_number(1e15), "1e15");
    assert_string_equal(print_number(1234567890123456), "1.234567890123456e15");
    assert_string_equal(print_number(1.5e-14), "0.000000000000015");
    assert_string_equal(print_number(1e-15), "0.000000000000001");
    assert_string_equal(print_number(1e-16), "1e-16");
    assert_string_equal(print_number(-1.7976931348623157e308), "-1.7976931348623157e308");
    assert_string_equal(print_number(5e-324), "5e-324");
    assert_string_equal(
        print_number(__builtin_inf()), "error: binary JSON: a number is infinite or none");
}

/* {"a": [1, "x"]}, small */
#define DOCUMENT                                       \
    "\x00\x01\x00\x18\x00\x0B\x00\x01\x00\x02\x0C\x00" \
    "a"                                                \
    "\x02\x00\x0C\x00\x05\x01\x00\x0C\x0A\x00\x01x"

static void
containers(void **state)
{
    (void)state;
    assert_string_equal(PRINTED(DOCUMENT), "{\"a\": [1, \"x\"]}");
    assert_string_equal(PRINTED("\x00\x00\x00\x04\x00"), "{}");
    assert_string_equal(PRINTED("\x02\x00\x00\x04\x00"), "[]");
    /* large: numbers of 4 bytes stand in the entry */
    assert_string_equal(
        PRINTED("\x03\x01\x00\x00\x00\x0D\x00\x00\x00\x07\xFF\xFF\xFF\xFF"), "[-1]");
    assert_string_equal(PRINTED("\x01\x01\x00\x00\x00\x14\x00\x00\x00\x13\x00\x00\x00\x01\x00"
                                "\x04\x01\x00\x00\x00"
                                "k"),
        "{\"k\": true}");
}

static void
damaged_values_are_refused(void **state)
{
    Text document = TEXT(DOCUMENT);

    (void)state;
    for (size_t len = 1; len < document.len; len++)
        assert_true(
            text_starts_with(text_of(printed((Text){document.data, len})), "error: binary JSON: "));
    assert_string_equal(
        PRINTED("\x02\x00\x00"), "error: binary JSON: it ends within a container's size");
    assert_string_equal(PRINTED("\x02\x00\x00\x05\x00"),
        "error: binary JSON: a container is longer than what it is in");
    assert_string_equal(PRINTED("\x02\x09\x00\x04\x00"),
        "error: binary JSON: a container has more entries than bytes");
    assert_string_equal(PRINTED("\x02\x01\x00\x07\x00\x0C\x00\x00"),
        "error: binary JSON: a value is not in its container");
    assert_string_equal(PRINTED("\x00\x01\x00\x0B\x00\x0B\x00\x01\x00\x04\x00\x00"),
        "error: binary JSON: a key is not in its object");
    assert_string_equal(
        PRINTED("\x0C\x05xy"), "error: binary JSON: a text is longer than what it is in");
    assert_string_equal(
        PRINTED("\x0C\xFF\xFF\xFF\xFF\xFF\x01"), "error: binary JSON: a length has too many bytes");
    assert_string_equal(PRINTED("\x0C\x01\x80"), "error: binary JSON: a text is no UTF-8");
    assert_string_equal(
        PRINTED("\x04\x07"), "error: binary JSON: a literal is none of null, true and false");
    assert_string_equal(PRINTED("\x0D"), "error: binary JSON: value of unknown type 13");
    assert_string_equal(PRINTED("\x05\x00"), "error: binary JSON: it ends within a number");
    assert_string_equal(PRINTED("\x0F\xF6\x01\x03"),
        "error: binary JSON: a decimal has not the bytes of its digits");
    assert_string_equal(
        PRINTED("\x0F\x0A\x01\x03"), "error: binary JSON: a date or time has not 8 bytes");
}

static void
put_u16(Buf *buf, size_t number)
{
    buf_add_char(buf, (char)number);
    buf_add_char(buf, (char)(number >> 8));
}

/* Arrays in one another, the innermost one empty. */
static void
put_nested(Buf *buf, unsigned depth)
{
    buf_add_char(buf, 2);
    for (unsigned left = depth; left > 1; left--) {
        put_u16(buf, 1);
        put_u16(buf, 7 * (left - 1) + 4);
        buf_add_char(buf, 2);
        put_u16(buf, 7);
    }
    put_u16(buf, 0);
    put_u16(buf, 4);
}

static void
depth_is_limited(void **state)
{
    CLEANUP(buf_clear) Buf binary = BUF_INIT;

    (void)state;
    put_nested(&binary, 100);
    assert_int_equal(strlen(printed(buf_text(&binary))), 200);
    buf_reset(&binary, 0);
    put_nested(&binary, 101);
    assert_string_equal(
        printed(buf_text(&binary)), "error: JSON: more than 100 arrays and objects in one another");
    assert_string_equal(applied(buf_text(&binary), TEXT("\x00\x04$[1]\x02\x04\x01")),
        "error: JSON diff: path \"$[1]\": the document has nothing there");
    assert_string_equal(applied(buf_text(&binary), TEXT("\x01\x04$[1]\x02\x04\x01")),
        "error: JSON: more than 100 arrays and objects in one another");
}

/* Each array has two entries, and both are the next array: 2^60 values if each were printed. */
static void
values_that_overlap_are_refused_at_once(void **state)
{
    CLEANUP(buf_clear) Buf binary = BUF_INIT;
    size_t levels = 60;

    (void)state;
    buf_add_char(&binary, 2);
    for (size_t i = 0; i < levels; i++) {
        put_u16(&binary, 2);
        put_u16(&binary, 10 * (levels - i));
        for (int twice = 0; twice < 2; twice++) {
            buf_add_char(&binary, i + 1 < levels ? 2 : 4);
            put_u16(&binary, i + 1 < levels ? 10 : 1);
        }
    }
    assert_string_equal(printed(buf_text(&binary)), "error: binary JSON: values overlap");
}

static void
diffs_change_the_document(void **state)
{
    (void)state;
    assert_string_equal(APPLIED(DOCUMENT, ""), "{\"a\": [1, \"x\"]}");
    assert_string_equal(APPLIED(DOCUMENT, "\x00\x01$\x02\x04\x01"), "true");
    assert_string_equal(APPLIED(DOCUMENT, "\x00\x06$.a[0]\x02\x04\x01"), "{\"a\": [true, \"x\"]}");
    assert_string_equal(APPLIED(DOCUMENT, "\x00\x09$.a[last]\x02\x04\x01"), "{\"a\": [1, true]}");
    assert_string_equal(APPLIED(DOCUMENT, "\x02\x0B$.a[last-1]\x01\x06$.a[9]\x02\x04\x01"),
        "{\"a\": [\"x\", true]}");
    assert_string_equal(APPLIED(DOCUMENT, "\x01\x06$.a[0]\x02\x04\x01\x01\x06$.a[1]\x02\x04\x02"),
        "{\"a\": [true, false, 1, \"x\"]}");
    /* keys by length, then by bytes */
    assert_string_equal(APPLIED(DOCUMENT, "\x01\x04$.bb\x02\x04\x01\x01\x03$._\x02\x04\x02"
                                          "\x01\x04$.\"\"\x02\x04\x00\x01\x03$.b\x02\x04\x00"),
        "{\"\": null, \"_\": false, \"a\": [1, \"x\"], \"b\": null, \"bb\": true}");
    assert_string_equal(APPLIED(DOCUMENT, "\x02\x03$.a"), "{}");
    /* a quoted name; into what a diff put there; what is no array is the only element of one */
    assert_string_equal(APPLIED(DOCUMENT, "\x01\x0C$.\"x\\u00e9.\"\x05\x00\x00\x00\x04\x00"
                                          "\x01\x0E$.\"x\\u00e9.\".y\x02\x04\x01"),
        "{\"a\": [1, \"x\"], \"xé.\": {\"y\": true}}");
    assert_string_equal(
        APPLIED(DOCUMENT, "\x00\x0C$.a[0][0][0]\x02\x04\x02"), "{\"a\": [false, \"x\"]}");
    assert_string_equal(APPLIED("", "\x00\x01$\x04\x0C\x02hi"), "\"hi\"");
}

static void
diffs_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    assert_string_equal(APPLIED(DOCUMENT, "\x00\x03$.b\x02\x04\x01"),
        "error: JSON diff: path \"$.b\": the document has nothing there");
    assert_string_equal(APPLIED(DOCUMENT, "\x02\x06$.a[2]"),
        "error: JSON diff: path \"$.a[2]\": the document has nothing there");
    assert_string_equal(APPLIED(DOCUMENT, "\x01\x03$.a\x02\x04\x01"),
        "error: JSON diff: path \"$.a\": nothing can be inserted there");
    assert_string_equal(APPLIED(DOCUMENT, "\x01\x04$[0]\x02\x04\x01"),
        "error: JSON diff: path \"$[0]\": nothing can be inserted there");
    assert_string_equal(APPLIED(DOCUMENT, "\x02\x01$"),
        "error: JSON diff: path \"$\": the document itself can only be replaced");
    assert_string_equal(APPLIED(DOCUMENT, "\x03\x01$"), "error: JSON diff: unknown operation 3");
    assert_string_equal(
        APPLIED(DOCUMENT, "\x00\x03$.b\x02\x04"), "error: JSON diff: it ends too early");
    assert_string_equal(APPLIED(DOCUMENT, "\x00\x09$"), "error: JSON diff: it ends too early");
    assert_string_equal(
        APPLIED(DOCUMENT, "\x02\x02.a"), "error: JSON diff: path \".a\": it does not begin with $");
    assert_string_equal(APPLIED(DOCUMENT, "\x02\x05$.a[x"),
        "error: JSON diff: path \"$.a[x\": a place in an array is no number");
    assert_string_equal(
        APPLIED(DOCUMENT, "\x02\x05$.a[1"), "error: JSON diff: path \"$.a[1\": \"]\" is missing");
    assert_string_equal(
        APPLIED(DOCUMENT, "\x02\x04$.\"a"), "error: JSON diff: path \"$.\"a\": a quote is missing");
    assert_string_equal(APPLIED(DOCUMENT, "\x02\x06$.\"\\q\""),
        "error: JSON diff: path \"$.\"\\q\"\": a quoted name is no JSON string");
    assert_string_equal(APPLIED(DOCUMENT, "\x02\x03$xa"),
        "error: JSON diff: path \"$xa\": neither a name nor a place follows");
    assert_string_equal(
        APPLIED(DOCUMENT, "\x02\x02$."), "error: JSON diff: path \"$.\": a name is missing");
}

/* Whatever the bytes are: a text of UTF-8, or an error. */
static void
changed_bytes_end_in_a_text_or_an_error(void **state)
{
    char bytes[] = DOCUMENT;
    size_t texts = 0;

    (void)state;
    for (size_t at = 0; at < sizeof(bytes) - 1; at++)
        for (unsigned byte = 0; byte < 256; byte++) {
            char kept = bytes[at];
            const char *text;

            bytes[at] = (char)byte;
            text = printed((Text){bytes, sizeof(bytes) - 1});
            assert_true(text_is_utf8(text_of(text), NULL));
            texts += !text_starts_with(text_of(text), "error: ");
            bytes[at] = kept;
        }
    assert_true(texts > sizeof(bytes));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_values),
        cmocka_unit_test(floating_point_numbers_as_mysql_prints_them),
        cmocka_unit_test(containers),
        cmocka_unit_test(damaged_values_are_refused),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(values_that_overlap_are_refused_at_once),
        cmocka_unit_test(diffs_change_the_document),
        cmocka_unit_test(diffs_that_do_not_fit_are_refused),
        cmocka_unit_test(changed_bytes_end_in_a_text_or_an_error),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
