/*
 * status.h - what a service is doing, as another process sees it
 *
 * The running service keeps <block.directory>/status.json up to date (at most once a second, and at
 * every change of state); the position comes from the target, and the lock tells whether a process
 * runs.
 */
#pragma once

#include "apply/context.h"

#define STATUS_SOURCE_MS 5000

typedef struct ServiceStatus {
    Text service;
    Text state; /* running, retrying, waiting (for the target's columns), holding (it was asked to),
                   stopped, failed, or "never run" */
    bool process_runs;
    bool target_answers; /* else what follows is the service's own last word */
    uint64_t seqno;
    Text source_position;
    int64_t commit_us;  /* source commit time of the last committed transaction */
    int64_t updated_us; /* when it was committed */
    double
        lag_seconds; /* how old the data is; 0 when everything the source has is in; -1 unknown */
    uint64_t block_count; /* on disk */
    uint64_t block_bytes;
    Text last_error; /* "" when none */
    int64_t last_error_us;
    Text target_error;        /* why the target did not answer, or "" */
    int64_t retained_bytes;   /* log that the source keeps for this service; -1: none, or unknown */
    int64_t source_behind_us; /* age of the newest thing the source knows to be committed; -1: none,
                                 or unknown */
    int64_t source_pending;   /* changes that wait at the source, about; -1: unknown */
    Text source_error;        /* why the source did not tell, or "" */
} ServiceStatus;

/* Texts are in the arena. Fails only when the block directory cannot be read. The source is asked
 * in a process of its own, for STATUS_SOURCE_MS at most: the caller has no other threads. */
bool status_read(const Context *context, Arena *arena, ServiceStatus *ret_status, Error *err)
    MUST_CHECK;

/* The writing side, for pipeline.c. */
typedef struct StatusFile {
    const char *state;
    uint64_t seqno;
    Text source_position;
    int64_t commit_us;
    int64_t updated_us;
    bool caught_up;         /* the source had nothing more */
    const char *last_error; /* NULL: none */
    int64_t last_error_us;
} StatusFile;

/* The same before the position is known: what the file says of it stays. */
bool status_note(const Context *context, const char *state, const Error *failure, Error *err)
    MUST_CHECK;

/* Replaces the file by rename; not durable, since the target's position is what counts. */
bool status_write(const Context *context, const StatusFile *status, Error *err) MUST_CHECK;
