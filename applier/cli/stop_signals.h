/*
 * stop_signals.h - SIGINT and SIGTERM of a command that runs for a while
 *
 * The first one requests STOP_AFTER_BLOCK, each further one STOP_NOW (base/stop.h). Started before
 * any other thread of the command, which inherits that the signals are blocked.
 */
#pragma once

#include "base/error.h"

typedef struct StopSignals StopSignals;

StopSignals *stop_signals_start(Error *err) MUST_CHECK;
void stop_signals_end(StopSignals *signals);
CLEANUP_DEFINE(StopSignals *, stop_signals_end);
