/*
 * runner.h - runs a section of a merge script on a connection
 *
 * Errors name script file and line, table, CSV file (its line, row_id and seqno where the server
 * tells a line), and the server's text.
 */
#pragma once

#include "script/merge_params.h"
#include "target/target.h"

typedef struct ScriptRun {
    const Script *script;
    const MergeParams *params;
    LoadFeed *feed;        /* serves streamed loads; NULL in sections without a file */
    Text table;            /* for error texts; TEXT_NONE in block sections */
    bool loads_only;       /* leave out all statements but streamed loads */
    bool in_transaction;   /* the block's transaction is open and must stay so */
    int64_t time_limit_ms; /* of one command; 0: none */
} ScriptRun;

typedef struct ScriptTiming {
    int64_t load_us;  /* streamed loads */
    int64_t merge_us; /* everything else */
} ScriptTiming;

/* Adds to *timing (may be NULL). */
bool script_run(Target *target, const ScriptRun *run, ScriptSection section, ScriptTiming *timing,
    Error *err) MUST_CHECK;
