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

typedef struct SourceDriver SourceDriver;

typedef struct Source {
    const SourceDriver *driver;
} Source;

typedef struct SourceStart {
    const char *service;
    const void *options; /* the driver's own struct, as its fields describe */
    Text position;       /* where to go on, as an earlier COMMIT gave it; "" is the beginning */
    bool until_end;      /* end when there is nothing more, even if the options say to wait */
} SourceStart;

struct SourceDriver {
    const char *name;    /* source.type in the configuration */
    const char *summary; /* one sentence for help and reference */
    const Field *fields; /* of the options struct */
    size_t options_size;

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
    /* Everything up to this position is committed in the target. NULL: nothing to tell. */
    bool (*acknowledge)(Source *source, Text position, Error *err);
    /* One look whether the source could be opened: connection, files, rights. Findings are appended
     * to report, a line each. NULL: open() and close() are the check. */
    bool (*check)(const SourceStart *start, Buf *report, Error *err);
    /* Something the operator should know (a torn last line), or TEXT_NONE; asked after NEXT_END
     * and on close. NULL: never. */
    Text (*notice)(Source *source);
};

/* All drivers, ended by NULL. */
extern const SourceDriver *const source_drivers[];
/* NULL when there is none of that name. */
const SourceDriver *source_find(const char *name);

void source_close(Source *source);
CLEANUP_DEFINE(Source *, source_close);

/* An id for a new Table, never given twice within the process. Any thread. */
uint64_t source_next_table_id(void);
