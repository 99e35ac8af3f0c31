/*
 * parts.h - what the files of a bootstrap share, for apply/bootstrap/ alone
 *
 * The caller's thread plans, watches and writes dray_bootstrap (the control connection is its own).
 * A worker copies one table at a time: it loads, and a reader thread of its own reads the next
 * chunk meanwhile. What both sides write is behind run->mutex, or atomic.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "apply/bootstrap/bootstrap.h"
#include "apply/hold/hold.h"
#include "apply/loader.h"
#include "apply/router.h"
#include "source/snapshot.h"
#include "target/bootstrap_state.h"

typedef enum JobState {
    JOB_WAITING,
    JOB_RUNNING,
    JOB_COPIED, /* every row is in the target */
    JOB_READY,  /* dray_bootstrap says so */
    JOB_FAILED,
} JobState;

typedef struct BootstrapJob {
    const SourceTable *source; /* as the catalogue had it when the run began */
    const OutTable *out;
    const char *name;          /* "schema.table" of the source */
    const char *service;       /* its name in dray_position */
    const char *directory;     /* of its blocks */
    bool truncates;            /* the first block empties the target table */
    bool spools;               /* cannot be emptied: all blocks are written before any is loaded */
    bool resumes;              /* they are all written, by an earlier run */
    Text position;             /* of the snapshot that its rows come from */
    JobState state;            /* behind run->mutex */
    Error error;               /* JOB_FAILED, JOB_WAITING again: why */
    atomic_uint_fast64_t rows; /* loaded */
    atomic_uint_fast64_t bytes;
} BootstrapJob;

typedef struct BootstrapWorker {
    struct BootstrapRun *run;
    pthread_t thread;
    bool is_started;
    Loader *loader; /* behind run->mutex; NULL between two tables */
} BootstrapWorker;

typedef struct BootstrapRun {
    const Context *context;
    const BootstrapOptions *options;
    Arena *arena;
    const char *directory; /* <block.directory>/bootstrap */
    Target *control;       /* NULL: not open */
    Router *router;        /* what the jobs' out belongs to */
    bool is_beside;        /* a service runs */
    HoldClient *hold;      /* the service is held until the jobs are marked; NULL: not yet, or not
                              any more */
    int service_lock_fd;   /* -1: a service runs, it has it */
    Snapshot *snapshot;    /* of this round; behind snapshot_mutex while workers run */
    pthread_mutex_t snapshot_mutex;
    Text position; /* of the snapshot */
    int64_t
        snapshot_us; /* about when it was taken: the rows' commit time, and so their partition */
    pthread_t main_thread;

    BootstrapJob *jobs;
    size_t job_count;
    size_t left_alone;
    BootstrapWorker *workers;
    size_t worker_count;
    size_t active_count; /* workers that have not ended; behind run->mutex */

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    Buf lines;                  /* to be told: 'i' or 'w', the line, and a NUL */
    bool has_one_writer;        /* the target takes one transaction at a time */
    pthread_mutex_t load_mutex; /* held by who loads, then */
} BootstrapRun;

/* ---- bootstrap.c ---- */

/* Must tables be published at the source before their changes come? */
bool bootstrap_publishes(const BootstrapRun *run);
/* Make at the source what is missing; tables as for SourceInstall. */
bool bootstrap_publish(BootstrapRun *run, const char *const *tables, Error *err) MUST_CHECK;
/* Show what there is to show; the main thread, now and then. */
void bootstrap_show(BootstrapRun *run);
/* Its blocks are needed no more, unless they are retained. */
void bootstrap_remove_blocks(BootstrapRun *run, const char *directory);
/* Any thread: a line for a person. */
void bootstrap_tell(BootstrapRun *run, bool is_warning, const char *fmt, ...) PRINTF(3, 4);
/* A copy of the configuration and its context for a part of the run with a position and blocks of
 * its own. Both outlive what is made of them; directory and service are views. */
void bootstrap_derive(const BootstrapRun *run, const char *service, const char *directory,
    Config *config, Context *context);
/* "<service>/<part>", cut with a hash where dray_position cannot take it. In the arena. */
const char *bootstrap_service_name(const BootstrapRun *run, Text part);
/* Is anything to be done again after this error? Waits before it says yes. */
bool bootstrap_may_retry(BootstrapRun *run, int64_t started_ms, unsigned tries, Error *err);
SourceStart bootstrap_source_start(const BootstrapRun *run);
