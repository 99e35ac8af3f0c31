#include "apply/retry.h"

#include "base/clock.h"
#include "support/test.h"

static void
the_wait_doubles_up_to_its_limit(void **state)
{
    const RetryConfig retry = {.first_wait_ms = 100, .max_wait_ms = 500};
    const int64_t expected[] = {100, 200, 400, 500, 500};
    int64_t wait_ms;

    (void)state;
    for (unsigned tries = 0; tries < ARRAY_LEN(expected); tries++) {
        assert_true(retry_next(&retry, 0, tries, &wait_ms));
        assert_int_equal(wait_ms, expected[tries]);
    }
    assert_true(retry_next(&retry, 0, UINT32_MAX, &wait_ms));
    assert_int_equal(wait_ms, 500);
}

static void
a_wait_that_would_end_too_late_is_not_begun(void **state)
{
    const RetryConfig retry = {.first_wait_ms = 1000, .max_wait_ms = 60000, .max_time_ms = 60000};
    int64_t now = clock_monotonic_ms();
    int64_t wait_ms;

    (void)state;
    assert_true(retry_next(&retry, now, 0, &wait_ms));
    assert_true(retry_next(&retry, now - 50000, 3, &wait_ms));
    assert_false(retry_next(&retry, now - 50000, 4, &wait_ms));
    assert_false(retry_next(&retry, now - 60000, 0, &wait_ms));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_wait_doubles_up_to_its_limit),
    cmocka_unit_test(a_wait_that_would_end_too_late_is_not_begun),
};

TEST_MAIN(tests)
