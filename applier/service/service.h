/*
 * service.h - a pipeline with signals, as "dray run" starts it
 *
 * SIGTERM, SIGINT: end after the open block; a second one rolls back at once. SIGHUP: read the
 * configuration again and reopen the log file; when the configuration is right, end after the open
 * block and go on with it, else log what is wrong and go on with the old one. SIGPIPE is ignored.
 * Logs start, end and the error that ended the run.
 *
 * The pidfile, where there is one, is taken before anything else and kept over reloads. Signals
 * that come from then on are heard.
 */
#pragma once

#include "apply/pipeline.h"

typedef struct ServiceOptions {
    RunOptions run;
    int log_level;  /* a LogLevel in place of log.level, also after a reload; -1: none */
    bool is_daemon; /* has no standard error: a reload may not take log.file away */
} ServiceOptions;

/*
 * path and schema serve the reload; config is the one already read from path, and is owned and
 * freed here. The error of a failure has been logged, but where another process has the pidfile and
 * config has a log file: that one's log would tell that it stops.
 */
bool service_run(const char *path, const ConfigSchema *schema, Config *config,
    const ServiceOptions *options, Error *err) MUST_CHECK;
