#include "event/partition.h"

#include <stdlib.h>

#include "base/clock.h"
#include "support/test.h"

static Arena *arena;
static TimeZone *utc;
static TimeZone *berlin;

static int
set_up(void **state)
{
    Error err;

    (void)state;
    arena = arena_new();
    utc = time_zone_open("UTC", &err);
    berlin = time_zone_open("Europe/Berlin", &err);
    return utc == NULL || berlin == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
    (void)state;
    time_zone_close(utc);
    time_zone_close(berlin);
    arena_free(arena);
    return 0;
}

static int64_t
time_of(const char *text)
{
    int64_t time_us;

    assert_true(clock_parse(text_of(text), &time_us));
    return time_us;
}

static void
assert_partition(const char *by, TimeZone *zone, const char *time, const char *suffix,
    const char *start, const char *end)
{
    const PartitionRule rule = {.by = by, .zone = zone};
    Partition partition;
    Error err;
    char text[TIME_TEXT_SIZE];

    assert_true(partition_of(&rule, time_of(time), arena, &partition, &err));
    assert_text(partition.suffix, suffix);
    assert_text(clock_format(partition.start_us, text), start);
    assert_text(clock_format(partition.end_us, text), end);
}

static void
a_suffix_has_the_period_of_the_finest_unit(void **state)
{
    const char *time = "2024-12-30 13:04:05.678";

    (void)state;
    assert_partition("YYYY_MM_DD", utc, time, "2024_12_30", "2024-12-30 00:00:00.000",
        "2024-12-31 00:00:00.000");
    assert_partition(
        "YYYY_MM", utc, time, "2024_12", "2024-12-01 00:00:00.000", "2025-01-01 00:00:00.000");
    assert_partition(
        "YYYY", utc, time, "2024", "2024-01-01 00:00:00.000", "2025-01-01 00:00:00.000");
    assert_partition(
        "IYYY", utc, time, "2025", "2024-12-30 00:00:00.000", "2025-12-29 00:00:00.000");
    assert_partition(
        "IYYY_IW", utc, time, "2025_01", "2024-12-30 00:00:00.000", "2025-01-06 00:00:00.000");
    assert_partition(
        "YYYY\"q\"Q", utc, time, "2024q4", "2024-10-01 00:00:00.000", "2025-01-01 00:00:00.000");
    assert_partition(
        "YYYY_WW", utc, time, "2024_53", "2024-12-30 00:00:00.000", "2025-01-01 00:00:00.000");
    assert_partition(
        "YYYY_MM_W", utc, time, "2024_12_5", "2024-12-29 00:00:00.000", "2025-01-01 00:00:00.000");
    assert_partition("YYYYMMDD_HH24", utc, time, "20241230_13", "2024-12-30 13:00:00.000",
        "2024-12-30 14:00:00.000");
    assert_partition("YYYYMMDD_AM", utc, time, "20241230_PM", "2024-12-30 12:00:00.000",
        "2024-12-31 00:00:00.000");
    assert_partition(
        "HH24MI", utc, time, "1304", "2024-12-30 13:04:00.000", "2024-12-30 13:05:00.000");
    assert_partition(
        "SSSS", utc, time, "47045", "2024-12-30 13:04:05.000", "2024-12-30 13:04:06.000");
    assert_partition("CC", utc, time, "21", "2001-01-01 00:00:00.000", "2101-01-01 00:00:00.000");
    assert_partition("DY", utc, time, "MON", "2024-12-30 00:00:00.000", "2024-12-31 00:00:00.000");
}

static void
two_units_that_cross_each_other_cut_their_periods(void **state)
{
    (void)state;
    assert_partition("YYYY_IW", utc, "2024-12-30 13:00:00", "2024_01", "2024-12-30 00:00:00.000",
        "2025-01-01 00:00:00.000");
    assert_partition("YYYY_MM_IW", utc, "2024-12-01 13:00:00", "2024_12_48",
        "2024-12-01 00:00:00.000", "2024-12-02 00:00:00.000");
}

static void
periods_are_of_the_zones_clock(void **state)
{
    (void)state;
    assert_partition("YYYY_MM_DD", berlin, "2024-07-01 22:00:00", "2024_07_02",
        "2024-07-01 22:00:00.000", "2024-07-02 22:00:00.000");
    /* a day of 25 hours, and one of 23 */
    assert_partition("YYYY_MM_DD", berlin, "2024-10-27 22:59:59.999999", "2024_10_27",
        "2024-10-26 22:00:00.000", "2024-10-27 23:00:00.000");
    assert_partition("YYYY_MM_DD", berlin, "2024-03-30 23:00:00", "2024_03_31",
        "2024-03-30 23:00:00.000", "2024-03-31 22:00:00.000");
    /* an hour of two hours, and one before the hour that is left out */
    assert_partition("YYYYMMDDHH24", berlin, "2024-10-27 01:30:00", "2024102702",
        "2024-10-27 00:00:00.000", "2024-10-27 02:00:00.000");
    assert_partition("YYYYMMDDHH24", berlin, "2024-03-31 00:30:00", "2024033101",
        "2024-03-31 00:00:00.000", "2024-03-31 01:00:00.000");
    /* a minute that comes again an hour later */
    assert_partition("HH24MI", berlin, "2024-10-27 01:30:30", "0230", "2024-10-27 01:30:00.000",
        "2024-10-27 01:31:00.000");
}

static void
any_time_is_in_the_period_of_its_partition(void **state)
{
    static const char *const formats[] = {"YYYY_MM_DD", "IYYY_IW", "YYYY_WW", "YYYY_MM_W", "CC",
        "IYYY", "HH24", "HH24MI", "AM", "YYYY_MM_IW", "SS", "x", "Q"};
    uint64_t random = 20241230;
    const int64_t range_us = time_of("9999-01-01 00:00:00") - time_of("0002-01-01 00:00:00");

    (void)state;
    for (size_t i = 0; i < 20000; i++) {
        const PartitionRule rule = {
            .by = formats[i % ARRAY_LEN(formats)], .zone = i % 2 == 0 ? utc : berlin};
        int64_t time_us;
        Partition partition;
        Partition other;
        Error err;

        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        time_us = time_of("0002-01-01 00:00:00") + (int64_t)(random >> 2) % range_us;
        assert_true(partition_of(&rule, time_us, arena, &partition, &err));
        assert_in_range(time_us - partition.start_us, 0, partition.end_us - partition.start_us - 1);
        /* and its edges: the same name inside, and in most formats another one outside */
        assert_true(partition_of(&rule, partition.end_us - 1, arena, &other, &err));
        assert_true(text_equal(partition.suffix, other.suffix));
        assert_true(partition_of(&rule, partition.start_us, arena, &other, &err));
        assert_true(text_equal(partition.suffix, other.suffix));
    }
}

static void
a_time_that_is_not_known_has_no_partition(void **state)
{
    const PartitionRule rule = {.by = "YYYY_MM", .zone = utc};
    Partition partition;
    Error err;

    (void)state;
    assert_false(partition_of(&rule, TIME_UNKNOWN, arena, &partition, &err));
    assert_int_equal(err.kind, ERR_DATA);
    assert_string_equal(
        err.text, "the commit time is not known, so neither is the partition \"YYYY_MM\"");
    assert_false(partition_of(&rule, INT64_MAX, arena, &partition, &err));
    assert_string_equal(err.text,
        "the commit time is not of the years 1 to 9999, so it has no partition \"YYYY_MM\"");
}

static void
times_of_one_partition_of_every_table_do_not_differ(void **state)
{
    const PartitionRule month = {.by = "YYYY_MM", .zone = utc};
    const PartitionRule day = {.by = "YYYY_MM_DD", .zone = berlin};
    const TableRule list[] = {{.match = TEXT("a"), .partition = &month}, {.match = TEXT("b")},
        {.match = TEXT("c"), .partition = &day}};
    const TableRules months = {list, 2};
    const TableRules both = {list, 3};
    int64_t before = time_of("2024-07-31 21:59:59.999999");
    int64_t midnight = time_of("2024-07-31 22:00:00"); /* in Berlin */

    (void)state;
    assert_false(partition_differs(&months, before, midnight));
    assert_true(partition_differs(&both, before, midnight));
    assert_true(partition_differs(&both, midnight, before));
    assert_false(partition_differs(&both, midnight, midnight + 1));
    assert_true(partition_differs(&months, midnight, time_of("2024-08-01 00:00:00")));
    assert_false(partition_differs(&(TableRules){NULL, 0}, before, midnight));
    assert_false(partition_differs(&both, TIME_UNKNOWN, midnight));
    assert_false(partition_differs(&both, midnight, TIME_UNKNOWN));
}

static void
seconds_of_one_minute_differ_where_a_format_shows_them(void **state)
{
    const PartitionRule second = {.by = "YYYYMMDDHH24MISS", .zone = utc};
    const TableRule rule = {.match = TEXT("a"), .partition = &second};
    const TableRule skipped = {.match = TEXT("a"), .partition = &second, .skip = true};
    int64_t time_us = time_of("2024-07-31 21:59:57");

    (void)state;
    assert_true(partition_differs(&(TableRules){&rule, 1}, time_us, time_us + 1000000));
    assert_false(partition_differs(&(TableRules){&rule, 1}, time_us, time_us + 999999));
    assert_false(partition_differs(&(TableRules){&skipped, 1}, time_us, time_us + 1000000));
}

/* As the reader asks: near the period first, and only outside of it what is exact. */
static void
no_two_times_of_a_period_differ(void **state)
{
    static const char *const formats[] = {
        "YYYY_MM_DD", "YYYY_MM", "YYYYMMDDHH24", "HH24MI", "IYYY_IW", "YYYY", "SS", "PM"};
    static const char *const places[] = {"1999-10-31 02:31:00", "2006-10-29 02:31:00",
        "2006-10-28 12:00:00", "2024-03-31 01:00:00", "2024-12-31 23:59:00", "2024-07-01 12:00:00"};
    CLEANUP(time_zone_close) TimeZone *saint_johns = NULL;
    Error err;
    uint64_t random = 7;
    size_t wide = 0;

    (void)state;
    /* until 2011 it went back from 00:01 to 23:01 of the day before */
    saint_johns = time_zone_open("America/St_Johns", &err);
    assert_non_null(saint_johns);
    for (size_t i = 0; i < 4000; i++) {
        const PartitionRule rules[] = {{.by = formats[i % ARRAY_LEN(formats)], .zone = saint_johns},
            {.by = formats[i / 8 % ARRAY_LEN(formats)], .zone = berlin}};
        const TableRule list[] = {{.match = TEXT("a"), .partition = &rules[0]},
            {.match = TEXT("b")}, {.match = TEXT("c"), .partition = &rules[1]}};
        const TableRules both = {list, 3};
        int64_t time_us = time_of(places[i % ARRAY_LEN(places)]) +
                          (int64_t)(i % 97 - 48) * 60 * 1000000 + (int64_t)i;
        PartitionPeriod period = partition_period(&both, time_us);

        assert_true(period.start_us <= time_us && time_us < period.end_us);
        wide += period.end_us - period.start_us > 1 ? 1 : 0;
        assert_false(partition_differs(&both, period.start_us, period.end_us - 1));
        for (int j = 0; j < 10; j++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            assert_false(partition_differs(&both, time_us,
                period.start_us +
                    (int64_t)((random >> 1) % (uint64_t)(period.end_us - period.start_us))));
        }
    }
    assert_true(wide > 2000);
    assert_true(partition_period(&(TableRules){NULL, 0}, 0).end_us == INT64_MAX);
}

static void
a_name_is_the_tables_with_the_suffix_behind(void **state)
{
    (void)state;
    assert_text(partition_name(TEXT("orders"), TEXT("2024_07"), arena), "orders_2024_07");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_suffix_has_the_period_of_the_finest_unit, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
        two_units_that_cross_each_other_cut_their_periods, set_up, tear_down),
    cmocka_unit_test_setup_teardown(periods_are_of_the_zones_clock, set_up, tear_down),
    cmocka_unit_test_setup_teardown(any_time_is_in_the_period_of_its_partition, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_time_that_is_not_known_has_no_partition, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
        times_of_one_partition_of_every_table_do_not_differ, set_up, tear_down),
    cmocka_unit_test_setup_teardown(
        seconds_of_one_minute_differ_where_a_format_shows_them, set_up, tear_down),
    cmocka_unit_test_setup_teardown(no_two_times_of_a_period_differ, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_name_is_the_tables_with_the_suffix_behind, set_up, tear_down),
};

TEST_MAIN(tests)
