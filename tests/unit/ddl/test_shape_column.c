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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(types_are_read_as_format_type_spells_them),
};

TEST_MAIN(tests)
