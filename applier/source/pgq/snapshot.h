/*
 * snapshot.h - a PostgreSQL database's rows at an exact place of a queue
 *
 * Opening registers a consumer of its own for the time of the snapshot,
 * "<consumer>.snapshot.<pid>", so that everything from now on stays in the queue, and then exports
 * a snapshot (REPEATABLE READ, pg_export_snapshot()). Its position is the newest tick that it sees
 * and its own txid_snapshot: an event is in it exactly if its ev_txid is visible there
 * (position.h). The consumer is unregistered when the snapshot is closed, or by who takes it over
 * to stream behind it; one that a crash left behind is found and removed by the next snapshot and
 * by uninstall.
 *
 * Rows are read as source/postgres_snapshot.h does.
 */
#pragma once

#include "source/pgq/pgq.h"
#include "source/postgres_snapshot.h"

extern const SnapshotDriver pgq_snapshot;

/* Hand over the consumer's name and the snapshot's txid_snapshot, to stream behind it; the caller
 * unregisters the consumer. */
bool pgq_snapshot_take(Snapshot *snapshot, Buf *ret_consumer, Buf *ret_txids, Error *err)
    MUST_CHECK;
