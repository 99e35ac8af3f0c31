/*
 * replay.h - load retained blocks, whoever wrote them, into the configuration's target
 *
 * Blocks go in order of their seqno through the same loader as live ones. Before the first one is
 * loaded every file of every block is compared with its manifest. What the position already holds
 * is skipped unless again. Blocks of another target's dialect, and Tungsten's directories, are
 * converted into block.directory/replay.tmp first.
 */
#pragma once

#include "apply/context.h"

typedef struct ReplayOptions {
    const char *const *directories; /* block directories, or directories of them */
    size_t directory_count;
    uint64_t from_seqno; /* 0: from the first */
    uint64_t to_seqno;   /* 0: to the last */
    const char *table; /* glob over schema.table: only these files, the position stays; needs again.
                          NULL: all */
    bool again;        /* also what the position holds already */
    const char *csv_type; /* of Tungsten's directories: default, mysql, oracle, vertica, redshift;
                             NULL: default */
    bool gaps;            /* accept that transactions between two blocks are missing */
    /* Called after each block with what is done of what there is; NULL: not wanted. */
    void (*progress)(void *context, uint64_t rows, uint64_t all_rows, uint64_t seqno);
    void *progress_context;
} ReplayOptions;

typedef struct ReplayTotals {
    uint64_t blocks;
    uint64_t skipped; /* blocks that the position held already */
    uint64_t rows;
    uint64_t seqno; /* the position afterwards */
} ReplayTotals;

bool replay_run(const Context *context, const ReplayOptions *options, ReplayTotals *ret_totals,
    Error *err) MUST_CHECK;
