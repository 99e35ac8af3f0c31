/*
 * position.h - the table dray_position: how far the target has got, and who may write to it
 *
 *   service varchar key · fence bigint · seqno bigint · source_position text · block varchar ·
 *   commit_timestamp · updated_at
 *
 * Why a block is applied exactly once:
 * - The row is updated in the block's transaction, so rows and position are committed together.
 * - The update asks for our fence AND the seqno before the block. A process that was replaced, or a
 *   block that is already in, changes no row and commits nothing.
 * - position_acquire() adds 1 to the fence. It waits for the row while an older process's
 *   transaction holds it, so that afterwards that transaction is either committed (and seen in
 *   seqno) or can never commit.
 * - After a connection lost during COMMIT, position_reacquire() does the same with our own fence:
 *   the lost transaction is then decided, and seqno tells which way.
 *
 * source_position also moves alone, while the source tells progress without transactions for us:
 * seqno_before and seqno are then the same. It is exact as well:
 * - Nothing between the old text and the new one is for us, so whichever of the two a crash leaves
 *   behind, the same transactions follow, and get the same seqnos.
 * - The update asks for our fence and for the seqno that the new text stands behind. One that was
 *   delayed changes no row once a block is in, or the service is another process's; nor does it in
 *   a target that went back in time, where the text would skip what was lost.
 * - The source is told only afterwards: it never forgets what the target may still ask for.
 */
#pragma once

#include "target/target.h"

typedef struct Position {
    uint64_t fence;
    uint64_t seqno;       /* of the last committed transaction; 0: none yet */
    Text source_position; /* "" none yet; in the arena given */
    Text block;           /* directory name of the last block */
    int64_t commit_us;    /* source commit time of the last transaction, or TIME_UNKNOWN */
    int64_t updated_us;   /* target or local clock, when it was written */
} Position;

/* schema is target.position_schema, "" for the connection's own. Creates the table if missing. */
bool position_prepare(Target *target, Text schema, Error *err) MUST_CHECK;
/* Take the service over: fence + 1 (1 for a new service), committed at once. */
bool position_acquire(Target *target, Text schema, Text service, Arena *arena,
    Position *ret_position, Error *err) MUST_CHECK;
/* The same where the fence still is ours; ERR_FENCED otherwise. */
bool position_reacquire(Target *target, Text schema, Text service, uint64_t fence, Arena *arena,
    Position *ret_position, Error *err) MUST_CHECK;
/* Read only; *ret_found false where the table or the row is missing. */
bool position_read(Target *target, Text schema, Text service, Arena *arena, Position *ret_position,
    bool *ret_found, Error *err) MUST_CHECK;
/* Inside the block's transaction: move from seqno_before to position->seqno (the same one where
 * only source_position moves). ERR_FENCED when the row does not have our fence and seqno_before any
 * more. */
bool position_write(Target *target, Text schema, Text service, uint64_t seqno_before,
    const Position *position, Error *err) MUST_CHECK;
/* Where the service has no position yet: let it begin at this one of the source, with fence and
 * seqno as they are (0 for a new row). Inside a transaction; nothing is changed where it has one.
 */
bool position_begin(Target *target, Text schema, Text service, Text source_position, Error *err)
    MUST_CHECK;
/* Forget a service; there is nothing to do where the table or the row is missing. A transaction of
 * its own where none is open. */
bool position_remove(Target *target, Text schema, Text service, Error *err) MUST_CHECK;
