/*
 * snapshot.h - a MySQL or MariaDB source's rows at an exact position of its log
 *
 * open() makes all connections that readers will need (SourceStart.readers) and lets each begin a
 * consistent snapshot. MariaDB tells in the session itself at which place of the log the view was
 * taken (status variables Binlog_snapshot_file, _position), so one view needs no lock. Several
 * views of the same place, and any view of MySQL, are taken while commits wait: BACKUP STAGE
 * BLOCK_COMMIT in MariaDB, FLUSH TABLES WITH READ LOCK in MySQL, given up where it has to wait for
 * longer than a few seconds (retriable), and held only until the views are begun: milliseconds.
 * options.snapshot_lock = false: MariaDB only, and the readers share one connection's view, one
 * after the other.
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
