/*
 * target.h - what a target driver is
 *
 * A driver is a const TargetDriver in the registry (target/registry.c). Its object begins with a
 * Target, is one connection, and belongs to one thread. Errors: ERR_TARGET for connections and
 * rights, ERR_SCRIPT for a statement the server refuses (with its sqlstate and its own text,
 * position and context included), ERR_DATA for a row or value; retriable as the server's code says
 * (lost connection, deadlock, serialization, starting up, lock wait timeout). Passwords never
 * appear in one.
 */
#pragma once

#include "block/load_feed.h"
#include "config/config.h"
#include "target/sql_dialect.h"
#include "target/table.h"

typedef struct TargetDriver TargetDriver;

typedef struct Target {
    const TargetDriver *driver;
} Target;

enum {
    TARGET_TRANSACTIONS = 1,     /* DDL aside, all of a block commits at once */
    TARGET_PARALLEL_LOAD = 2,    /* @load on several connections */
    TARGET_TRANSACTIONAL_DDL = 4 /* staging tables may be made inside the transaction */
};

/* One row of a query: count values, VALUE_NULL or VALUE_TEXT, valid during the call. Return false
 * (with *err set) to end it. */
typedef bool TargetRowFn(void *context, const Value *values, size_t count, Error *err);

struct TargetDriver {
    const char *name; /* target.type in the configuration */
    const char *summary;
    const Field *fields; /* of the options struct */
    size_t options_size;
    unsigned abilities;
    const SqlDialect *sql;
    Text null_word;       /* preset of csv.null */
    bool null_word_fixed; /* the target's load statement knows no other */
    Notation notation;
    /* A statement by which a connection takes zero dates after all, for values.zero_date: text;
     * NULL: there is none. */
    const char *take_zero_dates;
    const char *missing; /* why this build has no such driver (then all below is NULL), or NULL */

    /* Connect, and set the session up: texts are UTF-8, times UTC, constraints strict. */
    Target *(*open)(const void *options, Error *err);
    void (*close)(Target *target);

    bool (*begin)(Target *target, Error *err);
    /* On failure *ret_unknown tells that the outcome is not known: the connection went while
     * COMMIT was under way. */
    bool (*commit)(Target *target, bool *ret_unknown, Error *err);
    /* Never fails: a dead connection has no transaction. */
    void (*rollback)(Target *target);
    /* Is a transaction open, as the server (or the library) says? */
    bool (*in_transaction)(Target *target);

    /*
     * Run one statement. feed (may be NULL) serves a streamed load. *ret_rows is the number of
     * rows it changed or loaded, -1 where the target does not tell. Rows of a SELECT are thrown
     * away. A load that the server took with warnings or skipped rows is an error.
     */
    bool (*execute)(Target *target, Text sql, LoadFeed *feed, int64_t *ret_rows, Error *err);
    bool (*query)(Target *target, Text sql, TargetRowFn *row, void *context, Error *err);

    /* Describe a table; *ret_table is NULL where there is none. Schema "" is the connection's own.
     * Works inside and outside a transaction. */
    bool (*describe)(
        Target *target, Text schema, Text name, Arena *arena, TargetTable **ret_table, Error *err);
    /* Append to report, a line each, what "dray check" should say: server and version, rights that
     * are missing, settings that lose data (then false). */
    bool (*check)(Target *target, Buf *report, Error *err);
    /* Ask the server to give up what runs on this connection; any thread may. NULL: cannot. */
    void (*cancel)(Target *target);
};

/* All drivers, ended by NULL. */
extern const TargetDriver *const target_drivers[];
/* NULL when there is none of that name. */
const TargetDriver *target_find(const char *name);

void target_close(Target *target);
CLEANUP_DEFINE(Target *, target_close);
