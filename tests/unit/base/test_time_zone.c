#include "base/time_zone.h"

#include <stdlib.h>

#include "base/clock.h"
#include "support/test.h"

static TimeZone *
zone_of(const char *name)
{
    Error err;
    TimeZone *zone = time_zone_open(name, &err);

    assert_non_null(zone);
    return zone;
}

static int64_t
time_of(const char *text)
{
    int64_t time_us;

    assert_true(clock_parse(text_of(text), &time_us));
    return time_us;
}

static void
assert_local(const TimeZone *zone, const char *utc, const char *expected)
{
    CivilTime local = time_zone_local(zone, time_of(utc));
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    buf_addf(&text, "%04d-%02u-%02u %02u:%02u:%02u.%06u", (int)local.year, local.month, local.day,
        local.hour, local.minute, local.second, local.microsecond);
    assert_string_equal(text.data, expected);
}

static void
assert_utc(const TimeZone *zone, CivilTime local, const char *expected)
{
    char text[TIME_TEXT_SIZE];

    assert_text(clock_format(time_zone_utc(zone, &local), text), expected);
}

static void
clocks_show_local_time(void **state)
{
    CLEANUP(time_zone_close) TimeZone *utc = zone_of("UTC");
    CLEANUP(time_zone_close) TimeZone *berlin = zone_of("Europe/Berlin");
    CLEANUP(time_zone_close) TimeZone *kathmandu = zone_of("Asia/Kathmandu");

    (void)state;
    assert_local(utc, "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999");
    assert_local(berlin, "2024-07-01 22:30:00.000001", "2024-07-02 00:30:00.000001");
    assert_local(berlin, "2024-12-31 23:00:00", "2025-01-01 00:00:00.000000");
    assert_local(berlin, "1969-12-31 22:59:59.999999", "1969-12-31 23:59:59.999999");
    assert_local(kathmandu, "2024-02-29 18:15:00", "2024-03-01 00:00:00.000000");
}

static void
a_time_that_is_shown_twice_is_the_first_of_the_two(void **state)
{
    CLEANUP(time_zone_close) TimeZone *berlin = zone_of("Europe/Berlin");

    (void)state;
    assert_utc(berlin, (CivilTime){2024, 10, 27, 2, 0, 0, 0}, "2024-10-27 00:00:00.000");
    assert_utc(berlin, (CivilTime){2024, 10, 27, 2, 59, 59, 999999}, "2024-10-27 00:59:59.999999");
    assert_utc(berlin, (CivilTime){2024, 10, 27, 3, 0, 0, 0}, "2024-10-27 02:00:00.000");
    assert_utc(berlin, (CivilTime){2024, 10, 27, 1, 59, 59, 0}, "2024-10-26 23:59:59.000");
}

static void
a_time_that_is_left_out_is_the_moment_of_the_leap(void **state)
{
    CLEANUP(time_zone_close) TimeZone *berlin = zone_of("Europe/Berlin");
    CLEANUP(time_zone_close) TimeZone *apia = zone_of("Pacific/Apia");

    (void)state;
    assert_utc(berlin, (CivilTime){2024, 3, 31, 2, 0, 0, 0}, "2024-03-31 01:00:00.000");
    assert_utc(berlin, (CivilTime){2024, 3, 31, 2, 59, 59, 5}, "2024-03-31 01:00:00.000");
    assert_utc(berlin, (CivilTime){2024, 3, 31, 3, 0, 0, 5}, "2024-03-31 01:00:00.000005");
    /* a whole day */
    assert_utc(apia, (CivilTime){2011, 12, 30, 0, 0, 0, 0}, "2011-12-30 10:00:00.000");
    assert_utc(apia, (CivilTime){2011, 12, 31, 0, 0, 0, 0}, "2011-12-30 10:00:00.000");
    assert_utc(apia, (CivilTime){2012, 1, 1, 0, 0, 0, 0}, "2011-12-31 10:00:00.000");
}

static void
any_time_of_64_bits_has_a_clock(void **state)
{
    CLEANUP(time_zone_close) TimeZone *berlin = zone_of("Europe/Berlin");

    (void)state;
    assert_int_equal(time_zone_local(berlin, INT64_MIN).year, -290308);
    assert_int_equal(time_zone_local(berlin, INT64_MAX).year, 294247);
}

static void
names_that_the_database_lacks_are_refused(void **state)
{
    static const char *const names[] = {"", "Europe", "Europe/Bonn", "Europ5", "+02:00", "Z2",
        "/etc/localtime", "../zoneinfo/UTC", "CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Berlin\n",
        ":UTC"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        Error err = {ERR_NONE};

        assert_null(time_zone_open(names[i], &err));
        assert_int_equal(err.kind, ERR_CONFIG);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(clocks_show_local_time),
    cmocka_unit_test(a_time_that_is_shown_twice_is_the_first_of_the_two),
    cmocka_unit_test(a_time_that_is_left_out_is_the_moment_of_the_leap),
    cmocka_unit_test(any_time_of_64_bits_has_a_clock),
    cmocka_unit_test(names_that_the_database_lacks_are_refused),
};

TEST_MAIN(tests)
