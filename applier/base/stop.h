/*
 * stop.h - the one request to stop, which every wait watches
 *
 * Set by the main thread from a signal, or by a thread that failed. STOP_AFTER_BLOCK: end after
 * the open block is committed. STOP_NOW: roll back and end. It only ever grows, until stop_reset().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum StopLevel {
    STOP_NONE,
    STOP_AFTER_BLOCK,
    STOP_NOW,
} StopLevel;

void stop_request(StopLevel level);
StopLevel stop_level(void);
/* For tests, and before a run. */
void stop_reset(void);
/* Readable (poll it) from the first request on; owned by this module. -1 when none can be made. */
int stop_fd(void);
/* Sleep, but no longer than until the level is at least this; true when it is. */
bool stop_wait(StopLevel level, int64_t wait_ms);
