#include "block/notation.h"
#include "support/test.h"

static const Notation postgres = {.bytes = BYTES_BACKSLASH_HEX,
    .numeric_nan = true,
    .numeric_infinity = true,
    .float_special = true,
    .infinite_dates = true,
    .bc_dates = true,
    .fraction_digits = 6,
    .max_hours = 24};
static const Notation mysql = {.bytes = BYTES_HEX,
    .bools = BOOL_DIGITS,
    .zone = ZONE_UTC,
    .geometry = GEOMETRY_SRID_WKB,
    .nul_texts = true,
    .zero_dates = true,
    .max_year = 9999,
    .fraction_digits = 6,
    .max_hours = 838};
static const Notation sqlite = {.geometry = GEOMETRY_EWKT};
static const Notation intervals = {.fraction_digits = 6, .max_hours = 24, .long_times = true};
static const Notation utc_bc = {.zone = ZONE_UTC, .bc_dates = true, .fraction_digits = 6};

typedef struct Case {
    const Notation *notation;
    LogicalType type;
    const char *value;
    const char *written; /* NULL: refused, back is the reason */
    const char *back;    /* NULL: the value itself */
} Case;

static const Case cases[] = {
    {&postgres, LOGICAL_BOOL, "t", "t", NULL},
    {&mysql, LOGICAL_BOOL, "t", "1", NULL},
    {&mysql, LOGICAL_BOOL, "f", "0", NULL},
    {&mysql, LOGICAL_BOOL, "true", NULL, "malformed bool: neither t nor f"},
    {&postgres, LOGICAL_INT, "-9223372036854775809", "-9223372036854775809", NULL},
    {&postgres, LOGICAL_INT, "", NULL, "malformed integer"},
    {&postgres, LOGICAL_INT, "1 ", NULL, "malformed integer"},
    {&postgres, LOGICAL_UINT, "18446744073709551615", "18446744073709551615", NULL},
    {&postgres, LOGICAL_UINT, "-1", NULL, "malformed unsigned integer"},
    {&postgres, LOGICAL_NUMERIC, "1.10", "1.10", NULL},
    {&postgres, LOGICAL_NUMERIC, ".5", ".5", NULL},
    {&postgres, LOGICAL_NUMERIC, ".", NULL, "malformed number"},
    {&postgres, LOGICAL_NUMERIC, "1e+", NULL, "malformed number"},
    {&postgres, LOGICAL_NUMERIC, "0x10", NULL, "malformed number"},
    {&postgres, LOGICAL_NUMERIC, "NaN", "NaN", NULL},
    {&mysql, LOGICAL_NUMERIC, "NaN", NULL, "the target has no NaN"},
    {&mysql, LOGICAL_FLOAT, "-Infinity", NULL, "the target has no infinity"},
    {&postgres, LOGICAL_FLOAT, "1e-300", "1e-300", NULL},
    {&postgres, LOGICAL_BYTES, "00ff", "\\x00ff", NULL},
    {&mysql, LOGICAL_BYTES, "00ff", "00ff", NULL},
    {&mysql, LOGICAL_BYTES, "", "", NULL},
    {&mysql, LOGICAL_BYTES, "0", NULL, "malformed bytes: not pairs of lower-case hex digits"},
    {&mysql, LOGICAL_BIT, "0101", "0101", NULL},
    {&mysql, LOGICAL_BIT, "012", NULL, "malformed bits: not 0 and 1 only"},
    {&postgres, LOGICAL_DATE, "2016-02-29", "2016-02-29", NULL},
    {&postgres, LOGICAL_DATE, "2015-02-29", NULL, "no such day in this month"},
    {&postgres, LOGICAL_DATE, "2016-13-01", NULL, "malformed date or time"},
    {&postgres, LOGICAL_DATE, "0044-03-15 BC", "0044-03-15 BC", NULL},
    {&postgres, LOGICAL_DATE, "0001-02-29 BC", "0001-02-29 BC", NULL},
    {&postgres, LOGICAL_DATE, "0002-02-29 BC", NULL, "no such day in this month"},
    {&mysql, LOGICAL_DATE, "0044-03-15 BC", NULL, "the target has no years BC"},
    {&postgres, LOGICAL_DATE, "infinity", "infinity", NULL},
    {&mysql, LOGICAL_DATE, "-infinity", NULL, "the target has no infinite dates"},
    {&mysql, LOGICAL_DATE, "0000-00-00", "0000-00-00", NULL},
    {&mysql, LOGICAL_DATE, "2016-00-31", "2016-00-31", NULL},
    {&postgres, LOGICAL_DATE, "2016-02-00", NULL, "the target has no zero dates"},
    {&mysql, LOGICAL_DATE, "10000-01-01", NULL, "the year is past what the target can hold"},
    {&postgres, LOGICAL_DATE, "5874897-12-31", "5874897-12-31", NULL},
    {&postgres, LOGICAL_TIME, "24:00:00", "24:00:00", NULL},
    {&postgres, LOGICAL_TIME, "24:00:01", NULL,
        "not a time of day, which is all the target can hold"},
    {&postgres, LOGICAL_TIME, "-01:00:00", NULL,
        "not a time of day, which is all the target can hold"},
    {&mysql, LOGICAL_TIME, "-838:59:59", "-838:59:59", NULL},
    {&mysql, LOGICAL_TIME, "839:00:00", NULL, "more hours than the target can hold"},
    {&utc_bc, LOGICAL_TIME, "12345:00:00", "12345:00:00", NULL},
    {&postgres, LOGICAL_TIME, "20:51:10.1234560", "20:51:10.123456", "20:51:10.123456"},
    {&postgres, LOGICAL_TIME, "20:51:10.1234567", NULL,
        "more fraction digits than the target can hold"},
    {&postgres, LOGICAL_TIME, "20:51", NULL, "malformed date or time"},
    {&postgres, LOGICAL_TIME, "20:51:10.", NULL, "malformed date or time"},
    {&mysql, LOGICAL_TIMETZ, "00:30:00.5+01", "23:30:00.5", "23:30:00.5+00"},
    {&postgres, LOGICAL_TIMETZ, "00:30:00+01:30", "00:30:00+01:30", NULL},
    {&postgres, LOGICAL_TIMESTAMP, "2016-03-11 20:51:10.5 BC", "2016-03-11 20:51:10.5 BC", NULL},
    {&postgres, LOGICAL_TIMESTAMP, "2016-03-11 24:00:00", NULL, "malformed date or time"},
    {&postgres, LOGICAL_TIMESTAMP, "2016-03-11T20:51:10", NULL, "malformed date or time"},
    {&mysql, LOGICAL_TIMESTAMP, "0000-00-00 00:00:00", "0000-00-00 00:00:00", NULL},
    {&mysql, LOGICAL_TIMESTAMPTZ, "0000-00-00 00:00:00+02", "0000-00-00 00:00:00",
        "0000-00-00 00:00:00+00"},
    {&postgres, LOGICAL_TIMESTAMPTZ, "2016-03-11 20:51:10.000+01 BC",
        "2016-03-11 20:51:10.000+01 BC", NULL},
    {&postgres, LOGICAL_TIMESTAMPTZ, "2016-03-11 20:51:10", NULL, "malformed date or time"},
    {&postgres, LOGICAL_TIMESTAMPTZ, "2016-03-11 20:51:10+16", NULL, "malformed date or time"},
    {&mysql, LOGICAL_TIMESTAMPTZ, "2016-03-01 00:30:00.25+01", "2016-02-29 23:30:00.25",
        "2016-02-29 23:30:00.25+00"},
    {&mysql, LOGICAL_TIMESTAMPTZ, "2016-12-31 23:30:00-01:00:30", "2017-01-01 00:30:30",
        "2017-01-01 00:30:30+00"},
    {&mysql, LOGICAL_TIMESTAMPTZ, "9999-12-31 23:30:00-01", NULL,
        "the year is past what the target can hold"},
    {&mysql, LOGICAL_TIMESTAMPTZ, "10000-01-01 00:30:00+01", "9999-12-31 23:30:00",
        "9999-12-31 23:30:00+00"},
    {&utc_bc, LOGICAL_TIMESTAMPTZ, "0001-01-01 00:30:00+01", "0001-12-31 23:30:00 BC",
        "0001-12-31 23:30:00+00 BC"},
    {&utc_bc, LOGICAL_TIMESTAMPTZ, "0001-12-31 23:30:00-01 BC", "0001-01-01 00:30:00",
        "0001-01-01 00:30:00+00"},
    {&mysql, LOGICAL_TIMESTAMPTZ, "0001-01-01 00:30:00+01", NULL, "the target has no years BC"},
    {&postgres, LOGICAL_UNKNOWN, "anything, 0000-00-00", "anything, 0000-00-00", NULL},
    {&postgres, LOGICAL_TEXT, "", "", NULL},
    {&postgres, LOGICAL_JSON, "{\"a\": [1, null]}", "{\"a\": [1, null]}", NULL},
    {&intervals, LOGICAL_TIME, "-838:59:59.5", "-838:59:59.5", NULL},
    {&intervals, LOGICAL_TIMETZ, "24:00:01+00", NULL,
        "not a time of day, which is all the target can hold"},
    {&postgres, LOGICAL_GEOMETRY, "0101000020e6100000000000000000f03f0000000000000040",
        "0101000020e6100000000000000000f03f0000000000000040", NULL},
    {&mysql, LOGICAL_GEOMETRY, "0101000020e6100000000000000000f03f0000000000000040",
        "e61000000101000000000000000000f03f0000000000000040", NULL},
    {&sqlite, LOGICAL_GEOMETRY, "0101000020e6100000000000000000f03f0000000000000040",
        "SRID=4326;POINT(1 2)", NULL},
    {&postgres, LOGICAL_GEOMETRY, "0101", NULL, "malformed geometry: it ends too early"},
    {&mysql, LOGICAL_GEOMETRY, "", NULL, "malformed geometry: it ends too early"},
    {&sqlite, LOGICAL_GEOMETRY, "POINT(1 2)", NULL,
        "malformed geometry: not pairs of lower-case hex digits"},
    {&postgres, LOGICAL_INTERVAL, "1 year 2 mons -3 days", "1 year 2 mons -3 days", NULL},
};

static void
values_are_spelled_for_the_target_and_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const Case *c = &cases[i];
        ValuesConfig policy = {POLICY_ERROR, POLICY_ERROR, POLICY_ERROR, POLICY_ERROR};
        CLEANUP(buf_clear) Buf out = BUF_INIT;
        CLEANUP(buf_clear) Buf back = BUF_INIT;
        bool is_null = true;
        Error err;

        if (c->written == NULL) {
            char expected[300];

            assert_false(notation_write(
                c->notation, &policy, c->type, text_of(c->value), &out, &is_null, &err));
            (void)snprintf(expected, sizeof(expected), "value \"%s\": %s", c->value, c->back);
            assert_string_equal(err.text, expected);
            assert_int_equal(err.kind, ERR_DATA);
            assert_int_equal(out.len, 0);
            continue;
        }
        if (!notation_write(c->notation, &policy, c->type, text_of(c->value), &out, &is_null, &err))
            fail_msg("%s: %s", c->value, err.text);
        assert_false(is_null);
        assert_text(buf_text(&out), c->written);
        assert_ok(notation_read(c->notation, c->type, buf_text(&out), &back, &err), err);
        assert_text(buf_text(&back), c->back == NULL ? c->value : c->back);
    }
}

static void
policies_make_null_or_pass_the_text_on(void **state)
{
    static const struct {
        LogicalType type;
        const char *value;
        size_t policy; /* of zero_date, infinity, nan, out_of_range */
    } held[] = {
        {LOGICAL_DATE, "2016-02-00", 0},
        {LOGICAL_TIMESTAMP, "infinity", 1},
        {LOGICAL_NUMERIC, "-Infinity", 1},
        {LOGICAL_FLOAT, "NaN", 2},
        {LOGICAL_DATE, "0044-03-15 BC", 3},
        {LOGICAL_TIME, "20:51:10.1234567", 3},
    };
    Notation nothing = {.fraction_digits = 6};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(held); i++) {
        for (int choice = POLICY_ERROR; choice <= POLICY_TEXT; choice++) {
            int p[4] = {POLICY_ERROR, POLICY_ERROR, POLICY_ERROR, POLICY_ERROR};
            ValuesConfig policy;
            CLEANUP(buf_clear) Buf out = BUF_INIT;
            bool is_null;
            Error err;
            bool ok;

            p[held[i].policy] = choice;
            policy = (ValuesConfig){p[0], p[1], p[2], p[3]};
            ok = notation_write(
                &nothing, &policy, held[i].type, text_of(held[i].value), &out, &is_null, &err);
            assert_int_equal(ok, choice != POLICY_ERROR);
            assert_int_equal(ok && is_null, choice == POLICY_NULL);
            assert_text(buf_text(&out), choice == POLICY_TEXT ? held[i].value : "");
        }
    }
}

static void
texts_without_a_place_in_utf8_are_refused(void **state)
{
    ValuesConfig policy = {0};
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    bool is_null;
    Error err;
    char lengthy[301];

    (void)state;
    assert_false(
        notation_write(&postgres, &policy, LOGICAL_TEXT, TEXT("a\0b"), &out, &is_null, &err));
    assert_string_equal(
        err.text, "a NUL character at offset 1, which no text of the target can hold");
    assert_false(notation_read(&postgres, LOGICAL_TEXT, TEXT("a\0b"), &out, &err));
    policy.out_of_range = POLICY_NULL;
    assert_ok(
        notation_write(&postgres, &policy, LOGICAL_TEXT, TEXT("a\0b"), &out, &is_null, &err), err);
    assert_true(is_null);
    assert_int_equal(out.len, 0);
    assert_ok(
        notation_write(&mysql, &policy, LOGICAL_TEXT, TEXT("a\0b"), &out, &is_null, &err), err);
    assert_false(is_null);
    assert_int_equal(out.len, 3);
    buf_reset(&out, 0);
    assert_ok(notation_read(&mysql, LOGICAL_TEXT, TEXT("a\0b"), &out, &err), err);
    assert_int_equal(out.len, 3);
    buf_reset(&out, 0);
    policy.out_of_range = POLICY_ERROR;
    assert_false(notation_write(
        &postgres, &policy, LOGICAL_UNKNOWN, TEXT("ab\xed\xa0\x80"), &out, &is_null, &err));
    assert_string_equal(err.text, "not UTF-8 at offset 2 (byte 0xed)");
    memset(lengthy, 'x', 99);
    memset(lengthy + 99, 0, sizeof(lengthy) - 99);
    /* the cut at 100 bytes would fall inside a character */
    for (size_t i = 99; i < 297; i++)
        lengthy[i] = i % 2 == 1 ? '\xC3' : '\xA9';
    assert_false(
        notation_write(&postgres, &policy, LOGICAL_INT, text_of(lengthy), &out, &is_null, &err));
    assert_int_equal(strlen(err.text), strlen("value \"\"...: malformed integer") + 99);
    assert_true(text_is_utf8(text_of(err.text), NULL));
}

static void
what_is_no_geometry_is_not_read_back(void **state)
{
    static const struct {
        const Notation *notation;
        const char *value;
        const char *error;
    } bad[] = {
        {&postgres, "POINT(1 2)",
            "value \"POINT(1 2)\": malformed geometry: not pairs of lower-case hex digits"},
        {&mysql, "00000000", "value \"00000000\": malformed geometry: it ends too early"},
        {&sqlite, "POINT(1",
            "value \"POINT(1\": malformed geometry: a number is missing or malformed"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_clear) Buf out = BUF_INIT;
        Error err;

        assert_false(
            notation_read(bad[i].notation, LOGICAL_GEOMETRY, text_of(bad[i].value), &out, &err));
        assert_string_equal(err.text, bad[i].error);
        assert_int_equal(out.len, 0);
    }
}

static void
a_zero_date_that_is_passed_on_has_no_zone_where_the_target_knows_none(void **state)
{
    const Notation strict = {.zone = ZONE_UTC, .max_year = 9999, .fraction_digits = 6};
    const ValuesConfig policy = {.zero_date = POLICY_TEXT};
    CLEANUP(buf_clear) Buf out = BUF_INIT;
    bool is_null;
    Error err;

    (void)state;
    assert_ok(notation_write(&strict, &policy, LOGICAL_TIMESTAMPTZ, TEXT("0000-00-00 00:00:00+00"),
                  &out, &is_null, &err),
        err);
    assert_text(buf_text(&out), "0000-00-00 00:00:00");
}

/* With out_of_range: null a long time becomes NULL even where a column could hold it. */
static void
long_times_are_left_to_the_target_unless_they_are_to_be_null(void **state)
{
    static const char *const values[] = {"-00:00:01", "24:00:01", "838:59:59"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        for (int choice = POLICY_ERROR; choice <= POLICY_TEXT; choice++) {
            ValuesConfig policy = {.out_of_range = choice};
            CLEANUP(buf_clear) Buf out = BUF_INIT;
            bool is_null;
            Error err;

            assert_ok(notation_write(&intervals, &policy, LOGICAL_TIME, text_of(values[i]), &out,
                          &is_null, &err),
                err);
            assert_int_equal(is_null, choice == POLICY_NULL);
            assert_text(buf_text(&out), choice == POLICY_NULL ? "" : values[i]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_spelled_for_the_target_and_read_back),
        cmocka_unit_test(policies_make_null_or_pass_the_text_on),
        cmocka_unit_test(what_is_no_geometry_is_not_read_back),
        cmocka_unit_test(a_zero_date_that_is_passed_on_has_no_zone_where_the_target_knows_none),
        cmocka_unit_test(long_times_are_left_to_the_target_unless_they_are_to_be_null),
        cmocka_unit_test(texts_without_a_place_in_utf8_are_refused),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
