/*
 * service.h - a pipeline with signals, as "dray run" starts it
 *
 * SIGTERM, SIGINT: end after the open block; a second one rolls back at once. SIGHUP: read the
 * configuration again; when it is right, end after the open block and go on with it, else log what
 * is wrong and go on with the old one; a log file is reopened either way. SIGPIPE is ignored. Logs
 * start, end and the error that ended the run.
 */
#pragma once

#include "apply/pipeline.h"

/* path and schema serve the reload; config is the one already read from path, and is owned and
 * freed here. */
bool service_run(const char *path, const ConfigSchema *schema, Config *config,
    const RunOptions *options, PipelineTotals *ret_totals, Error *err) MUST_CHECK;
