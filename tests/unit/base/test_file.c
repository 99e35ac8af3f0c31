#include "base/file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "support/test.h"

static void
a_durable_write_is_whole_or_the_old_file_stays(void **state)
{
    char *directory = test_directory();
    char *path = file_join(directory, "f");
    Error err;
    int nth = 1;

    (void)state;
    assert_ok(file_write_durable(path, "old", 3, &err), err);
    for (;; nth++) {
        CLEANUP(buf_clear) Buf now = BUF_INIT;
        FileList storage;
        CLEANUP(file_list_free) FileList *list = &storage;
        bool written;

        fault_arm(nth);
        written = file_write_durable(path, "the new text", 12, &err);
        if (!fault_was_hit())
            break;
        fault_arm(0);
        assert_false(written);
        assert_int_equal(err.kind, ERR_IO);
        assert_ok(file_read_all(path, 100, &now, &err), err);
        assert_true(text_is(buf_text(&now), "old") || text_is(buf_text(&now), "the new text"));
        assert_ok(file_list(directory, list, &err), err);
        assert_int_equal(list->count, 1);
        assert_ok(file_write_durable(path, "old", 3, &err), err);
    }
    fault_arm(0);
#ifdef WITH_FAULTS
    assert_true(nth > 5);
#endif
    assert_ok(file_remove_tree(directory, &err), err);
    free(path);
    free(directory);
}

static void
no_space_is_named(void **state)
{
    char *directory = test_directory();
    char *path = file_join(directory, "f");
    Error err;

    (void)state;
#ifdef WITH_FAULTS
    CLEANUP(buf_clear) Buf expected = BUF_INIT;

    fault_arm_point("file.write", 1, ENOSPC);
    assert_false(file_write_durable(path, "x", 1, &err));
    buf_addf(&expected, "write %s.tmp: No space left on device", path);
    assert_string_equal(err.text, expected.data);
    fault_arm(0);
#endif
    assert_ok(file_remove_tree(directory, &err), err);
    free(path);
    free(directory);
}

static void
the_lock_is_for_one_process_and_names_its_holder(void **state)
{
    char *directory = test_directory();
    char *path = file_join(directory, "lock");
    CLEANUP(buf_clear) Buf expected = BUF_INIT;
    Error err;
    int first = file_lock(path, &err);

    (void)state;
    assert_true(first >= 0);
    assert_int_equal(file_lock(path, &err), -1);
    assert_int_equal(err.kind, ERR_FENCED);
    buf_addf(&expected, "%s is locked: another process of this service runs, pid %ld", path,
        (long)getpid());
    assert_string_equal(err.text, expected.data);
    file_close(first);
    first = file_lock(path, &err);
    assert_true(first >= 0);
    file_close(first);
    assert_ok(file_remove_tree(directory, &err), err);
    free(path);
    free(directory);
}

static void
removing_a_tree_does_not_follow_links(void **state)
{
    char *outside = test_directory();
    char *inside = test_directory();
    char *kept = file_join(outside, "kept");
    char *link = file_join(inside, "link");
    char *deep = file_join(inside, "a/b/c");
    Error err;

    (void)state;
    assert_ok(file_write_durable(kept, "x", 1, &err), err);
    assert_ok(file_make_directory(deep, &err), err);
    assert_int_equal(symlink(outside, link), 0);
    assert_ok(file_remove_tree(inside, &err), err);
    assert_false(file_exists(inside));
    assert_true(file_exists(kept));
    assert_ok(file_remove_tree(inside, &err), err);
    assert_ok(file_remove_tree(outside, &err), err);
    free(outside);
    free(inside);
    free(kept);
    free(link);
    free(deep);
}

static void
paths_are_joined_and_split(void **state)
{
    static const struct {
        const char *path, *directory;
    } cases[] = {{"/a/b", "/a"}, {"a", "."}, {"/a", "/"}, {"a/b/c", "a/b"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *directory = file_directory(cases[i].path);

        assert_string_equal(directory, cases[i].directory);
        free(directory);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_durable_write_is_whole_or_the_old_file_stays),
    cmocka_unit_test(no_space_is_named),
    cmocka_unit_test(the_lock_is_for_one_process_and_names_its_holder),
    cmocka_unit_test(removing_a_tree_does_not_follow_links),
    cmocka_unit_test(paths_are_joined_and_split),
};

TEST_MAIN(tests)
