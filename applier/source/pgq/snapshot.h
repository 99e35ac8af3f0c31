/*
 * snapshot.h - a PostgreSQL database's rows at an exact place of a queue
 *
 * Opening registers a consumer of its own for the time of the snapshot,
 * "<consumer>.snapshot.<pid>", so that everything from now on stays in the queue, and then exports
 * a snapshot (REPEATABLE READ, pg_export_snapshot()), which waits for nobody's transaction. pid is
 * the server process that holds the snapshot. The consumer is unregistered when the snapshot is
 * closed, or by who takes it over to stream behind it; one that a crash left behind (its process is
 * gone) is removed by the next snapshot and by uninstall.
 *
 * Its position is "…/txid_snapshot": an event is in it exactly if its ev_txid is visible there
 * (position.h). The tick in it is the newest one whose own snapshot sees nothing that this one does
 * not: a batch that ends with it or before is wholly inside, and every later tick sees all that the
 * snapshot sees. (A tick that was being made when the snapshot was taken is waited for, since it
 * may be on either side.)
 *
 * Rows are read as source/postgres_snapshot.h does.
 *
 * Crash point: "source.pgq.snapshot_registered".
 */
#pragma once

#include "source/pgq/pgq.h"
#include "source/postgres_snapshot.h"

extern const SnapshotDriver pgq_snapshot;

/* Between the consumer's name and the process in the name of a snapshot's consumer. */
#define PGQ_SNAPSHOT_CONSUMER ".snapshot."

/* Hand over the consumer's name and the snapshot's txid_snapshot, to stream behind it; the caller
 * unregisters the consumer. */
bool pgq_snapshot_take(Snapshot *snapshot, Buf *ret_consumer, Buf *ret_txids, Error *err)
    MUST_CHECK;
