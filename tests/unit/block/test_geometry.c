#include "block/geometry.h"

#include "support/test.h"

typedef struct Case {
    const char *ewkt;
    const char *hex;
} Case;

/* The hexadecimal texts were put together by another program than the one that is tested. */
static const Case cases[] = {
    {"POINT(1 2)", "0101000000000000000000f03f0000000000000040"},
    {"SRID=4326;POINT(-0.1 1e+300)", "0101000020e61000009a9999999999b9bf9c7500883ce4377e"},
    {"SRID=4294967295;POINT EMPTY", "0101000020ffffffff000000000000f87f000000000000f87f"},
    {"POINT(0.30000000000000004 5e-324)", "0101000000343333333333d33f0100000000000000"},
    {"POINT(-0 1.7976931348623157e+308)", "01010000000000000000000080ffffffffffffef7f"},
    {"POINT(NaN -Infinity)", "0101000000000000000000f87f000000000000f0ff"},
    {"LINESTRING(0 0,1 1,2.5 -3)",
        "01020000000300000000000000000000000000000000000000000000000000f03f000000000000f03f000000"
        "000000044000000000000008c0"},
    {"LINESTRING EMPTY", "010200000000000000"},
    {"POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))",
        "0103000000020000000400000000000000000000000000000000000000000000000000104000000000000000"
        "00000000000000104000000000000010400000000000000000000000000000000004000000000000000000f0"
        "3f000000000000f03f0000000000000040000000000000f03f00000000000000400000000000000040000000"
        "000000f03f000000000000f03f"},
    {"POLYGON EMPTY", "010300000000000000"},
    {"POLYGON(EMPTY)", "01030000000100000000000000"},
    {"SRID=1;MULTIPOINT((1 2),EMPTY,(3 4))",
        "010400002001000000030000000101000000000000000000f03f000000000000004001010000000000000000"
        "00f87f000000000000f87f010100000000000000000008400000000000001040"},
    {"MULTIPOINT EMPTY", "010400000000000000"},
    {"MULTILINESTRING((1 2,3 4),(5 6,7 8))",
        "010500000002000000010200000002000000000000000000f03f000000000000004000000000000008400000"
        "000000001040010200000002000000000000000000144000000000000018400000000000001c400000000000"
        "002040"},
    {"MULTIPOLYGON(((0 0,1 0,1 1,0 0)),EMPTY)",
        "0106000000020000000103000000010000000400000000000000000000000000000000000000000000000000"
        "f03f0000000000000000000000000000f03f000000000000f03f000000000000000000000000000000000103"
        "00000000000000"},
    {"GEOMETRYCOLLECTION EMPTY", "010700000000000000"},
    {"SRID=4326;GEOMETRYCOLLECTION(POINT(1 2),POINT EMPTY,GEOMETRYCOLLECTION(LINESTRING "
     "EMPTY,MULTIPOINT((1 2))))",
        "0107000020e6100000030000000101000000000000000000f03f000000000000004001010000000000000000"
        "00f87f000000000000f87f010700000002000000010200000000000000010400000001000000010100000000"
        "0000000000f03f0000000000000040"},
};

static void
every_kind_is_shown_as_ewkt_and_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf ewkt = BUF_INIT;
        CLEANUP(buf_clear) Buf hex = BUF_INIT;

        print_message("# %s\n", cases[i].ewkt);
        assert_null(geometry_check(text_of(cases[i].hex)));
        assert_null(geometry_to_ewkt(text_of(cases[i].hex), &ewkt));
        assert_string_equal(buf_string(&ewkt), cases[i].ewkt);
        assert_null(geometry_from_ewkt(buf_text(&ewkt), &hex));
        assert_string_equal(buf_string(&hex), cases[i].hex);
    }
}

static void
every_kind_becomes_the_bytes_of_mysql_and_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(buf_clear) Buf mysql = BUF_INIT;
        CLEANUP(buf_clear) Buf hex = BUF_INIT;

        print_message("# %s\n", cases[i].ewkt);
        assert_null(geometry_to_mysql(text_of(cases[i].hex), &mysql));
        assert_null(geometry_from_mysql(buf_text(&mysql), &hex));
        assert_string_equal(buf_string(&hex), cases[i].hex);
    }
}

static void
the_bytes_of_mysql_have_the_srid_in_front_of_the_wkb(void **state)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    (void)state;
    assert_null(
        geometry_to_mysql(TEXT("0101000020e6100000000000000000f03f0000000000000040"), &out));
    assert_string_equal(buf_string(&out), "e61000000101000000000000000000f03f0000000000000040");
    buf_reset(&out, 0);
    assert_null(geometry_to_mysql(TEXT("010700000000000000"), &out));
    assert_string_equal(buf_string(&out), "00000000010700000000000000");
}

static void
texts_are_appended_to_what_is_there(void **state)
{
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    (void)state;
    buf_add_string(&out, "a");
    assert_null(geometry_to_ewkt(TEXT("0101000000000000000000f03f0000000000000040"), &out));
    assert_string_equal(buf_string(&out), "aPOINT(1 2)");
    assert_null(geometry_from_ewkt(TEXT("POINT(1 2)"), &out));
    assert_string_equal(buf_string(&out), "aPOINT(1 2)0101000000000000000000f03f0000000000000040");
}

static void
ewkt_of_other_programs_is_read(void **state)
{
    static const char *const same[][2] = {
        {" srid = 4326 ;\n point ( 1.0  2e0 ) ", "SRID=4326;POINT(1 2)"},
        {"MULTIPOINT(1 2,3 4)", "MULTIPOINT((1 2),(3 4))"},
        {"MULTIPOINT (1 2, EMPTY)", "MULTIPOINT((1 2),EMPTY)"},
        {"SRID=0;POINT(+1 .5)", "POINT(1 0.5)"},
        {"GeometryCollection(Point empty)", "GEOMETRYCOLLECTION(POINT EMPTY)"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        CLEANUP(buf_clear) Buf hex = BUF_INIT;
        CLEANUP(buf_clear) Buf ewkt = BUF_INIT;

        print_message("# %s\n", same[i][0]);
        assert_null(geometry_from_ewkt(text_of(same[i][0]), &hex));
        assert_null(geometry_to_ewkt(buf_text(&hex), &ewkt));
        assert_string_equal(buf_string(&ewkt), same[i][1]);
    }
}

static void
what_is_no_ewkb_is_refused_with_the_reason(void **state)
{
    static const char *const bad[][2] = {
        {"", "it ends too early"},
        {"01", "it ends too early"},
        {"0101000000000000000000f03f00000000000000", "it ends too early"},
        {"0101000000000000000000f03f000000000000004", "it ends too early"},
        {"0101000000000000000000f03f000000000000004000", "there are bytes behind its end"},
        {"0101000000000000000000f03f00000000000000400", "there are bytes behind its end"},
        {"0101000000000000000000F03F0000000000000040", "not pairs of lower-case hex digits"},
        {"0x01000000000000000000f03f0000000000000040", "not pairs of lower-case hex digits"},
        {"00000000013ff00000000000004000000000000000", "not little-endian"},
        {"0100000000", "an unknown kind of geometry"},
        {"0108000000", "an unknown kind of geometry"},
        {"0101000010000000000000f03f0000000000000040", "an unknown kind of geometry"},
        {"0101000080000000000000f03f00000000000000400000000000000840",
            "Z and M coordinates are not carried"},
        {"01e9030000000000000000f03f00000000000000400000000000000840",
            "Z and M coordinates are not carried"},
        {"0102000000ffffffff", "it ends too early"},
        {"0103000000010000", "it ends too early"},
        {"0104000000010000000102000000", "a part of another kind than the whole"},
        {"01070000000100000001010000200100000000000000000000000000000000000000",
            "an unknown kind of geometry"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_clear) Buf out = BUF_INIT;

        print_message("# %s\n", bad[i][0]);
        buf_add_string(&out, "before");
        assert_string_equal(geometry_check(text_of(bad[i][0])), bad[i][1]);
        assert_string_equal(geometry_to_ewkt(text_of(bad[i][0]), &out), bad[i][1]);
        assert_string_equal(geometry_to_mysql(text_of(bad[i][0]), &out), bad[i][1]);
        assert_string_equal(buf_string(&out), "before");
    }
    assert_non_null(geometry_check(TEXT_NONE));
}

static void
what_is_no_ewkt_is_refused_with_the_reason(void **state)
{
    static const char *const bad[][2] = {
        {"", "an unknown kind of geometry"},
        {"CIRCLE(1 2)", "an unknown kind of geometry"},
        {"POINT Z(1 2 3)", "a ( is missing"},
        {"POINT(1)", "a number is missing or malformed"},
        {"POINT(1 2 3)", "a ) or , is missing"},
        {"POINT(1 0x10)", "a number is missing or malformed"},
        {"POINT(1 2", "a ) or , is missing"},
        {"POINT(1 2))", "there is text behind its end"},
        {"POINT(1,2)", "a number is missing or malformed"},
        {"LINESTRING()", "a number is missing or malformed"},
        {"SRID=;POINT(1 2)", "a malformed SRID"},
        {"SRID=4294967296;POINT(1 2)", "a malformed SRID"},
        {"SRID=1 POINT(1 2)", "a malformed SRID"},
        {"GEOMETRYCOLLECTION(EMPTY)", "an unknown kind of geometry"},
        {"GEOMETRYCOLLECTION(SRID=1;POINT(1 2))", "an unknown kind of geometry"},
        {"POINT(1 "
         "00000000000000000000000000000000000000000000000000000000000000000000000000000002)",
            "a number is missing or malformed"},
    };
    CLEANUP(buf_clear) Buf out = BUF_INIT;

    (void)state;
    buf_add_string(&out, "before");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        print_message("# %s\n", bad[i][0]);
        assert_string_equal(geometry_from_ewkt(text_of(bad[i][0]), &out), bad[i][1]);
        assert_string_equal(buf_string(&out), "before");
    }
    assert_non_null(geometry_from_ewkt(TEXT("POINT(1 2)\0"), &out));
    assert_non_null(geometry_from_ewkt(TEXT("POINT(1\0 2)"), &out));
    assert_non_null(geometry_from_ewkt(TEXT_NONE, &out));
}

static void
collections_are_nested_as_deep_as_the_limit(void **state)
{
    for (unsigned depth = GEOMETRY_DEPTH - 1; depth <= GEOMETRY_DEPTH + 1; depth++) {
        CLEANUP(buf_clear) Buf ewkt = BUF_INIT;
        CLEANUP(buf_clear) Buf hex = BUF_INIT;
        CLEANUP(buf_clear) Buf deep = BUF_INIT;
        const char *expected = depth > GEOMETRY_DEPTH ? "nested too deeply" : NULL;

        for (unsigned i = 1; i < depth; i++) {
            buf_add_string(&ewkt, "GEOMETRYCOLLECTION(");
            buf_add_string(&deep, "010700000001000000");
        }
        buf_add_string(&ewkt, "GEOMETRYCOLLECTION EMPTY");
        buf_add_string(&deep, "010700000000000000");
        for (unsigned i = 1; i < depth; i++)
            buf_add_char(&ewkt, ')');
        if (expected == NULL) {
            assert_null(geometry_from_ewkt(buf_text(&ewkt), &hex));
            assert_string_equal(buf_string(&hex), buf_string(&deep));
            assert_null(geometry_check(buf_text(&hex)));
        } else {
            assert_string_equal(geometry_from_ewkt(buf_text(&ewkt), &hex), expected);
            assert_string_equal(geometry_check(buf_text(&deep)), expected);
        }
    }
    (void)state;
}

/* Cut at every place and with every digit changed: refused, or something that can be read back. */
static void
damaged_values_do_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = strlen(cases[i].hex);

        for (size_t at = 0; at < len; at++) {
            CLEANUP(buf_clear) Buf hex = BUF_INIT;
            CLEANUP(buf_clear) Buf ewkt = BUF_INIT;
            CLEANUP(buf_clear) Buf back = BUF_INIT;
            char *cut = text_dup((Text){cases[i].hex, at});

            assert_non_null(geometry_check((Text){cut, at}));
            free(cut);
            buf_add_string(&hex, cases[i].hex);
            hex.data[at] = hex.data[at] == 'f' ? '0' : 'f';
            if (geometry_to_ewkt(buf_text(&hex), &ewkt) != NULL)
                continue;
            assert_null(geometry_from_ewkt(buf_text(&ewkt), &back));
            buf_reset(&hex, 0);
            assert_null(geometry_to_ewkt(buf_text(&back), &hex));
            assert_string_equal(buf_string(&hex), buf_string(&ewkt));
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_kind_is_shown_as_ewkt_and_read_back),
    cmocka_unit_test(every_kind_becomes_the_bytes_of_mysql_and_comes_back),
    cmocka_unit_test(the_bytes_of_mysql_have_the_srid_in_front_of_the_wkb),
    cmocka_unit_test(texts_are_appended_to_what_is_there),
    cmocka_unit_test(ewkt_of_other_programs_is_read),
    cmocka_unit_test(what_is_no_ewkb_is_refused_with_the_reason),
    cmocka_unit_test(what_is_no_ewkt_is_refused_with_the_reason),
    cmocka_unit_test(collections_are_nested_as_deep_as_the_limit),
    cmocka_unit_test(damaged_values_do_no_harm),
};

TEST_MAIN(tests)
