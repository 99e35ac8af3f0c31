/*
 * golden_mysql_json.c - JSON values and diffs that MySQL 9.7 wrote give the texts that it printed:
 * mysql_json/documents and mysql_json/updates, which mysql_json/record.py records.
 *
 *     golden_mysql_json [DIRECTORY]     of another recording
 */
#include "base/file.h"
#include "source/binlog/json.h"
#include "support/test.h"

#define FILE_MAX ((size_t)1 << 31)

static const char *directory; /* NULL: the committed recording */

static void
read_file(const char *name, Buf *bytes)
{
    CLEANUP(buf_clear) Buf path = BUF_INIT;
    Error err;

    if (directory == NULL)
        buf_addf(&path, "%s/tests/golden/mysql_json/%s", getenv("DRAY_SOURCE_ROOT"), name);
    else
        buf_addf(&path, "%s/%s", directory, name);
    assert_ok(file_read_all(buf_string(&path), FILE_MAX, bytes, &err), err);
}

static Text
next_part(Reader *reader)
{
    return reader_bytes(reader, reader_be32(reader));
}

/* Where they differ, a piece of both. */
static void
compare(size_t number, Text text, Text expected)
{
    size_t at = 0;

    if (text_equal(text, expected))
        return;
    while (at < MIN(text.len, expected.len) && text.data[at] == expected.data[at])
        at++;
    print_error("number %zu, from byte %zu of %zu and %zu on:\n%.*s\nexpected:\n%.*s\n", number, at,
        text.len, expected.len, (int)MIN(text.len - at, 300U), text.data + at,
        (int)MIN(expected.len - at, 300U), expected.data + at);
    fail();
}

static void
documents_are_printed_as_mysql_does(void **state)
{
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Reader reader;
    size_t count = 0;

    (void)state;
    read_file("documents", &bytes);
    reader = reader_of(bytes.data, bytes.len);
    while (reader.at < reader.len) {
        Text binary = next_part(&reader);
        Text expected = next_part(&reader);
        Error err;

        assert_false(reader.overrun);
        buf_reset(&text, 1 << 20);
        if (!binlog_json_print(binary, &text, &err))
            print_error("number %zu: %s\n", count, err.text);
        compare(count, buf_text(&text), expected);
        count++;
    }
    assert_true(count > 100);
}

static void
diffs_are_applied_as_mysql_does(void **state)
{
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    Reader reader;
    size_t count = 0;

    (void)state;
    read_file("updates", &bytes);
    reader = reader_of(bytes.data, bytes.len);
    while (reader.at < reader.len) {
        Text binary = next_part(&reader);
        Text diffs = next_part(&reader);
        Text expected = next_part(&reader);
        Error err;

        assert_false(reader.overrun);
        buf_reset(&text, 1 << 20);
        if (!binlog_json_apply(binary, diffs, &text, &err))
            print_error("number %zu: %s\n", count, err.text);
        compare(count, buf_text(&text), expected);
        count++;
    }
    assert_true(count > 100);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_printed_as_mysql_does),
        cmocka_unit_test(diffs_are_applied_as_mysql_does),
    };

    directory = argc > 1 ? argv[1] : NULL;
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
