/*
 * statement.h - what a statement of the log is: its first words, read past comments
 *
 * Not an SQL parser: it tells what must be done with a QUERY event. Comments (also the kind that
 * servers execute: / *!40000 … * /, / *M! … * /, whose text counts), white space and quotes are
 * understood as the servers do. Pure.
 */
#pragma once

#include "base/text.h"

typedef enum StatementKind {
    STATEMENT_BEGIN,     /* BEGIN, START TRANSACTION */
    STATEMENT_COMMIT,    /* COMMIT */
    STATEMENT_ROLLBACK,  /* ROLLBACK, of the whole transaction */
    STATEMENT_SAVEPOINT, /* SAVEPOINT, ROLLBACK TO, RELEASE SAVEPOINT */
    STATEMENT_XA_START,  /* XA START, XA BEGIN */
    STATEMENT_XA_END,
    STATEMENT_XA_PREPARE,
    STATEMENT_XA_COMMIT,
    STATEMENT_XA_ROLLBACK,
    STATEMENT_TRUNCATE, /* TRUNCATE TABLE of a whole table; also DELETE FROM that the server wrote
                           when it emptied a table in memory */
    STATEMENT_DDL,      /* CREATE, ALTER, DROP, RENAME of tables or databases: shapes may change */
    STATEMENT_DDL_ROWS, /* DDL by which rows come, go or change without row events: ALTER TABLE …
                           DROP, TRUNCATE, EXCHANGE PARTITION, DISCARD or IMPORT TABLESPACE */
    STATEMENT_OTHER,    /* nothing of rows or shapes: users, views, routines, triggers, events,
                           temporary tables, ANALYZE, SET PASSWORD, FLUSH … */
    STATEMENT_ROWS,     /* INSERT, UPDATE, DELETE, REPLACE, LOAD DATA, CALL, or what is not known:
                           rows changed as a statement, not as row events */
} StatementKind;

typedef struct Statement {
    StatementKind kind;
    Text xid;       /* XA_…: what stands behind the verb: X'61',X'',1 */
    bool one_phase; /* XA_COMMIT … ONE PHASE */
    Buf schema;     /* TRUNCATE, DDL: of the first table named; empty: the session's own */
    Buf table;      /* TRUNCATE; DDL where it names one */
    Buf words;      /* the first words, for error texts: at most 60 bytes, no values */
} Statement;

/* ansi_quotes: "a" is a name. *statement is cleared by statement_clear(). */
void statement_read(Text sql, bool ansi_quotes, Statement *statement);
void statement_clear(Statement *statement);

/* Does the name stand in the statement as an identifier of its own, quoted or not, in any case? May
 * say yes too often, never no where it is there. */
bool statement_mentions(Text sql, Text name);
