/*
 * source.h - what a source driver is
 *
 * A driver is a const SourceDriver in the registry (source/registry.c). Its object begins with a
 * Source and belongs to the reader thread. Errors are ERR_SOURCE (or ERR_DATA for a bad line or
 * value), retriable where opening the source again may help.
 */
#pragma once

#include "base/error.h"
#include "base/next.h"
#include "config/field.h"
#include "event/event.h"
#include "source/source_table.h"

typedef struct SourceDriver SourceDriver;

typedef struct Source {
    const SourceDriver *driver;
} Source;

typedef struct Snapshot Snapshot;             /* source/snapshot.h */
typedef struct SnapshotDriver SnapshotDriver; /* source/snapshot.h */

enum {
    SOURCE_OMITS_VALUES = 1, /* updates may leave values out (VALUE_UNCHANGED): the CSV files of its
                                services have the header column "unchanged" */
    SOURCE_PLACE_IN_TARGET = 2,   /* the source keeps no place for a service: a bootstrap writes the
                                     position of its first snapshot into the target where the service
                                     has none yet, so that the stream goes on from there */
    SOURCE_SNAPSHOT_AT_ONCE = 4,  /* a snapshot does not wait for open transactions to end */
    SOURCE_UNINSTALLS_TABLES = 8, /* uninstall can be asked for some tables alone */
};

typedef struct SourceStart {
    const char *service;
    const void *options; /* the driver's own struct, as its fields describe */
    Text position;       /* where to go on, as an earlier COMMIT gave it; "" is the beginning */
    bool until_end;      /* end when there is nothing more, even if the options say to wait */
    Snapshot *snapshot;  /* NULL; or stream behind this snapshot, from its position, by what it
                            holds at the server (a temporary slot), which it gives up */
    size_t readers;      /* snapshots: readers that will be open at the same time; 0 is 1 */
} SourceStart;

/* What install and uninstall are asked to do. */
typedef struct SourceInstall {
    const char *service;
    const void *options;
    const char *const
        *tables;  /* globs over "schema.table", ended by NULL; none: the options' own */
    bool dry_run; /* only print the statements */
} SourceInstall;

/* How far the source's change stream is ahead of what was acknowledged. */
typedef struct SourceLag {
    int64_t behind_us; /* age of the newest thing acknowledged; -1: not known */
    int64_t pending;   /* changes that wait, about; -1: not known */
} SourceLag;

struct SourceDriver {
    const char *name;    /* source.type in the configuration */
    const char *summary; /* one sentence for help and reference */
    const Field *fields; /* of the options struct */
    size_t options_size;
    unsigned abilities;

    /* Open at the position. Required. */
    Source *(*open)(const SourceStart *start, Error *err);
    void (*close)(Source *source);
    /*
     * The next event. Required. Waits at most wait_ms for one (0: does not wait), then NEXT_IDLE;
     * returns at once with NEXT_IDLE when a stop is requested while it waits. NEXT_END only with
     * until_end or where the source itself ends. NEXT_END after a BEGIN without its COMMIT means
     * that the source ends inside a transaction (a torn log): the consumer drops what it has of it,
     * as after a stop, and the position stays where the last COMMIT was; notice() tells.
     */
    Next (*next)(Source *source, int64_t wait_ms, Event *ret_event, Error *err);
    /*
     * A transaction that this position (a snapshot's) lies inside of is to be told in two: what the
     * snapshot holds, up to that very position, and then the rest. Called between transactions, or
     * right behind a BEGIN, which then is already that of the first part. Where nothing more is to
     * come before the position, EVENT_POSITION tells it. Until the next call. NULL: a snapshot
     * holds transactions whole.
     */
    void (*cut)(Source *source, Text position);
    /* Everything up to this position is committed in the target. NULL: nothing to tell. */
    bool (*acknowledge)(Source *source, Text position, Error *err);
    /* One look whether the source could be opened: connection, files, rights. Findings are appended
     * to report, a line each. NULL: open() and close() are the check. */
    bool (*check)(const SourceStart *start, Buf *report, Error *err);
    /* Something the operator should know (a torn last line, much retained WAL), or TEXT_NONE; each
     * is told once. Asked between transactions and after NEXT_IDLE and NEXT_END. NULL: never. */
    Text (*notice)(Source *source);
    /* Order of two positions of this source: below 0, 0 or above 0. "" comes before all. A text
     * that is no position comes before all as well. Pure. NULL: positions have no order. */
    int (*compare)(Text a, Text b);
    /* Bytes of log that the server keeps for this service only (a slot's WAL), -1 where there is no
     * such thing yet. NULL: it keeps nothing for us. */
    bool (*retained)(const SourceStart *start, int64_t *ret_bytes, Error *err);
    /* For dray status. NULL: the source cannot tell. */
    bool (*lag)(const SourceStart *start, SourceLag *ret_lag, Error *err);
    /* Make at the source what the service needs (publication and slot), or check what is there; a
     * line each in report. Never drops or changes what it did not make. NULL: needs nothing. */
    bool (*install)(const SourceInstall *install, Buf *report, Error *err);
    /* Remove what install made. */
    bool (*uninstall)(const SourceInstall *install, Buf *report, Error *err);
    /* Describe the source's tables (source/source_table.h). NULL: cannot. */
    SourceTables *(*tables_open)(const SourceStart *start, Error *err);
    /* Read rows at an exact position (source/snapshot.h). NULL: cannot. */
    const SnapshotDriver *snapshot;

    /* Not NULL: this build is without the driver, and why. Then only name, summary and fields are
     * set. */
    const char *missing;
};

/* All drivers, ended by NULL. */
extern const SourceDriver *const source_drivers[];
/* NULL when there is none of that name. */
const SourceDriver *source_find(const char *name);

/* Whose type names the driver's columns have: the first part of the name of a mapping table in
 * templates/types/ (ddl/types.h). */
const char *source_type_names(const SourceDriver *driver);

void source_close(Source *source);
CLEANUP_DEFINE(Source *, source_close);

/* An id for a new Table, never given twice within the process. Any thread. */
uint64_t source_next_table_id(void);
