#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "block/retention.h"
#include "unit/block/fixture.h"

/* Blocks 1, 3, 5, 7, 9 of two transactions each; 11 is unfinished. */
static void
make_blocks(Fixture *f)
{
    OutTable *out = fixture_table(f, "s", "t", 2, 1);
    char *path;
    Error err;

    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 2; j++) {
            fixture_begin(f);
            fixture_insert(f, out, ROW(TX("1"), TX("x")));
            fixture_commit(f);
        }
        block_free(fixture_finish(f));
    }
    path = arena_printf(f->arena, "%s/00000000000000000011", f->directory);
    assert_ok(file_make_directory(path, &err), err);
    path = arena_printf(f->arena, "%s/lost+found", f->directory);
    assert_ok(file_make_directory(path, &err), err);
    path = arena_printf(f->arena, "%s/99999999999999999999", f->directory); /* no 64-bit number */
    assert_ok(file_make_directory(path, &err), err);
}

/* First seqnos in the directory, "1 3 5 ". */
static void
assert_blocks(const Fixture *f, const char *expected)
{
    BlockList list = {NULL, 0, 0};
    CLEANUP(buf_clear) Buf seen = BUF_INIT;
    Error err;

    assert_ok(block_list(f->directory, &list, &err), err);
    for (size_t i = 0; i < list.count; i++)
        buf_addf(&seen, "%d ", (int)list.entries[i].first_seqno);
    assert_string_equal(buf_string(&seen), expected);
    block_list_free(&list);
}

static void
a_start_removes_what_is_unfinished_or_not_committed(void **state)
{
    Fixture f;
    size_t removed;
    uint64_t bytes = 0;
    Error err;
    BlockList list = {NULL, 0, 0};

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    make_blocks(&f);
    assert_ok(block_list(f.directory, &list, &err), err);
    assert_int_equal(list.count, 6);
    assert_true(list.entries[0].finished);
    assert_true(list.entries[0].bytes > 500);
    assert_false(list.entries[5].finished);
    for (size_t i = 0; i < list.count; i++)
        bytes += list.entries[i].bytes;
    assert_int_equal(list.bytes, bytes);
    block_list_free(&list);
    assert_ok(retention_clean(f.directory, 6, &removed, &err), err);
    assert_int_equal(removed, 3);
    assert_blocks(&f, "1 3 5 ");
    assert_true(file_exists(arena_printf(f.arena, "%s/lost+found", f.directory)));
    assert_ok(retention_clean("/nonexistent/dray", 6, &removed, &err), err);
    assert_int_equal(removed, 0);
    fixture_clear(&f);
}

static void
retained_blocks_keep_to_the_limit(void **state)
{
    Fixture f;
    size_t removed;
    Error err;
    BlockList list = {NULL, 0, 0};
    Retain retain = {RETAIN_ALL, 0};
    struct timeval old[2] = {{1, 0}, {1, 0}};

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    make_blocks(&f);
    assert_ok(retention_apply(f.directory, &retain, 100, &removed, &err), err);
    assert_int_equal(removed, 0);
    retain = (Retain){RETAIN_BLOCKS, 3};
    assert_ok(retention_apply(f.directory, &retain, 8, &removed, &err), err);
    assert_int_equal(removed, 1);
    assert_blocks(&f, "3 5 7 9 11 ");
    assert_ok(block_list(f.directory, &list, &err), err);
    retain = (Retain){RETAIN_BYTES, (int64_t)list.entries[1].bytes * 2 + 10};
    block_list_free(&list);
    assert_ok(retention_apply(f.directory, &retain, 8, &removed, &err), err);
    assert_int_equal(removed, 1);
    assert_blocks(&f, "5 7 9 11 ");
    retain = (Retain){RETAIN_AGE, 60000};
    assert_ok(retention_apply(f.directory, &retain, 8, &removed, &err), err);
    assert_int_equal(removed, 0);
    assert_int_equal(
        utimes(arena_printf(f.arena, "%s/00000000000000000005/manifest.json", f.directory), old),
        0);
    assert_ok(retention_apply(f.directory, &retain, 8, &removed, &err), err);
    assert_int_equal(removed, 1);
    retain = (Retain){RETAIN_NONE, 0};
    assert_ok(retention_apply(f.directory, &retain, 8, &removed, &err), err);
    assert_int_equal(removed, 1);
    assert_blocks(&f, "9 11 ");
    fixture_clear(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_removes_what_is_unfinished_or_not_committed),
        cmocka_unit_test(retained_blocks_keep_to_the_limit),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
