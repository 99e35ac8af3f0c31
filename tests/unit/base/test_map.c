#include "base/map.h"

#include "base/arena.h"
#include "support/test.h"

static void
keys_are_found_in_the_order_they_came(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Map map = MAP_INIT;
    size_t at = 0;

    (void)state;
    for (int i = 0; i < 5000; i++)
        assert_null(map_put(
            &map, text_of(arena_printf(arena, "key %d", i)), arena_printf(arena, "value %d", i)));
    for (int i = 0; i < 5000; i++)
        assert_string_equal(map_get(&map, text_of(arena_printf(arena, "key %d", i))),
            arena_printf(arena, "value %d", i));
    map_each (&map, entry)
        assert_text(entry->key, arena_printf(arena, "key %zu", at++));
    assert_int_equal(at, 5000);
    assert_null(map_get(&map, TEXT("key 5000")));
    map_clear(&map);
    assert_null(map_get(&map, TEXT("key 0")));
}

static void
replacing_gives_the_old_value(void **state)
{
    Map map = MAP_INIT;
    int a;
    int b;

    (void)state;
    assert_null(map_put(&map, TEXT("k\0x"), &a));
    assert_null(map_put(&map, TEXT("k"), &b));
    assert_ptr_equal(map_put(&map, TEXT("k"), &a), &b);
    assert_int_equal(map.count, 2);
    map_clear(&map);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(keys_are_found_in_the_order_they_came),
    cmocka_unit_test(replacing_gives_the_old_value),
};

TEST_MAIN(tests)
