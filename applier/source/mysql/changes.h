/*
 * changes.h - the events of the log into a source's events: transactions, statements, XA
 *
 *     MariaDB      GTID (standalone)   QUERY                             a statement of its own
 *                  GTID                TABLE_MAP, rows …   XID, or QUERY COMMIT, ROLLBACK
 *                  GTID (prepared XA)  rows …   XA_PREPARE
 *                  GTID (completed XA) QUERY XA COMMIT, XA ROLLBACK
 *     MySQL        GTID or ANONYMOUS_GTID   QUERY BEGIN   rows …   XID, or QUERY COMMIT
 *                  GTID                QUERY (DDL)
 *                  GTID                TRANSACTION_PAYLOAD
 *                  GTID   QUERY XA START   rows …   QUERY XA END   XA_PREPARE
 *                  GTID   QUERY XA COMMIT, XA ROLLBACK
 *
 * A transaction without changes for us moves the position only (EVENT_POSITION, or BEGIN and COMMIT
 * where it had begun). Its commit time is that of its last event, where the server tells no other.
 *
 * Rows of a prepared XA transaction do not exist before XA COMMIT: they are passed over, their
 * place is noted in the position, and at XA COMMIT they are read again from there, on a connection
 * of their own, and come as the transaction that it is. Nothing of them is kept in memory.
 *
 * Images: a column that is not in the new image of an update is VALUE_UNCHANGED, unless the old
 * image has it; one that is not in the image of an insert has its default value. Key columns that
 * the new image leaves out are those of the old one.
 */
#pragma once

#include "source/mysql/schema.h"
#include "source/mysql/stream.h"

typedef struct MysqlChanges MysqlChanges;

/* Takes position over (a copy is made). schema outlives it. */
MysqlChanges *mysql_changes_new(
    const SourceStart *start, const BinlogPosition *position, MysqlSchema *schema) MUST_CHECK;
void mysql_changes_free(MysqlChanges *changes);
CLEANUP_DEFINE(MysqlChanges *, mysql_changes_free);

/* One event of the stream. Then mysql_changes_next() is to be called until it says NEXT_IDLE. */
bool mysql_changes_take(MysqlChanges *changes, Text event, Error *err) MUST_CHECK;
/* What follows from it. bytes of the event must stay until NEXT_IDLE. */
Next mysql_changes_next(MysqlChanges *changes, Event *ret_event, Error *err);
/* See SourceDriver.notice. */
Text mysql_changes_notice(MysqlChanges *changes);
