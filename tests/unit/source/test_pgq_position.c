#include "source/pgq/position.h"

#include <inttypes.h>

#include "support/test.h"

static int
sign(int order)
{
    return (order > 0) - (order < 0);
}

static int
compare(const char *a, const char *b)
{
    return sign(pgq_position_compare(text_of(a), text_of(b)));
}

static void
every_form_is_printed_as_it_was_read(void **state)
{
    static const char *const texts[] = {
        "5:1234:1741726270000123",
        "5:1234:-62135596800000000",
        "5:0:0",
        "5:1234:1741726270000123/800:812:801,805",
        "5:1234:1741726270000123/800:800:",
        "5:1234:1741726270000123#803",
        "18446744073709551615:18446744073709551615:-9223372036854775808#18446744073709551615",
    };
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    PgqPosition position;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_true(pgq_position_parse(text_of(texts[i]), &position));
        buf_reset(&out, SIZE_MAX);
        pgq_position_print(&position, &out);
        assert_string_equal(out.data, texts[i]);
    }
    assert_true(pgq_position_parse(TEXT("5:1234:77/800:812:801,805"), &position));
    assert_int_equal(position.queue_id, 5);
    assert_int_equal(position.tick, 1234);
    assert_int_equal(position.time_us, 77);
    assert_text(position.snapshot, "800:812:801,805");
    assert_false(position.has_txid);
    assert_true(pgq_position_parse(TEXT("5:1234:77#803"), &position));
    assert_null(position.snapshot.data);
    assert_true(position.has_txid && position.txid == 803);
}

static void
what_is_no_position_comes_before_all(void **state)
{
    static const char *const bad[] = {"", "5", "5:1", "5:1:", ":1:2", "5:1:2:3", "5:1:2/", "5:1:2#",
        "5:1:2#x", "5:1:2#3#4", "5:1:2#3/1:1:", "5:1:2/1:1:#3", "a:1:2", "5:-1:2", " 5:1:2",
        "5:1:2 ", "5:1:99999999999999999999", "0/1A2B3C", "shop.jsonl:12",
        /* a txid_snapshot that is none */
        "5:1:2/800", "5:1:2/800:812", "5:1:2/812:800:", "5:1:2/0:5:", "5:1:2/800:812:799",
        "5:1:2/800:812:812", "5:1:2/800:812:805,801", "5:1:2/800:812:801,", "5:1:2/800:812:,801",
        "5:1:2/800:812:x"};
    PgqPosition position;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(pgq_position_parse(text_of(bad[i]), &position));
        assert_int_equal(compare(bad[i], "5:1:2"), -1);
        assert_int_equal(compare("5:1:2", bad[i]), 1);
        assert_int_equal(compare(bad[i], ""), 0);
    }
    assert_false(pgq_position_parse(TEXT_NONE, &position));
}

static void
plain_places_are_ordered_by_queue_then_tick(void **state)
{
    (void)state;
    assert_int_equal(compare("5:9:100", "5:10:50"), -1);
    assert_int_equal(compare("5:10:50", "5:9:100"), 1);
    assert_int_equal(compare("6:1:0", "5:10:0"), 1);
    /* the time only tells whether it is the same tick */
    assert_int_equal(compare("5:9:100", "5:9:50"), 0);
    /* against another kind of place too, where no snapshot tells */
    assert_int_equal(compare("5:9:100", "5:10:50/800:812:801"), -1);
    assert_int_equal(compare("5:10:50/800:812:801", "5:10:50"), 1);
    assert_int_equal(compare("5:10:50", "5:10:50/800:812:801"), -1);
    assert_int_equal(compare("5:10:50/800:812:801", "5:11:50"), -1);
    assert_int_equal(compare("5:9:100#5", "5:10:50"), -1);
    assert_int_equal(compare("5:9:100#5", "5:9:100#900"), 0);
    assert_int_equal(compare("5:9:100#5", "6:1:0/800:812:"), -1);
}

static void
an_event_is_before_a_snapshot_exactly_if_that_sees_it(void **state)
{
    static const char snapshot[] = "5:7:100/800:812:801,805";

    (void)state;
    assert_int_equal(compare("5:9:100#799", snapshot), -1);
    assert_int_equal(compare("5:9:100#800", snapshot), -1);
    assert_int_equal(compare("5:9:100#801", snapshot), 1);
    assert_int_equal(compare("5:9:100#804", snapshot), -1);
    assert_int_equal(compare("5:9:100#805", snapshot), 1);
    assert_int_equal(compare("5:9:100#811", snapshot), -1);
    assert_int_equal(compare("5:9:100#812", snapshot), 1);
    assert_int_equal(compare("5:1:100#813", snapshot), 1);
    assert_int_equal(compare(snapshot, "5:9:100#801"), -1);
    assert_int_equal(compare(snapshot, "5:1:100#800"), 1);
}

static void
a_batch_is_behind_a_snapshot_if_its_first_tick_sees_all_of_it(void **state)
{
    (void)state;
    /* the same */
    assert_int_equal(compare("5:9:0/800:812:801,805", "5:10:0/800:812:801,805"), 0);
    /* the tick has seen more */
    assert_int_equal(compare("5:9:0/805:812:805", "5:10:0/800:812:801,805"), 1);
    assert_int_equal(compare("5:9:0/805:900:805,850", "5:10:0/800:812:801,805"), 1);
    /* 801 was running for the tick and not for the snapshot */
    assert_int_equal(compare("5:19:0/800:900:801,805", "5:10:0/805:812:805"), -1);
    assert_int_equal(compare("5:19:0/800:812:801,805", "5:10:0/800:820:801,805"), -1);
}

static void
covers_is_every_visible_one_seen(void **state)
{
    static const struct {
        const char *a, *b;
        bool covers;
    } cases[] = {
        {"800:800:", "800:800:", true},
        {"801:801:", "800:800:", true},
        {"800:800:", "801:801:", false},
        {"800:812:801", "800:812:801", true},
        {"800:812:801", "800:812:801,805", true},
        {"800:812:801,805", "800:812:801", false},
        {"800:812:801,801", "800:812:801", true},
        /* what a's upper bound leaves out, b was waiting for */
        {"800:810:801", "800:812:801,810,811", true},
        {"800:810:801", "800:812:801,811", false},
        {"800:810:801", "800:812:801,810,810,811", true},
        {"800:810:801", "800:812:801,810,810", false},
        {"800:810:", "800:812:805,810,811", true},
        /* running for a, and not begun for b */
        {"800:812:811", "800:805:", true},
        {"800:812:804,811", "800:805:", false},
        {"1:1:", "", false},
        {"", "1:1:", false},
        {"5:9:", "5:x:", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (pgq_snapshot_covers(text_of(cases[i].a), text_of(cases[i].b)) != cases[i].covers)
            fail_msg("%s covers %s", cases[i].a, cases[i].b);
}

static void
nothing_is_seen_by_a_text_that_is_no_snapshot(void **state)
{
    (void)state;
    assert_false(pgq_snapshot_sees(TEXT(""), 1));
    assert_false(pgq_snapshot_sees(TEXT("800"), 1));
    assert_false(pgq_snapshot_sees(TEXT("800:812:x"), 1));
    assert_false(pgq_snapshot_sees(TEXT_NONE, 1));
}

#define LIMIT 12

/* A snapshot of transactions 1 to LIMIT: those of mask are running. */
static unsigned
random_snapshot(Buf *out)
{
    unsigned xmax = 1 + (unsigned)rand() % LIMIT;
    unsigned xmin = xmax;
    unsigned running = 0;
    unsigned visible = 0;

    for (unsigned txid = xmax; --txid > 0;)
        if (rand() % 3 == 0) {
            running |= 1U << txid;
            xmin = txid;
        }
    for (unsigned txid = 1; txid < xmax; txid++)
        if ((running & 1U << txid) == 0)
            visible |= 1U << txid;
    buf_reset(out, SIZE_MAX);
    buf_addf(out, "%u:%u:", xmin, xmax);
    for (unsigned txid = xmin; txid < xmax; txid++)
        if (running & 1U << txid)
            buf_addf(out, "%s%u", txid == xmin ? "" : ",", txid);
    return visible;
}

static void
random_snapshots_agree_with_sets(void **state)
{
    const char *given = getenv("DRAY_SEED");
    unsigned seed = given == NULL ? 20240106U : (unsigned)strtoul(given, NULL, 10);
    CLEANUP(buf_clear) Buf a = BUF_INIT;
    CLEANUP(buf_clear) Buf b = BUF_INIT;

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < 20000; i++) {
        unsigned of_a = random_snapshot(&a);
        unsigned of_b = random_snapshot(&b);

        for (unsigned txid = 1; txid <= LIMIT; txid++)
            if (pgq_snapshot_sees(buf_text(&a), txid) != ((of_a >> txid & 1) != 0))
                fail_msg("%s sees %u", a.data, txid);
        if (pgq_snapshot_covers(buf_text(&a), buf_text(&b)) != ((of_b & ~of_a) == 0))
            fail_msg("%s covers %s", a.data, b.data);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_form_is_printed_as_it_was_read),
    cmocka_unit_test(what_is_no_position_comes_before_all),
    cmocka_unit_test(plain_places_are_ordered_by_queue_then_tick),
    cmocka_unit_test(an_event_is_before_a_snapshot_exactly_if_that_sees_it),
    cmocka_unit_test(a_batch_is_behind_a_snapshot_if_its_first_tick_sees_all_of_it),
    cmocka_unit_test(covers_is_every_visible_one_seen),
    cmocka_unit_test(nothing_is_seen_by_a_text_that_is_no_snapshot),
    cmocka_unit_test(random_snapshots_agree_with_sets),
};

TEST_MAIN(tests)
