/*
 * retry.h - how long to wait before a failed call is tried again
 *
 * The time doubles with each try from retry.first_wait to retry.max_wait; where it would end later
 * than retry.max_time after the first failure, it is time to give up.
 */
#pragma once

#include "config/config.h"

/* False: give up; started_ms is of the monotonic clock, tries counts the waits before this one. */
bool retry_next(const RetryConfig *retry, int64_t started_ms, unsigned tries, int64_t *ret_wait_ms)
    MUST_CHECK;
