#include "base/to_char.h"

#include "support/test.h"

/* A Friday in the first days of a year, of the ISO year before. */
static const CivilTime new_year = {2016, 1, 1, 0, 0, 0, 0};
/* A Monday at the end of a year, of the ISO year behind. */
static const CivilTime year_end = {2024, 12, 30, 13, 4, 5, 60789};
static const CivilTime early = {7, 5, 11, 12, 11, 12, 999999};

typedef struct Case {
    const CivilTime *time;
    const char *format;
    const char *text;
} Case;

/* As PostgreSQL 15 answers. tests/integration/test_to_char.py asks it itself, much more. */
static const Case cases[] = {
    {&new_year, "YYYY_MM_DD", "2016_01_01"},
    {&new_year, "YYYY_MM_DD_HH24", "2016_01_01_00"},
    {&new_year, "IYYY\"w\"IW", "2015w53"},
    {&year_end, "IYYY-IW-ID IDDD", "2025-01-1 001"},
    {&year_end, "YYYY-WW-W DDD D", "2024-53-5 365 2"},
    {&year_end, "Y,YYY YYY YY Y IYY IY I", "2,024 024 24 4 025 25 5"},
    {&early, "Y,YYY YYYY YYY YY Y FMYYYY CC", "0,007 0007 007 07 7 7 01"},
    {&year_end, "MONTH|Month|month|FMMonth|MON Mon mon",
        "DECEMBER |December |december |December|DEC Dec dec"},
    {&year_end, "DAY|Day|day|FMDay|DY Dy dy", "MONDAY   |Monday   |monday   |Monday|MON Mon mon"},
    {&year_end, "RM|rm|FMRM", "XII |xii |XII"},
    {&year_end, "HH HH12 HH24 MI SS SSSS SSSSS", "01 01 13 04 05 47045 47045"},
    {&new_year, "HH12 AM am A.M. p.m.", "12 AM am A.M. a.m."},
    {&early, "HH12 AM am A.M. p.m.", "12 PM pm P.M. p.m."},
    {&year_end, "MS US FF1 FF2 FF3 FF4 FF5 FF6", "060 060789 0 06 060 0607 06078 060789"},
    {&year_end, "FMMS FMUS", "060 060789"},
    {&year_end, "FMHH12 FMMI FMSS FMMM", "1 4 5 12"},
    {&new_year, "DDth DDTH FMDDth MMth YYYYth", "01st 01ST 1st 01st 2016th"},
    {&early, "DDth SSth MIth MONTHth FMYYYYth", "11th 12th 11th MAY       7th"},
    {&new_year, "DDSP", "01"},
    {&year_end, "CCth Q J AD bc A.D.", "21st 4 2460675 AD ad A.D."},
    {&year_end, "\"YYYY\" \"a\\\"b\" \"\\\\\" \\\"YYYY\\\"", "YYYY a\"b \\ \"2024\""},
    {&year_end, "YYYYMMDD\"x", "20241230x"},
    {&year_end, "FXYYYY", "2024"},
    {&year_end, "FMFMDD", "FM30"},
    {&year_end, "FM\"x\"MM", "x12"},
    {&year_end, "Yyyy Mm Dd hH24", "4024 Mm 22 hH24"},
    {&year_end, "FF7 Th Sp é", "FF7 Th Sp é"},
    {&year_end, "", ""},
    {&year_end, "FM", ""},
    {&year_end, "\\", "\\"},
};

static void
texts_are_postgresqls(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf text = BUF_INIT;
        CLEANUP(buf_clear) Buf reason = BUF_INIT;

        assert_true(to_char_check(text_of(cases[i].format), &reason));
        to_char_add(text_of(cases[i].format), cases[i].time, &text);
        assert_string_equal(buf_string(&text), cases[i].text);
    }
}

static void
a_format_need_not_end_in_nul(void **state)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;

    (void)state;
    to_char_add((Text){"YYYYMM", 5}, &year_end, &text);
    to_char_add((Text){"DDTH", 3}, &year_end, &text);
    assert_string_equal(text.data, "2024M30T");
}

static void
patterns_of_a_zone_or_a_locale_are_refused_by_name(void **state)
{
    static const char *const refused[][2] = {
        {"YYYY_TZ", "TZ at character 6 depends on the time zone: it cannot be a part of a name"},
        {"é of", "of at character 3 depends on the time zone: it cannot be a part of a name"},
        {"TZH", "TZH at character 1 depends on the time zone: it cannot be a part of a name"},
        {"TMMon",
            "TM at character 1 depends on the server's locale: it cannot be a part of a name"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        CLEANUP(buf_clear) Buf reason = BUF_INIT;

        assert_false(to_char_check(text_of(refused[i][0]), &reason));
        assert_string_equal(reason.data, refused[i][1]);
    }
}

static void
the_finest_unit_is_found(void **state)
{
    static const struct {
        const char *format;
        ToCharUnit unit;
    } units[] = {
        {"", TO_CHAR_NOTHING},
        {"\"DD\" AD", TO_CHAR_NOTHING},
        {"CC", TO_CHAR_CENTURY},
        {"YYYY", TO_CHAR_YEAR},
        {"IYYY", TO_CHAR_ISO_YEAR},
        {"Q YYYY", TO_CHAR_QUARTER},
        {"FMMonth YY", TO_CHAR_MONTH},
        {"YYYY WW", TO_CHAR_YEAR_WEEK},
        {"YYYY MM W", TO_CHAR_MONTH_WEEK},
        {"IYYY_IW", TO_CHAR_WEEK},
        {"DDD", TO_CHAR_DAY},
        {"J", TO_CHAR_DAY},
        {"YYYY_MM_DD PM", TO_CHAR_HALF_DAY},
        {"HH24 YYYY", TO_CHAR_HOUR},
        {"HH24MI", TO_CHAR_MINUTE},
        {"SSSS", TO_CHAR_SECOND},
        {"MS", TO_CHAR_FRACTION},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        assert_int_equal(to_char_unit(text_of(units[i].format)), units[i].unit);
    assert_int_equal(to_char_units(TEXT("YYYY_MM")), (1 << TO_CHAR_YEAR) | (1 << TO_CHAR_MONTH));
}

static void
formats_that_name_a_period_once_are_told_from_others(void **state)
{
    static const char *const once[] = {"YYYY", "YY", "YYYY_MM_DD", "YYYYMMDDHH24", "IYYY_IW", "J",
        "YYYY_MM_DD_HH12_AM", "YYYYDDD", "IYYY-IDDD", "IYYY-IW-DY", "YYYY_Q", "YYYY_WW",
        "YYYY_Mon_W", "YYYY_MM_DD_SSSSS", "J HH24 MI SS", "CC"};
    static const char *const again[] = {"", "x", "Y", "MM", "DD", "YYYY_DD", "YYYY_IW", "IYYY_MM",
        "YYYY_MM_DD_HH12", "YYYY_HH24", "DAY", "HH24", "YYYY_MM_DD_MI", "Q", "YYYY_W", "MM_DD",
        "YYYY_MM_DD_HH24_SS"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(once); i++)
        assert_true(to_char_is_unique(text_of(once[i])));
    for (size_t i = 0; i < ARRAY_LEN(again); i++)
        assert_false(to_char_is_unique(text_of(again[i])));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(texts_are_postgresqls),
    cmocka_unit_test(a_format_need_not_end_in_nul),
    cmocka_unit_test(patterns_of_a_zone_or_a_locale_are_refused_by_name),
    cmocka_unit_test(the_finest_unit_is_found),
    cmocka_unit_test(formats_that_name_a_period_once_are_told_from_others),
};

TEST_MAIN(tests)
