/*
 * log.h - one line an event, on standard error or in a file
 *
 *     2026-03-11 20:51:10.123 INFO sales loader: block committed seqno=84901 rows=1200
 *
 * Under a journal (JOURNAL_STREAM is set) the time is left out and the level goes in front as
 * "<6>". Control bytes in a message are written as \xHH, so that a message is always one line. Any
 * thread may log. Never hand it a secret; never a row's values above debug. Only service/, cli/ and
 * the output of a merge script's commands log; below them an Error is returned instead.
 */
#pragma once

#include "base/error.h"

typedef enum LogLevel {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
} LogLevel;

/* Nothing below level is written. Default LOG_INFO. */
void log_set_level(LogLevel level);
bool log_enabled(LogLevel level);
/* Copied; "" when there is none. */
void log_set_service(const char *service);
/* Append to this file instead of standard error; NULL goes back. Reopens when called again. */
bool log_set_file(const char *path, Error *err) MUST_CHECK;

/* stage is "reader", "loader", "main", "replay" … */
void log_line(LogLevel level, const char *stage, const char *fmt, ...) PRINTF(3, 4);
