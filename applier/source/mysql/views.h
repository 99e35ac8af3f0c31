/*
 * views.h - several connections that see the source as it was at one place of its log
 *
 * One connection of MariaDB tells the place of its view by itself (status variables
 * Binlog_snapshot_file and Binlog_snapshot_position), so that no lock is needed: where all views
 * were begun in a moment without a commit in between, their places are the same. A few tries are
 * made for that. Else, and always with MySQL, commits are kept waiting while all views are begun:
 * BACKUP STAGE BLOCK_COMMIT, FLUSH TABLES WITH READ LOCK. The server gives up the lock where it
 * would have to wait for it for more than LOCK_WAIT_S seconds; the error (retriable) names
 * the connections that had a statement running.
 *
 * Without the lock (source.snapshot_lock: no, or the right RELOAD is missing; MariaDB only) more
 * tries are made; where commits come too fast for that, there is one view only, and is_shared.
 *
 * An XA transaction that is prepared and not ended is in no view, and its rows came in the log
 * before the place: such a snapshot is refused (retriable), naming it. Without a lock one that was
 * prepared and committed within the milliseconds in between is found by the stream instead, which
 * refuses an XA COMMIT of rows that it has not seen.
 *
 * MySQL shows XA transactions only to users with XA_RECOVER_ADMIN: without it that is left to the
 * stream as well.
 *
 * Fault point source.mysql.views: the tries without a lock come to nothing.
 */
#pragma once

#include "source/mysql/server.h"

typedef struct MysqlViews {
    MysqlServer **servers; /* count of them, each in its view, behind SAVEPOINT dray */
    size_t count;
    bool is_shared;           /* one instead of as many as were asked for */
    BinlogPosition *position; /* as the options say */
    int64_t waited_us;        /* how long commits were kept waiting; -1: not at all */
} MysqlViews;

/* *ret_views is always set. */
bool source_mysql_views_open(
    const MysqlSourceOptions *options, size_t count, MysqlViews *ret_views, Error *err) MUST_CHECK;
/* Closes all servers that are still there. */
void source_mysql_views_clear(MysqlViews *views);

static inline void
source_mysql_views_clear_auto(MysqlViews *views)
{
    source_mysql_views_clear(views);
}
