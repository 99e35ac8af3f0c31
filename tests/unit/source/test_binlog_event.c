#include "source/binlog/event.h"

#include "base/clock.h"
#include "binlog_events.h"
#include "source/binlog/wire.h"

static const BinlogFormat plain = {.server_version = "9.7.4"};
static const BinlogFormat with_checksums = {.server_version = "9.7.4", .has_checksum = true};

static void
the_header_is_split_off(void **state)
{
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;
    BinlogEvent event;
    Error err;

    (void)state;
    put_event(&bytes, BINLOG_XID, BINLOG_FLAG_IGNORABLE, TEXT("12345678"), false);
    assert_int_equal(binlog_event_size(buf_text(&bytes)), 27);
    assert_ok(binlog_event_read(&plain, buf_text(&bytes), &event, &err), err);
    assert_int_equal(event.time, 1700000000);
    assert_int_equal(event.type, BINLOG_XID);
    assert_int_equal(event.server_id, 77);
    assert_int_equal(event.size, 27);
    assert_int_equal(event.end_offset, 1027);
    assert_int_equal(event.flags, BINLOG_FLAG_IGNORABLE);
    assert_text(event.body, "12345678");
}

static void
an_event_of_another_size_than_it_says_is_refused(void **state)
{
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;
    BinlogEvent event;
    Error err;

    (void)state;
    put_event(&bytes, BINLOG_XID, 0, TEXT("12345678"), false);
    bytes.len--;
    assert_false(binlog_event_read(&plain, buf_text(&bytes), &event, &err));
    assert_string_equal(err.text, "XID event: its header says 27 bytes, it has 26");
    bytes.len = 18;
    assert_false(binlog_event_read(&plain, buf_text(&bytes), &event, &err));
    assert_string_equal(err.text, "an event of 18 bytes has no room for its header of 19");
    bytes.len = 0;
    put_event(&bytes, BINLOG_XID, 0, TEXT("123"), false);
    assert_false(binlog_event_read(&with_checksums, buf_text(&bytes), &event, &err));
    assert_string_equal(err.text, "XID event, byte 22: no room for the checksum");
}

static void
a_wrong_checksum_may_be_read_again(void **state)
{
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;
    BinlogEvent event;
    Error err;

    (void)state;
    put_event(&bytes, 200, 0, TEXT("body"), true);
    assert_ok(binlog_event_read(&with_checksums, buf_text(&bytes), &event, &err), err);
    assert_text(event.body, "body");
    bytes.data[20] ^= 1;
    assert_false(binlog_event_read(&with_checksums, buf_text(&bytes), &event, &err));
    assert_true(err.retriable);
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_non_null(strstr(err.text, "type 200 event of 27 bytes: wrong checksum "));
}

static void
before_the_format_is_known_a_checksum_shows_itself(void **state)
{
    static const BinlogFormat none;
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;
    BinlogEvent event;
    BinlogRotate rotate;
    Error err;

    (void)state;
    put_event(
        &bytes, BINLOG_ROTATE, BINLOG_FLAG_ARTIFICIAL, TEXT("\4\0\0\0\0\0\0\0log.000001"), true);
    assert_ok(binlog_event_read(&none, buf_text(&bytes), &event, &err), err);
    assert_ok(binlog_read_rotate(&event, &rotate, &err), err);
    assert_int_equal(rotate.offset, 4);
    assert_text(rotate.file, "log.000001");
    bytes.len = 0;
    put_event(
        &bytes, BINLOG_ROTATE, BINLOG_FLAG_ARTIFICIAL, TEXT("\4\0\0\0\0\0\0\0log.000002"), false);
    assert_ok(binlog_event_read(&none, buf_text(&bytes), &event, &err), err);
    assert_ok(binlog_read_rotate(&event, &rotate, &err), err);
    assert_text(rotate.file, "log.000002");
}

/* A FORMAT_DESCRIPTION event of a server. */
static void
put_format(Buf *body, const char *version, unsigned checksum)
{
    body->len = 0;
    put_int(body, 4, 2);
    buf_add(body, version, strlen(version));
    for (size_t i = strlen(version); i < 50; i++)
        put_int(body, 0, 1);
    put_int(body, 0, 4);
    put_int(body, 19, 1);
    for (unsigned type = 1; type <= 41; type++)
        put_int(body, type == BINLOG_TABLE_MAP ? 8 : type, 1);
    put_int(body, checksum, 1);
}

static void
the_format_is_read_and_checked_also_of_a_file_in_use(void **state)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;
    BinlogFormat format = plain;
    BinlogEvent event;
    Error err;

    (void)state;
    put_format(&body, "10.11.19-MariaDB-log", 1);
    put_event(&bytes, BINLOG_FORMAT_DESCRIPTION, 0, buf_text(&body), true);
    bytes.data[17] = BINLOG_FLAG_IN_USE;
    assert_ok(binlog_event_read(&plain, buf_text(&bytes), &event, &err), err);
    assert_ok(binlog_read_format(&event, &format, &err), err);
    assert_string_equal(format.server_version, "10.11.19-MariaDB-log");
    assert_true(format.is_mariadb);
    assert_true(format.has_checksum);
    assert_int_equal(format.post_header[1], 1);
    assert_int_equal(format.post_header[BINLOG_TABLE_MAP], 8);
    assert_int_equal(format.post_header[41], 41);
    assert_int_equal(format.post_header[42], 0);
    bytes.data[40] ^= 1;
    assert_false(binlog_event_read(&plain, buf_text(&bytes), &event, &err));
    /* a file without checksums: its own is not looked at */
    put_format(&body, "9.7.4", 0);
    bytes.len = 0;
    put_event(&bytes, BINLOG_FORMAT_DESCRIPTION, 0, buf_text(&body), true);
    bytes.data[bytes.len - 1] ^= 1;
    assert_ok(binlog_event_read(&with_checksums, buf_text(&bytes), &event, &err), err);
    assert_ok(binlog_read_format(&event, &format, &err), err);
    assert_false(format.is_mariadb);
    assert_false(format.has_checksum);
}

static void
a_format_that_is_not_known_is_refused(void **state)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    BinlogFormat format;
    BinlogEvent event;
    Error err;

    (void)state;
    put_format(&body, "x", 7);
    event = event_of(BINLOG_FORMAT_DESCRIPTION, &body);
    assert_false(binlog_read_format(&event, &format, &err));
    assert_string_equal(err.text,
        "the log's checksum algorithm 7 is not known; set binlog_checksum to CRC32 or NONE");
    body.data[0] = 3;
    assert_false(binlog_read_format(&event, &format, &err));
    assert_string_equal(err.text, "the log has version 3 and headers of 19 bytes: only version 4 "
                                  "with 19 is known");
    event.body.len = 57;
    assert_false(binlog_read_format(&event, &format, &err));
    assert_string_equal(err.text, "FORMAT_DESCRIPTION event, byte 76: the event ends early");
}

static void
a_query_has_its_charset_and_quotes_whatever_stands_between(void **state)
{
    static const struct {
        const char *variables;
        unsigned charset;
        bool ansi_quotes;
    } cases[] = {
        {"", 0, false},
        {"00 01000000 01 0400000000000000 06 03 737464 04 2d00 0800 ff00", 45, true},
        {"01 0000200000000000 03 01000100 02 03 737464 00 05 03 555443 04 0800 0800 0800", 8,
            false},
        {"0b 01 61 02 6262 07 0000 08 0800 09 0100000000000000 0a 01000000 0d 010203 04 1c000000 "
         "0000",
            28, false},
        {"81 0100000000000000 04 2d00 0800 ff00", 0, false}, /* one that is not known */
        {"04 2d", 0, false},
        {"06", 0, false},
    };
    CLEANUP(buf_clear) Buf scratch = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf body = BUF_INIT;
        CLEANUP(buf_clear) Buf variables = BUF_INIT;
        BinlogEvent event;
        BinlogQuery query;
        Error err;

        put_bytes(&variables, cases[i].variables);
        put_int(&body, 0, 8);
        put_int(&body, 2, 1);
        put_int(&body, 1146, 2);
        put_int(&body, variables.len, 2);
        buf_add_text(&body, buf_text(&variables));
        buf_add(&body, "db\0DROP TABLE t", 15);
        event = event_of(BINLOG_QUERY, &body);
        assert_ok(binlog_read_query(&plain, &event, &scratch, &query, &err), err);
        assert_text(query.schema, "db");
        assert_text(query.statement, "DROP TABLE t");
        assert_int_equal(query.error, 1146);
        assert_int_equal(query.charset, cases[i].charset);
        assert_int_equal(query.ansi_quotes, cases[i].ansi_quotes);
        event.body.len = 15 + variables.len;
        assert_false(binlog_read_query(&plain, &event, &scratch, &query, &err));
    }
}

static void
gtids_of_old_servers_have_no_time(void **state)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    BinlogMysqlGtid gtid;
    BinlogEvent event;
    Error err;

    (void)state;
    put_bytes(&body, "01 00112233445566778899aabbccddeeff");
    put_int(&body, 5, 8);
    put_bytes(&body, "02 0000000000000000 0100000000000000");
    event = event_of(BINLOG_GTID, &body);
    assert_ok(binlog_read_mysql_gtid(&event, &gtid, &err), err);
    assert_int_equal(gtid.source[15], 0xff);
    assert_int_equal(gtid.number, 5);
    assert_true(gtid.commit_time_us == TIME_UNKNOWN);
    /* the time it was committed here, and before it that of the first server */
    put_bytes(&body, "01000000000080 02000000000000");
    event = event_of(BINLOG_GTID, &body);
    assert_ok(binlog_read_mysql_gtid(&event, &gtid, &err), err);
    assert_int_equal(gtid.commit_time_us, 2);
    event.body.len--;
    assert_false(binlog_read_mysql_gtid(&event, &gtid, &err));
    body.data[17] = 0;
    event = event_of(BINLOG_GTID, &body);
    assert_false(binlog_read_mysql_gtid(&event, &gtid, &err));
    assert_string_equal(err.text, "GTID event, byte 36: the transaction's number is out of range");
    event.type = BINLOG_ANONYMOUS_GTID;
    assert_ok(binlog_read_mysql_gtid(&event, &gtid, &err), err);
    assert_int_equal(gtid.number, 0);
}

static bool
read_tagged(const char *fields, BinlogMysqlGtid *gtid, Error *err)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    CLEANUP(buf_clear) Buf bytes = BUF_INIT;
    BinlogEvent event;

    put_bytes(&bytes, fields);
    put_int(&body, 2, 1); /* version 1 */
    put_int(&body, (bytes.len + 2) << 1, 1);
    buf_add_text(&body, buf_text(&bytes));
    event = event_of(BINLOG_GTID_TAGGED, &body);
    return binlog_read_mysql_gtid(&event, gtid, err);
}

static void
tagged_gtids_may_have_fields_of_later_servers_but_none_that_must_be_known(void **state)
{
#define SOURCE "02 0000000000000000 0000000000000000"
    BinlogMysqlGtid gtid;
    Error err;

    (void)state;
    assert_ok(read_tagged("00" SOURCE "04 14", &gtid, &err), err);
    assert_int_equal(gtid.number, 5);
    assert_int_equal(gtid.tag.len, 0);
    assert_ok(read_tagged("18" SOURCE "04 14 18 01 02 30 ff", &gtid, &err), err);
    assert_false(read_tagged("1a" SOURCE "04 14", &gtid, &err));
    assert_string_equal(err.text, "GTID_TAGGED event, byte 19: written by a later version of the "
                                  "server than is known");
    assert_false(read_tagged("00" SOURCE, &gtid, &err));
    assert_string_equal(err.text, "GTID_TAGGED event, byte 39: source or number is missing");
    assert_false(read_tagged("00" SOURCE "04 00", &gtid, &err));
    assert_string_equal(err.text, "GTID_TAGGED event, byte 39: a field's value is out of range");
    assert_false(read_tagged("00" SOURCE "04 14 06 42", &gtid, &err));
    assert_string_equal(err.text, "GTID_TAGGED event, byte 43: the event ends early, or a length "
                                  "is wrong");
}

static void
numbers_of_variable_length_are_read(void **state)
{
    static const struct {
        const char *bytes;
        uint64_t number;
        int64_t with_sign;
    } cases[] = {
        {"00", 0, 0},
        {"02", 1, -1},
        {"fe", 127, -64},
        {"0102", 128, 64},
        {"fdff", 16383, -8192},
        {"030002", 16384, 8192},
        {"7fffffffffffffff", (UINT64_C(1) << 56) - 1, -(INT64_C(1) << 55)},
        {"ffffffffffffffffff", UINT64_MAX, INT64_MIN},
        {"fffeffffffffffffff", UINT64_MAX - 1, INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf bytes = BUF_INIT;
        Reader reader;

        put_bytes(&bytes, cases[i].bytes);
        reader = reader_of(bytes.data, bytes.len);
        assert_true(binlog_wire_varint(&reader) == cases[i].number);
        assert_true(reader.at == bytes.len && !reader.overrun);
        reader = reader_of(bytes.data, bytes.len);
        assert_true(binlog_wire_signed_varint(&reader) == cases[i].with_sign);
        reader = reader_of(bytes.data, bytes.len - 1);
        (void)binlog_wire_varint(&reader);
        assert_true(reader.overrun);
    }
}

static void
heartbeats_of_both_kinds_tell_where_the_server_is(void **state)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    BinlogHeartbeat heartbeat;
    BinlogEvent event;
    Error err;

    (void)state;
    buf_add_string(&body, "log.000001");
    event = event_of(BINLOG_HEARTBEAT, &body);
    assert_ok(binlog_read_heartbeat(&event, &heartbeat, &err), err);
    assert_text(heartbeat.file, "log.000001");
    assert_int_equal(heartbeat.offset, 555);
    body.len = 0;
    put_bytes(&body, "01 03 622e31 07 02 aabb 02 09 fe0000000001000000 00");
    event = event_of(BINLOG_HEARTBEAT_V2, &body);
    assert_ok(binlog_read_heartbeat(&event, &heartbeat, &err), err);
    assert_text(heartbeat.file, "b.1");
    assert_int_equal(heartbeat.offset, INT64_C(1) << 32);
    event.body.len -= 3;
    assert_false(binlog_read_heartbeat(&event, &heartbeat, &err));
    body.len = 0;
    put_bytes(&body, "02 02 fd00 00");
    event = event_of(BINLOG_HEARTBEAT_V2, &body);
    assert_false(binlog_read_heartbeat(&event, &heartbeat, &err));
    assert_string_equal(err.text, "HEARTBEAT_V2 event, byte 23: the offset is no number");
}

static void
a_name_of_an_xa_transaction_has_its_limits(void **state)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    BinlogXaPrepare prepare;
    BinlogEvent event;
    Error err;

    (void)state;
    put_bytes(&body, "01 07000000 02000000 01000000 616263");
    event = event_of(BINLOG_XA_PREPARE, &body);
    assert_ok(binlog_read_xa_prepare(&event, &prepare, &err), err);
    assert_true(prepare.one_phase);
    assert_int_equal(prepare.xid.format, 7);
    assert_text(prepare.xid.gtrid, "ab");
    assert_text(prepare.xid.bqual, "c");
    body.data[5] = 65;
    assert_false(binlog_read_xa_prepare(&event, &prepare, &err));
    assert_string_equal(
        err.text, "XA_PREPARE event, byte 32: the name of an XA transaction is too long");
}

static void
an_incident_has_its_message(void **state)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    BinlogEvent event;
    Text message;
    Error err;

    (void)state;
    put_bytes(&body, "0100 04 6c6f7374");
    event = event_of(BINLOG_INCIDENT, &body);
    assert_ok(binlog_read_incident(&event, &message, &err), err);
    assert_text(message, "lost");
    event.body.len--;
    assert_false(binlog_read_incident(&event, &message, &err));
}

static void
a_rotation_needs_a_name(void **state)
{
    CLEANUP(buf_clear) Buf body = BUF_INIT;
    BinlogRotate rotate;
    BinlogEvent event;
    Error err;

    (void)state;
    put_int(&body, 4, 8);
    event = event_of(BINLOG_ROTATE, &body);
    assert_false(binlog_read_rotate(&event, &rotate, &err));
    assert_string_equal(err.text, "ROTATE event, byte 27: no name of a file");
    event.body.len = 7;
    assert_false(binlog_read_rotate(&event, &rotate, &err));
    assert_string_equal(
        err.text, "ROTATE event, byte 19: the event ends early, or a length is wrong");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_header_is_split_off),
    cmocka_unit_test(an_event_of_another_size_than_it_says_is_refused),
    cmocka_unit_test(a_wrong_checksum_may_be_read_again),
    cmocka_unit_test(before_the_format_is_known_a_checksum_shows_itself),
    cmocka_unit_test(the_format_is_read_and_checked_also_of_a_file_in_use),
    cmocka_unit_test(a_format_that_is_not_known_is_refused),
    cmocka_unit_test(a_query_has_its_charset_and_quotes_whatever_stands_between),
    cmocka_unit_test(gtids_of_old_servers_have_no_time),
    cmocka_unit_test(tagged_gtids_may_have_fields_of_later_servers_but_none_that_must_be_known),
    cmocka_unit_test(numbers_of_variable_length_are_read),
    cmocka_unit_test(heartbeats_of_both_kinds_tell_where_the_server_is),
    cmocka_unit_test(a_name_of_an_xa_transaction_has_its_limits),
    cmocka_unit_test(an_incident_has_its_message),
    cmocka_unit_test(a_rotation_needs_a_name),
};

TEST_MAIN(tests)
