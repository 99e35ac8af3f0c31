/*
 * test_binlog_charset_server.c - every code of every character set, as a real MariaDB shows it
 *
 * Each code is put into a column of its set. Where the server keeps it, as one character, and can
 * show it in utf8mb4, we must show the same; where it shows "?" instead, we must refuse it.
 */
#include <mysql.h>

#include "../target/server.h"
#include "source/binlog/charset.h"
#include "support/test.h"

static Server server;
static MYSQL *mysql;

static void
run(const char *sql)
{
    if (mysql_query(mysql, sql) != 0) {
        print_error("%.300s: %s\n", sql, mysql_error(mysql));
        fail();
    }
}

static int
connect_to_it(void **state)
{
    (void)state;
    mysql = mysql_init(NULL);
    assert_non_null(mysql);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(mysql, NULL, "root", NULL, NULL, 0, server.socket, 0) == NULL)
        fail_msg("%s", mysql_error(mysql));
    run("CREATE DATABASE codes");
    run("USE codes");
    run("SET sql_mode = '', max_heap_table_size = 1024 * 1024 * 1024");
    return 0;
}

static int
disconnect(void **state)
{
    (void)state;
    mysql_close(mysql);
    return 0;
}

typedef struct Count {
    size_t shown;
    size_t refused;
} Count;

static bool
is_question_mark(Text code)
{
    size_t marks = 0;

    for (size_t i = 0; i < code.len; i++) {
        marks += code.data[i] == '?';
        if (code.data[i] != '?' && code.data[i] != '\0')
            return false;
    }
    return marks == 1;
}

/* A row: the code that was put in, what the column has, how many characters it has, and its text in
 * utf8mb4. */
static void
take_code(const BinlogCharset *charset, const Text *row, Count *count)
{
    static Buf out;
    Error err = {0};
    Text code = row[0];
    bool is_shown;

    if (!text_equal(code, row[1]) || !text_is(row[2], "1"))
        return; /* the set has no such code: the column has "?" */
    /* half a pair of surrogates is no character */
    is_shown = (!text_is(row[3], "?") || is_question_mark(code)) && text_is_utf8(row[3], NULL);
    buf_reset(&out, 16);
    if (binlog_charset_convert(charset, code, &out, &err) != is_shown ||
        (is_shown && !text_equal(buf_text(&out), row[3]))) {
        print_error("%s 0x", binlog_charset_name(charset));
        for (size_t i = 0; i < code.len; i++)
            print_error("%02X", (unsigned char)code.data[i]);
        print_error(": \"" TEXT_FMT "\" %s, server: \"" TEXT_FMT "\"\n", TEXT_ARG(buf_text(&out)),
            err.text, TEXT_ARG(row[3]));
        fail();
    }
    count->shown += is_shown;
    count->refused += !is_shown;
}

/* codes is a SELECT of them. */
static void
compare(const BinlogCharset *charset, const char *codes, Count *count)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    MYSQL_RES *result;
    MYSQL_ROW row;

    run("DROP TABLE IF EXISTS code");
    buf_addf(&sql,
        "CREATE TABLE code(bytes VARBINARY(4), text VARCHAR(4) CHARACTER SET %s) ENGINE=MEMORY",
        binlog_charset_name(charset));
    run(buf_string(&sql));
    buf_reset(&sql, 1000);
    buf_addf(&sql, "INSERT INTO code SELECT unhex(code), unhex(code) FROM (%s) AS codes", codes);
    run(buf_string(&sql));
    run("SELECT bytes, CAST(text AS BINARY), char_length(text), CONVERT(text USING utf8mb4)"
        " FROM code");
    result = mysql_use_result(mysql);
    assert_non_null(result);
    while ((row = mysql_fetch_row(result)) != NULL) {
        const unsigned long *lengths = mysql_fetch_lengths(result);
        Text texts[4];

        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            texts[i] = (Text){row[i], lengths[i]};
        take_code(charset, texts, count);
    }
    mysql_free_result(result);
}

#define ONE_BYTE   "SELECT lpad(hex(seq), 2, '0') AS code FROM seq_0_to_255"
#define TWO_BYTES  "SELECT hex(seq) AS code FROM seq_32768_to_65535"
#define THREE      "SELECT concat('8F', hex(seq)) AS code FROM seq_32768_to_65535"
#define CHARACTERS "SELECT lpad(hex(seq), 8, '0') AS code FROM seq_0_to_1114111"
#define UNITS      "SELECT lpad(hex(seq), 4, '0') AS code FROM seq_0_to_65535"
#define PAIRS                                                               \
    "SELECT hex(CONVERT(CONVERT(unhex(lpad(hex(seq), 8, '0')) USING utf32)" \
    " USING %s)) AS code FROM seq_65536_to_1114111"

static void
compare_set(Text name, const char *longest)
{
    const BinlogCharset *charset = binlog_charset_find(name);
    CLEANUP(buf_clear) Buf pairs = BUF_INIT;
    Count count = {0, 0};

    if (charset == NULL)
        fail_msg(TEXT_FMT " is not known", TEXT_ARG(name));
    buf_addf(&pairs, PAIRS, binlog_charset_name(charset));
    if (text_is(name, "utf32")) {
        compare(charset, CHARACTERS, &count);
    } else if (text_is(name, "ucs2") || text_starts_with(name, "utf16")) {
        compare(charset, UNITS, &count);
        if (!text_is(name, "ucs2"))
            compare(charset, buf_string(&pairs), &count);
    } else {
        compare(charset, ONE_BYTE, &count);
        if (*longest >= '2')
            compare(charset, TWO_BYTES, &count);
        if (*longest >= '3')
            compare(charset, THREE, &count);
    }
    print_message(
        "# " TEXT_FMT ": %zu codes, %zu refused\n", TEXT_ARG(name), count.shown, count.refused);
    assert_true(count.shown >= 127);
}

static void
every_code_of_every_set_is_shown_as_the_server_does(void **state)
{
    MYSQL_RES *result;
    MYSQL_ROW row;
    size_t count = 0;

    (void)state;
    run("SELECT character_set_name, maxlen FROM information_schema.character_sets"
        " WHERE character_set_name NOT LIKE 'utf8%' AND character_set_name <> 'binary'");
    result = mysql_store_result(mysql);
    assert_non_null(result);
    while ((row = mysql_fetch_row(result)) != NULL) {
        compare_set(text_of(row[0]), row[1]);
        count++;
    }
    mysql_free_result(result);
    assert_int_equal(count, 37);
}

static void
every_collation_has_its_set(void **state)
{
    MYSQL_RES *result;
    MYSQL_ROW row;
    size_t count = 0;

    (void)state;
    run("SELECT id, character_set_name, full_collation_name"
        " FROM information_schema.collation_character_set_applicability");
    result = mysql_store_result(mysql);
    assert_non_null(result);
    while ((row = mysql_fetch_row(result)) != NULL) {
        const BinlogCharset *charset =
            binlog_charset_of_collation((unsigned)strtoul(row[0], NULL, 10));
        const char *name = charset == NULL ? "binary" : binlog_charset_name(charset);

        if (strcmp(name, row[1]) != 0)
            fail_msg("%s (%s) is of %s, not of %s", row[2], row[0], row[1], name);
        count++;
    }
    mysql_free_result(result);
    assert_true(count > 1000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_collation_has_its_set),
        cmocka_unit_test(every_code_of_every_set_is_shown_as_the_server_does),
    };

    if (!server_has_mariadb())
        return server_skip("MariaDB");
    server_start_mariadb(&server);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, connect_to_it, disconnect);
}
