#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "event/value.h"

static void
every_type_is_parsed_back_from_its_name(void **state)
{
    (void)state;
    for (int type = LOGICAL_UNKNOWN; type <= LOGICAL_GEOMETRY; type++) {
        LogicalType back = LOGICAL_UNKNOWN;

        assert_true(logical_type_parse(text_of(logical_type_name((LogicalType)type)), &back));
        assert_int_equal(back, type);
    }
}

static void
the_manifest_spellings_stay(void **state)
{
    (void)state;
    assert_string_equal(logical_type_name(LOGICAL_BOOL), "bool");
    assert_string_equal(logical_type_name(LOGICAL_TIMESTAMPTZ), "timestamptz");
    assert_string_equal(logical_type_name(LOGICAL_OTHER), "other");
    assert_string_equal(logical_type_name(LOGICAL_GEOMETRY), "geometry");
}

static void
other_names_are_refused(void **state)
{
    LogicalType type = LOGICAL_JSON;

    (void)state;
    assert_false(logical_type_parse(TEXT(""), &type));
    assert_false(logical_type_parse(TEXT_NONE, &type));
    assert_false(logical_type_parse(TEXT("Int"), &type));
    assert_false(logical_type_parse(TEXT("in"), &type));
    assert_false(logical_type_parse(TEXT("int "), &type));
    assert_int_equal(type, LOGICAL_JSON);
}

static void
postgres_types_are_known_as_format_type_prints_them(void **state)
{
    static const struct {
        const char *name;
        LogicalType type;
    } cases[] = {
        {"boolean", LOGICAL_BOOL},
        {"smallint", LOGICAL_INT},
        {"integer", LOGICAL_INT},
        {"bigint", LOGICAL_INT},
        {"oid", LOGICAL_UINT},
        {"numeric", LOGICAL_NUMERIC},
        {"numeric(10,2)", LOGICAL_NUMERIC},
        {"numeric(3,-2)", LOGICAL_NUMERIC},
        {"real", LOGICAL_FLOAT},
        {"double precision", LOGICAL_FLOAT},
        {"text", LOGICAL_TEXT},
        {"character varying", LOGICAL_TEXT},
        {"character varying(20)", LOGICAL_TEXT},
        {"character(1)", LOGICAL_TEXT},
        {"bpchar", LOGICAL_TEXT},
        {"\"char\"", LOGICAL_TEXT},
        {"name", LOGICAL_TEXT},
        {"bytea", LOGICAL_BYTES},
        {"bit(8)", LOGICAL_BIT},
        {"bit varying(8)", LOGICAL_BIT},
        {"date", LOGICAL_DATE},
        {"time without time zone", LOGICAL_TIME},
        {"time(3) without time zone", LOGICAL_TIME},
        {"time with time zone", LOGICAL_TIMETZ},
        {"time(0) with time zone", LOGICAL_TIMETZ},
        {"timestamp without time zone", LOGICAL_TIMESTAMP},
        {"timestamp(3) without time zone", LOGICAL_TIMESTAMP},
        {"timestamp with time zone", LOGICAL_TIMESTAMPTZ},
        {"timestamp(6) with time zone", LOGICAL_TIMESTAMPTZ},
        {"interval", LOGICAL_INTERVAL},
        {"interval(3)", LOGICAL_INTERVAL},
        {"interval day to second(3)", LOGICAL_INTERVAL},
        {"json", LOGICAL_JSON},
        {"jsonb", LOGICAL_JSON},
        {"uuid", LOGICAL_UUID},
        {"integer[]", LOGICAL_ARRAY},
        {"numeric(10,2)[]", LOGICAL_ARRAY},
        {"mood[]", LOGICAL_ARRAY},
        {"mood", LOGICAL_OTHER},
        {"public.mood", LOGICAL_OTHER},
        {"shop.text", LOGICAL_OTHER},
        {"\"Date\"", LOGICAL_OTHER},
        {"\"text\"", LOGICAL_OTHER},
        {"money", LOGICAL_OTHER},
        {"inet", LOGICAL_OTHER},
        {"geometry(Point,4326)", LOGICAL_OTHER},
        {"intervals", LOGICAL_OTHER},
        {"text(", LOGICAL_TEXT},
        {"", LOGICAL_OTHER},
        {"a_name_that_is_much_longer_than_any_built_in_type_of_the_server_could_ever_be",
            LOGICAL_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("# %s\n", cases[i].name);
        assert_int_equal(logical_type_of_postgres(text_of(cases[i].name)), cases[i].type);
    }
    assert_int_equal(logical_type_of_postgres(TEXT_NONE), LOGICAL_OTHER);
}

static void
types_of_mysql_are_known_as_the_server_shows_them(void **state)
{
    static const struct {
        const char *name;
        LogicalType type;
    } cases[] = {
        {"tinyint(1)", LOGICAL_INT},
        {"tinyint", LOGICAL_INT},
        {"smallint(5) unsigned", LOGICAL_UINT},
        {"mediumint(8) unsigned zerofill", LOGICAL_UINT},
        {"int(11)", LOGICAL_INT},
        {"int unsigned", LOGICAL_UINT},
        {"bigint(20) unsigned", LOGICAL_UINT},
        {"bigint unsigned", LOGICAL_UINT},
        {"year(4)", LOGICAL_INT},
        {"decimal(65,30)", LOGICAL_NUMERIC},
        {"decimal(10,2) unsigned", LOGICAL_NUMERIC},
        {"float", LOGICAL_FLOAT},
        {"float(7,4)", LOGICAL_FLOAT},
        {"double unsigned", LOGICAL_FLOAT},
        {"bit(64)", LOGICAL_BIT},
        {"char(3)", LOGICAL_TEXT},
        {"varchar(20)", LOGICAL_TEXT},
        {"tinytext", LOGICAL_TEXT},
        {"longtext", LOGICAL_TEXT},
        {"enum('unsigned','b')", LOGICAL_TEXT},
        {"set('a','b')", LOGICAL_TEXT},
        {"binary(16)", LOGICAL_BYTES},
        {"varbinary(8)", LOGICAL_BYTES},
        {"longblob", LOGICAL_BYTES},
        {"vector(3)", LOGICAL_BYTES},
        {"date", LOGICAL_DATE},
        {"time(6)", LOGICAL_TIME},
        {"datetime(3)", LOGICAL_TIMESTAMP},
        {"timestamp", LOGICAL_TIMESTAMPTZ},
        {"timestamp(6)", LOGICAL_TIMESTAMPTZ},
        {"json", LOGICAL_JSON},
        {"uuid", LOGICAL_UUID},
        {"inet6", LOGICAL_OTHER},
        {"inet4", LOGICAL_OTHER},
        {"geometry", LOGICAL_GEOMETRY},
        {"point", LOGICAL_GEOMETRY},
        {"POINT", LOGICAL_GEOMETRY},
        {"linestring", LOGICAL_GEOMETRY},
        {"polygon", LOGICAL_GEOMETRY},
        {"multipoint", LOGICAL_GEOMETRY},
        {"multilinestring", LOGICAL_GEOMETRY},
        {"multipolygon", LOGICAL_GEOMETRY},
        {"geometrycollection", LOGICAL_GEOMETRY},
        {"geomcollection", LOGICAL_GEOMETRY},
        {"pointer", LOGICAL_OTHER},
        {"", LOGICAL_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("# %s\n", cases[i].name);
        assert_int_equal(logical_type_of_mysql(text_of(cases[i].name)), cases[i].type);
    }
    assert_int_equal(logical_type_of_mysql(TEXT_NONE), LOGICAL_OTHER);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_parsed_back_from_its_name),
        cmocka_unit_test(the_manifest_spellings_stay),
        cmocka_unit_test(other_names_are_refused),
        cmocka_unit_test(postgres_types_are_known_as_format_type_prints_them),
        cmocka_unit_test(types_of_mysql_are_known_as_the_server_shows_them),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
