/*
 * postgres_client.h - connecting to PostgreSQL with libpq, for sources and targets
 *
 * What a connection string says, waiting for the connection with an eye on the stop request, why it
 * failed, and passwords kept out of texts. The session is its user's.
 */
#pragma once

#include <libpq-fe.h>

#include "base/error.h"
#include "base/text.h"

#define POSTGRES_CLIENT_PARAMS 20

/* Keywords for libpq. Those before "dbname", which is the connection string, give way to what the
 * string says. */
typedef struct PostgresClientParams {
    const char *names[POSTGRES_CLIENT_PARAMS + 1];
    const char *values[POSTGRES_CLIENT_PARAMS + 1];
    char numbers[POSTGRES_CLIENT_PARAMS][24];
    size_t count;
} PostgresClientParams;

/* value is a view; NULL and "" are left out. */
void postgres_client_add(PostgresClientParams *params, const char *name, const char *value);
void postgres_client_add_number(PostgresClientParams *params, const char *name, int64_t value);

/* What the connection string says itself. */
typedef struct PostgresClientFacts {
    char *password; /* the caller frees it with postgres_client_free_password(); NULL: none */
    int64_t timeout_ms;
    bool many_hosts;
} PostgresClientFacts;

/* ERR_CONFIG where it is no connection string; nothing of it is shown. timeout_ms is the limit
 * where it names none. */
bool postgres_client_read(const char *connection, int64_t timeout_ms,
    PostgresClientFacts *ret_facts, Error *err) MUST_CHECK;
void postgres_client_free_password(char *password);

/*
 * Connect. NULL with ERR_STOPPED at STOP_NOW; else with an error of this kind, the server's or
 * libpq's reason in its text, its SQLSTATE ("" where there is none) in err->sqlstate; whether it is
 * retriable is the caller's to say, and true here.
 */
PGconn *postgres_client_connect(const PostgresClientParams *params,
    const PostgresClientFacts *facts, ErrorKind kind, Error *err) MUST_CHECK;

/* Append text as one line, with **** for the password (NULL: none). One of less than four
 * characters is no secret, and stands in too many texts. */
void postgres_client_clean(const char *password, Text text, Buf *out);

/* Wait until the socket is ready for events (POLLIN, POLLOUT), wait_ms are over (below 0: no limit;
 * it may be less), or a stop is requested. Above 0: ready; below: broken. */
int postgres_client_poll(int socket_fd, short events, int64_t wait_ms);
