/*
 * command.h - one operating-system command of a merge script
 *
 * Runs "/bin/sh -c command" in a process group of its own with standard input from /dev/null and a
 * small environment: PATH, HOME, LANG, TZ, TMPDIR and DRAY_SERVICE, nothing else is inherited, no
 * descriptor but 0-2 either. Its output goes to the log line by line (stage "command"). Over the
 * time limit, or when a STOP_NOW comes, the group gets SIGTERM, after 5 seconds SIGKILL.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* ERR_SCRIPT for a non-zero exit, a signal, the time limit; ends with the last lines of its output.
 */
bool command_run(const char *command, const char *service, int64_t time_limit_ms, Error *err)
    MUST_CHECK;
