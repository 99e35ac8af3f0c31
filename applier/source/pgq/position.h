/*
 * position.h - a place in a queue as a text, and the order of places
 *
 *     5:1234:1741726270000123                     tick 1234 of the queue with id 5, made at this
 *                                                 time (microseconds since 1970): where a COMMIT
 *                                                 ends, and a service goes on
 *     5:1234:1741726270000123/800:812:801,805     the same, and the tick's txid_snapshot: a batch's
 *                                                 own place (BEGIN), that of the tick it begins
 *                                                 behind; and a snapshot's position: the newest
 *                                                 tick that it covers, and its own txid_snapshot.
 *                                                 A service that was brought to a snapshot ends
 *                                                 there, too: it goes on behind the tick, without
 *                                                 what the snapshot sees
 *     5:1234:1741726270000123#803                 an event's own place: the tick that its batch
 *                                                 begins behind, and its ev_txid
 *
 * Why three: a batch is not inside of a snapshot or outside, its transactions are. An event is in a
 * snapshot exactly if its ev_txid is visible in it. A whole batch is outside if everything the
 * snapshot sees is seen by the tick that the batch begins behind.
 *
 * The queue's id and the tick's time tell a queue that was dropped and made again, and a database
 * that was set back.
 *
 * Pure. Source: PostgreSQL documentation, "Transaction ID and Snapshot Information Functions"
 * (txid_snapshot: xmin:xmax:xip_list).
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

typedef struct PgqPosition {
    uint64_t queue_id;
    uint64_t tick;
    int64_t time_us;
    Text snapshot; /* a txid_snapshot's text, a view; TEXT_NONE: none */
    bool has_txid;
    uint64_t txid;
} PgqPosition;

/* False where the text is none. */
bool pgq_position_parse(Text text, PgqPosition *ret_position) MUST_CHECK;
void pgq_position_print(const PgqPosition *position, Buf *out);

/*
 * SourceDriver.compare. A text that is no position comes before all. An event's place against one
 * with a snapshot: before it exactly if the snapshot sees the event. Two places with snapshots: a
 * is before b unless a's sees all that b's sees. All others: by queue, then by tick; of two with
 * one tick, that with a snapshot is behind that without, since it sees what came after the tick.
 */
int pgq_position_compare(Text a, Text b);

/* Is the transaction visible in the snapshot? False for a text that is no txid_snapshot. */
bool pgq_snapshot_sees(Text snapshot, uint64_t txid);
/* Does a see everything that b sees? */
bool pgq_snapshot_covers(Text a, Text b);
