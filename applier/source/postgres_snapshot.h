/*
 * postgres_snapshot.h - a PostgreSQL source's rows at an exact position: an exported snapshot
 *
 * Opening makes a temporary replication slot with EXPORT_SNAPSHOT. Its consistent point C is the
 * snapshot's position: the view has exactly the transactions whose commit record begins before C,
 * and the slot streams all others. The server makes the slot only when every transaction has ended
 * that was running when it was asked; when a stop is requested while it waits, the error
 * (ERR_STOPPED) says for whom.
 *
 * A reader is an ordinary connection in a transaction REPEATABLE READ, READ ONLY with this
 * snapshot. Row security that would hide rows from it is an error. When a table is first described
 * or read, it is locked in ACCESS SHARE mode (as every SELECT does) until the reader is closed, and
 * looked at whether it was rewritten since the snapshot (ALTER TABLE, TRUNCATE, VACUUM FULL,
 * CLUSTER): then the view of it may be empty, and the error is retriable, with another snapshot. An
 * error of a statement leaves the reader's view as it is.
 *
 * Rows come by COPY (SELECT …) TO STDOUT, one at a time; memory does not grow with them. Rows of
 * child tables (INHERITS) come under the children's names, those of partitions under the parent's
 * where that is what is read. Of a table with a row filter only the rows that fulfil it come.
 *
 * Source: PostgreSQL documentation, "Streaming Replication Protocol" (CREATE_REPLICATION_SLOT),
 * "SET TRANSACTION", "COPY" (text format), "MVCC Caveats".
 *
 * Fault point: source.postgres.copy, a lost connection.
 */
#pragma once

#include "source/postgres_connection.h"
#include "source/snapshot.h"

extern const SnapshotDriver postgres_snapshot;

/*
 * Hand over the walsender's connection and the name of its temporary slot, to stream behind the
 * snapshot. The caller closes the connection, which removes the slot. No reader can be opened any
 * more; those that are open go on. ERR_INTERNAL when it was handed over before.
 */
bool postgres_snapshot_take(
    Snapshot *snapshot, PostgresConnection **ret_connection, Buf *ret_slot, Error *err) MUST_CHECK;
