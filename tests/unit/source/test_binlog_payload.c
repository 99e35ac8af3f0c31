#include "source/binlog/payload.h"

#include <zstd.h>

#include "binlog_events.h"
#include "source/binlog/compress.h"

/* A TRANSACTION_PAYLOAD event's body: of so many bytes unpacked, as it says. */
static void
put_payload(Buf *body, Text packed, unsigned compression, uint64_t unpacked)
{
    put_bytes(body, "02 01");
    put_int(body, compression == 255 ? 252 : compression, 1);
    if (compression == 255) {
        body->data[body->len - 2] = 3;
        put_int(body, 255, 2);
    }
    put_bytes(body, "01 09 fe");
    put_int(body, packed.len, 8);
    put_bytes(body, "03 09 fe");
    put_int(body, unpacked, 8);
    put_int(body, 0, 1);
    buf_add_text(body, packed);
}

static void
pack(Text text, Buf *out)
{
    size_t size = ZSTD_compressBound(text.len);
    char *room = buf_reserve(out, size);

    size = ZSTD_compress(room, size, text.data, text.len, 3);
    assert_false(ZSTD_isError(size));
    buf_grown(out, size);
}

/* Events whose bodies are count, count + 1 … bytes long. */
static void
put_events(Buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) Buf body = BUF_INIT;

        for (size_t j = 0; j < i * 997 % 40000; j++)
            put_int(&body, i + j, 1);
        put_event(out, BINLOG_ROWS_QUERY, (unsigned)i, buf_text(&body), false);
    }
}

static bool
count_events(const Buf *body, size_t *ret_count, size_t *ret_bytes, Error *err)
{
    BinlogEvent event = event_of(BINLOG_TRANSACTION_PAYLOAD, body);
    CLEANUP(binlog_payload_close) BinlogPayload *payload = binlog_payload_open(&event, err);
    bool end = false;

    *ret_count = 0;
    *ret_bytes = 0;
    if (payload == NULL)
        return false;
    for (;;) {
        if (!binlog_payload_next(payload, &event, &end, err))
            return false;
        if (end)
            return true;
        assert_int_equal(event.flags, *ret_count & 0xffff);
        assert_int_equal(event.body.len, *ret_count * 997 % 40000);
        for (size_t i = 0; i < event.body.len; i++)
            assert_int_equal((unsigned char)event.body.data[i], (*ret_count + i) & 0xff);
        (*ret_count)++;
        *ret_bytes += event.size;
    }
}

static void
a_transaction_is_unpacked_event_by_event(void **state)
{
    static const unsigned compressions[] = {0, 255};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(compressions); i++) {
        CLEANUP(buf_clear) Buf events = BUF_INIT;
        CLEANUP(buf_clear) Buf packed = BUF_INIT;
        CLEANUP(buf_clear) Buf body = BUF_INIT;
        size_t count;
        size_t bytes;
        Error err;

        put_events(&events, 300);
        if (compressions[i] == 0)
            pack(buf_text(&events), &packed);
        else
            buf_add_text(&packed, buf_text(&events));
        put_payload(&body, buf_text(&packed), compressions[i], events.len);
        assert_ok(count_events(&body, &count, &bytes, &err), err);
        assert_int_equal(count, 300);
        assert_int_equal(bytes, events.len);
    }
}

static void
a_transaction_may_be_several_frames_and_may_be_empty(void **state)
{
    CLEANUP(buf_clear) Buf events = BUF_INIT;
    CLEANUP(buf_clear) Buf packed = BUF_INIT;
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    size_t count;
    size_t bytes;
    Error err;

    (void)state;
    put_events(&events, 9);
    pack((Text){events.data, 1000}, &packed);
    pack((Text){events.data + 1000, events.len - 1000}, &packed);
    put_payload(&body, buf_text(&packed), 0, events.len);
    assert_ok(count_events(&body, &count, &bytes, &err), err);
    assert_int_equal(count, 9);
    body.len = 0;
    put_payload(&body, TEXT(""), 0, 0);
    assert_ok(count_events(&body, &count, &bytes, &err), err);
    assert_int_equal(count, 0);
}

static void
assert_fails(const Buf *body, const char *text)
{
    size_t count;
    size_t bytes;
    Error err;

    assert_false(count_events(body, &count, &bytes, &err));
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_false(err.retriable);
    assert_string_equal(err.text, text);
}

static void
what_a_payload_says_of_its_size_is_not_believed(void **state)
{
    CLEANUP(buf_clear) Buf events = BUF_INIT;
    CLEANUP(buf_clear) Buf packed = BUF_INIT;
    CLEANUP(buf_clear) Buf body = BUF_INIT;

    (void)state;
    put_events(&events, 3);
    pack(buf_text(&events), &packed);
    put_payload(&body, buf_text(&packed), 0, events.len - 1);
    assert_fails(&body,
        "TRANSACTION_PAYLOAD, event 0 in it: unpacks to more than the 3047 bytes it "
        "says");
    body.len = 0;
    put_payload(&body, buf_text(&packed), 0, UINT64_MAX);
    assert_fails(&body, "TRANSACTION_PAYLOAD, event 3 in it: unpacks to 3048 bytes, not to the "
                        "18446744073709551615 it says");
    body.len = 0;
    put_payload(&body, (Text){packed.data, packed.len - 4}, 0, events.len);
    assert_fails(&body, "TRANSACTION_PAYLOAD, event 0 in it: the compressed bytes end early");
    /* the payload's size goes past the event */
    body.len = 0;
    put_payload(&body, buf_text(&packed), 0, events.len);
    body.len--;
    assert_fails(&body, "TRANSACTION_PAYLOAD event, byte 45: the event ends early, or a length is "
                        "wrong");
}

static void
events_in_a_payload_have_sizes_that_fit(void **state)
{
    CLEANUP(buf_clear) Buf events = BUF_INIT;
    CLEANUP(buf_clear) Buf body = BUF_INIT;

    (void)state;
    put_events(&events, 2);
    events.data[19 + 9] = 7;
    events.data[19 + 10] = 0;
    put_payload(&body, buf_text(&events), 255, 0);
    assert_fails(&body, "TRANSACTION_PAYLOAD, event 1 in it: its header says 7 bytes");
    events.data[19 + 12] = (char)0xff;
    body.len = 0;
    put_payload(&body, buf_text(&events), 255, 0);
    assert_fails(&body, "TRANSACTION_PAYLOAD, event 1 in it: its header says 4278190087 bytes");
    events.data[19 + 12] = 1;
    body.len = 0;
    put_payload(&body, buf_text(&events), 255, 0);
    assert_fails(
        &body, "TRANSACTION_PAYLOAD, event 1 in it: its header says 16777223 bytes, 1016 are left");
    events.len = 25;
    body.len = 0;
    put_payload(&body, buf_text(&events), 255, 0);
    assert_fails(&body, "TRANSACTION_PAYLOAD, event 1 in it: ends within the header of an event");
}

static void
a_payload_that_is_packed_in_another_way_is_refused(void **state)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;

    (void)state;
    put_payload(&body, TEXT("x"), 9, 1);
    assert_fails(&body, "TRANSACTION_PAYLOAD event, byte 19: compressed in a way that is not known "
                        "(zstd and none are)");
    body.len = 0;
    put_payload(&body, TEXT("no zstd at all"), 0, 100);
    assert_fails(&body,
        "TRANSACTION_PAYLOAD, event 0 in it: byte 0 of the compressed ones: Unknown "
        "frame descriptor");
    body.len = 0;
    put_bytes(&body, "02 01 00 00");
    assert_fails(&body, "TRANSACTION_PAYLOAD event, byte 23: the payload's size is missing");
}

/* As MariaDB packs: first byte, size of len bytes, the stream. */
static void
put_packed(Buf *out, Text text, unsigned first, size_t len, size_t size, bool is_raw)
{
    z_stream stream = {0};
    char room[4096];

    put_int(out, first, 1);
    for (size_t i = len; i > 0; i--)
        put_int(out, size >> (8 * (i - 1)), 1);
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, is_raw ? -MAX_WBITS : MAX_WBITS, 8,
                         Z_DEFAULT_STRATEGY),
        Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)text.data;
    stream.avail_in = (uInt)text.len;
    stream.next_out = (Bytef *)room;
    stream.avail_out = sizeof(room);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    buf_add(out, room, sizeof(room) - stream.avail_out);
    (void)deflateEnd(&stream);
}

static void
mariadbs_events_and_columns_are_unpacked(void **state)
{
    CLEANUP(buf_clear) Buf packed = BUF_INIT;
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    Error err;

    (void)state;
    put_packed(&packed, TEXT("some text"), 0x82, 2, 9, false);
    assert_ok(binlog_uncompress_event(buf_text(&packed), &out, &err), err);
    assert_text(buf_text(&out), "some text");
    packed.len = 0;
    put_packed(&packed, TEXT(" and more"), 0x84, 4, 9, false);
    assert_ok(binlog_uncompress_column(buf_text(&packed), &out, &err), err);
    packed.len = 0;
    put_packed(&packed, TEXT(" raw"), 0x89, 1, 4, true);
    assert_ok(binlog_uncompress_column(buf_text(&packed), &out, &err), err);
    assert_ok(binlog_uncompress_column(TEXT("\0plain"), &out, &err), err);
    assert_ok(binlog_uncompress_column(TEXT(""), &out, &err), err);
    assert_text(buf_text(&out), "some text and more rawplain");
    packed.len = 0;
    put_packed(&packed, TEXT(""), 0x81, 1, 0, false);
    assert_ok(binlog_uncompress_event(buf_text(&packed), &out, &err), err);
}

static void
assert_refuses(bool (*unpack)(Text, Buf *, Error *), const Buf *packed, const char *text)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    Error err;

    assert_false(unpack(buf_text(packed), &out, &err));
    assert_string_equal(err.text, text);
    assert_int_equal(out.len, 0);
}

static void
packed_bytes_that_lie_are_refused_before_memory_is_taken(void **state)
{
    CLEANUP(buf_clear) Buf packed = BUF_INIT;

    (void)state;
    put_packed(&packed, TEXT("some text"), 0x84, 4, 0xffffffff, false);
    assert_refuses(binlog_uncompress_event, &packed, "17 compressed bytes cannot hold 4294967295");
    packed.len = 0;
    put_packed(&packed, TEXT("some text"), 0x81, 1, 8, false);
    assert_refuses(
        binlog_uncompress_event, &packed, "17 compressed bytes give 8, not the 8 that they say");
    packed.len = 0;
    put_packed(&packed, TEXT("some text"), 0x81, 1, 10, false);
    assert_refuses(
        binlog_uncompress_event, &packed, "17 compressed bytes give 9, not the 10 that they say");
    packed.len = 0;
    put_packed(&packed, TEXT("some text"), 0x91, 1, 9, false);
    assert_refuses(
        binlog_uncompress_event, &packed, "compressed in a way that is not known (0x91)");
    assert_refuses(
        binlog_uncompress_column, &packed, "compressed in a way that is not known (0x91)");
    packed.data[0] = (char)0x80;
    assert_refuses(binlog_uncompress_event, &packed, "compressed bytes without a size");
    packed.data[0] = (char)0x85;
    assert_refuses(binlog_uncompress_event, &packed, "compressed bytes without a size");
    packed.data[0] = (char)0x84;
    packed.len = 4;
    assert_refuses(binlog_uncompress_event, &packed, "compressed bytes without a size");
    packed.len = 0;
    assert_refuses(
        binlog_uncompress_event, &packed, "compressed in a way that is not known (0x00)");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_transaction_is_unpacked_event_by_event),
    cmocka_unit_test(a_transaction_may_be_several_frames_and_may_be_empty),
    cmocka_unit_test(what_a_payload_says_of_its_size_is_not_believed),
    cmocka_unit_test(events_in_a_payload_have_sizes_that_fit),
    cmocka_unit_test(a_payload_that_is_packed_in_another_way_is_refused),
    cmocka_unit_test(mariadbs_events_and_columns_are_unpacked),
    cmocka_unit_test(packed_bytes_that_lie_are_refused_before_memory_is_taken),
};

TEST_MAIN(tests)
