#include "support/test.h"

static void
whole_numbers_are_read_to_their_limits(void **state)
{
    uint64_t u;
    int64_t i;

    (void)state;
    assert_true(text_to_u64(TEXT("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_false(text_to_u64(TEXT("18446744073709551616"), &u));
    assert_true(text_to_i64(TEXT("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_true(text_to_i64(TEXT("9223372036854775807"), &i) && i == INT64_MAX);
    assert_false(text_to_i64(TEXT("9223372036854775808"), &i));
    assert_false(text_to_u64(TEXT(""), &u));
    assert_false(text_to_u64(TEXT("1 "), &u));
    assert_false(text_to_i64(TEXT("-"), &i));
}

static void
malformed_utf8_is_found_where_it_is(void **state)
{
    static const struct {
        const char *text;
        size_t len, at;
    } bad[] = {{"abc\x80", 4, 3}, {"\xC0\x80", 2, 0}, {"\xED\xA0\x80", 3, 0},
        {"12345678\xF5\x80\x80\x80", 12, 8}, {"\xF0\x9F\x98", 3, 0}, {"\xE0\x80\x80", 3, 0},
        {"\xF0\x80\x80\x80", 4, 0}, {"\xF4\x90\x80\x80", 4, 0}};
    size_t at;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(text_is_utf8((Text){bad[i].text, bad[i].len}, &at));
        assert_int_equal(at, bad[i].at);
    }
    assert_true(text_is_utf8(TEXT("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80 ASCII again"), NULL));
    assert_true(text_is_utf8(TEXT("\xF4\x8F\xBF\xBF\xED\x9F\xBF"), NULL));
}

static void
a_buffer_grows_and_gives_memory_back(void **state)
{
    CLEANUP(buf_clear) Buf buf = BUF_INIT;

    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_addf(&buf, "%d,", i);
    buf_add_u64(&buf, UINT64_MAX);
    assert_true(text_ends_with(buf_text(&buf), "999,18446744073709551615"));
    assert_int_equal(buf.data[buf.len], 0);
    buf_reset(&buf, 100);
    assert_null(buf.data);
    buf_add_string(&buf, "x");
    buf_reset(&buf, 100);
    assert_non_null(buf.data);
    assert_text(buf_text(&buf), "");
}

static void
a_reader_remembers_the_first_overrun(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7};
    Reader reader = reader_of(bytes, sizeof(bytes));

    (void)state;
    assert_int_equal(reader_be16(&reader), 0x0102);
    assert_int_equal(reader_be32(&reader), 0x03040506);
    assert_false(reader.overrun);
    assert_int_equal(reader_be16(&reader), 0);
    assert_true(reader.overrun);
    assert_int_equal(reader_u8(&reader), 0);
}

static void
globs_match_the_whole_text(void **state)
{
    (void)state;
    assert_true(text_glob(TEXT("public.audit_2026"), "public.audit_*"));
    assert_false(text_glob(TEXT("public.audit"), "public.audit_*"));
    assert_true(text_glob(TEXT("a/b.c"), "*.c"));
    assert_false(text_glob(TEXT("xpublic.a"), "public.*"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(whole_numbers_are_read_to_their_limits),
    cmocka_unit_test(malformed_utf8_is_found_where_it_is),
    cmocka_unit_test(a_buffer_grows_and_gives_memory_back),
    cmocka_unit_test(a_reader_remembers_the_first_overrun),
    cmocka_unit_test(globs_match_the_whole_text),
};

TEST_MAIN(tests)
