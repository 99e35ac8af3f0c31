/*
 * postgres.h - target postgres: PostgreSQL through libpq
 *
 * Every statement goes through the extended protocol, so that one text is one statement. The
 * connection is non-blocking: a COPY holds one piece of the file in memory, a SELECT one row, and a
 * statement that runs when the second stop signal comes is cancelled.
 *
 * The type text of a column of a domain is the domain's base type: the domain's NOT NULL and CHECK
 * would refuse the nulls of a D line in a staging table; they are checked when the base table is
 * filled. A collation that is not the type's own is part of the type text.
 *
 * Fault points, all of them a lost connection: postgres.open, .begin, .execute, .copy, .query,
 * .describe; postgres.commit (nothing is committed, and that is known), postgres.commit_unsent and
 * postgres.commit_sent (the outcome is unknown: not committed, committed). Crash points:
 * postgres.before_commit, postgres.after_commit.
 */
#pragma once

#include <libpq-fe.h>

#include "target/registry.h"

typedef enum PostgresSslmode {
    SSLMODE_DEFAULT, /* the connection string's, else libpq's own default */
    SSLMODE_DISABLE,
    SSLMODE_ALLOW,
    SSLMODE_PREFER,
    SSLMODE_REQUIRE,
    SSLMODE_VERIFY_CA,
    SSLMODE_VERIFY_FULL,
} PostgresSslmode;

typedef struct PostgresOptions {
    const char *connection;
    int64_t connect_timeout_ms;
    int64_t statement_timeout_ms;
    int64_t lock_timeout_ms;
    int64_t keepalive_idle_ms;
    int64_t keepalive_interval_ms;
    int64_t keepalive_count;
    int64_t tcp_user_timeout_ms;
    int sslmode; /* PostgresSslmode */
    const char *sslrootcert;
    const char *sslcert;
    const char *sslkey;
} PostgresOptions;

/* The rest is shared by the files of this driver alone. */
typedef struct PostgresTarget {
    Target base;
    PGconn *connection;
    PGcancel *cancel;
    char *password; /* of the connection string: kept out of error texts */
    Buf notices;    /* of the running statement, the first few; shown when it fails */
} PostgresTarget;

typedef struct PostgresStatement {
    const char *sql;
    const char *const *params; /* $1, $2 … */
    int param_count;
    LoadFeed *feed;
    TargetRowFn *row; /* NULL: rows are thrown away */
    void *context;
    bool watch_stop;  /* cancel it at STOP_NOW */
    int64_t ret_rows; /* by the command tag, -1 where it has no number */
    char ret_tag[64]; /* the command tag */
} PostgresStatement;

/* Send the statement and take all of its results. */
bool postgres_run(PostgresTarget *target, PostgresStatement *statement, Error *err) MUST_CHECK;
/* Set *err from a failed result (NULL: from the connection). Returns false. */
bool postgres_error(PostgresTarget *target, const PGresult *result, const char *sql, Error *err);
/* For fault points: cut the connection, and fail as a connection that was lost does. */
bool postgres_lose(PostgresTarget *target, Error *err);
/* What an SQLSTATE (PostgreSQL: Appendix A) means for kind and retry. */
void postgres_classify(const char *sqlstate, ErrorKind *ret_kind, bool *ret_retriable);

bool postgres_describe(Target *base, Text schema, Text name, Arena *arena, TargetTable **ret_table,
    Error *err) MUST_CHECK;
bool postgres_check(Target *base, Buf *report, Error *err) MUST_CHECK;
