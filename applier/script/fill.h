/*
 * fill.h - puts the values of parameters into a statement, escaped for the place where each stands
 *
 * Pure. Included by merge_params.h.
 */
#pragma once

#include "script/script.h"

struct MergeParams;

/* Append the statement with its parameters filled in. ERR_SCRIPT "file:line:column: reason". */
bool script_fill(const Script *script, const ScriptStatement *statement,
    const struct MergeParams *params, Buf *out, Error *err) MUST_CHECK;
