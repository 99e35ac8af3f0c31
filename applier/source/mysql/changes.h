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
 * Images: source/mysql/row_image.h.
 *
 * A transaction's events are kept until its end is there, or they come to 1 MiB, before anything of
 * them is handed out: what a ROLLBACK TO SAVEPOINT undid is then left out, and a transaction that
 * ends in ROLLBACK (MariaDB writes such ones) never happened. Of a larger one with savepoints a
 * second look at the log tells what was undone; a larger one that ends in ROLLBACK is
 * EVENT_ROLLBACK.
 *
 * source/mysql/group.h is the inside: where the open transaction is, and what its events come to.
 */
#pragma once

#include "source/mysql/schema.h"
#include "source/mysql/stream.h"

typedef struct MysqlChanges MysqlChanges;

/* All of it but position outlives the changes. */
typedef struct MysqlChangesStart {
    const SourceStart *source;
    const BinlogPosition *position; /* where the stream begins; copied */
    MysqlSchema *schema;
    bool fold_names; /* the server keeps names of tables in lower case (lower_case_table_names) */
} MysqlChangesStart;

/* Where source->position is "" an EVENT_POSITION comes first: where the service begins. */
MysqlChanges *source_mysql_changes_new(const MysqlChangesStart *start) MUST_CHECK;
void source_mysql_changes_free(MysqlChanges *changes);
CLEANUP_DEFINE(MysqlChanges *, source_mysql_changes_free);

/* One event of the stream. Then source_mysql_changes_next() is to be called until it says
 * NEXT_IDLE. */
bool source_mysql_changes_take(MysqlChanges *changes, Text event, Error *err) MUST_CHECK;
/* What follows from it. bytes of the event must stay until NEXT_IDLE. */
Next source_mysql_changes_next(MysqlChanges *changes, Event *ret_event, Error *err);
/* The stream has nothing more just now: EVENT_POSITION, where the place is another one than was
 * told last. */
bool source_mysql_changes_position(MysqlChanges *changes, Event *ret_event);
/* See SourceDriver.notice. */
Text source_mysql_changes_notice(MysqlChanges *changes);
