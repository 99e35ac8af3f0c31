/*
 * fault.h - named points where a test can make the next call fail, or the process die
 *
 * Every system call and driver call that can fail outside our control passes through a point:
 *
 *     if (FAULT("block.fsync") || fsync(fd) != 0)
 *         return error_set_errno(err, ERR_IO, "fsync %s", path);
 *
 * CRASH_POINT("loader.committed") marks a place between two such calls where only a kill matters.
 * Without -Dfaults=true both are nothing. Points may be passed by several threads.
 */
#pragma once

#include <stdbool.h>

#ifdef WITH_FAULTS
#define FAULT(point)       fault_hit(point)
#define CRASH_POINT(point) fault_pass(point)
#else
#define FAULT(point)       false
#define CRASH_POINT(point) ((void)0)
#endif

/* Make the nth point passed from now on fail, n >= 1; 0 disarms. Sets errno to EIO when it hits. */
void fault_arm(int nth);

/* The same, but only points of this name count, and errno is set to err_no (ENOSPC …). */
void fault_arm_point(const char *point, int nth, int err_no);

/* The nth point passed (of that name, when it is not NULL) kills the process with SIGKILL. */
void fault_arm_kill(const char *point, int nth);

/*
 * Arm from the environment, for tests that run the program:
 *   DRAY_FAULT=kill:N | kill:POINT:N | fail:N | fail:POINT:N | fail:POINT:N:ERRNO
 * A value of another shape aborts: a test must not run without its fault.
 */
void fault_arm_from_environment(void);

/* Did the armed fault hit? The loop "arm n; run; until not hit" visits every point of a path. */
bool fault_was_hit(void);

bool fault_hit(const char *point);
void fault_pass(const char *point);
