/*
 * handing.h - what an event of a group comes to: tables, rows and statements into source events
 *
 * See source/mysql/changes.h and group.h.
 */
#pragma once

#include "source/mysql/group.h"

void handing_clear(Handing *handing);
/* An event with this number in its group: what follows from it waits in changes->handing. */
bool handing_take(MysqlChanges *changes, const BinlogEvent *event, uint64_t number, Error *err)
    MUST_CHECK;
/* Errors from now on are about this event. */
void handing_stand(MysqlChanges *changes, const BinlogEvent *event);
/* The next source event that follows; NEXT_IDLE: nothing more. */
Next handing_next(MysqlChanges *changes, Event *ret_event, Error *err);
/* changes->query changes rows by itself: refuse it, or note that it was passed over. what: "changes
 * rows as a statement" … */
bool handing_refuse(MysqlChanges *changes, const char *what, Error *err) MUST_CHECK;
/* Tables may have changed. */
void handing_ddl(MysqlChanges *changes);
