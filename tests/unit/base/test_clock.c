#include "base/clock.h"

#include "support/test.h"

static void
times_read_back_what_was_written(void **state)
{
    static const char *const texts[] = {"2016-03-11 20:51:10.000", "1970-01-01 00:00:00.000001",
        "1969-12-31 23:59:59.999999", "0001-01-01 00:00:00.000", "9999-12-31 23:59:59.999",
        "2000-02-29 12:00:00.000", "1900-03-01 00:00:00.000"};
    char text[TIME_TEXT_SIZE];
    int64_t time_us;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_true(clock_parse(text_of(texts[i]), &time_us));
        assert_text(clock_format(time_us, text), texts[i]);
    }
    assert_text(clock_format(TIME_UNKNOWN, text), "");
}

static void
zones_are_shifted_to_utc(void **state)
{
    char text[TIME_TEXT_SIZE];
    int64_t time_us;

    (void)state;
    assert_true(clock_parse(TEXT("2016-01-01T00:30:00.5+01:30"), &time_us));
    assert_text(clock_format(time_us, text), "2015-12-31 23:00:00.500");
    assert_true(clock_parse(TEXT("2016-12-31 23:00:00-01"), &time_us));
    assert_text(clock_format(time_us, text), "2017-01-01 00:00:00.000");
    assert_true(clock_parse(TEXT("2016-12-31 23:00:00.123456789Z"), &time_us));
    assert_text(clock_format(time_us, text), "2016-12-31 23:00:00.123456");
}

static void
anything_else_is_refused(void **state)
{
    static const char *const texts[] = {"", "2016-03-11", "2016-13-11 00:00:00",
        "2016-03-11 00:00:00 ago", "2016-03-11 00:00:00.", "2016-03-11 00:60:00", "x",
        "2016-03-11 00:00:00+0", "20160-03-11 00:00:00"};
    int64_t time_us;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(clock_parse(text_of(texts[i]), &time_us));
}

static void
days_and_dates_agree_over_four_centuries(void **state)
{
    int64_t year;
    unsigned month;
    unsigned day;

    (void)state;
    for (int64_t days = -200000; days < 200000; days++) {
        clock_date(days, &year, &month, &day);
        assert_int_equal(clock_days(year, month, day), days);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(times_read_back_what_was_written),
    cmocka_unit_test(zones_are_shifted_to_utc),
    cmocka_unit_test(anything_else_is_refused),
    cmocka_unit_test(days_and_dates_agree_over_four_centuries),
};

TEST_MAIN(tests)
