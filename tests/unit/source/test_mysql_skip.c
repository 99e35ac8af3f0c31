#include "source/mysql/skip.h"

#include "source/binlog/event.h"
#include "support/test.h"

#define GIB ((uint64_t)1 << 30)

/* The header alone counts, and how long it says the event is: the bytes behind it do not exist. */
static Text
event_of(unsigned type, uint32_t size, uint32_t end_offset)
{
    static char bytes[BINLOG_HEADER_SIZE];

    memset(bytes, 0, sizeof(bytes));
    bytes[4] = (char)type;
    for (size_t i = 0; i < 4; i++) {
        bytes[9 + i] = (char)(size >> (8 * i));
        bytes[13 + i] = (char)(end_offset >> (8 * i));
    }
    return (Text){bytes, size};
}

static void
offsets_of_32_bits_are_asked_for_and_nothing_is_skipped(void **state)
{
    MysqlSkip skip;

    (void)state;
    assert_int_equal(source_mysql_skip_start(&skip, 4), 4);
    assert_int_equal(source_mysql_skip_start(&skip, UINT32_MAX), UINT32_MAX);
    assert_true(source_mysql_skip_wants(&skip, event_of(BINLOG_XID, 31, 100)));
}

static void
events_before_a_larger_offset_are_skipped(void **state)
{
    MysqlSkip skip;
    uint64_t at = 4;

    (void)state;
    assert_int_equal(source_mysql_skip_start(&skip, 5 * GIB + 100), 4);
    /* made for us: not in the file */
    assert_true(source_mysql_skip_wants(&skip, event_of(BINLOG_ROTATE, 40, 0)));
    /* all events need it */
    assert_true(source_mysql_skip_wants(&skip, event_of(BINLOG_FORMAT_DESCRIPTION, 96, 100)));
    at += 96;
    while (at < 5 * GIB + 100) {
        assert_true(source_mysql_skip_wants(&skip, event_of(BINLOG_HEARTBEAT, 40, (uint32_t)at)));
        assert_false(source_mysql_skip_wants(
            &skip, event_of(BINLOG_WRITE_ROWS, GIB / 2, (uint32_t)(at + GIB / 2))));
        at += GIB / 2;
    }
    assert_true(source_mysql_skip_wants(&skip, event_of(BINLOG_GTID, 42, (uint32_t)(at + 42))));
    assert_true(source_mysql_skip_wants(&skip, event_of(BINLOG_XID, 31, (uint32_t)(at + 73))));
}

static void
the_next_file_ends_the_skipping(void **state)
{
    MysqlSkip skip;

    (void)state;
    (void)source_mysql_skip_start(&skip, 5 * GIB);
    assert_false(source_mysql_skip_wants(&skip, event_of(BINLOG_XID, 31, 31)));
    assert_true(source_mysql_skip_wants(&skip, event_of(BINLOG_ROTATE, 40, 71)));
    assert_true(source_mysql_skip_wants(&skip, event_of(BINLOG_XID, 31, 31)));
}

static void
an_event_without_a_header_is_left_to_the_reader(void **state)
{
    MysqlSkip skip;

    (void)state;
    (void)source_mysql_skip_start(&skip, 5 * GIB);
    assert_true(source_mysql_skip_wants(&skip, TEXT("short")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_of_32_bits_are_asked_for_and_nothing_is_skipped),
        cmocka_unit_test(events_before_a_larger_offset_are_skipped),
        cmocka_unit_test(the_next_file_ends_the_skipping),
        cmocka_unit_test(an_event_without_a_header_is_left_to_the_reader),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
