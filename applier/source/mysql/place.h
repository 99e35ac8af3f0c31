/*
 * place.h - where in the log's files a reader of events is
 *
 * An event tells where it ends modulo 2^32, and a file can be larger: the offset is carried on from
 * event to event. Pure; one thread.
 */
#pragma once

#include "source/binlog/event.h"

typedef struct LogPlace {
    Buf file;
    uint64_t offset;     /* behind the last event */
    BinlogFormat format; /* of the file */
} LogPlace;

void log_place_clear(LogPlace *place);

/* What an event did to the place. */
typedef struct LogStep {
    bool is_inside; /* the event tells of the file only (ROTATE, FORMAT_DESCRIPTION), and is done
                       with */
    bool has_moved; /* the place is another one now */
    bool restarted; /* FORMAT_DESCRIPTION of a server that had just started: what was open in the
                       log before it never ends */
    uint64_t start; /* where the event begins; of one that is not in the file: where we are */
} LogStep;

/* Take the next event of the log. */
bool log_place_take(LogPlace *place, const BinlogEvent *event, LogStep *ret_step, Error *err)
    MUST_CHECK;
/* An event's end, from what its header says and an offset before it. */
uint64_t log_place_carry(uint64_t before, uint32_t end_offset);
