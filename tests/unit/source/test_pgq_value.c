#include "source/pgq/value.h"

#include "support/test.h"

typedef struct Case {
    LogicalType logical;
    const char *text, *expected; /* NULL: refused */
} Case;

typedef struct Turned {
    Arena *scratch;
    char *bytes; /* exactly as long as the text: what is read behind it is found */
    Value value;
    Error err;
} Turned;

static int
set_up(void **state)
{
    Turned *turned = calloc(1, sizeof(*turned));

    assert_non_null(turned);
    turned->scratch = arena_new();
    *state = turned;
    return 0;
}

static int
tear_down(void **state)
{
    Turned *turned = *state;

    arena_free(turned->scratch);
    free(turned->bytes);
    free(turned);
    return 0;
}

static bool
turn(Turned *turned, LogicalType logical, const char *text)
{
    size_t len = strlen(text);

    free(turned->bytes);
    turned->bytes = malloc(len + (len == 0));
    assert_non_null(turned->bytes);
    memcpy(turned->bytes, text, len);
    turned->value = (Value){VALUE_TEXT, {turned->bytes, len}};
    return pgq_value_canonical(
        logical, PGQ_STYLE_TEXT, &turned->value, turned->scratch, &turned->err);
}

static void
check(Turned *turned, const Case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Case *c = &cases[i];

        if (c->expected == NULL) {
            if (turn(turned, c->logical, c->text))
                fail_msg("%s is taken", c->text);
            assert_int_equal(turned->err.kind, ERR_DATA);
            continue;
        }
        if (!turn(turned, c->logical, c->text))
            fail_msg("%s: %s", c->text, turned->err.text);
        assert_int_equal(turned->value.kind, VALUE_TEXT);
        assert_text(turned->value.text, c->expected);
    }
}

static void
booleans(void **state)
{
    static const Case cases[] = {
        {LOGICAL_BOOL, "t", "t"},
        {LOGICAL_BOOL, "f", "f"},
        {LOGICAL_BOOL, "true", "t"},
        {LOGICAL_BOOL, "false", "f"},
        {LOGICAL_BOOL, "", NULL},
        {LOGICAL_BOOL, "T", NULL},
        {LOGICAL_BOOL, "1", NULL},
        {LOGICAL_BOOL, "yes", NULL},
    };

    check(*state, cases, ARRAY_LEN(cases));
}

static void
bytes_in_both_notations(void **state)
{
    static const Case cases[] = {
        {LOGICAL_BYTES, "\\x", ""},
        {LOGICAL_BYTES, "\\x00ff", "00ff"},
        {LOGICAL_BYTES, "", ""},
        {LOGICAL_BYTES, "abc", "616263"},
        {LOGICAL_BYTES, "\\000a\\377\\\\", "0061ff5c"},
        /* the bytes "\x00", whose backslash is doubled */
        {LOGICAL_BYTES, "\\\\x00", "5c783030"},
        {LOGICAL_BYTES, "x00", "783030"},
        {LOGICAL_BYTES, "~ ", "7e20"},
        {LOGICAL_BYTES, "\\x0", NULL},
        {LOGICAL_BYTES, "\\x0g", NULL},
        {LOGICAL_BYTES, "\\x0A", NULL},
        {LOGICAL_BYTES, "\\", NULL},
        {LOGICAL_BYTES, "\\00", NULL},
        {LOGICAL_BYTES, "\\400", NULL},
        {LOGICAL_BYTES, "\\008", NULL},
        {LOGICAL_BYTES, "a\n", NULL},
        {LOGICAL_BYTES, "\xc3\xa9", NULL},
    };

    check(*state, cases, ARRAY_LEN(cases));
}

static void
dates(void **state)
{
    static const Case cases[] = {
        {LOGICAL_DATE, "2024-01-06", "2024-01-06"},
        {LOGICAL_DATE, "0044-03-15 BC", "0044-03-15 BC"},
        {LOGICAL_DATE, "5874897-12-31", "5874897-12-31"},
        {LOGICAL_DATE, "infinity", "infinity"},
        {LOGICAL_DATE, "-infinity", "-infinity"},
        {LOGICAL_DATE, "01/06/2024", NULL},
        {LOGICAL_DATE, "01-06-2024", NULL},
        {LOGICAL_DATE, "06.01.2024", NULL},
        {LOGICAL_DATE, "24-01-06", NULL},
        {LOGICAL_DATE, "2024-13-01", NULL},
        {LOGICAL_DATE, "2024-00-01", NULL},
        {LOGICAL_DATE, "0000-01-01", NULL},
        {LOGICAL_DATE, "2024-1-6", NULL},
        {LOGICAL_DATE, "2024-01-06 00:00:00", NULL},
        {LOGICAL_DATE, "2024-01-06x", NULL},
        {LOGICAL_DATE, "2024-01", NULL},
        {LOGICAL_DATE, "", NULL},
    };

    check(*state, cases, ARRAY_LEN(cases));
}

static void
timestamps(void **state)
{
    static const Case cases[] = {
        {LOGICAL_TIMESTAMP, "2024-01-06 08:09:10", "2024-01-06 08:09:10"},
        {LOGICAL_TIMESTAMP, "2024-01-06T08:09:10.123456", "2024-01-06 08:09:10.123456"},
        {LOGICAL_TIMESTAMP, "4713-01-01T00:00:00 BC", "4713-01-01 00:00:00 BC"},
        {LOGICAL_TIMESTAMP, "294276-12-31 23:59:59.999999", "294276-12-31 23:59:59.999999"},
        {LOGICAL_TIMESTAMP, "infinity", "infinity"},
        {LOGICAL_TIMESTAMP, "2024-01-06 08:09:10+00", NULL},
        {LOGICAL_TIMESTAMP, "2024-01-06 08:09", NULL},
        {LOGICAL_TIMESTAMP, "2024-01-06 24:00:00", NULL},
        {LOGICAL_TIMESTAMP, "2024-01-06 08:60:00", NULL},
        {LOGICAL_TIMESTAMP, "2024-01-06 08:09:10.", NULL},
        {LOGICAL_TIMESTAMP, "2024-01-06", NULL},
        {LOGICAL_TIMESTAMP, "01/06/2024 08:09:10", NULL},
        {LOGICAL_TIMESTAMP, "Sat Jan 06 08:09:10 2024", NULL},
        {LOGICAL_TIMESTAMP, "06.01.2024 08:09:10", NULL},
    };

    check(*state, cases, ARRAY_LEN(cases));
}

static void
timestamps_with_any_offset_become_utc(void **state)
{
    static const Case cases[] = {
        {LOGICAL_TIMESTAMPTZ, "2024-01-06 08:09:10+00", "2024-01-06 08:09:10+00"},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06T08:09:10+00:00", "2024-01-06 08:09:10+00"},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06T08:09:10.5Z", "2024-01-06 08:09:10.5+00"},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06 08:09:10.000001-05", "2024-01-06 13:09:10.000001+00"},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06T03:09:10+05:45", "2024-01-05 21:24:10+00"},
        {LOGICAL_TIMESTAMPTZ, "2024-03-01 00:00:00+01", "2024-02-29 23:00:00+00"},
        {LOGICAL_TIMESTAMPTZ, "1800-01-01 00:53:28+00:53:28", "1800-01-01 00:00:00+00"},
        {LOGICAL_TIMESTAMPTZ, "1800-01-01 00:00:00-04:56:02", "1800-01-01 04:56:02+00"},
        {LOGICAL_TIMESTAMPTZ, "9999-12-31 23:00:00-05", "10000-01-01 04:00:00+00"},
        {LOGICAL_TIMESTAMPTZ, "0001-01-01 00:00:00+05", "0001-12-31 19:00:00+00 BC"},
        {LOGICAL_TIMESTAMPTZ, "0001-12-31 23:00:00-05 BC", "0001-01-01 04:00:00+00"},
        {LOGICAL_TIMESTAMPTZ, "0044-03-15 12:00:00+00 BC", "0044-03-15 12:00:00+00 BC"},
        {LOGICAL_TIMESTAMPTZ, "0044-03-15T12:00:00+02:00 BC", "0044-03-15 10:00:00+00 BC"},
        {LOGICAL_TIMESTAMPTZ, "infinity", "infinity"},
        {LOGICAL_TIMESTAMPTZ, "-infinity", "-infinity"},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06 08:09:10", NULL},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06 08:09:10 EST", NULL},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06 08:09:10+0", NULL},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06 08:09:10+", NULL},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06 08:09:10+24", NULL},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06 08:09:10+01:", NULL},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06 08:09:10+01:60", NULL},
        {LOGICAL_TIMESTAMPTZ, "01/06/2024 08:09:10 EST", NULL},
        {LOGICAL_TIMESTAMPTZ, "Sat Jan 06 08:09:10 2024 EST", NULL},
        {LOGICAL_TIMESTAMPTZ, "06.01.2024 08:09:10 EST", NULL},
        {LOGICAL_TIMESTAMPTZ, "999999999-12-31 23:59:59.123456789-15:59:59 BC",
            "999999998-01-01 15:59:58.123456789+00 BC"},
    };

    check(*state, cases, ARRAY_LEN(cases));
}

static void
intervals_in_the_style_postgres(void **state)
{
    static const Case cases[] = {
        {LOGICAL_INTERVAL, "00:00:00", "00:00:00"},
        {LOGICAL_INTERVAL, "1 year 2 mons 3 days 04:05:06.7", "1 year 2 mons 3 days 04:05:06.7"},
        {LOGICAL_INTERVAL, "-1 years -2 mons +3 days -04:05:06",
            "-1 years -2 mons +3 days -04:05:06"},
        {LOGICAL_INTERVAL, "1 mon", "1 mon"},
        {LOGICAL_INTERVAL, "2562047788:00:54.775807", "2562047788:00:54.775807"},
        {LOGICAL_INTERVAL, "infinity", "infinity"},
        /* sql_standard, postgres_verbose, iso_8601 */
        {LOGICAL_INTERVAL, "0", NULL},
        {LOGICAL_INTERVAL, "4:05:06", NULL},
        {LOGICAL_INTERVAL, "1-2", NULL},
        {LOGICAL_INTERVAL, "3 4:05:06", NULL},
        {LOGICAL_INTERVAL, "3 14:05:06", NULL},
        {LOGICAL_INTERVAL, "+1-2 +3 +4:05:06", NULL},
        {LOGICAL_INTERVAL, "@ 1 year 2 mons", NULL},
        {LOGICAL_INTERVAL, "@ 0", NULL},
        {LOGICAL_INTERVAL, "P1Y2M3DT4H5M6S", NULL},
        {LOGICAL_INTERVAL, "PT0S", NULL},
        {LOGICAL_INTERVAL, "", NULL},
        {LOGICAL_INTERVAL, "1 day ", NULL},
        {LOGICAL_INTERVAL, "1 hour", NULL},
        {LOGICAL_INTERVAL, "1 day 2 years", NULL},
        {LOGICAL_INTERVAL, "1 day 2 days", NULL},
        {LOGICAL_INTERVAL, "-", NULL},
    };

    check(*state, cases, ARRAY_LEN(cases));
}

static void
everything_else_is_left_as_it_is(void **state)
{
    static const Case cases[] = {
        {LOGICAL_UNKNOWN, "01/06/2024", "01/06/2024"},
        {LOGICAL_INT, "-9223372036854775808", "-9223372036854775808"},
        {LOGICAL_NUMERIC, "NaN", "NaN"},
        {LOGICAL_FLOAT, "1e-300", "1e-300"},
        {LOGICAL_TEXT, "2024-01-06T08:09:10+05", "2024-01-06T08:09:10+05"},
        {LOGICAL_TEXT, "", ""},
        {LOGICAL_BIT, "0101", "0101"},
        {LOGICAL_TIME, "24:00:00", "24:00:00"},
        {LOGICAL_TIMETZ, "08:09:10.5+05:30", "08:09:10.5+05:30"},
        {LOGICAL_JSON, "{ \"a\" : 1 }", "{ \"a\" : 1 }"},
        {LOGICAL_ARRAY, "{\"\\\\x00\"}", "{\"\\\\x00\"}"},
        {LOGICAL_OTHER, "[\"2024-01-06 00:00:00-05\",)", "[\"2024-01-06 00:00:00-05\",)"},
    };

    check(*state, cases, ARRAY_LEN(cases));
}

static void
null_stays_null(void **state)
{
    Turned *turned = *state;
    Value value = {VALUE_NULL, TEXT_NONE};

    assert_ok(
        pgq_value_canonical(LOGICAL_DATE, PGQ_STYLE_JSON, &value, turned->scratch, &turned->err),
        turned->err);
    assert_int_equal(value.kind, VALUE_NULL);
}

static void
every_refusal_names_the_setting_to_mend(void **state)
{
#define NOT_ISO                                                                                  \
    "not in ISO notation, so that nobody can tell which date it is: the session that wrote the " \
    "row has another DateStyle; ALTER ROLE ... SET datestyle = 'ISO' for who writes, and "       \
    "bootstrap the table anew"
    static const struct {
        LogicalType logical;
        const char *text, *error;
    } cases[] = {
        {LOGICAL_DATE, "01/06/2024", "value \"01/06/2024\": " NOT_ISO},
        {LOGICAL_TIMESTAMPTZ, "Sat Jan 06 08:00:00 2024 EST",
            "value \"Sat Jan 06 08:00:00 2024 EST\": " NOT_ISO},
        {LOGICAL_TIMESTAMPTZ, "2024-01-06 08:00:00",
            "value \"2024-01-06 08:00:00\": no offset, where the column is a timestamp with time "
            "zone: its type was changed after the row was written; bootstrap the table anew"},
        {LOGICAL_TIMESTAMP, "2024-01-06 08:00:00+00",
            "value \"2024-01-06 08:00:00+00\": an offset, where the column is a timestamp without "
            "time zone: its type was changed after the row was written; bootstrap the table anew"},
        {LOGICAL_INTERVAL, "P1D",
            "value \"P1D\": not in the notation of IntervalStyle postgres: the session that wrote "
            "the row has another one; ALTER ROLE ... SET intervalstyle = 'postgres' for who "
            "writes, and bootstrap the table anew"},
        {LOGICAL_BOOL, "x", "value \"x\": neither true nor false"},
        {LOGICAL_BYTES, "\\x012", "value \"\\x012\": half a byte at its end"},
        {LOGICAL_BYTES, "\\xzz", "value \"\\xzz\": no bytes in hexadecimal notation"},
        {LOGICAL_BYTES, "\\9",
            "value \"\\9\": bytes in the notation of neither bytea_output hex nor escape"},
        {LOGICAL_BOOL,
            "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
            "6789012345678\xc3\xa9\xc3\xa9",
            "value \"123456789012345678901234567890123456789012345678901234567890123456789012345678"
            "90123456789012345678\xc3\xa9\"...: neither true nor false"},
    };
    Turned *turned = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_false(turn(turned, cases[i].logical, cases[i].text));
        assert_string_equal(turned->err.text, cases[i].error);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(booleans),
    TEST(bytes_in_both_notations),
    TEST(dates),
    TEST(timestamps),
    TEST(timestamps_with_any_offset_become_utc),
    TEST(intervals_in_the_style_postgres),
    TEST(everything_else_is_left_as_it_is),
    TEST(null_stays_null),
    TEST(every_refusal_names_the_setting_to_mend),
};

TEST_MAIN(tests)
