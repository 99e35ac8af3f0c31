/*
 * connection.h - a connection to the target on which merge scripts run
 *
 * Remembers which scripts' @prepare has run on it. Belongs to one thread at a time.
 */
#pragma once

#include "apply/plan.h"
#include "script/runner.h"

typedef struct Connection {
    const Context *context;
    Target *target; /* NULL: closed */
    bool *prepared; /* one a script of the context */
} Connection;

void connection_init(Connection *connection, const Context *context);
/* @release of the prepared scripts (failures are ignored), close, free. */
void connection_clear(Connection *connection);
bool connection_open(Connection *connection, Error *err) MUST_CHECK;
/* Without @release: after a failure. */
void connection_drop(Connection *connection);

/* The script's @prepare, once a connection. */
bool connection_prepare(Connection *connection, const Script *script, Error *err) MUST_CHECK;

/* Run a section for one file of a block, or (plan NULL) for the whole block. With stream the
 * file is served to streamed loads. */
typedef struct SectionRun {
    const Block *block;
    const MergePlan *plan;
    const Script *script;
    ScriptSection section;
    bool in_transaction;
} SectionRun;
bool connection_run(Connection *connection, const SectionRun *run, ScriptTiming *timing, Error *err)
    MUST_CHECK;
