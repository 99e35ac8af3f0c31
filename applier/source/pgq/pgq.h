/*
 * pgq.h - source "pgq": a consumer of a PgQ queue, the events of logutriga and jsontriga triggers
 *
 * pgq.c          the driver: options, and the functions of the files below
 * position.c     queue, tick and snapshot as a text; their order; pure
 * urlencoded.c   PgQ's own urlencoding; pure
 * encoding.c     names and values of a database that is not UTF-8
 * record.c       what an event says: table, operation, key, old and new row; pure
 * value.c        a trigger's text of a value into the canonical one; pure
 * queue.c        the consumer at the server: where it is, the next batches, finishing them
 * batch.c        the events of one batch, streamed
 * shape.c        names in an event, and the catalogue's types, into Tables
 * changes.c      events into BEGIN, CHANGE, TRUNCATE, COMMIT
 * triggers.c     the triggers of a queue, as the catalogue has them
 * arguments.c    their arguments; pure
 * install.c      queue, consumer and triggers: making and removing them
 * report.c       what dray check says of them
 * tables.c       the catalogue: which tables have a trigger for the queue
 * snapshot.c     rows at an exact place of the queue, for bootstrap and verify
 *
 * One PgQ batch, the events between two ticks, is one transaction: its commit time is the time of
 * the batch's last tick, its position that tick. Inside of it the events come in the order of
 * ev_id. Batches without an event are transactions without a change. One exception: a batch that a
 * snapshot lies inside of is told in two transactions, where somebody wants to stand exactly at
 * that snapshot (SourceDriver.cut).
 *
 * Reading ahead. PgQ hands a consumer one batch at a time, and the next one only when that is
 * finished, which here must not be before the target has committed. So the next batches are looked
 * up in a transaction that is rolled back (queue.h): the consumer stays where it was, and
 * events stay in the queue, until the target holds them.
 *
 * Exactly once. The target's position row holds the tick, in the transaction of the rows. At a
 * start the consumer at the server is compared with it: where the server is behind, its batches up
 * to the position were committed but not finished, and are finished, not applied again. Where it is
 * ahead, or the queue is another one of that name, or the tick is not the one that it was, opening
 * is refused (ERR_SOURCE, not retriable) with the reason and the way out.
 *
 * Source: PgQ 3.5: its SQL functions and their comments (pgq--3.5.sql), the sources of its
 * triggers.
 */
#pragma once

#include "source/snapshot.h"
#include "source/source.h"
#include "source/source_table.h"

typedef enum PgqUnknownEvents {
    PGQ_UNKNOWN_ERROR,
    PGQ_UNKNOWN_SKIP, /* counted, told by a notice */
} PgqUnknownEvents;

/* Events that came back from the retry queue (ev_retry is not null): out of their order. */
typedef enum PgqRetriedEvents {
    PGQ_RETRIED_ERROR,
    PGQ_RETRIED_APPLY,
    PGQ_RETRIED_SKIP, /* counted, told by a notice */
} PgqRetriedEvents;

typedef enum PgqTrigger {
    PGQ_TRIGGER_LOGUTRIGA,
    PGQ_TRIGGER_JSONTRIGA,
} PgqTrigger;

typedef struct PgqSourceOptions {
    const char *connection; /* libpq string or URI, secret */
    const char *queue;
    const char *consumer; /* "": the service's name */
    int64_t start_tick;   /* for a service without a position: this tick counts as committed; -1:
                             where the consumer is registered */
    int unknown_events;   /* PgqUnknownEvents */
    int retried_events;   /* PgqRetriedEvents */
    TextList tables;      /* globs: what install gives triggers, where it is told no tables */
    int trigger;          /* PgqTrigger: what install makes */
    TextList trigger_arguments; /* of the triggers that install makes, behind the queue: "backup",
                                   "ignore=a,b", "pkey=a,b", "deny", "SKIP", "when=…" … */
    int64_t poll_interval_ms;   /* between two looks for a next batch */
    int64_t lag_warn_ms;        /* warn when the newest tick is this much ahead of the consumer, or
                                   the newest tick itself is this old (no ticker); 0: never */
    int64_t connection_lifetime_ms; /* connections that are older are made anew between batches; 0:
                                       they stay */
    int64_t connect_timeout_ms;
} PgqSourceOptions;

extern const SourceDriver source_pgq;

/* The consumer's name, ends in NUL. */
void pgq_consumer_name(const char *service, const PgqSourceOptions *options, Buf *ret_name);
