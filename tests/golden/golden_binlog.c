/*
 * golden_binlog.c - logs that MariaDB 10.11 and MySQL 9.7 wrote give the recorded events, tables
 * and rows: binlog/NAME.binlog -> binlog/NAME.events. binlog/record.py records them.
 *
 * DRAY_GOLDEN_WRITE=1 writes the .events anew; read the difference before it is committed.
 *
 * And whatever becomes of their bytes, decoding ends in an event or in an error: each event is cut
 * at every byte, and bytes of it are changed at random (DRAY_TEST_SEED repeats a run).
 */
#include <inttypes.h>
#include <time.h>

#include "base/file.h"
#include "support/binlog_dump.h"
#include "support/test.h"

#define FILE_MAX  ((size_t)1 << 24)
#define MAGIC_LEN 4
/* Changed copies of each event. */
#define CHANGES 200

static const char *const names[] = {
    "mariadb_full",
    "mariadb_minimal",
    "mariadb_noblob",
    "mariadb_compressed",
    "mariadb_statements",
    "mariadb_xa",
    "mysql_full",
    "mysql_minimal",
    "mysql_json",
    "mysql_payload",
    "mysql_tagged",
    "mysql_xa",
};

static void
read_golden(const char *name, const char *end, Buf *ret_bytes, Buf *ret_path)
{
    const char *root = getenv("DRAY_SOURCE_ROOT");
    Error err;

    assert_non_null(root);
    ret_path->len = 0;
    buf_addf(ret_path, "%s/tests/golden/binlog/%s.%s", root, name, end);
    assert_ok(file_read_all(ret_path->data, FILE_MAX, ret_bytes, &err), err);
}

static void
compare(const char *name)
{
    CLEANUP(buf_clear) Buf file = BUF_INIT;
    CLEANUP(buf_clear) Buf expected = BUF_INIT;
    CLEANUP(buf_clear) Buf path = BUF_INIT;
    BinlogDump dump;
    Error err;

    binlog_dump_init(&dump);
    read_golden(name, "binlog", &file, &path);
    binlog_dump_file(&dump, buf_text(&file));
    if (getenv("DRAY_GOLDEN_WRITE") != NULL) {
        path.len -= strlen("binlog");
        buf_add_string(&path, "events");
        assert_ok(file_write_durable(path.data, dump.out.data, dump.out.len, &err), err);
    }
    read_golden(name, "events", &expected, &path);
    assert_string_equal(buf_string(&dump.out), buf_string(&expected));
    assert_int_equal(dump.errors, 0);
    binlog_dump_clear(&dump);
}

static void
logs_of_servers_give_the_recorded_events(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        compare(names[i]);
}

/* The event with another body, which ends exactly where its memory does. */
static void
dump_copy(BinlogDump *dump, const BinlogEvent *event, Text body)
{
    BinlogEvent copy = *event;
    char *bytes = malloc(body.len + (body.len == 0));

    assert_non_null(bytes);
    if (body.len > 0)
        memcpy(bytes, body.data, body.len);
    copy.body = (Text){bytes, body.len};
    dump->keeps_maps = false;
    dump->out.len = 0;
    binlog_dump_event(dump, 0, &copy);
    dump->keeps_maps = true;
    free(bytes);
}

typedef void (*Harm)(BinlogDump *dump, const BinlogEvent *event, void *context);

static void
harm_all(Harm harm, void *context)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(buf_clear) Buf file = BUF_INIT;
        CLEANUP(buf_clear) Buf path = BUF_INIT;
        BinlogDump dump;
        size_t at = MAGIC_LEN;

        binlog_dump_init(&dump);
        read_golden(names[i], "binlog", &file, &path);
        while (at < file.len) {
            BinlogEvent event;
            size_t size;

            assert_true(
                binlog_dump_find(&dump, (Text){file.data + at, file.len - at}, &event, &size));
            harm(&dump, &event, context);
            dump.out.len = 0;
            binlog_dump_event(&dump, at, &event);
            at += size;
        }
        binlog_dump_clear(&dump);
    }
}

static void
cut(BinlogDump *dump, const BinlogEvent *event, void *context)
{
    size_t *cuts = context;

    for (size_t len = 0; len < event->body.len; len++, ++*cuts)
        dump_copy(dump, event, (Text){event->body.data, len});
}

static void
an_event_that_is_cut_at_any_byte_is_an_error_or_a_shorter_event(void **state)
{
    size_t cuts = 0;

    (void)state;
    harm_all(cut, &cuts);
    assert_true(cuts > 10000);
}

/* xorshift64* */
static uint64_t
draw(uint64_t *random)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * UINT64_C(2685821657736338717);
}

static void
change(BinlogDump *dump, const BinlogEvent *event, void *context)
{
    static const unsigned char odd[] = {0, 1, 0x7f, 0x80, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};
    uint64_t *random = context;
    CLEANUP(buf_clear) Buf body = BUF_INIT;

    if (event->body.len == 0)
        return;
    for (size_t i = 0; i < CHANGES; i++) {
        size_t count = 1 + draw(random) % 4;

        body.len = 0;
        buf_add_text(&body, event->body);
        for (size_t j = 0; j < count; j++) {
            size_t place = draw(random) % body.len;
            uint64_t what = draw(random);

            body.data[place] = (char)(what % 2 == 0 ? what >> 8 : odd[(what >> 8) % sizeof(odd)]);
        }
        dump_copy(dump, event, buf_text(&body));
    }
}

static void
an_event_with_changed_bytes_is_an_error_or_another_event(void **state)
{
    const char *given = getenv("DRAY_TEST_SEED");
    uint64_t seed = (uint64_t)time(NULL) | 1;
    uint64_t random;

    (void)state;
    if (given != NULL && !text_to_u64(text_of(given), &seed))
        fail_msg("DRAY_TEST_SEED is no number");
    print_message("DRAY_TEST_SEED=%" PRIu64 "\n", seed);
    random = seed | 1;
    harm_all(change, &random);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(logs_of_servers_give_the_recorded_events),
    cmocka_unit_test(an_event_that_is_cut_at_any_byte_is_an_error_or_a_shorter_event),
    cmocka_unit_test(an_event_with_changed_bytes_is_an_error_or_another_event),
};

TEST_MAIN(tests)
