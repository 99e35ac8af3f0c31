#include "source/snapshot.h"

#include "support/test.h"

static SourceColumn id_name[] = {{.name = TEXT("id")}, {.name = TEXT("name")}};
static size_t by_id[] = {0};
static size_t by_name[] = {1};

static SourceTable
item(size_t *key)
{
    return (SourceTable){.schema = TEXT("public"),
        .name = TEXT("item"),
        .columns = id_name,
        .column_count = 2,
        .key = key,
        .key_count = 1};
}

static void
the_copy_of_a_chunk_is_of_the_table_in_the_view_and_keeps_its_keys(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    char first[] = "11";
    Value keys[] = {{VALUE_TEXT, text_of(first)}, {VALUE_TEXT, TEXT("22")}};
    SourceTable ours = item(by_id);
    SourceTable seen = item(by_id);
    SnapshotChunk chunk = {.table = &ours, .limit = 7, .keys = keys, .key_total = 2};
    SnapshotChunk copy;
    Error err;

    (void)state;
    assert_ok(snapshot_chunk_copy(&chunk, &seen, arena, &copy, &err), err);
    memset(first, 'x', sizeof(first) - 1);
    keys[1].kind = VALUE_NULL;
    assert_ptr_equal(copy.table, &seen);
    assert_int_equal(copy.limit, 7);
    assert_int_equal(copy.key_total, 2);
    assert_true(text_is(copy.keys[0].text, "11"));
    assert_true(copy.keys[1].kind == VALUE_TEXT && text_is(copy.keys[1].text, "22"));
}

static void
keys_of_another_key_are_refused_and_a_chunk_without_any_is_not(void **state)
{
    CLEANUP(arena_free) Arena *arena = arena_new();
    Value key = {VALUE_TEXT, TEXT("11")};
    SourceTable ours = item(by_id);
    SourceTable seen = item(by_name);
    SnapshotChunk whole = {.table = &ours};
    SnapshotChunk behind = {.table = &ours, .after = &key};
    SnapshotChunk some = {.table = &ours, .keys = &key, .key_total = 1};
    SnapshotChunk copy;
    Error err;

    (void)state;
    assert_ok(snapshot_chunk_copy(&whole, &seen, arena, &copy, &err), err);
    assert_false(snapshot_chunk_copy(&behind, &seen, arena, &copy, &err));
    assert_int_equal(err.kind, ERR_SOURCE);
    assert_string_equal(err.text, "table public.item has another key in the snapshot");
    assert_false(snapshot_chunk_copy(&some, &seen, arena, &copy, &err));
    seen.key_count = 0;
    assert_false(snapshot_chunk_copy(&behind, &seen, arena, &copy, &err));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_copy_of_a_chunk_is_of_the_table_in_the_view_and_keeps_its_keys),
    cmocka_unit_test(keys_of_another_key_are_refused_and_a_chunk_without_any_is_not),
};
TEST_MAIN(tests)
