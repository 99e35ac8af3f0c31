/*
 * statement.h - what a statement of the log is: its first words, read past comments
 *
 * Not an SQL parser: it tells what must be done with a QUERY event. Comments (also the kind that
 * servers execute: / *!40000 … * /, / *M! … * /, whose text counts, but for 99999 and 999999, which
 * no server has), white space and quotes are understood as the servers do. Pure.
 *
 * The text is to be UTF-8, or in a character set whose bytes below 128 are ASCII wherever they
 * stand: what came in big5, gbk, sjis and their like is converted first.
 */
#pragma once

#include "source/binlog/event.h"

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
    STATEMENT_DDL,      /* CREATE, ALTER, DROP, RENAME of tables, databases, indexes, sequences:
                           shapes may change */
    STATEMENT_DDL_ROWS, /* DDL by which rows come, go or change without row events: ALTER TABLE …
                           DROP, TRUNCATE, EXCHANGE, CONVERT PARTITION, DISCARD or IMPORT
                           TABLESPACE, ALTER IGNORE TABLE, CREATE TABLE … SELECT */
    STATEMENT_OTHER,    /* nothing of rows or shapes: users, views, routines, triggers, events,
                           temporary tables, ANALYZE, SET PASSWORD, FLUSH … */
    STATEMENT_ROWS,     /* INSERT, UPDATE, DELETE, REPLACE, LOAD DATA, CALL, or what is not known:
                           rows changed as a statement, not as row events */
} StatementKind;

typedef struct Statement {
    StatementKind kind;
    Text xid;       /* XA_…: what stands behind the verb: X'61',X'',1 */
    bool one_phase; /* XA_COMMIT … ONE PHASE */
    bool replaces;  /* DDL: CREATE OR REPLACE TABLE: one of the name went, with its rows */
    bool drops;     /* DDL: DROP TABLE, DATABASE, SEQUENCE: rows went */
    Buf schema;     /* TRUNCATE, DDL: of the first table named; empty: the session's own */
    Buf table;      /* TRUNCATE; DDL where it names one */
    Buf words;      /* the first words, for error texts: at most 60 bytes, no values */
} Statement;

/* ansi_quotes: "a" is a name. *statement need not be set before; statement_clear() frees it. xid is
 * a view of sql. */
void statement_read(Text sql, bool ansi_quotes, Statement *statement);
void statement_clear(Statement *statement);
/* "a statement of rows", "XA COMMIT" …: for tests and messages. */
const char *statement_kind_name(StatementKind kind);
/* XA_…: the name that xid writes. False: it is none. The bytes go to the buffer. */
bool statement_xid(Text xid, Buf *bytes, BinlogXid *ret_xid) MUST_CHECK;

/* Does the name stand in the statement as an identifier of its own, quoted or not, in any case? May
 * say yes too often, never no where it is there. */
bool statement_mentions(Text sql, Text name);
