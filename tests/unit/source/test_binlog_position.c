#include "source/binlog/position.h"

#include <inttypes.h>
#include <time.h>

#include "support/test.h"

#define UUID  "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define UUID2 "4e11fa47-71ca-11e1-9e33-c80aa9429562"
/* Sources, domains and tags of a random history; positions of one. */
#define STREAMS 4
#define STEPS   UINT64_C(60)
#define RUNS    40

/* The text, as it is printed again. */
static void
assert_prints(const char *text, BinlogPositionKind kind, const char *expected)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    BinlogPosition *position;
    BinlogPosition *copy;
    Error err;

    position = binlog_position_parse(text_of(text), kind, &err);
    if (position == NULL)
        fail_msg("%s", err.text);
    copy = binlog_position_copy(position);
    assert_int_equal(binlog_position_kind(copy), binlog_position_kind(position));
    binlog_position_free(position);
    binlog_position_print(copy, &out);
    assert_string_equal(buf_string(&out), expected);
    binlog_position_free(copy);
}

static void
positions_are_printed_as_they_were_read(void **state)
{
    static const char *const texts[] = {
        "mariadb-bin.000004:1234",
        "log.with.dots.1000000:18446744073709551615",
        "0-1-100,1-1-7",
        "4294967295-4294967295-18446744073709551615",
        UUID ":1-5:7",
        UUID ":1," UUID2 ":3-9:tag:1-3:zag:9",
        UUID ":tag_1:1",
        "-",
        ":4",
        "bin.000002:4;xa=1.6162.@bin.000001:55,7..00ff@bin.000001:999",
        "0-1-100;xa=1.61.62@bin.000001:4",
        "-;xa=1.61.62@bin.000001:4",
        UUID ":1-5;xa=4294967295.61.@b.1:4",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_prints(texts[i], BINLOG_POSITION_MYSQL, texts[i]);
}

static void
what_servers_print_is_read(void **state)
{
    (void)state;
    assert_prints("3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5,\n" UUID2 ":7", BINLOG_POSITION_MYSQL,
        UUID ":1-5," UUID2 ":7");
    assert_prints(UUID ":5:1-3:4", BINLOG_POSITION_MYSQL, UUID ":1-5");
    assert_prints(UUID ":7-9:1-3:2-7," UUID ":10", BINLOG_POSITION_MYSQL, UUID ":1-10");
    assert_prints(UUID ": Tag : 1 - 3", BINLOG_POSITION_MYSQL, UUID ":tag:1-3");
    assert_prints(" 1-1-7, 0-1-100\n", BINLOG_POSITION_MARIADB, "0-1-100,1-1-7");
    assert_prints("-", BINLOG_POSITION_MARIADB, "-");
}

static void
what_is_no_position_is_refused_with_the_reason(void **state)
{
    static const char *const cases[][2] = {
        {"", "position \"\": neither a file with an offset (mariadb-bin.000004:1234) nor GTIDs"},
        {"nonsense", "position \"nonsense\": neither a file"},
        {"file:12", "position \"file:12\": the name of a log file ends in a dot and a number: "
                    "\"file\" does not"},
        {"bin.000001:", "position \"bin.000001:\": neither a file"},
        {"0-1", "position \"0-1\": neither a file"},
        {"0-1-", "position \"0-1-\": neither a file"},
        {"4294967296-1-1", "position \"4294967296-1-1\": neither a file"},
        {"0-1-5,0-1-5", "position \"0-1-5,0-1-5\": neither a file"},
        {"0-1-18446744073709551616", "position \"0-1-18446744073709551616\": neither a file"},
        {UUID ":", "position \"" UUID ":\": \"" UUID ":\" has no numbers of transactions"},
        {UUID ":0", "position \"" UUID ":0\": \"0\" is neither numbers of transactions nor a tag"},
        {UUID ":5-4", "position \"" UUID ":5-4\": \"5-4\" is neither"},
        {UUID ":1-", "position \"" UUID ":1-\": \"1-\" is neither"},
        {UUID ":9223372036854775807", "position \"" UUID ":9223372036854775807\": \"9223372036"},
        {UUID ":tag", "position \"" UUID ":tag\": \"" UUID ":tag\" has no numbers"},
        {UUID ":a:b:1", "position \"" UUID ":a:b:1\": \"b\" is neither"},
        {UUID ":1,x:2", "position \"" UUID ":1,x:2\": \"x\" is no UUID"},
        {"b.1:4;xa=", "position \"b.1:4;xa=\": nothing stands behind \";xa=\""},
        {"b.1:4;xa=1.6.@b.1:4", "position \"b.1:4;xa=1.6.@b.1:4\": \"1.6.@b.1:4\" is no prepared "
                                "transaction (<format>.<gtrid hex>.<bqual hex>@<file>:<offset>)"},
        {"b.1:4;xa=1.61@b.1:4", "position \"b.1:4;xa=1.61@b.1:4\": \"1.61@b.1:4\" is no prepared"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Error err = {0};

        if (binlog_position_parse(text_of(cases[i][0]), BINLOG_POSITION_MYSQL, &err) != NULL)
            fail_msg("%s is a position", cases[i][0]);
        assert_int_equal(err.kind, ERR_SOURCE);
        if (strncmp(err.text, cases[i][1], strlen(cases[i][1])) != 0)
            fail_msg("%s, not %s", err.text, cases[i][1]);
    }
    Error err = {0};
    assert_null(binlog_position_parse(TEXT("-"), BINLOG_POSITION_FILE, &err));
    assert_string_equal(
        err.text, "position \"-\": it has no GTIDs, and a file with an offset is asked");
}

static void
transactions_are_added_to_mariadbs_domains(void **state)
{
    BinlogPosition *position = binlog_position_new(BINLOG_POSITION_MARIADB);
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    Error err;

    (void)state;
    assert_ok(binlog_position_add_mariadb(position, 5, 1, 10, &err), err);
    assert_ok(binlog_position_add_mariadb(position, 0, 2, 7, &err), err);
    assert_ok(binlog_position_add_mariadb(position, 5, 3, 12, &err), err);
    assert_false(binlog_position_add_mariadb(position, 5, 1, 12, &err));
    assert_string_equal(err.text,
        "transaction 5-1-12 comes after 5-3-12: two servers wrote to domain 5 on their own; give "
        "each its own gtid_domain_id, or let one write and set gtid_strict_mode, then bootstrap "
        "anew");
    binlog_position_print(position, &out);
    assert_string_equal(buf_string(&out), "0-2-7,5-3-12");
    binlog_position_free(position);
}

static void
transactions_are_added_to_mysqls_set(void **state)
{
    BinlogPosition *position = binlog_position_new(BINLOG_POSITION_MYSQL);
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    static const uint8_t source[16] = {0xab};
    static const uint64_t numbers[] = {5, 3, 4, 1, 9, 10};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        assert_true(binlog_position_add_mysql(position, source, TEXT(""), numbers[i]));
    assert_false(binlog_position_add_mysql(position, source, TEXT(""), 4));
    assert_true(binlog_position_add_mysql(position, source, TEXT("Tag"), 4));
    assert_false(binlog_position_add_mysql(position, source, TEXT("tag"), 4));
    assert_false(binlog_position_add_mysql(position, source, TEXT("no tag"), 4));
    assert_false(binlog_position_add_mysql(position, source, TEXT(""), 0));
    binlog_position_print(position, &out);
    assert_string_equal(buf_string(&out), "ab000000-0000-0000-0000-000000000000:1:3-5:9-10:tag:4");
    binlog_position_free(position);
}

static void
assert_encodes(const char *text, const char *hex)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    CLEANUP(buf_clear) Buf shown = BUF_INIT;
    BinlogPosition *position;
    Error err;

    position = binlog_position_parse(text_of(text), BINLOG_POSITION_MYSQL, &err);
    if (position == NULL)
        fail_msg("%s", err.text);
    binlog_position_encode(position, &out);
    for (size_t i = 0; i < out.len; i++)
        buf_addf(&shown, "%02x", (unsigned char)out.data[i]);
    assert_string_equal(buf_string(&shown), hex);
    binlog_position_free(position);
}

/* The bytes are those of PREVIOUS_GTIDS events of MySQL 9.7. */
static void
sets_are_encoded_as_the_server_writes_them(void **state)
{
    (void)state;
    assert_encodes("-", "0000000000000000");
    assert_encodes("e2f43c0e-e5bf-11f1-8e73-02fc00000001:1-9",
        "0100000000000000e2f43c0ee5bf11f18e7302fc000000010100000000000000"
        "01000000000000000a00000000000000");
    assert_encodes("00112233-4455-6677-8899-aabbccddeeff:other_tag_1:77,"
                   "37b86939-e5c3-11f1-bc3e-02fc00000001:1-32:nightly:1-2",
        "0103000000000001"
        "00112233445566778899aabbccddeeff166f746865725f7461675f31"
        "01000000000000004d000000000000004e00000000000000"
        "37b86939e5c311f1bc3e02fc000000010001000000000000000100000000000000"
        "2100000000000000"
        "37b86939e5c311f1bc3e02fc000000010e6e696768746c7901000000000000000100000000000000"
        "0300000000000000");
}

static void
prepared_transactions_come_and_go(void **state)
{
    BinlogPosition *position = binlog_position_new(BINLOG_POSITION_FILE);
    char name[] = "ab";
    BinlogPrepared prepared = {{1, {name, 2}, {"\xff", 1}}, TEXT("bin.000007"), 400};
    BinlogXid other = {2, {name, 2}, {"\xff", 1}};
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    uint64_t offset;

    (void)state;
    assert_int_equal(binlog_position_file(position, &offset).len, 0);
    assert_int_equal(offset, 4);
    binlog_position_set_file(position, TEXT("bin.000009"), 77);
    binlog_position_set_file(position, binlog_position_file(position, &offset), 78);
    binlog_position_add_prepared(position, &prepared);
    name[0] = 'x'; /* it has bytes of its own */
    assert_null(binlog_position_find_prepared(position, &prepared.xid));
    binlog_position_remove_prepared(position, &other);
    binlog_position_add_prepared(position, &prepared);
    name[0] = 'a';
    assert_int_equal(binlog_position_find_prepared(position, &prepared.xid)->offset, 400);
    binlog_position_print(position, &out);
    assert_string_equal(
        buf_string(&out), "bin.000009:78;xa=1.6162.ff@bin.000007:400,1.7862.ff@bin.000007:400");
    /* the same again: it moves */
    binlog_position_add_prepared(position, binlog_position_find_prepared(position, &prepared.xid));
    binlog_position_remove_prepared(
        position, &binlog_position_find_prepared(position, &prepared.xid)->xid);
    out.len = 0;
    binlog_position_print(position, &out);
    assert_string_equal(buf_string(&out), "bin.000009:78;xa=1.7862.ff@bin.000007:400");
    binlog_position_free(position);
}

static void
positions_are_ordered(void **state)
{
    /* each is before all that follow it, but within a pair of equal ones */
    static const char *const texts[] = {
        "",
        ":4",
        "log.000009:4",
        "log.000009:10",
        "log.999999:4000",
        "log.1000000:4",
        "-",
        "0-1-99",
        "0-1-100",
        "0-1-100,1-5-1",
        "0-2-101,1-5-1",
        UUID ":1-5",
        UUID ":1-5," UUID2 ":1",
        UUID ":1-5:tag:1," UUID2 ":1",
        UUID ":1-7:tag:1," UUID2 ":1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        for (size_t j = 0; j < ARRAY_LEN(texts); j++) {
            int order = binlog_position_compare(text_of(texts[i]), text_of(texts[j]));

            if (order != (i > j) - (i < j))
                fail_msg("%s against %s gives %d", texts[i], texts[j], order);
        }
    assert_int_equal(binlog_position_compare(TEXT("nonsense"), TEXT("")), 0);
    assert_int_equal(binlog_position_compare(TEXT(UUID ":1-3:4-5"), TEXT(UUID ":1-5")), 0);
    assert_int_equal(binlog_position_compare(TEXT("b.1:4;xa=1.61.@b.1:4"), TEXT("b.1:4")), 0);
}

/* xorshift64* */
static uint64_t
draw(uint64_t *random, uint64_t below)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return (*random * UINT64_C(2685821657736338717) >> 32) % below;
}

/* One more transaction, of any stream. */
static void
step(BinlogPosition *position, uint64_t last[STREAMS], uint64_t *random)
{
    size_t stream = draw(random, STREAMS);
    uint8_t source[16] = {0};
    Error err;

    switch (binlog_position_kind(position)) {
    case BINLOG_POSITION_FILE: {
        CLEANUP(buf_clear) Buf name = BUF_INIT;

        last[1] += 1 + draw(random, 1000);
        if (draw(random, 5) == 0) {
            last[0] += 1 + draw(random, 400000);
            last[1] = 4;
        }
        buf_addf(&name, "bin.%06" PRIu64, last[0]);
        binlog_position_set_file(position, buf_text(&name), last[1]);
        break;
    }
    case BINLOG_POSITION_MARIADB:
        last[stream] += 1 + draw(random, 3);
        assert_ok(binlog_position_add_mariadb(
                      position, (uint32_t)stream, (uint32_t)draw(random, 3), last[stream], &err),
            err);
        break;
    case BINLOG_POSITION_MYSQL:
        /* numbers may come out of order, each once */
        source[0] = (uint8_t)(stream / 2);
        for (;;)
            if (binlog_position_add_mysql(position, source,
                    stream % 2 == 0 ? TEXT("") : TEXT("tag"), 1 + draw(random, 2 * STEPS)))
                return;
    }
}

/* Position number i against all before it, and itself. */
static void
check_order(const Buf *texts, size_t i)
{
    for (size_t j = 0; j <= i; j++) {
        int order = binlog_position_compare(buf_text(&texts[j]), buf_text(&texts[i]));
        int back = binlog_position_compare(buf_text(&texts[i]), buf_text(&texts[j]));

        if (order != (j < i ? -1 : 0) || back != -order)
            fail_msg("%s against %s gives %d and %d", buf_string(&texts[j]), buf_string(&texts[i]),
                order, back);
    }
}

static void
check_history(BinlogPositionKind kind, uint64_t *random)
{
    BinlogPosition *position = binlog_position_new(kind);
    uint64_t last[STREAMS] = {0};
    Buf texts[STEPS] = {{0}};

    for (size_t i = 0; i < STEPS; i++) {
        step(position, last, random);
        binlog_position_print(position, &texts[i]);
        check_order(texts, i);
        assert_prints(buf_string(&texts[i]), kind, texts[i].data);
    }
    for (size_t i = 0; i < STEPS; i++)
        buf_clear(&texts[i]);
    binlog_position_free(position);
}

static void
later_positions_of_a_random_history_come_after_earlier_ones(void **state)
{
    const char *given = getenv("DRAY_TEST_SEED");
    uint64_t seed = (uint64_t)time(NULL);
    uint64_t random;

    (void)state;
    if (given != NULL && !text_to_u64(text_of(given), &seed))
        fail_msg("DRAY_TEST_SEED is no number");
    print_message("DRAY_TEST_SEED=%" PRIu64 "\n", seed);
    random = seed | 1;
    for (size_t run = 0; run < RUNS; run++)
        check_history((BinlogPositionKind)(run % 3), &random);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(positions_are_printed_as_they_were_read),
    cmocka_unit_test(what_servers_print_is_read),
    cmocka_unit_test(what_is_no_position_is_refused_with_the_reason),
    cmocka_unit_test(transactions_are_added_to_mariadbs_domains),
    cmocka_unit_test(transactions_are_added_to_mysqls_set),
    cmocka_unit_test(sets_are_encoded_as_the_server_writes_them),
    cmocka_unit_test(prepared_transactions_come_and_go),
    cmocka_unit_test(positions_are_ordered),
    cmocka_unit_test(later_positions_of_a_random_history_come_after_earlier_ones),
};

TEST_MAIN(tests)
