#include "source/binlog/charset.h"

#include <xxhash.h>

#include "source/binlog/charset_map.h"
#include "support/test.h"

/* The text in UTF-8; "error: …" where it is none. Valid until the next call. */
static const char *
shown(const char *name, const char *bytes, size_t len)
{
    static Buf out;
    Error err = {0};
    const BinlogCharset *charset = binlog_charset_find(text_of(name));

    assert_non_null(charset);
    buf_reset(&out, 0);
    if (!binlog_charset_convert(charset, (Text){bytes, len}, &out, &err)) {
        assert_int_equal(err.kind, ERR_DATA);
        assert_false(err.retriable);
        assert_int_equal(out.len, 0);
        buf_addf(&out, "error: %s", err.text);
    }
    return buf_string(&out);
}

#define SHOWN(name, bytes) shown(name, bytes, sizeof(bytes) - 1)

static const char *
charset_of(unsigned collation)
{
    const BinlogCharset *charset = binlog_charset_of_collation(collation);

    return charset == NULL ? "none" : binlog_charset_name(charset);
}

static void
a_collation_tells_the_character_set(void **state)
{
    (void)state;
    assert_string_equal(charset_of(8), "latin1");
    assert_string_equal(charset_of(33), "utf8mb3");
    assert_string_equal(charset_of(45), "utf8mb4");
    assert_string_equal(charset_of(255), "utf8mb4"); /* utf8mb4_0900_ai_ci */
    assert_string_equal(charset_of(323), "utf8mb4");
    assert_string_equal(charset_of(249), "gb18030");
    assert_string_equal(charset_of(1032), "latin1");  /* latin1_swedish_nopad_ci */
    assert_string_equal(charset_of(1270), "utf8mb4"); /* utf8mb4_unicode_520_nopad_ci */
    assert_string_equal(charset_of(2048), "utf8mb3"); /* utf8mb3_uca1400_ai_ci */
    assert_string_equal(charset_of(2308), "utf8mb4");
    assert_string_equal(charset_of(3271), "utf32");
    assert_string_equal(charset_of(BINLOG_COLLATION_BINARY), "none");
    assert_string_equal(charset_of(1024 + BINLOG_COLLATION_BINARY), "none");
    assert_string_equal(charset_of(0), "none");
    assert_string_equal(charset_of(1024), "none");
    assert_string_equal(charset_of(3328), "none");
    assert_string_equal(charset_of(UINT32_MAX), "none");
}

static void
a_name_tells_the_character_set(void **state)
{
    (void)state;
    assert_string_equal(binlog_charset_name(binlog_charset_find(TEXT("utf8"))), "utf8mb3");
    assert_string_equal(binlog_charset_name(binlog_charset_find(TEXT("Latin1"))), "latin1");
    assert_null(binlog_charset_find(TEXT("binary")));
    assert_null(binlog_charset_find(TEXT("")));
    assert_true(binlog_charset_is_utf8(binlog_charset_find(TEXT("utf8mb4"))));
    assert_true(binlog_charset_is_utf8(binlog_charset_find(TEXT("utf8"))));
    assert_false(binlog_charset_is_utf8(binlog_charset_find(TEXT("ascii"))));
}

static void
texts_become_utf8(void **state)
{
    (void)state;
    assert_string_equal(SHOWN("latin1", "caf\xE9 \x80 \x81"), "café € \xC2\x81");
    assert_string_equal(SHOWN("latin1", ""), "");
    assert_string_equal(SHOWN("utf8mb3", "žluť"), "žluť");
    assert_string_equal(SHOWN("utf8mb4", "\U0001F600"), "\U0001F600");
    assert_string_equal(SHOWN("utf16", "\xD8\x3D\xDE\x00\x00\x41"), "\U0001F600A");
    assert_string_equal(SHOWN("utf16le", "\x3D\xD8\x00\xDE\x41\x00"), "\U0001F600A");
    assert_string_equal(SHOWN("utf32", "\x00\x01\xF6\x00\x00\x00\x00\x41"), "\U0001F600A");
    assert_string_equal(SHOWN("ucs2", "\x01\x7E\x00\x41"), "žA");
    assert_string_equal(SHOWN("sjis", "\x83\x65\x5C\xB1"), "テ\\ｱ");
    assert_string_equal(SHOWN("ujis", "A\x8E\xB1\xA5\xC6\x8F\xB0\xA1"), "Aｱテ丂");
    assert_string_equal(
        SHOWN("gb18030", "A\xD6\xD0\x81\x30\x84\x36\x95\x32\x82\x36"), "A中\xC2\xA5\U00020000");
    assert_string_equal(SHOWN("swe7", "[]$"), "ÄÅ$");
    assert_string_equal(SHOWN("keybcs2", "\xA8"), "š");
    assert_string_equal(SHOWN("hp8", "\xB5"), "ç");
}

static void
what_is_no_character_is_refused(void **state)
{
    (void)state;
    assert_string_equal(SHOWN("cp1250", "abc\x81"
                                        "defgh"),
        "error: byte 4 of the text (0x81646566…) is no character of cp1250; correct the value at "
        "the source");
    assert_string_equal(SHOWN("utf8mb4", "a\xED\xA0\x80"),
        "error: byte 2 of the text (0xEDA080) is no character of utf8mb4; correct the value at "
        "the source");
    assert_string_equal(SHOWN("utf16", "\xDC\x00"),
        "error: byte 1 of the text (0xDC00) is no character of utf16; correct the value at the "
        "source");
    assert_true(text_starts_with(text_of(SHOWN("utf16", "\xD8\x00\x00\x41")), "error: byte 1"));
    assert_true(text_starts_with(text_of(SHOWN("utf16", "\xD8\x00")), "error: byte 1"));
    assert_true(text_starts_with(text_of(SHOWN("utf16", "\0A\0")), "error: byte 3"));
    assert_true(text_starts_with(text_of(SHOWN("ucs2", "\xD8\x3D\xDE\x00")), "error: byte 1"));
    assert_true(text_starts_with(text_of(SHOWN("utf32", "\0\x11\0\0")), "error: byte 1"));
    assert_true(text_starts_with(text_of(SHOWN("utf32", "\0\0\xD8\0")), "error: byte 1"));
    assert_true(text_starts_with(text_of(SHOWN("utf32", "\0\0\0")), "error: byte 1"));
    assert_true(text_starts_with(text_of(SHOWN("ascii", "a\x80")), "error: byte 2"));
    assert_true(text_starts_with(text_of(SHOWN("gbk", "a\x81")), "error: byte 2"));
    assert_true(text_starts_with(text_of(SHOWN("ujis", "\x8F\xB0")), "error: byte 1"));
    assert_true(text_starts_with(text_of(SHOWN("gb18030", "\x81\x30\x81")), "error: byte 1"));
    assert_true(text_starts_with(text_of(SHOWN("gb18030", "\xE3\x32\x9A\x36")), "error: byte 1"));
}

/* MariaDB does not have it; MySQL 9.7 was asked for each code, and this is the sum of its answers.
 */
static void
gb18030_is_mapped_as_mysql_does(void **state)
{
    const BinlogCharset *charset = binlog_charset_find(TEXT("gb18030"));
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    XXH3_state_t *sum = XXH3_createState();
    size_t count = 0;
    Error err;

    (void)state;
    assert_non_null(sum);
    (void)XXH3_64bits_reset(sum);
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < (a < 0x81 ? 1 : 256); b++)
            for (unsigned cd = 0; cd < (a > 0x80 && b - 0x30 < 10 ? 1260 : 1); cd++) {
                char code[4] = {(char)a, (char)b, (char)(0x81 + cd / 10), (char)(0x30 + cd % 10)};
                Text text = {code, a < 0x81 ? 1 : b - 0x30 < 10 ? 4 : 2};

                buf_reset(&out, 16);
                if (!binlog_charset_convert(charset, text, &out, &err))
                    continue;
                count++;
                (void)XXH3_64bits_update(sum, text.data, text.len);
                (void)XXH3_64bits_update(sum, out.data, out.len);
            }
    assert_int_equal(count, 1112064);
    assert_int_equal(XXH3_64bits_digest(sum), UINT64_C(0xF9C3219BF39CAE27));
    (void)XXH3_freeState(sum);
}

static void
every_set_takes_any_bytes(void **state)
{
    uint32_t seed = 20241103;

    (void)state;
    for (size_t set = 0; set < binlog_charset_count; set++)
        for (int round = 0; round < 2000; round++) {
            char bytes[12];
            size_t len;

            for (size_t i = 0; i < sizeof(bytes); i++) {
                seed = seed * 1664525 + 1013904223;
                bytes[i] = (char)(seed >> 24);
            }
            len = (seed >> 16) % sizeof(bytes);
            assert_true(text_is_utf8(text_of(shown(binlog_charsets[set].name, bytes, len)), NULL));
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_collation_tells_the_character_set),
        cmocka_unit_test(a_name_tells_the_character_set),
        cmocka_unit_test(texts_become_utf8),
        cmocka_unit_test(what_is_no_character_is_refused),
        cmocka_unit_test(gb18030_is_mapped_as_mysql_does),
        cmocka_unit_test(every_set_takes_any_bytes),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
