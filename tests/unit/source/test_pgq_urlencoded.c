#include "source/pgq/urlencoded.h"

#include "support/test.h"

/* Of the source database; NULL: UTF-8. */
static PgqEncoding *encoding;

/* The columns as name=<value>, or name for NULL, with "|" between; or the error. */
static const char *
read_all(const char *text, Buf *out)
{
    size_t len = strlen(text);
    char *bytes = malloc(len + (len == 0)); /* exactly as long: what is read behind it is found */
    UrlencodedScan scan;
    Value value;
    Error err;
    Text name;
    Next next;

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = text[i];
    buf_reset(out, SIZE_MAX);
    urlencoded_init(&scan, bytes, len, encoding);
    while ((next = urlencoded_next(&scan, &name, &value, &err)) == NEXT_ITEM) {
        if (out->len > 0)
            buf_add_char(out, '|');
        buf_add_text(out, name);
        if (value.kind == VALUE_TEXT)
            buf_addf(out, "=<" TEXT_FMT ">", TEXT_ARG(value.text));
        else
            assert_int_equal(value.kind, VALUE_NULL);
    }
    free(bytes);
    if (next == NEXT_FAILED) {
        assert_int_equal(err.kind, ERR_DATA);
        buf_reset(out, SIZE_MAX);
        buf_add_string(out, err.text);
    } else {
        assert_int_equal(next, NEXT_END);
    }
    return buf_string(out);
}

typedef struct Case {
    const char *text, *expected;
} Case;

static void
check(const Case *cases, size_t count)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    for (size_t i = 0; i < count; i++)
        assert_string_equal(read_all(cases[i].text, &out), cases[i].expected);
}

static void
null_empty_and_values_are_told_apart(void **state)
{
    static const Case cases[] = {
        {"", ""},
        {"id=1", "id=<1>"},
        {"id=1&a&b=&c=x", "id=<1>|a|b=<>|c=<x>"},
        {"a", "a"},
        {"a=", "a=<>"},
        {"a&b", "a|b"},
        {"&&a=1&&&b&", "a=<1>|b"},
        {"&", ""},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases));
}

static void
names_and_values_are_decoded(void **state)
{
    static const Case cases[] = {
        {"Mixed+Col=a+b%2bc", "Mixed Col=<a b+c>"},
        {"a%3db=c%3Dd%26e", "a=b=<c=d&e>"},
        {"%c3%a9t%C3%A9=%f0%9f%98%80", "\xc3\xa9t\xc3\xa9=<\xf0\x9f\x98\x80>"},
        {"q%22%2c.x=%01%7f%25", "q\",.x=<\x01\x7f%>"},
        {"a_b.c-d~e=0.9-_~", "a_b.c-d~e=<0.9-_~>"},
        {"a=%0a%0d%09", "a=<\n\r\t>"},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases));
}

static void
every_error_says_at_which_byte(void **state)
{
    static const Case cases[] = {
        {"=x", "byte 1: a column without a name"},
        {"a=1&=", "byte 5: a column without a name"},
        {"a=%", "byte 3: \"%\" without two hexadecimal digits"},
        {"a=%4", "byte 3: \"%\" without two hexadecimal digits"},
        {"a=x%4g", "byte 4: \"%\" without two hexadecimal digits"},
        {"a=%g4", "byte 3: \"%\" without two hexadecimal digits"},
        {"a=%4&b", "byte 3: \"%\" without two hexadecimal digits"},
        {"a%=1", "byte 2: \"%\" without two hexadecimal digits"},
        {"a=x%00", "byte 4: %00: a text cannot hold the NUL character"},
        {"a=1=2", "byte 4: a second \"=\" in one column"},
        {"a=%31=", "byte 6: a second \"=\" in one column"},
        {"a='1'", "byte 3: \"'\" is never left as it is in urlencoded data"},
        {"(a) values", "byte 1: \"(\" is never left as it is in urlencoded data"},
        {"a b=1", "byte 2: 0x20 is never left as it is in urlencoded data"},
        {"a=1\n", "byte 4: 0x0A is never left as it is in urlencoded data"},
        {"a=\xc3\xa9", "byte 3: 0xC3 is never left as it is in urlencoded data"},
        {"a=x%e9", "byte 3: what begins here is not UTF-8, the encoding of the source database: "
                   "the event was written in another one"},
        {"%e9=x", "byte 1: what begins here is not UTF-8, the encoding of the source database: "
                  "the event was written in another one"},
    };

    (void)state;
    check(cases, ARRAY_LEN(cases));
}

static void
a_raw_nul_is_refused(void **state)
{
    char bytes[] = {'a', '=', '\0', 'b'};
    UrlencodedScan scan;
    Value value;
    Error err;
    Text name;

    (void)state;
    urlencoded_init(&scan, bytes, sizeof(bytes), NULL);
    assert_int_equal(urlencoded_next(&scan, &name, &value, &err), NEXT_FAILED);
    assert_string_equal(err.text, "byte 3: 0x00 is never left as it is in urlencoded data");
}

/* As PgQ encodes. */
static void
encode(Buf *out, Text text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            c == '_' || c == '.' || c == '-')
            buf_add_char(out, (char)c);
        else if (c == ' ')
            buf_add_char(out, '+');
        else
            buf_addf(out, "%%%02x", c);
    }
}

static void
every_character_comes_back(void **state)
{
    CLEANUP(buf_clear) Buf plain = BUF_INIT;
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    UrlencodedScan scan;
    Value value;
    Error err;
    Text name;

    (void)state;
    for (int c = 1; c < 0x80; c++)
        buf_add_char(&plain, (char)c);
    for (int c = 0x80; c < 0x800; c++) {
        buf_add_char(&plain, (char)(0xC0 | c >> 6));
        buf_add_char(&plain, (char)(0x80 | (c & 0x3F)));
    }
    encode(&text, buf_text(&plain));
    buf_add_char(&text, '=');
    encode(&text, buf_text(&plain));
    urlencoded_init(&scan, text.data, text.len, NULL);
    assert_ok(urlencoded_next(&scan, &name, &value, &err) == NEXT_ITEM, err);
    assert_text(name, plain.data);
    assert_text(value.text, plain.data);
    assert_int_equal(urlencoded_next(&scan, &name, &value, &err), NEXT_END);
}

static void
texts_of_another_encoding_are_converted_in_their_place(void **state)
{
    static const Case latin1[] = {
        {"caf%e9=%e9t%e9&b=plain&c&%fc=",
            "caf\xc3\xa9=<\xc3\xa9t\xc3\xa9>|b=<plain>|c|\xc3\xbc=<>"},
        {"a=%c3%a9", "a=<\xc3\x83\xc2\xa9>"},
    };
    static const Case win1252[] = {
        {"a=%80%80%80&b=x", "a=<\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac>|b=<x>"},
        {"a=1&%80=x%81",
            "byte 9, column \xe2\x82\xac: what begins with 0x81 is no character of WIN1252, the "
            "encoding of the source database, that PostgreSQL has in UTF-8 too: correct the value "
            "at the source"},
        {"a=1&x%81=1",
            "byte 5, a column's name: what begins with 0x81 is no character of WIN1252, the "
            "encoding of the source database, that PostgreSQL has in UTF-8 too: correct the value "
            "at the source"},
    };
    /* as long as their urlencoding; two code points of one code */
    static const Case japanese[] = {
        {"a=%a4%f7%a4%f7&b=2", "a=<か゚か゚>|b=<2>"},
    };

    (void)state;
    encoding = pgq_encoding_new("LATIN1");
    check(latin1, ARRAY_LEN(latin1));
    pgq_encoding_free(encoding);
    encoding = pgq_encoding_new("WIN1252");
    check(win1252, ARRAY_LEN(win1252));
    pgq_encoding_free(encoding);
    encoding = pgq_encoding_new("EUC_JIS_2004");
    check(japanese, ARRAY_LEN(japanese));
    pgq_encoding_free(encoding);
    encoding = NULL;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(null_empty_and_values_are_told_apart),
    cmocka_unit_test(names_and_values_are_decoded),
    cmocka_unit_test(every_error_says_at_which_byte),
    cmocka_unit_test(texts_of_another_encoding_are_converted_in_their_place),
    cmocka_unit_test(a_raw_nul_is_refused),
    cmocka_unit_test(every_character_comes_back),
};

TEST_MAIN(tests)
