#include "source/pgq/encoding.h"

#include "support/test.h"

/* Every encoding that PostgreSQL has for a database and that is not Unicode. */
static const char *const names[] = {"SQL_ASCII", "EUC_JP", "EUC_CN", "EUC_KR", "EUC_TW",
    "EUC_JIS_2004", "JOHAB", "LATIN1", "LATIN2", "LATIN3", "LATIN4", "LATIN5", "LATIN6", "LATIN7",
    "LATIN8", "LATIN9", "LATIN10", "ISO_8859_5", "ISO_8859_6", "ISO_8859_7", "ISO_8859_8", "KOI8R",
    "KOI8U", "WIN866", "WIN874", "WIN1250", "WIN1251", "WIN1252", "WIN1253", "WIN1254", "WIN1255",
    "WIN1256", "WIN1257", "WIN1258"};

static const char *
convert(const char *name, const char *text)
{
    static char shown[8192];
    CLEANUP(pgq_encoding_free) PgqEncoding *encoding = pgq_encoding_new(name);
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;
    Text converted = TEXT_NONE;
    Error err = {0};

    assert_string_equal(pgq_encoding_name(encoding), name);
    /* exactly as long: what is read behind it is found */
    buf_add_string(&bytes, text);
    if (pgq_encoding_convert(encoding, (Text){bytes.data, bytes.len}, &converted, &err))
        (void)snprintf(shown, sizeof(shown), TEXT_FMT, TEXT_ARG(converted));
    else
        (void)snprintf(shown, sizeof(shown), "%s", err.text);
    return shown;
}

static void
every_encoding_leaves_ascii_as_it_is(void **state)
{
    char ascii[128];

    (void)state;
    for (int i = 1; i < 128; i++)
        ascii[i - 1] = (char)i;
    ascii[127] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(pgq_encoding_free) PgqEncoding *encoding = pgq_encoding_new(names[i]);

        assert_true(pgq_encoding_is_known(encoding));
        assert_string_equal(convert(names[i], ascii), ascii);
    }
    assert_string_equal(convert("EUC_JP", ""), "");
}

static void
letters_of_several_encodings_become_utf8(void **state)
{
    static const struct {
        const char *name, *text, *expected;
    } cases[] = {
        {"LATIN1", "caf\xe9", "café"},
        {"LATIN9", "\xa4 5", "€ 5"},
        {"WIN1251", "\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"},
        {"KOI8R", "\xf0\xd2\xc9\xd7\xc5\xd4", "Привет"},
        {"EUC_JP", "\xc6\xfc\xcb\xdc\x8e\xb1 x \x8f\xb0\xa1", "日本ｱ x 丂"},
        {"EUC_KR", "\xc7\xd1\xb1\xdb", "한글"},
        {"EUC_CN", "\xd6\xd0\xce\xc4", "中文"},
        {"EUC_TW", "\xa4\xa1 \x8e\xa2\xa1\xa1", "０ 乂"},
        {"JOHAB", "\x96\xb6 x", "뒀 x"},
        /* iconv has the full-width signs for the first two; the third is of two code points */
        {"EUC_JIS_2004", "\xa1\xb1x\xa1\xef\xa4\xf7", "‾x¥か゚"},
        {"SQL_ASCII", "caf\xc3\xa9", "café"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(convert(cases[i].name, cases[i].text), cases[i].expected);
}

/* iconv does that in these encodings. */
static void
letters_and_accents_behind_them_are_not_joined(void **state)
{
    (void)state;
    assert_string_equal(convert("WIN1258", "a\xcc"), "a\xcc\x80");
    assert_string_equal(convert("WIN1255", "\xf9\xd1"), "\xd7\xa9\xd7\x81");
}

static void
what_is_no_character_is_named(void **state)
{
    static const struct {
        const char *name, *text, *shown;
    } cases[] = {
        {"WIN1252", "a\x81z", "817A"},
        {"EUC_JP", "a\xc6", "C6"},      /* half a character */
        {"EUC_JP", "\xc6 x", "C62078"}, /* the same, and something behind it */
        {"EUC_JP", "\xc6\xfc\x80zzzz", "807A7A7A"},
        {"EUC_JP", "\xf5\xa1", "F5A1"},       /* users' own */
        {"EUC_JP", "\x8f\xa2\xb7", "8FA2B7"}, /* iconv has it, PostgreSQL has not */
        {"EUC_JP", "\x8f\xa2", "8FA2"},
        {"EUC_JIS_2004", "\xa1\xb1\xa9\xa0", "A9A0"},
        {"EUC_TW", "\xa7\xa8", "A7A8"},
        {"EUC_TW", "\x8e\xa1\xa7\xa8", "8EA1A7A8"},
        {"EUC_TW", "\x8e\xa3\xa1\xa1", "8EA3A1A1"},
        {"EUC_TW", "\x8e\xa1\xa7", "8EA1A7"},
        {"EUC_KR", "\x8e\xa1", "8EA1"},
        {"JOHAB", "\x88\x61", "8861"}, /* iconv has it, no database can */
        {"JOHAB", "\xff\xa1", "FFA1"},
    };
    CLEANUP(buf_clear) Buf expected = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&expected, SIZE_MAX);
        buf_addf(&expected,
            "what begins with 0x%s is no character of %s, the encoding of the source database, "
            "that PostgreSQL has in UTF-8 too: correct the value at the source",
            cases[i].shown, cases[i].name);
        assert_string_equal(convert(cases[i].name, cases[i].text), buf_string(&expected));
    }
}

static void
encodings_that_cannot_be_converted_are_refused_with_the_way_out(void **state)
{
    CLEANUP(pgq_encoding_free) PgqEncoding *mule = pgq_encoding_new("MULE_INTERNAL");

    (void)state;
    assert_false(pgq_encoding_is_known(mule));
    assert_string_equal(convert("SQL_ASCII", "caf\xe9"),
        "it is not UTF-8, and the encoding of the source database, SQL_ASCII, does not say what it "
        "is: correct the value at the source");
    assert_string_equal(convert("MULE_INTERNAL", "\x81\xe9"),
        "the encoding of the source database is MULE_INTERNAL, which is not converted here: make a "
        "trigger of pgq.jsontriga in place of pgq.logutriga, whose events the server converts");
    assert_string_equal(convert("NEWEST", "\xe9"),
        "the encoding of the source database is NEWEST, which is not converted here: make a "
        "trigger of pgq.jsontriga in place of pgq.logutriga, whose events the server converts");
}

/* Any bytes end in UTF-8 that is at most three times as long, or in an error. */
static void
random_bytes_become_utf8_or_an_error(void **state)
{
    uint64_t seed = 20260721;
    size_t good = 0;

    (void)state;
    print_message("# seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(pgq_encoding_free) PgqEncoding *encoding = pgq_encoding_new(names[i]);

        for (int round = 0; round < 3000; round++) {
            char bytes[8];
            size_t len = 0;
            size_t high = 0;
            Text text;
            Error err;

            do {
                seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
                bytes[len] = (char)(seed >> 33);
                high += (unsigned char)bytes[len] > 127;
                len++;
            } while (len < sizeof(bytes) && (seed >> 62) != 0);
            if (!pgq_encoding_convert(encoding, (Text){bytes, len}, &text, &err)) {
                assert_int_equal(err.kind, ERR_DATA);
                continue;
            }
            good++;
            assert_true(text_is_utf8(text, NULL));
            assert_true(text.len <= len + 2 * high);
        }
    }
    assert_true(good > 1000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_encoding_leaves_ascii_as_it_is),
    cmocka_unit_test(letters_of_several_encodings_become_utf8),
    cmocka_unit_test(letters_and_accents_behind_them_are_not_joined),
    cmocka_unit_test(what_is_no_character_is_named),
    cmocka_unit_test(encodings_that_cannot_be_converted_are_refused_with_the_way_out),
    cmocka_unit_test(random_bytes_become_utf8_or_an_error),
};

TEST_MAIN(tests)
