/*
 * mysql.h - target mysql: MariaDB and MySQL through the C client library of either
 *
 * The session is in autocommit mode, and begin() says START TRANSACTION: after a statement that
 * commits implicitly the server reports that no transaction is open, where autocommit=0 would hide
 * it behind the next one. A streamed load outside a transaction gets one of its own, so that a file
 * that cannot be read to its end leaves nothing behind. READ COMMITTED is the default: DELETE …
 * JOIN and INSERT … SELECT then take no gap locks, and the position row is read as it is after a
 * wait.
 *
 * LOAD DATA LOCAL: the library asks us for the file; whatever name the server sends, it gets the
 * current feed, or a refusal where there is none. LOCAL turns bad values and duplicate keys into
 * warnings; any warning of a statement that changes rows is ERR_DATA, and so is a skipped row.
 * Notes are switched off (sql_notes).
 *
 * The type text of a text column has its character set and collation.
 *
 * Fault points, all of them a lost connection: mysql.open, .begin, .execute, .load, .query,
 * .describe; mysql.commit (nothing is committed, and that is known), mysql.commit_unsent and
 * mysql.commit_sent (the outcome is unknown: not committed, committed). Crash points:
 * mysql.before_commit, mysql.after_commit.
 */
#pragma once

#include "client/mysql_client.h"
#include "target/registry.h"

typedef enum MysqlIsolation {
    ISOLATION_READ_COMMITTED,
    ISOLATION_REPEATABLE_READ,
} MysqlIsolation;

typedef struct MysqlOptions {
    MysqlClientOptions client;
    int64_t lock_timeout_ms;
    int isolation; /* MysqlIsolation */
} MysqlOptions;

/* The rest is shared by the files of this driver alone. */
typedef struct MysqlTarget {
    Target base;
    MYSQL *mysql;
    Arena *arena;         /* texts of options that stood in the connection string */
    MysqlOptions options; /* after the connection string */
    unsigned long thread_id;
    bool lost;

    LoadFeed *feed; /* what LOAD DATA LOCAL gets; NULL: nothing */
    Text piece;     /* the rest of the last piece read from it */
    bool refused;   /* the server asked for a file while there was none */
    bool feed_failed;
    Error feed_error;
} MysqlTarget;

/* Set *err from the connection's last error. Returns false. */
bool target_mysql_error(MysqlTarget *target, MYSQL *mysql, Error *err);
/* What an error number means for kind and retry; message tells some of them apart. */
void target_mysql_classify(unsigned number, const char *sqlstate, const char *message,
    ErrorKind *ret_kind, bool *ret_retriable);
/* For fault points: cut the connection, and fail as a connection that was lost does. */
bool target_mysql_lose(MysqlTarget *target, Error *err);

/* Make the library ask us for the file of LOAD DATA LOCAL. */
void target_mysql_serve_files(MysqlTarget *target);
/* Run one statement and take all of its results. */
bool target_mysql_run(MysqlTarget *target, Text sql, LoadFeed *feed, int64_t *ret_rows, Error *err)
    MUST_CHECK;
/* The same for one that gives rows. */
bool target_mysql_rows(MysqlTarget *target, Text sql, TargetRowFn *row, void *context, Error *err)
    MUST_CHECK;

bool target_mysql_describe(Target *base, Text schema, Text name, Arena *arena,
    TargetTable **ret_table, Error *err) MUST_CHECK;
bool target_mysql_check(Target *base, Buf *report, Error *err) MUST_CHECK;
/* The logical type of a column type such as "bigint(20) unsigned". */
LogicalType target_mysql_logical(Text type);
