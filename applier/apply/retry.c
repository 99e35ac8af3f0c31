#include "apply/retry.h"

#include "base/clock.h"

bool
retry_next(const RetryConfig *retry, int64_t started_ms, unsigned tries, int64_t *ret_wait_ms)
{
    int64_t wait_ms = retry->first_wait_ms;

    for (unsigned i = 0; i < tries && wait_ms < retry->max_wait_ms; i++)
        wait_ms *= 2;
    *ret_wait_ms = MIN(wait_ms, retry->max_wait_ms);
    return retry->max_time_ms == 0 ||
           clock_monotonic_ms() + *ret_wait_ms - started_ms <= retry->max_time_ms;
}
