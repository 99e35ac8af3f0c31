/*
 * check.h - everything that can be known before a run
 *
 * Source and target are opened and asked; the tables that the rules name, that retained blocks hold
 * and that the first changes of the source touch are planned as the loader would: base table, key,
 * columns, staging table, script.
 */
#pragma once

#include "apply/context.h"

/* Append the findings to report, a line each: "ok …", "warning …", "error …". False (ERR_CONFIG,
 * ERR_SOURCE or ERR_TARGET, the first one found) when there is an error among them. */
bool check_run(const Context *context, Buf *report, Error *err) MUST_CHECK;
