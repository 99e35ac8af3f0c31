/*
 * postgres_side.h - the ordinary connection beside the replication stream
 *
 * Asks the catalogue for what Relation messages do not tell, writes the heartbeat, and looks now
 * and then at how much WAL the server retains and whether the publication was altered. The
 * connection is made when it is first needed, and again after it was lost.
 */
#pragma once

#include "source/postgres_relation.h"
#include "source/postgres_slot.h"

typedef struct PostgresSide PostgresSide;

typedef struct PostgresSideStart {
    const PostgresSourceOptions *options;
    Text slot;
    Text publication;
    bool quiet; /* the stream is not the service's own (a snapshot's): no heartbeat, no looks */
} PostgresSideStart;

PostgresSide *postgres_side_new(const PostgresSideStart *start) MUST_CHECK;
void postgres_side_free(PostgresSide *side);
CLEANUP_DEFINE(PostgresSide *, postgres_side_free);

/* The connection; belongs to side. */
PostgresConnection *postgres_side_connection(PostgresSide *side, Error *err) MUST_CHECK;

/* PostgresFactsFn of postgres_relations_new(); context is the PostgresSide. */
bool postgres_side_facts(void *context, const PgoutputMessage *relation, bool primary_key,
    Arena *arena, PostgresColumnFacts *facts, Error *err);

/*
 * Between transactions: do what is due, of the heartbeat (options: heartbeat_ms) and the look
 * (every sixth status_interval, a minute by default). Errors become notices: the stream does not
 * depend on it. Returns the milliseconds until something is due again.
 */
int64_t postgres_side_work(PostgresSide *side);
/* Does the server shut down? It ends ordinary connections before it waits for the stream's end.
 * Looks at most once a second, and only at a connection that was there. */
bool postgres_side_sees_shutdown(PostgresSide *side);
/* A notice to be told: valid until the next call; TEXT_NONE when there is none. */
Text postgres_side_notice(PostgresSide *side);
/* Add a notice. */
void postgres_side_tell(PostgresSide *side, Text notice);
