/*
 * pipeline.h - one service at work: reader thread, queue of one block, loader thread
 *
 *     source → reader → block writer → queue → loader → target
 *
 * pipeline_run() does what must be known before the first block on the caller's thread: lock,
 * fence, position, cleaning, opening the source. Then two threads run until the source ends, a stop
 * is requested (base/stop.h), or one of them fails for good; the reader then ends, too, within
 * about a second. It waits for both. A failure is this pipeline's own: it makes no stop request.
 */
#pragma once

#include <stdatomic.h>

#include "apply/context.h"

/* A limit that another thread sets while the pipeline runs: once, position first. */
typedef struct RunLimit {
    Text position; /* outlives the run */
    atomic_bool is_set;
} RunLimit;

/* How far a start has got, for who waits for it. */
typedef enum RunStage {
    RUN_LOCKED,  /* no other process runs this service */
    RUN_STARTED, /* it runs, or waits for a target that is away */
} RunStage;

typedef struct RunOptions {
    bool until_end;        /* end when the source has nothing more */
    uint64_t until_seqno;  /* end after this transaction; 0: no limit */
    Text until_position;   /* end before the first transaction at or behind this position of the
                              source; TEXT_NONE: no limit. For sources with compare() */
    const RunLimit *limit; /* becomes until_position when it is set, if none was given; a run that
                              is behind it already ends where it is. NULL: none */
    const Text *only; /* "schema.table" of the source: pass over all other tables; NULL: none */
    size_t only_count;
    Snapshot *snapshot; /* stream behind it (SourceStart.snapshot); NULL: as the options say */
    bool embedded;      /* part of another command: no lock, no status.json, no control socket;
                           dray_bootstrap is not asked */
    /* Called on the thread of pipeline_run() as a stage is reached; each at least once, unless the
     * run ends before. NULL: nobody asks. */
    void (*reached)(void *reached_context, RunStage stage);
    void *reached_context;
} RunOptions;

typedef struct PipelineTotals {
    uint64_t blocks;
    uint64_t transactions;
    uint64_t rows;  /* lines in the CSV files */
    uint64_t seqno; /* the last one committed */
    int64_t read_us, write_us, load_us, merge_us, commit_us;
    int64_t elapsed_us;
    bool complete; /* the source ended, or until_seqno or until_position was reached; false after a
                      stop or a failure */
} PipelineTotals;

/*
 * False with the error that ended the run; a requested stop and the end of the source are no
 * errors. *ret_totals is always set. Keeps status.json (apply/status.h) up to date.
 */
bool pipeline_run(const Context *context, const RunOptions *options, PipelineTotals *ret_totals,
    Error *err) MUST_CHECK;
