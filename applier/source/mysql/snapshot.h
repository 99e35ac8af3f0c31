/*
 * snapshot.h - a MySQL or MariaDB source's rows at an exact position of its log
 *
 * open() makes all connections that readers will need (SourceStart.readers) and lets each begin a
 * consistent snapshot of the same place of the log (views.h: without a lock where that can be, else
 * commits wait for milliseconds; notice() tells). They are a pool: a reader has one for itself
 * until it is closed. Where there is only one view, readers share its connection, a statement at a
 * time.
 *
 * A table that was read or described keeps its definition (a metadata lock, as of every statement)
 * until its reader is closed; in MariaDB until the snapshot is, where the user may not switch the
 * log off for his session. Its definition may be newer than the view: then the server refuses to
 * read it where rows were rewritten, and the error is retriable, with another snapshot. Where a
 * column was only added, dropped or renamed, rows come with the columns of now.
 *
 * Only transactional tables (InnoDB) have such views: others are refused by name.
 *
 * Sources: MariaDB documentation, "START TRANSACTION" (WITH CONSISTENT SNAPSHOT), "BACKUP STAGE";
 * MySQL reference manual, "FLUSH", "Consistent Nonlocking Reads".
 *
 * Fault point: source.mysql.copy, a lost connection.
 */
#pragma once

#include "source/mysql/tables.h"
#include "source/snapshot.h"

extern const SnapshotDriver mysql_snapshot;
