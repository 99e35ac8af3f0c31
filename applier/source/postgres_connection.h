/*
 * postgres_connection.h - connections of source postgres: connecting, statements, error texts
 *
 * A connection is an ordinary one, or a walsender's (replication=database), which understands the
 * replication commands as well. Both have the same session: UTF-8, DateStyle ISO, IntervalStyle
 * postgres, TimeZone UTC, bytea_output hex, extra_float_digits 3, standard_conforming_strings,
 * search_path empty but for pg_catalog, no time limits. A walsender prints the values of the stream
 * with these settings too. Tables must be named with their schema.
 *
 * Belongs to one thread. Waiting watches the stop request: a statement that runs at STOP_NOW fails
 * with ERR_STOPPED, and the connection is of no use any more.
 *
 * Errors are ERR_SOURCE with the server's own text on one line, and its SQLSTATE in err->sqlstate;
 * retriable where the connection was lost or the server is away, is starting or stopping, has no
 * free connection, or something is in use. Passwords of the connection string are never in them.
 *
 * Fault points, all of them a lost connection: source.postgres.open, source.postgres.query.
 *
 * Source: PostgreSQL documentation, chapters "libpq" and "PostgreSQL Error Codes".
 */
#pragma once

#include <libpq-fe.h>

#include "base/error.h"
#include "base/text.h"
#include "source/postgres.h"

typedef struct PostgresConnection {
    PGconn *pq;
    char *password; /* of the connection string, to be kept out of texts; or NULL */
} PostgresConnection;

typedef enum PostgresConnectionKind {
    POSTGRES_ORDINARY,
    POSTGRES_REPLICATION, /* statements by the simple protocol only: no parameters */
} PostgresConnectionKind;

PostgresConnection *postgres_connection_open(
    const PostgresSourceOptions *options, PostgresConnectionKind kind, Error *err) MUST_CHECK;
void postgres_connection_close(PostgresConnection *connection);
CLEANUP_DEFINE(PostgresConnection *, postgres_connection_close);

static inline void
postgres_result_free(PGresult *result)
{
    PQclear(result);
}
CLEANUP_DEFINE(PGresult *, postgres_result_free);

/*
 * Run one statement (or several without parameters, with ";" between them) and give the last
 * result, which the caller frees: all rows of it are in memory. params are $1, $2 … as texts, NULL
 * is null; an ordinary connection only. ret_result may be NULL.
 */
bool postgres_connection_query(PostgresConnection *connection, const char *sql,
    const char *const *params, int param_count, PGresult **ret_result, Error *err) MUST_CHECK;

/*
 * For statements that the caller sent itself (PQsendQuery, PQsendQueryParams, single row mode):
 * wait for the next result, NULL at the end of them. A result that is an error is made an Error
 * (the caller goes on asking until NULL, or closes the connection). The results of COPY are given
 * as they are; the caller then takes the data with PQgetCopyData.
 */
bool postgres_connection_result(PostgresConnection *connection, PGresult **ret_result, Error *err)
    MUST_CHECK;

/*
 * Until the server sent something or wait_ms are over (below 0: no limit). Consumes the input, so
 * that PQgetCopyData, PQisBusy and PQnotifies see it. False when the connection is broken (ask
 * postgres_connection_error with NULL) . Returns early, with true, when a stop is requested.
 */
bool postgres_connection_wait(PostgresConnection *connection, int64_t wait_ms) MUST_CHECK;

/* Set *err from a failed result; NULL: from the connection. Returns false. */
bool postgres_connection_error(PostgresConnection *connection, const PGresult *result, Error *err);
/* For fault points: cut the connection, and fail as a connection that was lost does. */
bool postgres_connection_lose(PostgresConnection *connection, Error *err);
/* May an error of this SQLSTATE pass by itself? */
bool postgres_connection_is_retriable(const char *sqlstate);

/* A field of a result: a view, valid as long as the result; TEXT_NONE where it is null. */
Text postgres_result_text(const PGresult *result, int row, int column);
/* Append name as a quoted identifier, or text as a string literal (standard_conforming_strings). */
void postgres_add_identifier(Buf *sql, Text name);
void postgres_add_literal(Buf *sql, Text text);

/* The names that the options or their defaults give; each ends in NUL. */
void postgres_slot_name(const char *service, const PostgresSourceOptions *options, Buf *ret_name);
void postgres_publication_name(
    const char *service, const PostgresSourceOptions *options, Buf *ret_name);
