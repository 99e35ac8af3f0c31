/*
 * loader.h - loads a block exactly once: staging, merge, position, commit, retry
 *
 * Owns the connections to the target. Belongs to one thread. Why exactly once: see
 * target/position.h.
 */
#pragma once

#include "apply/plan.h"
#include "target/position.h"

typedef struct LoaderTiming {
    int64_t load_us;   /* streamed loads; of parallel ones, the wall time */
    int64_t merge_us;  /* every other statement */
    int64_t commit_us; /* position and COMMIT */
} LoaderTiming;

typedef struct Loader Loader;

/* Called when a try failed and will be repeated after wait_ms; NULL: not wanted. */
typedef void LoaderRetryFn(void *context, const Error *err, int64_t wait_ms);

/* Connects, makes dray_position if it is missing, takes the service over (fence + 1). Retries what
 * is retriable, as retry: says. */
Loader *loader_open(const Context *context, LoaderRetryFn *retry, void *retry_context, Error *err)
    MUST_CHECK;
void loader_close(Loader *loader); /* runs @release */
CLEANUP_DEFINE(Loader *, loader_close);

/* Ask the server to give up the statement that runs: any thread may call it, while the loader is
 * open. */
void loader_cancel(Loader *loader);

/* How far the target is; valid until the next loader_apply(). */
const Position *loader_position(const Loader *loader);

typedef struct LoaderMode {
    bool again;        /* the block's seqnos are in already: load it, and leave the position */
    const char *table; /* glob: only these files, the position stays; NULL: all */
    bool gap;          /* the block need not begin right behind the position */
} LoaderMode;

/*
 * Load, merge and commit a block. Returns when it is committed, also if that was found out only
 * after a lost connection. ERR_TARGET where the target has lost transactions before the block
 * (a fail-over to a standby that lagged behind). ERR_STOPPED when STOP_NOW came first.
 */
bool loader_apply(Loader *loader, const Block *block, const LoaderMode *mode, LoaderTiming *timing,
    Error *err) MUST_CHECK;

/*
 * A "block" that only moves the source's position, behind the transaction seqno: it has no
 * directory, no transaction and no seqno of its own, and is the caller's to free. loader_apply()
 * writes source_position and nothing else, exactly while the target stands at that seqno.
 */
Block *loader_position_move(uint64_t seqno, Text position) MUST_CHECK;
bool loader_is_position_move(const Block *block);
