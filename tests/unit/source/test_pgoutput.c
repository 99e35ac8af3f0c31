#include "source/pgoutput.h"

#include <inttypes.h>

#include "support/test.h"

typedef struct Decoded {
    Pgoutput *decoder;
    PgoutputMessage message;
    Buf bytes;
    Error err;
} Decoded;

static int
set_up(void **state)
{
    Decoded *decoded = calloc(1, sizeof(*decoded));

    assert_non_null(decoded);
    decoded->decoder = pgoutput_new();
    *state = decoded;
    return 0;
}

static int
tear_down(void **state)
{
    Decoded *decoded = *state;

    pgoutput_free(decoded->decoder);
    buf_clear(&decoded->bytes);
    free(decoded);
    return 0;
}

static void
put(Decoded *decoded, uint64_t number, size_t len)
{
    for (size_t i = len; i > 0; i--)
        buf_add_char(&decoded->bytes, (char)(number >> (8 * (i - 1))));
}

/* A text and the NUL behind it. */
static void
put_string(Decoded *decoded, const char *string)
{
    buf_add(&decoded->bytes, string, strlen(string) + 1);
}

static void
put_value(Decoded *decoded, const char *text)
{
    buf_add_char(&decoded->bytes, 't');
    put(decoded, strlen(text), 4);
    buf_add_string(&decoded->bytes, text);
}

static bool
decode(Decoded *decoded)
{
    return pgoutput_decode(
        decoded->decoder, buf_text(&decoded->bytes), &decoded->message, &decoded->err);
}

/* The message, and every shorter piece of it: each is an error. */
static void
assert_decodes(Decoded *decoded)
{
    size_t len = decoded->bytes.len;

    for (decoded->bytes.len = 0; decoded->bytes.len < len; decoded->bytes.len++)
        assert_false(decode(decoded));
    buf_add_char(&decoded->bytes, 'x');
    assert_false(decode(decoded));
    decoded->bytes.len = len;
    assert_ok(decode(decoded), decoded->err);
}

static void
begin_and_commit_have_positions_and_time(void **state)
{
    Decoded *decoded = *state;

    buf_add_char(&decoded->bytes, 'B');
    put(decoded, UINT64_C(0x1600000010), 8);
    put(decoded, 1000000, 8);
    put(decoded, 77, 4);
    assert_decodes(decoded);
    assert_int_equal(decoded->message.kind, PGOUTPUT_BEGIN);
    assert_int_equal(decoded->message.lsn, UINT64_C(0x1600000010));
    assert_int_equal(decoded->message.time_us, INT64_C(946684801000000));
    assert_int_equal(decoded->message.xid, 77);
    decoded->bytes.len = 0;
    buf_add_char(&decoded->bytes, 'C');
    put(decoded, 0, 1);
    put(decoded, 5, 8);
    put(decoded, 9, 8);
    put(decoded, 0, 8);
    assert_decodes(decoded);
    assert_int_equal(decoded->message.kind, PGOUTPUT_COMMIT);
    assert_int_equal(decoded->message.lsn, 5);
    assert_int_equal(decoded->message.end_lsn, 9);
}

static void
a_relation_has_its_columns_and_an_empty_schema_is_pg_catalog(void **state)
{
    Decoded *decoded = *state;

    buf_add_char(&decoded->bytes, 'R');
    put(decoded, 4000000000, 4);
    put_string(decoded, "");
    put_string(decoded, "item");
    buf_add_char(&decoded->bytes, 'i');
    put(decoded, 2, 2);
    put(decoded, 1, 1);
    put_string(decoded, "id");
    put(decoded, 23, 4);
    put(decoded, UINT32_MAX, 4);
    put(decoded, 0, 1);
    put_string(decoded, "name");
    put(decoded, 1043, 4);
    put(decoded, 24, 4);
    assert_decodes(decoded);
    assert_int_equal(decoded->message.kind, PGOUTPUT_RELATION);
    assert_int_equal(decoded->message.oid, 4000000000);
    assert_text(decoded->message.schema, "pg_catalog");
    assert_text(decoded->message.name, "item");
    assert_int_equal(decoded->message.identity, 'i');
    assert_int_equal(decoded->message.column_count, 2);
    assert_true(decoded->message.columns[0].in_identity);
    assert_int_equal(decoded->message.columns[0].modifier, -1);
    assert_false(decoded->message.columns[1].in_identity);
    assert_text(decoded->message.columns[1].name, "name");
    assert_int_equal(decoded->message.columns[1].modifier, 24);
}

static void
an_update_has_the_old_key_and_the_new_row_with_null_unchanged_and_empty_values(void **state)
{
    Decoded *decoded = *state;
    const PgoutputMessage *message = &decoded->message;

    buf_add_char(&decoded->bytes, 'U');
    put(decoded, 9, 4);
    buf_add_char(&decoded->bytes, 'K');
    put(decoded, 3, 2);
    put_value(decoded, "old");
    buf_add_string(&decoded->bytes, "nnN");
    put(decoded, 3, 2);
    put_value(decoded, "new");
    buf_add_char(&decoded->bytes, 'u');
    put_value(decoded, "");
    assert_decodes(decoded);
    assert_int_equal(message->kind, PGOUTPUT_UPDATE);
    assert_int_equal(message->old, PGOUTPUT_OLD_KEY);
    assert_int_equal(message->before_count, 3);
    assert_text(message->before[0].text, "old");
    assert_int_equal(message->before[2].kind, VALUE_NULL);
    assert_int_equal(message->after_count, 3);
    assert_text(message->after[0].text, "new");
    assert_int_equal(message->after[1].kind, VALUE_UNCHANGED);
    assert_int_equal(message->after[2].kind, VALUE_TEXT);
    assert_int_equal(message->after[2].text.len, 0);
}

static void
a_truncate_has_its_tables_and_options(void **state)
{
    Decoded *decoded = *state;

    buf_add_char(&decoded->bytes, 'T');
    put(decoded, 2, 4);
    put(decoded, 3, 1);
    put(decoded, 10, 4);
    put(decoded, 11, 4);
    assert_decodes(decoded);
    assert_int_equal(decoded->message.kind, PGOUTPUT_TRUNCATE);
    assert_int_equal(decoded->message.oid_count, 2);
    assert_int_equal(decoded->message.oids[1], 11);
    assert_true(decoded->message.cascade && decoded->message.restart_identity);
}

static void
types_origins_and_messages_are_read(void **state)
{
    Decoded *decoded = *state;

    buf_add_char(&decoded->bytes, 'Y');
    put(decoded, 16400, 4);
    put_string(decoded, "shop");
    put_string(decoded, "mood");
    assert_decodes(decoded);
    assert_int_equal(decoded->message.kind, PGOUTPUT_TYPE);
    assert_text(decoded->message.schema, "shop");
    decoded->bytes.len = 0;
    buf_add_char(&decoded->bytes, 'O');
    put(decoded, 3, 8);
    put_string(decoded, "upstream");
    assert_decodes(decoded);
    assert_text(decoded->message.name, "upstream");
    decoded->bytes.len = 0;
    buf_add_char(&decoded->bytes, 'M');
    put(decoded, 1, 1);
    put(decoded, 3, 8);
    put_string(decoded, "dray");
    put(decoded, 2, 4);
    buf_add_string(&decoded->bytes, "hi");
    assert_decodes(decoded);
    assert_true(decoded->message.transactional);
    assert_text(decoded->message.content, "hi");
}

static void
assert_refused(Decoded *decoded, const char *expected)
{
    assert_false(decode(decoded));
    assert_int_equal(decoded->err.kind, ERR_SOURCE);
    assert_false(decoded->err.retriable);
    assert_string_equal(decoded->err.text, expected);
    decoded->bytes.len = 0;
}

static void
what_was_not_asked_for_is_refused_by_letter_and_place(void **state)
{
    Decoded *decoded = *state;

    assert_refused(decoded, "empty pgoutput message");
    buf_add_string(&decoded->bytes, "S....");
    assert_refused(decoded, "pgoutput message 0x53 ('S'), byte 0: a kind that was not asked for");
    buf_add_char(&decoded->bytes, 'I');
    put(decoded, 1, 4);
    buf_add_char(&decoded->bytes, 'O');
    put(decoded, 0, 2);
    assert_refused(decoded, "pgoutput message 'I', byte 5: unknown kind of row 0x4f ('O')");
    buf_add_char(&decoded->bytes, 'I');
    put(decoded, 1, 4);
    buf_add_char(&decoded->bytes, 'N');
    put(decoded, 1, 2);
    buf_add_string(&decoded->bytes, "b....");
    assert_refused(decoded, "pgoutput message 'I', byte 8: unknown kind of value 0x62 ('b')");
    buf_add_char(&decoded->bytes, 'I');
    put(decoded, 1, 4);
    buf_add_char(&decoded->bytes, 'N');
    put(decoded, 9, 2);
    buf_add_char(&decoded->bytes, 'n');
    assert_refused(
        decoded, "pgoutput message 'I', byte 8: more items are announced than the message has");
    buf_add_string(&decoded->bytes, "O12345678unended");
    assert_refused(decoded, "pgoutput message 'O', byte 16: the message ends too early");
}

static void
positions_are_read_and_written_as_the_server_writes_them(void **state)
{
    static const char *const good[] = {"0/0", "0/1", "16/B374D848", "FFFFFFFF/FFFFFFFF", "1/0"};
    static const char *const bad[] = {
        "", "/", "0/", "/1", "1", "0/1/2", "0/123456789", "0/G", " 0/1", "0/1 ", "jsonl:12"};
    char text[LSN_TEXT_SIZE];
    uint64_t lsn = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(lsn_parse(text_of(good[i]), &lsn));
        assert_text(lsn_format(lsn, text), good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(lsn_parse(text_of(bad[i]), &lsn));
    assert_true(lsn_parse(TEXT("16/b374d848"), &lsn));
    assert_int_equal(lsn, UINT64_C(0x16B374D848));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begin_and_commit_have_positions_and_time),
        cmocka_unit_test(a_relation_has_its_columns_and_an_empty_schema_is_pg_catalog),
        cmocka_unit_test(
            an_update_has_the_old_key_and_the_new_row_with_null_unchanged_and_empty_values),
        cmocka_unit_test(a_truncate_has_its_tables_and_options),
        cmocka_unit_test(types_origins_and_messages_are_read),
        cmocka_unit_test(what_was_not_asked_for_is_refused_by_letter_and_place),
        cmocka_unit_test(positions_are_read_and_written_as_the_server_writes_them),
    };
    struct CMUnitTest with_state[ARRAY_LEN(tests)];

    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        with_state[i] = tests[i];
        with_state[i].setup_func = set_up;
        with_state[i].teardown_func = tear_down;
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(with_state, NULL, NULL);
}
