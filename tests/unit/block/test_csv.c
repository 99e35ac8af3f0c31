#include "block/csv.h"
#include "support/test.h"

/* Records as "3:[a]<null>" lines: physical line, values. */
typedef struct Seen {
    const CsvReader *reader;
    Buf text;
} Seen;

static bool
see(void *context, const Value *values, size_t count, Error *err)
{
    Seen *seen = context;

    buf_addf(&seen->text, "%d:", (int)block_csv_line(seen->reader));
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == VALUE_NULL)
            buf_add_string(&seen->text, "<null>");
        else
            buf_addf(&seen->text, "[" TEXT_FMT "]", TEXT_ARG(values[i].text));
    }
    buf_add_char(&seen->text, ';');
    if (count > 0 && text_is(values[0].text, "stop"))
        return error_set(err, ERR_DATA, "asked to");
    return true;
}

/* In pieces of every length; *ret is what was seen, or the error. */
static void
read_in_pieces(CsvStyle style, const char *null_word, Text input, size_t piece, Buf *ret)
{
    CsvDialect dialect = {.style = style, .null_word = text_of(null_word)};
    Seen seen = {NULL, BUF_INIT};
    CsvReader *reader = block_csv_new(&dialect, "f.csv", see, &seen);
    bool ok = true;
    Error err;

    seen.reader = reader;
    for (size_t at = 0; ok && at < input.len; at += piece) {
        /* a copy, so that a sanitizer sees a read past the piece */
        size_t len = MIN(piece, input.len - at);
        char *copy = malloc(len);

        memcpy(copy, input.data + at, len);
        ok = block_csv_feed(reader, (Text){copy, len}, &err);
        free(copy);
    }
    if (!ok || !block_csv_finish(reader, &err))
        buf_addf(&seen.text, "! %s", err.text);
    buf_add_text(ret, buf_text(&seen.text));
    buf_clear(&seen.text);
    block_csv_free(reader);
}

static void
a_reader_tells_null_from_text_at_every_piece_length(void **state)
{
    static const struct {
        CsvStyle style;
        const char *null_word;
        Text input;
        const char *seen;
    } cases[] = {
        {CSV_QUOTED, "null", TEXT("\"a\",null,\"null\",\"\"\n"), "1:[a]<null>[null][];"},
        {CSV_QUOTED, "NULL", TEXT("NULL\n\"NULL\"\n"), "1:<null>;2:[NULL];"},
        {CSV_QUOTED, "null", TEXT("\"a,\nb\",\"\"\"\"\n\"\r\n\",null\n\"z\"\n"),
            "1:[a,\nb][\"];3:[\r\n]<null>;5:[z];"},
        {CSV_QUOTED, "null", TEXT("\" a \",\"\t\",\"\\\"\n"), "1:[ a ][\t][\\];"},
        {CSV_QUOTED, "null", TEXT("\"\",\"\n\"\n"), "1:[][\n];"},
        {CSV_QUOTED, "null", TEXT(""), ""},
        {CSV_QUOTED, "null", TEXT("\"a\"\n\n\"b\"\n"), "1:[a];! f.csv:2: an empty line"},
        {CSV_QUOTED, "null", TEXT("\"a\"\n\"b\",x\n"),
            "1:[a];! f.csv:2: value 2 is neither quoted nor the null word null: \"x\""},
        {CSV_QUOTED, "null", TEXT("\"a\",\n"),
            "! f.csv:1: value 2 is neither quoted nor the null word null: \"\""},
        {CSV_QUOTED, "null", TEXT("null \n"),
            "! f.csv:1: value 1 is neither quoted nor the null word null: \"null \""},
        {CSV_QUOTED, "null", TEXT("\"a\"\r\n"),
            "! f.csv:1: a quote inside a bare value, or bytes after a closing quote"},
        {CSV_QUOTED, "null", TEXT("\"a\n\"b\"\n"),
            "! f.csv:2: a quote inside a bare value, or bytes after a closing quote"},
        {CSV_QUOTED, "null", TEXT("\"a\"\n\"b\",\"c"), "1:[a];! f.csv:2: the last line is cut off"},
        {CSV_QUOTED, "null", TEXT("\"a\"\n\"b\""), "1:[a];! f.csv:2: the last line is cut off"},
        {CSV_QUOTED, "null", TEXT("\"stop\"\n\"b\"\n"), "1:[stop];! asked to"},
        {CSV_TUNGSTEN_MYSQL, "\\N",
            TEXT("\"I\",\\N,\"\\\\N\",\"\",\"a\\\"b\\\\\"\n\"x\ny\"\n\"z\"\n"),
            "1:[I]<null>[\\N][][a\"b\\];2:[x\ny];4:[z];"},
        {CSV_TUNGSTEN_MYSQL, "null", TEXT("null,\"null\"\n"), "1:<null>[null];"},
        {CSV_TUNGSTEN_MYSQL, "\\N", TEXT("\"a\\n\"\n"),
            "! f.csv:1: a backslash before something else than \\ or \""},
        {CSV_TUNGSTEN_MYSQL, "\\N", TEXT("\"a\"b\n"), "! f.csv:1: bytes after a closing quote"},
        {CSV_TUNGSTEN_MYSQL, "\\N", TEXT("a\n"),
            "! f.csv:1: value 1 is neither quoted nor the null word \\N: \"a\""},
        {CSV_TUNGSTEN_MYSQL, "\\N", TEXT("\"a\\"), "! f.csv:1: the last line is cut off"},
        {CSV_TUNGSTEN_DEFAULT, "null", TEXT("I,1,null,a\"b,,\\N\nx\n"),
            "1:[I][1]<null>[a\"b][][\\N];2:[x];"},
        {CSV_TUNGSTEN_DEFAULT, "null", TEXT("a,b"), "! f.csv:1: the last line is cut off"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t piece = 1; piece <= cases[i].input.len + 1; piece++) {
            CLEANUP(buf_clear) Buf seen = BUF_INIT;

            read_in_pieces(cases[i].style, cases[i].null_word, cases[i].input, piece, &seen);
            assert_string_equal(buf_string(&seen), cases[i].seen);
        }
    }
}

static void
what_is_written_is_read_back(void **state)
{
    static const char *const values[] = {
        "", "null", "a\"b", "\"", "a,b", "a\nb", "\r", "\t", "\\", "\xF0\x9F\x9A\x9A", " x "};
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    CLEANUP(buf_clear) Buf expected = BUF_INIT;
    CLEANUP(buf_clear) Buf seen = BUF_INIT;

    (void)state;
    block_csv_add_null(&line, TEXT("null"));
    block_csv_end_line(&line);
    buf_add_string(&expected, "1:<null>;2:");
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        block_csv_add_value(&line, text_of(values[i]));
        block_csv_add_null(&line, TEXT("null"));
        buf_addf(&expected, "[%s]<null>", values[i]);
    }
    block_csv_end_line(&line);
    buf_add_char(&expected, ';');
    read_in_pieces(CSV_QUOTED, "null", buf_text(&line), 7, &seen);
    assert_string_equal(buf_string(&seen), buf_string(&expected));
}

static void
a_value_is_quoted_and_a_null_is_bare(void **state)
{
    CLEANUP(buf_clear) Buf line = BUF_INIT;
    char lengthy[6001];

    (void)state;
    block_csv_add_value(&line, TEXT_NONE);
    block_csv_add_value(&line, TEXT("a\"\n"));
    block_csv_add_null(&line, TEXT("NULL"));
    block_csv_end_line(&line);
    block_csv_add_value(&line, TEXT("b"));
    assert_string_equal(line.data, "\"\",\"a\"\"\n\",NULL\n\"b\"");
    memset(lengthy, '"', 6000);
    buf_reset(&line, 0);
    block_csv_add_value(&line, (Text){lengthy, 6000});
    assert_int_equal(line.len, 12002);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_tells_null_from_text_at_every_piece_length),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_value_is_quoted_and_a_null_is_bare),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
