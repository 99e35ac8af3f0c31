/*
 * test_pgq_encoding_server.c - every code of every encoding that a database can have, and random
 * texts of them, as a real PostgreSQL's own convert_from() has them
 */
#include "postgres_world.h"

#include "source/pgq/encoding.h"

#define TEXTS_OF_CODES 300 /* in each encoding */

static const char *const single[] = {"LATIN1", "LATIN2", "LATIN3", "LATIN4", "LATIN5", "LATIN6",
    "LATIN7", "LATIN8", "LATIN9", "LATIN10", "ISO_8859_5", "ISO_8859_6", "ISO_8859_7", "ISO_8859_8",
    "KOI8R", "KOI8U", "WIN866", "WIN874", "WIN1250", "WIN1251", "WIN1252", "WIN1253", "WIN1254",
    "WIN1255", "WIN1256", "WIN1257", "WIN1258"};

typedef struct Count {
    size_t shown;
    size_t refused;
} Count;

static Text
field(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column) != 0)
        return TEXT_NONE;
    return (Text){PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column)};
}

static void
fail_row(PgqEncoding *encoding, Text code, Text expected, Text shown, const Error *err)
{
    print_error("%s 0x", pgq_encoding_name(encoding));
    for (size_t i = 0; i < code.len; i++)
        print_error("%02X", (unsigned char)code.data[i]);
    print_error(": \"" TEXT_FMT "\" %s, server: \"" TEXT_FMT "\"\n", TEXT_ARG(shown), err->text,
        TEXT_ARG(expected));
    fail();
}

/* sql gives bytes, in column b. */
static Count
compare(const char *name, const char *sql)
{
    CLEANUP(pgq_encoding_free) PgqEncoding *encoding = pgq_encoding_new(name);
    CLEANUP(buf_clear) Buf query = BUF_INIT;
    Count count = {0, 0};
    PGresult *result;

    buf_addf(
        &query, "SELECT b, convert_to(s.converted(b, '%s'), 'UTF8') FROM (%s) AS codes", name, sql);
    result = PQexecParams(admin, buf_string(&query), 0, NULL, NULL, NULL, NULL, 1);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(admin));
    for (int row = 0; row < PQntuples(result); row++) {
        Text code = field(result, row, 0);
        Text expected = field(result, row, 1);
        Text shown = TEXT_NONE;
        Error err = {0};

        if (pgq_encoding_convert(encoding, code, &shown, &err) != (expected.data != NULL) ||
            (expected.data != NULL && !text_equal(shown, expected)))
            fail_row(encoding, code, expected, shown, &err);
        count.shown += expected.data != NULL;
        count.refused += expected.data == NULL;
    }
    PQclear(result);
    return count;
}

static void
add(Count *count, Count more)
{
    count->shown += more.shown;
    count->refused += more.refused;
}

static int
make_functions(void **state)
{
    (void)clean(state);
    run("CREATE FUNCTION s.converted(b bytea, e name) RETURNS text LANGUAGE plpgsql AS"
        " 'BEGIN RETURN convert_from(b, e); EXCEPTION WHEN OTHERS THEN RETURN NULL; END'");
    run("CREATE FUNCTION s.byte(i int) RETURNS bytea LANGUAGE sql AS"
        " $$SELECT set_byte('\\x00', 0, i)$$");
    return 0;
}

#define ONE "SELECT s.byte(i) AS b FROM generate_series(1, 255) AS i"
#define TWO                                                              \
    "SELECT s.byte(i) || s.byte(j) AS b FROM generate_series(%d, 255) i" \
    " CROSS JOIN generate_series(160, 255) j"
#define MORE                                                                      \
    "SELECT '%s'::bytea || s.byte(i) || s.byte(j) AS b FROM generate_series(160," \
    " 255) i CROSS JOIN generate_series(160, 255) j"
/* Texts of codes that the server knows, with ASCII between. */
#define RANDOM                                                                            \
    "SELECT string_agg(c.b || CASE WHEN random() < 0.3 THEN 'a~'::bytea ELSE '' END, '')" \
    " AS b FROM (SELECT b, (random() * %d)::int AS g FROM (%s) AS o"                      \
    " WHERE s.converted(b, '%s') IS NOT NULL AND random() < %s) c GROUP BY g"

static void
every_byte_of_every_encoding_of_one_byte(void **state)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(single); i++) {
        Count count = compare(single[i], ONE);

        assert_true(count.shown >= 127 + 83);
        buf_reset(&sql, SIZE_MAX);
        buf_addf(&sql, "SELECT a.b || c.b AS b FROM (" ONE ") a CROSS JOIN (" ONE ") c"
                       " WHERE random() < 0.01");
        add(&count, compare(single[i], buf_string(&sql)));
        print_message("# %s: %zu texts, %zu refused\n", single[i], count.shown, count.refused);
    }
}

static void
compare_wide(const char *name, int first, const char *const *prefixes, size_t expected)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf two = BUF_INIT;
    Count count = compare(name, ONE);

    buf_addf(&two, TWO, first);
    add(&count, compare(name, buf_string(&two)));
    for (; *prefixes != NULL; prefixes++) {
        buf_reset(&sql, SIZE_MAX);
        buf_addf(&sql, MORE, *prefixes);
        add(&count, compare(name, buf_string(&sql)));
    }
    assert_int_equal(count.shown, expected);
    buf_reset(&sql, SIZE_MAX);
    buf_addf(&sql, RANDOM, TEXTS_OF_CODES, buf_string(&two), name, "0.5");
    add(&count, compare(name, buf_string(&sql)));
    print_message("# %s: %zu texts, %zu refused\n", name, count.shown, count.refused);
}

static void
every_code_of_the_east_asian_encodings(void **state)
{
    static const char *const none[] = {NULL};
    static const char *const japan[] = {"\\x8f", NULL};
    static const char *const taiwan[] = {"\\x8ea1", "\\x8ea2", "\\x8ea3", "\\x8ea4", NULL};

    (void)state;
    run("SELECT setseed(0.5)");
    compare_wide("EUC_CN", 128, none, 127 + 7445);
    compare_wide("EUC_KR", 128, none, 127 + 8227);
    compare_wide("EUC_JP", 128, japan, 127 + 13197);
    compare_wide("EUC_JIS_2004", 128, japan, 127 + 11296);
    compare_wide("EUC_TW", 128, taiwan, 127 + 19378);
    compare_wide("JOHAB", 128, none, 127 + 8169);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_byte_of_every_encoding_of_one_byte, make_functions),
        cmocka_unit_test_setup(every_code_of_the_east_asian_encodings, make_functions),
    };

    return run_world(tests, ARRAY_LEN(tests));
}
