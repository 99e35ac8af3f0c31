#include "support/test.h"

#include <errno.h>

static void
wrapping_prepends_and_keeps_kind_and_origin(void **state)
{
    Error err;

    (void)state;
    assert_false(error_set_retriable(&err, ERR_TARGET, "server said %d", 7));
    assert_false(error_wrap(&err, "block %d", 3));
    assert_string_equal(err.text, "block 3: server said 7");
    assert_int_equal(err.kind, ERR_TARGET);
    assert_true(err.retriable);
}

static void
errno_text_comes_last(void **state)
{
    Error err;

    (void)state;
    errno = ENOSPC;
    assert_false(error_set_errno(&err, ERR_IO, "write %s", "/x"));
    assert_string_equal(err.text, "write /x: No space left on device");
    assert_false(err.retriable);
}

static void
a_text_too_long_ends_in_dots(void **state)
{
    Error err;
    char *large = calloc(1, 10000);

    (void)state;
    memset(large, 'x', 9999);
    (void)error_set(&err, ERR_DATA, "%s", large);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    assert_string_equal(err.text + sizeof(err.text) - 4, "...");
    (void)error_wrap(&err, "outer");
    assert_memory_equal(err.text, "outer: xxx", 10);
    assert_string_equal(err.text + sizeof(err.text) - 4, "...");
    free(large);
}

static void
every_kind_has_its_exit_code(void **state)
{
    static const int codes[] = {[ERR_NONE] = 0,
        [ERR_USAGE] = 2,
        [ERR_CONFIG] = 3,
        [ERR_SOURCE] = 4,
        [ERR_TARGET] = 5,
        [ERR_SCRIPT] = 1,
        [ERR_DATA] = 1,
        [ERR_IO] = 1,
        [ERR_FENCED] = 6,
        [ERR_STOPPED] = 0,
        [ERR_SCHEMA] = 5,
        [ERR_INTERNAL] = 70};

    (void)state;
    for (int kind = ERR_NONE; kind <= ERR_INTERNAL; kind++)
        assert_int_equal(error_exit_code((ErrorKind)kind), codes[kind]);
    assert_string_equal(error_kind_name(ERR_CONFIG), "configuration");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(wrapping_prepends_and_keeps_kind_and_origin),
    cmocka_unit_test(errno_text_comes_last),
    cmocka_unit_test(a_text_too_long_ends_in_dots),
    cmocka_unit_test(every_kind_has_its_exit_code),
};

TEST_MAIN(tests)
