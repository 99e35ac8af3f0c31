#include "ddl/stage_name.h"

#include "base/map.h"
#include "support/test.h"

static Text
name(Arena *arena, const SqlDialect *dialect, const char *base, uint64_t ordinal)
{
    return stage_table_name(dialect, TEXT("stage_"), text_of(base), ordinal, arena);
}

static void
a_short_name_is_prefix_and_base(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();

    (void)state;
    assert_text(name(arena, &sql_dialect_postgres, "orders", 0), "stage_orders");
    assert_text(name(arena, &sql_dialect_postgres, "orders", 1), "stage_orders");
    assert_text(name(arena, &sql_dialect_postgres, "orders", 2), "stage_orders~2");
}

static void
a_long_name_fits_the_server(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    char base[300];
    Text cut;

    (void)state;
    memset(base, 'x', sizeof(base) - 1);
    base[sizeof(base) - 1] = '\0';
    assert_int_equal(name(arena, &sql_dialect_sqlite, base, 1).len, 305);
    assert_int_equal(name(arena, &sql_dialect_mysql, base, 1).len, 64);
    for (uint64_t ordinal = 1; ordinal < 2000; ordinal *= 7)
        assert_int_equal(name(arena, &sql_dialect_postgres, base, ordinal).len, 63);
    base[57] = '\0';
    assert_int_equal(name(arena, &sql_dialect_postgres, base, 1).len, 63);
    assert_null(memchr(name(arena, &sql_dialect_postgres, base, 1).data, '~', 63));
    /* four-byte characters are not cut in two, wherever the cut falls */
    for (size_t shift = 0; shift < 4; shift++) {
        memset(base, 'x', shift);
        for (size_t i = 0; i < 70; i++)
            memcpy(base + shift + 4 * i, "\xf0\x9f\x98\x80", 4);
        base[280 + shift] = '\0';
        cut = name(arena, &sql_dialect_postgres, base, 1);
        assert_in_range(cut.len, 60, 63);
        assert_true(text_is_utf8(cut, NULL));
    }
}

static void
two_tables_never_meet_in_one_name(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Map seen = MAP_INIT;
    char base[100];
    size_t count = 0;

    (void)state;
    memset(base, 'x', sizeof(base) - 1);
    base[99] = '\0';
    for (int i = 0; i < 200; i++) {
        (void)snprintf(base + 90, 10, "%d", i);
        for (uint64_t ordinal = 1; ordinal < 4; ordinal++, count++)
            assert_null(map_put(&seen, name(arena, &sql_dialect_postgres, base, ordinal), arena));
    }
    for (uint64_t ordinal = 1; ordinal < 4; ordinal++, count += 3) {
        /* base tables named like what we make of others */
        const Text copy = name(arena, &sql_dialect_postgres, base, 1);
        const char *mimic = arena_printf(arena, "%s", copy.data + 6);

        assert_null(map_put(&seen, name(arena, &sql_dialect_postgres, "orders", ordinal), arena));
        assert_null(map_put(&seen, name(arena, &sql_dialect_postgres, "orders~2", ordinal), arena));
        assert_null(map_put(&seen, name(arena, &sql_dialect_postgres, mimic, ordinal), arena));
    }
    assert_int_equal(seen.count, count);
    map_clear(&seen);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_short_name_is_prefix_and_base),
    cmocka_unit_test(a_long_name_fits_the_server),
    cmocka_unit_test(two_tables_never_meet_in_one_name),
};

TEST_MAIN(tests)
