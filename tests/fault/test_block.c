/*
 * Every fault point on a block's way, in turn: the block on disk is whole or absent, and the next
 * attempt works.
 */
#include <errno.h>

#include "base/fault.h"
#include "block/block_convert.h"
#include "block/retention.h"
#include "unit/block/fixture.h"

enum {
    FEW = 2,
    TABLES = 390, /* more than there are buffers: files are suspended and opened again */
};

static bool
write_transaction(Fixture *f, OutTable *const *tables, size_t count, Error *err)
{
    f->seqno++;
    if (!block_writer_begin(f->writer, f->seqno, FIXTURE_TIME, TEXT(""), err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!fixture_try(f, tables[i], NULL, ROW(TX("1"), TX("x")), err))
            return false;
    return block_writer_truncate(f->writer, TEXT("s"), TEXT("t0"), err) &&
           block_writer_commit(f->writer, TEXT("after"), err);
}

static Block *
attempt(Fixture *f, OutTable *const *tables, size_t count, Error *err)
{
    if (f->writer == NULL)
        f->writer = block_writer_open(&f->config, err);
    if (f->writer == NULL || !write_transaction(f, tables, count, err) ||
        !write_transaction(f, tables, count, err))
        return NULL;
    return block_writer_finish(f->writer, err);
}

/* Nothing that a start would keep although it is not whole. */
static void
assert_nothing_half(const Fixture *f)
{
    BlockList list = {NULL, 0, 0};
    Error err;

    assert_ok(block_list(f->directory, &list, &err), err);
    for (size_t i = 0; i < list.count; i++) {
        Block *block;

        if (!list.entries[i].finished)
            continue;
        block = block_open(list.entries[i].path, &err);
        if (block == NULL)
            fail_msg("%s", err.text);
        assert_ok(block_check(block, true, &err), err);
        block_free(block);
    }
    block_list_free(&list);
}

/* A close removes the block that did not get done, its manifest included. */
static void
assert_nothing_at_all(const Fixture *f)
{
    FileList names = {NULL, 0};
    Error err;

    assert_ok(file_list(f->directory, &names, &err), err);
    assert_int_equal(names.count, 0);
    file_list_free(&names);
}

static bool
one_attempt(size_t count, int nth, const char *point, int err_no)
{
    Fixture f;
    OutTable *tables[TABLES];
    Block *block;
    Error err;
    bool was_hit;

    fixture_init(&f);
    for (size_t i = 0; i < TABLES; i++)
        tables[i] = fixture_table(&f, "s", arena_printf(f.arena, "t%zu", i), 2, 1);
    if (point == NULL)
        fault_arm(nth);
    else
        fault_arm_point(point, nth, err_no);
    block = attempt(&f, tables, count, &err);
    was_hit = fault_was_hit();
    fault_arm(0);
    if (was_hit) {
        assert_null(block);
        assert_int_equal(err.kind, ERR_IO);
        if (point != NULL)
            assert_non_null(strstr(err.text, strerror(err_no)));
        assert_nothing_half(&f);
        block_writer_close(STEAL(f.writer));
        assert_nothing_at_all(&f);
        f.seqno = 0;
        block = attempt(&f, tables, count, &err);
    }
    if (block == NULL)
        fail_msg("fault %d: %s", nth, err.text);
    else {
        assert_ok(block_check(block, true, &err), err);
        assert_int_equal(block->manifest.file_count, count + 2);
    }
    block_free(block);
    fixture_clear(&f);
    return was_hit;
}

static void
a_block_is_whole_or_absent_at_every_fault(void **state)
{
    int nth = 1;

    (void)state;
    while (one_attempt(FEW, nth, NULL, 0))
        nth++;
#ifdef WITH_FAULTS
    assert_true(nth > 20);
#endif
}

/* The points of many files are alike: one in so many is looked at. */
static void
closing_and_reopening_files_fails_whole_too(void **state)
{
    int nth = 131;

    (void)state;
    while (one_attempt(TABLES, nth, NULL, 0))
        nth += 211;
#ifdef WITH_FAULTS
    assert_true(nth > 3 * TABLES);
#endif
}

static void
a_full_disk_names_the_file(void **state)
{
    (void)state;
#ifdef WITH_FAULTS
    assert_true(one_attempt(FEW, 1, "file.write", ENOSPC));
    assert_true(one_attempt(TABLES, TABLES, "file.write", EDQUOT));
    assert_true(one_attempt(TABLES, 1, "block.append", EMFILE));
#endif
    (void)one_attempt(FEW, 1, "file.sync", EIO);
}

static void
a_failed_removal_leaves_an_unfinished_block_for_the_next_attempt(void **state)
{
    Fixture f;
    OutTable *tables[TABLES];
    Block *block;
    size_t count = FEW;
    size_t removed;
    Error err;
    int nth = 1;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < TABLES; i++)
        tables[i] = fixture_table(&f, "s", arena_printf(f.arena, "t%zu", i), 2, 1);
    for (;; nth++) {
        f.seqno = 0;
        block = attempt(&f, tables, count, &err);
        if (block == NULL)
            fail_msg("%s", err.text);
        block_free(block);
        block_writer_close(STEAL(f.writer));
        fault_arm(nth);
        if (retention_clean(f.directory, 0, &removed, &err))
            break;
        fault_arm(0);
        assert_int_equal(err.kind, ERR_IO);
        assert_nothing_half(&f);
    }
    fault_arm(0);
    assert_int_equal(removed, 1);
    fixture_clear(&f);
}

static bool
one_conversion(const Fixture *f, const Block *from, const CsvDialect *to, int nth)
{
    char *directory = arena_printf(f->arena, "%s/converted", f->directory);
    Block *block;
    Error err;
    bool was_hit;

    assert_ok(file_remove_tree(directory, &err), err);
    fault_arm(nth);
    block = block_convert_block(from, directory, to, "postgres", &f->values, &err);
    was_hit = fault_was_hit();
    fault_arm(0);
    if (was_hit) {
        assert_null(block);
        assert_false(file_exists(arena_printf(f->arena, "%s/00000000000000000001", directory)));
        block = block_convert_block(from, directory, to, "postgres", &f->values, &err);
    }
    if (block == NULL)
        fail_msg("fault %d: %s", nth, err.text);
    else
        assert_ok(block_check(block, true, &err), err);
    block_free(block);
    return was_hit;
}

static void
a_failed_conversion_leaves_nothing(void **state)
{
    Fixture f;
    CsvDialect to = fixture_dialect();
    CLEANUP(block_free) Block *block = NULL;
    int nth = 1;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    fixture_begin(&f);
    fixture_insert(&f, fixture_table(&f, "s", "t", 2, 1), ROW(TX("1"), TX("x")));
    fixture_insert(&f, fixture_table(&f, "s", "u", 2, 1), ROW(TX("1"), NUL));
    fixture_commit(&f);
    block = fixture_finish(&f);
    while (one_conversion(&f, block, &to, nth))
        nth++;
#ifdef WITH_FAULTS
    assert_true(nth > 15);
#endif
    fixture_clear(&f);
}

/* After a fault the feed is not finished, and starts again from its first byte. */
static void
read_again(LoadFeed *feed)
{
    Text piece = TEXT("");
    Error err;

    if (feed == NULL)
        return;
    assert_false(load_feed_is_finished(feed));
    assert_ok(load_feed_rewind(feed, &err), err);
    assert_ok(load_feed_read(feed, &piece, &err), err);
    assert_ok(load_feed_read(feed, &piece, &err), err);
    assert_true(load_feed_is_finished(feed));
}

static void
a_feed_fails_whole_and_starts_again(void **state)
{
    Fixture f;
    CLEANUP(block_free) Block *block = NULL;
    Error err;

    (void)state;
    fixture_init(&f);
    fixture_open(&f);
    fixture_begin(&f);
    fixture_insert(&f, fixture_table(&f, "s", "t", 2, 1), ROW(TX("1"), TX("x")));
    fixture_commit(&f);
    block = fixture_finish(&f);
    for (int nth = 1;; nth++) {
        LoadFeed *feed;
        Text piece = TEXT("");
        bool ok;

        fault_arm(nth);
        feed = load_feed_open(block, 0, true, &err);
        ok = feed != NULL;
        do
            ok = ok && load_feed_read(feed, &piece, &err);
        while (ok && piece.len > 0);
        if (!fault_was_hit()) {
            fault_arm(0);
            assert_true(ok);
            load_feed_close(feed);
            break;
        }
        fault_arm(0);
        assert_false(ok);
        read_again(feed);
        load_feed_close(feed);
    }
    fixture_clear(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_whole_or_absent_at_every_fault),
        cmocka_unit_test(closing_and_reopening_files_fails_whole_too),
        cmocka_unit_test(a_full_disk_names_the_file),
        cmocka_unit_test(a_failed_removal_leaves_an_unfinished_block_for_the_next_attempt),
        cmocka_unit_test(a_failed_conversion_leaves_nothing),
        cmocka_unit_test(a_feed_fails_whole_and_starts_again),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
