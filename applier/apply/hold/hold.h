/*
 * hold.h - asking a running service to stand still at a position, from another process
 *
 * The service listens on the Unix socket <block.directory>/control. A client asks it to hold: the
 * service goes on up to the position, commits everything before it, reads nothing further, and
 * answers. It stays so until the client releases it, or goes away (a client that dies releases by
 * that). Used by dray bootstrap, to hand a table over, and by dray verify, for an exact cut.
 *
 * Lines, one a request: "hold", "hold POSITION", "release"; answers: "held POSITION SEQNO" (the
 * target holds exactly the transactions that begin before POSITION), "past POSITION" (the service
 * already went further: nothing is held), "released", "error TEXT". One client at a time holds;
 * another one waits.
 *
 * While it is held the service keeps its source alive, and only a stop of the service ends the hold
 * without the client: the socket is closed then. What must not happen after such an end is made
 * sure of in the target: a service that started again has a higher fence in dray_position, so who
 * locks its row, and finds fence and seqno as they were, still has the hold. After a release the
 * service asks dray_bootstrap and the target's tables anew. A service that waits for a schema
 * change can be held where it stands, and only there.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

typedef struct HoldClient HoldClient;

/* NULL with *ret_running false when no service runs in this directory (its lock is free), NULL with
 * *err set where it runs and does not answer. */
HoldClient *hold_connect(const char *block_directory, bool *ret_running, Error *err) MUST_CHECK;
/* Releases what is held. */
void hold_disconnect(HoldClient *client);
CLEANUP_DEFINE(HoldClient *, hold_disconnect);

/*
 * Hold at a position ("": at once, between two transactions), or, held already, go on to a later
 * one. Waits for it, as long as it takes; ERR_STOPPED on a stop request. ERR_SOURCE "past" where
 * the service was further already. *ret_position is where it stands.
 */
bool hold_at(HoldClient *client, Text position, Buf *ret_position, uint64_t *ret_seqno, Error *err)
    MUST_CHECK;
bool hold_release(HoldClient *client, Error *err) MUST_CHECK;
