#include "ddl/shape_column.h"

#include "support/test.h"

static void
types_are_read_as_format_type_spells_them(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    static const struct {
        const char *type;
        const char *name;
        int64_t length;
        int precision;
        int scale;
    } cases[] = {
        {"integer", "integer", -1, -1, -1},
        {"character varying(20)", "character varying", 20, -1, -1},
        {"character varying(20)[]", "character varying[]", 20, -1, -1},
        {"bpchar", "character", -1, -1, -1},
        {"\"char\"", "\"char\"", -1, -1, -1},
        {"numeric", "numeric", -1, -1, -1},
        {"numeric(10,2)", "numeric", -1, 10, 2},
        {"numeric(3,-2)", "numeric", -1, 3, -2},
        {"numeric(5)", "numeric", -1, 5, 0},
        {"bit varying(9)", "bit varying", 9, -1, -1},
        {"timestamp(3) with time zone", "timestamp with time zone", -1, 3, -1},
        {"time without time zone", "time without time zone", -1, -1, -1},
        {"interval day to second(3)", "interval", -1, 3, -1},
        {"integer[]", "integer[]", -1, -1, -1},
        {"integer[][]", "integer[]", -1, -1, -1},
        {"public.mood", "mood", -1, -1, -1},
        {"public.\"Odd Mood\"", "Odd Mood", -1, -1, -1},
        {"geometry(Point,4326)", "geometry", -1, -1, -1},
        {"", "", -1, -1, -1},
        {"(", "", -1, -1, -1},
        {")(", ")", -1, -1, -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        SourceColumn column = shape_column(TEXT("c"), text_of(cases[i].type), LOGICAL_OTHER, arena);

        assert_text(column.type_name, cases[i].name);
        assert_text(column.type, cases[i].type);
        assert_int_equal(column.length, cases[i].length);
        assert_int_equal(column.precision, cases[i].precision);
        assert_int_equal(column.scale, cases[i].scale);
    }
}

static void
types_are_read_as_mysql_shows_them(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    static const struct {
        const char *type;
        const char *name;
        int64_t length;
        int precision;
        int scale;
        bool is_unsigned;
    } cases[] = {
        {"int(11)", "int", -1, -1, -1, false},
        {"int", "int", -1, -1, -1, false},
        {"int(10) unsigned zerofill", "int", -1, -1, -1, true},
        {"bigint unsigned", "bigint", -1, -1, -1, true},
        {"float(7,4)", "float", -1, -1, -1, false},
        {"decimal(65,30)", "decimal", -1, 65, 30, false},
        {"decimal(10,0) unsigned", "decimal", -1, 10, 0, true},
        {"datetime(6)", "datetime", -1, 6, -1, false},
        {"time(3)", "time", -1, 3, -1, false},
        {"timestamp", "timestamp", -1, -1, -1, false},
        {"year(4)", "year", -1, -1, -1, false},
        {"bit(9)", "bit", 9, -1, -1, false},
        {"varchar(20)", "varchar", 20, -1, -1, false},
        {"binary(16)", "binary", 16, -1, -1, false},
        {"enum('a)','b unsigned')", "enum", -1, -1, -1, false},
        {"set('[]','b')", "set", -1, -1, -1, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Text type = text_of(cases[i].type);
        SourceColumn column = shape_column(TEXT("c"), type, logical_type_of_mysql(type), arena);

        print_message("# %s\n", cases[i].type);
        assert_text(column.type_name, cases[i].name);
        assert_int_equal(column.length, cases[i].length);
        assert_int_equal(column.precision, cases[i].precision);
        assert_int_equal(column.scale, cases[i].scale);
        assert_int_equal(column.is_unsigned, cases[i].is_unsigned);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(types_are_read_as_format_type_spells_them),
    cmocka_unit_test(types_are_read_as_mysql_shows_them),
};

TEST_MAIN(tests)
