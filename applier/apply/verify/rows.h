/*
 * rows.h - the rows of a query on the target, given out one by one to another thread
 *
 * The query runs in a thread of its own and is at most a few hundred rows ahead, so that two
 * databases can be read side by side with flat memory.
 */
#pragma once

#include "base/next.h"
#include "target/target.h"

typedef struct VerifyRows VerifyRows;

/* target is the thread's until verify_rows_close(). */
VerifyRows *verify_rows_open(Target *target, Text sql, Error *err) MUST_CHECK;
/* The next row, valid until the next call; NEXT_END after the last. */
Next verify_rows_next(VerifyRows *rows, const Value **ret_values, Error *err);
/* Ends the query, if it still runs, and waits for it. */
void verify_rows_close(VerifyRows *rows);
CLEANUP_DEFINE(VerifyRows *, verify_rows_close);
