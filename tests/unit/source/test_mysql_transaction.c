#include "source/mysql/transaction.h"

#include "source/mysql/place.h"
#include "source/mysql/xid.h"
#include "support/test.h"

/* ---- savepoints: a letter an event; "s:" sets, "b:" goes back to, "r:" releases a savepoint ---
 */

static bool
run_statement(Transaction *transaction, const char *word, uint64_t number, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;

    if (word[1] != ':')
        return true;
    buf_addf(&sql, "%s `%s`",
        word[0] == 's'   ? "SAVEPOINT"
        : word[0] == 'b' ? "ROLLBACK TO"
                         : "RELEASE SAVEPOINT",
        word + 2);
    return transaction_savepoint(transaction, number, buf_text(&sql), err);
}

static void
run(Transaction *transaction, const char *const *words, size_t count, Error *err)
{
    transaction_reset(transaction);
    for (size_t i = 0; i < count; i++) {
        BinlogEvent event = {.type = BINLOG_QUERY, .body = text_of(words[i])};

        transaction_add(transaction, &event);
        assert_ok(run_statement(transaction, words[i], i, err), *err);
    }
}

/* What is left of the events that are no statements. */
static void
assert_left(const char *const *words, size_t count, const char *expected)
{
    CLEANUP(transaction_free) Transaction *transaction = transaction_new(1 << 20);
    CLEANUP(buf_clear) Buf left = BUF_INIT;
    BinlogEvent event;
    uint64_t number;
    uint64_t expected_number = 0;
    Error err;

    run(transaction, words, count, &err);
    while (transaction_next(transaction, &event, &number)) {
        assert_int_equal(number, expected_number++);
        if (event.body.len == 1 && !transaction_is_undone(transaction, number))
            buf_add_text(&left, event.body);
    }
    assert_int_equal(expected_number, count);
    assert_string_equal(buf_string(&left), expected);
}

#define ASSERT_LEFT(expected, ...)                  \
    assert_left((const char *const[]){__VA_ARGS__}, \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), expected)

static void
what_is_rolled_back_to_a_savepoint_is_undone(void **state)
{
    (void)state;
    ASSERT_LEFT("abc", "a", "s:x", "b", "c");
    ASSERT_LEFT("ac", "a", "s:x", "b", "b:x", "c");
    ASSERT_LEFT("ad", "a", "s:x", "b", "b:x", "c", "b:x", "d");
    ASSERT_LEFT("ae", "a", "s:x", "b", "s:y", "c", "b:y", "d", "b:x", "e");
    ASSERT_LEFT("abde", "a", "s:x", "b", "s:y", "c", "b:y", "d", "r:x", "e");
    ASSERT_LEFT("", "s:x", "a", "b:x");
    ASSERT_LEFT("ad", "a", "s:x", "b", "b:x", "s:y", "c", "b:y", "d");
}

static void
a_name_is_the_last_savepoint_of_it_in_any_case(void **state)
{
    (void)state;
    ASSERT_LEFT("ab", "a", "s:x", "b", "s:X", "c", "b:x");
    ASSERT_LEFT("abd", "a", "s:x", "s:y", "b", "s:x", "c", "b:x", "d");
    ASSERT_LEFT("a", "a", "s:y", "s:x", "b", "s:x", "c", "b:y");
    ASSERT_LEFT("ac", "a", "s:a``b", "b", "b:a``b", "c");
}

static void
a_savepoint_that_is_not_there_is_refused(void **state)
{
    CLEANUP(transaction_free) Transaction *transaction = transaction_new(1);
    Error err;

    (void)state;
    assert_false(transaction_savepoint(transaction, 0, TEXT("ROLLBACK TO `x`"), &err));
    assert_string_equal(
        err.text, "\"ROLLBACK TO `x`\": the transaction has no savepoint of this name");
    assert_ok(transaction_savepoint(transaction, 0, TEXT("savepoint x"), &err), err);
    assert_ok(transaction_savepoint(transaction, 1, TEXT("savepoint y"), &err), err);
    assert_ok(
        transaction_savepoint(transaction, 2, TEXT("rollback work to savepoint X;"), &err), err);
    /* it took y with it */
    assert_false(transaction_savepoint(transaction, 3, TEXT("RELEASE SAVEPOINT y"), &err));
    assert_false(transaction_savepoint(transaction, 3, TEXT("COMMIT"), &err));
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_true(transaction_has_savepoints(transaction));
    transaction_reset(transaction);
    assert_false(transaction_has_savepoints(transaction));
}

static void
events_are_kept_up_to_the_limit_and_come_back_as_they_were(void **state)
{
    CLEANUP(transaction_free) Transaction *transaction = transaction_new(1000);
    BinlogEvent event = {.time = 7,
        .type = BINLOG_XID,
        .server_id = 8,
        .size = 9,
        .end_offset = 10,
        .flags = 11,
        .body = TEXT("body")};
    BinlogEvent read;
    uint64_t number;
    unsigned count = 0;

    (void)state;
    assert_false(transaction_next(transaction, &read, &number));
    while (!transaction_is_full(transaction)) {
        transaction_add(transaction, &event);
        count++;
    }
    assert_true(count > 5 && count < 1000);
    assert_int_equal(transaction_count(transaction), count);
    assert_int_equal(transaction_pass(transaction), count);
    while (transaction_next(transaction, &read, &number)) {
        assert_text(read.body, "body");
        read.body = event.body;
        assert_memory_equal(&read, &event, sizeof(read));
        count--;
    }
    assert_int_equal(count, 0);
}

static void
what_a_second_look_found_counts_for_events_that_are_not_kept(void **state)
{
    CLEANUP(transaction_free) Transaction *transaction = transaction_new(1);
    CLEANUP(transaction_free) Transaction *found = transaction_new(1);
    const char *const words[] = {"a", "s:x", "b", "b:x", "c"};
    CLEANUP(buf_clear) Buf left = BUF_INIT;
    Error err;

    (void)state;
    run(found, words, ARRAY_LEN(words), &err);
    transaction_take_undone(transaction, found);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (!transaction_is_undone(transaction, transaction_pass(transaction)))
            buf_add_string(&left, words[i]);
    assert_string_equal(left.data, "ab:xc");
    transaction_keep_undone(transaction);
    assert_int_equal(transaction_pass(transaction), 0);
    assert_false(transaction_is_undone(transaction, 0));
    assert_true(transaction_is_undone(transaction, 2));
}

/* ---- places --------------------------------------------------------------------------------- */

static BinlogEvent
event_at(uint64_t start, uint32_t size)
{
    return (BinlogEvent){
        .type = BINLOG_XID, .size = size, .end_offset = (uint32_t)(start + size), .body = TEXT("")};
}

static void
offsets_go_on_behind_four_gigabytes(void **state)
{
    LogPlace place = {.file = BUF_INIT, .offset = UINT64_C(0xfffffff0)};
    BinlogEvent event = event_at(place.offset, 100);
    LogStep step;
    Error err;

    (void)state;
    assert_ok(log_place_take(&place, &event, &step, &err), err);
    assert_int_equal(step.start, UINT64_C(0xfffffff0));
    assert_int_equal(place.offset, UINT64_C(0x100000054));
    event = event_at(place.offset, 4000);
    assert_ok(log_place_take(&place, &event, &step, &err), err);
    assert_int_equal(step.start, UINT64_C(0x100000054));
    assert_true(step.has_moved && !step.is_inside);
    /* what the server makes up has no place */
    event.flags = BINLOG_FLAG_ARTIFICIAL;
    assert_ok(log_place_take(&place, &event, &step, &err), err);
    assert_false(step.has_moved);
    assert_int_equal(step.start, place.offset);
    log_place_clear(&place);
}

static void
a_rotation_is_a_new_file(void **state)
{
    LogPlace place = {.file = BUF_INIT};
    BinlogEvent event = {.type = BINLOG_ROTATE, .body = TEXT("\4\0\0\0\1\0\0\0bin.000002")};
    LogStep step;
    Error err;

    (void)state;
    assert_ok(log_place_take(&place, &event, &step, &err), err);
    assert_string_equal(place.file.data, "bin.000002");
    assert_int_equal(place.offset, UINT64_C(0x100000004));
    assert_true(step.has_moved && step.is_inside && !step.restarted);
    assert_ok(log_place_take(&place, &event, &step, &err), err);
    assert_false(step.has_moved);
    event.body = TEXT("\4\0\0");
    assert_false(log_place_take(&place, &event, &step, &err));
    log_place_clear(&place);
}

/* ---- names of XA transactions --------------------------------------------------------------- */

static void
names_are_read_as_servers_write_them(void **state)
{
    CLEANUP(buf_clear) Buf scratch = BUF_INIT;
    CLEANUP(buf_clear) Buf printed = BUF_INIT;
    BinlogXid xid;
    BinlogXid same;
    CLEANUP(buf_clear) Buf again = BUF_INIT;
    Error err;

    (void)state;
    assert_ok(xid_read(TEXT("X'61Ff',X'',7"), &scratch, &xid, &err), err);
    assert_text(xid.gtrid, "a\xff");
    assert_text(xid.bqual, "");
    assert_int_equal(xid.format, 7);
    xid_print(&xid, &printed);
    assert_string_equal(printed.data, "X'61ff',X'',7");
    assert_ok(xid_read(buf_text(&printed), &again, &same, &err), err);
    assert_true(xid_equal(&xid, &same));
    assert_ok(xid_read(TEXT(" 'a' , 0x6263 "), &scratch, &xid, &err), err);
    assert_text(xid.gtrid, "a");
    assert_text(xid.bqual, "bc");
    assert_int_equal(xid.format, 1);
    assert_false(xid_equal(&xid, &same));
}

static void
what_is_no_name_is_refused(void **state)
{
    static const char *const texts[] = {"", "X'6", "X'6'", "X'6g'", "'a' 'b'", "'a','b','c'",
        "'a','b',4294967296", "'a','b',-1", "'a',", "a", "'a','b',1,2"};
    CLEANUP(buf_clear) Buf scratch = BUF_INIT;
    BinlogXid xid;
    Error err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (xid_read(text_of(texts[i]), &scratch, &xid, &err))
            fail_msg("%s was taken for a name", texts[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_rolled_back_to_a_savepoint_is_undone),
        cmocka_unit_test(a_name_is_the_last_savepoint_of_it_in_any_case),
        cmocka_unit_test(a_savepoint_that_is_not_there_is_refused),
        cmocka_unit_test(events_are_kept_up_to_the_limit_and_come_back_as_they_were),
        cmocka_unit_test(what_a_second_look_found_counts_for_events_that_are_not_kept),
        cmocka_unit_test(offsets_go_on_behind_four_gigabytes),
        cmocka_unit_test(a_rotation_is_a_new_file),
        cmocka_unit_test(names_are_read_as_servers_write_them),
        cmocka_unit_test(what_is_no_name_is_refused),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
