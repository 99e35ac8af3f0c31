/*
 * postgres_slot.h - are slot and publication such that the stream can go on at a position?
 *
 * Each way in which they are not is an ERR_SOURCE with the way out, not retriable. A slot whose
 * confirmed position is ahead of the target's is refused as well: the server would pass over what
 * lies between without a word, and it would be missing in the target for ever.
 */
#pragma once

#include "source/postgres_connection.h"

typedef struct PostgresSlotWanted {
    Text slot;
    Text publication;
    uint64_t position; /* to go on at; 0: where the slot is */
} PostgresSlotWanted;

typedef struct PostgresSlotFacts {
    uint64_t confirmed;
    int64_t retained; /* bytes of WAL that the server keeps for the slot */
    Buf notice;       /* what the publication does not publish; empty: nothing to tell */
} PostgresSlotFacts;

/* notice is to be cleared by the caller, also on failure. */
bool postgres_slot_check(PostgresConnection *connection, const PostgresSlotWanted *wanted,
    PostgresSlotFacts *ret_facts, Error *err) MUST_CHECK;

/*
 * An end of the WAL (an LSN): all that is committed now lies before it. Also of commits that are
 * not flushed yet (synchronous_commit = off), for which it waits a moment.
 */
bool postgres_slot_end_of_wal(PostgresConnection *connection, uint64_t *ret_lsn, Error *err)
    MUST_CHECK;

/* Add the way out to an error of the server that ended a stream of this slot. */
void postgres_slot_explain(const PostgresSlotWanted *wanted, Error *err);
