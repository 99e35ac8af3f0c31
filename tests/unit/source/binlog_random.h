/*
 * binlog_random.h - random values of tests that a printed seed repeats (DRAY_TEST_SEED)
 */
#pragma once

#include <time.h>

#include "base/text.h"
#include "support/test.h"

static inline uint64_t
next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

static inline uint64_t
random_seed(void)
{
    struct timespec now = {0};
    const char *given = getenv("DRAY_TEST_SEED");
    uint64_t seed;

    if (given != NULL && text_to_u64(text_of(given), &seed) && seed != 0)
        return seed;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    seed = ((uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec) | 1;
    print_message("# DRAY_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}
