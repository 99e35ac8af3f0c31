/*
 * replay.h - loading the retained blocks of a bootstrap once more
 *
 * They are no part of the service's numbering: each directory has seqnos of its own from 1 on, and
 * is replayed with a row of its own in dray_position, which is removed when it is done. An
 * interrupted replay goes on behind the last block that was committed. The service's position is
 * not touched.
 *
 * Directories go in the order of their places in the change stream: a table's rows before the
 * changes that a bootstrap beside a running service streamed behind them ("+…").
 */
#pragma once

#include "apply/replay/replay.h"

/* options.directories: a table's directory, or <block.directory>/bootstrap, which has them; the
 * limits from, to, table, again and gaps of a replay are not for these. */
bool bootstrap_replay(const Context *context, const ReplayOptions *options,
    ReplayTotals *ret_totals, Error *err) MUST_CHECK;
