/*
 * server.h - an ordinary connection to the source's server, and what the server is
 *
 * The session: utf8mb4, UTC, REPEATABLE READ, sql_mode '' with ANSI quotes off, no time limits, no
 * writes (SET SESSION TRANSACTION READ ONLY). Waiting watches the stop request: a statement that
 * runs at STOP_NOW fails with ERR_STOPPED.
 *
 * Errors are ERR_SOURCE with the server's own text and number ("1236: …") on one line, retriable
 * where the connection was lost or the server is away, starts or stops. Never a password.
 *
 * Fault points, all of them a lost connection: source.mysql.open, source.mysql.query.
 */
#pragma once

#include "source/binlog/position.h"
#include "source/mysql/mysql.h"

typedef struct MysqlServer {
    MYSQL *mysql;
    bool is_mariadb;
    int version; /* 101119 for 10.11.19, 90704 for 9.7.4 */
    Buf version_text;
    MysqlClientOptions options; /* after the connection string */
    bool lost;                  /* the connection is of no use any more */
    Arena *arena;               /* texts of options that stood in the connection string */
} MysqlServer;

MysqlServer *source_mysql_server_open(const MysqlSourceOptions *options, Error *err) MUST_CHECK;
/* The same with another read timeout than the options and their connection string say; 0: none. */
MysqlServer *source_mysql_server_open_patient(
    const MysqlSourceOptions *options, int64_t read_timeout_ms, Error *err) MUST_CHECK;
void source_mysql_server_close(MysqlServer *server);
CLEANUP_DEFINE(MysqlServer *, source_mysql_server_close);

/* Run a statement; rows of it go to row (may be NULL). Values are VALUE_NULL or the server's text.
 */
bool source_mysql_server_query(
    MysqlServer *server, Text sql, SnapshotRowFn *row, void *context, Error *err) MUST_CHECK;
/* The first value of the first row, appended to out; *ret_found false where there is no row or it
 * is null. */
bool source_mysql_server_value(MysqlServer *server, Text sql, Buf *out, bool *ret_found, Error *err)
    MUST_CHECK;
/* Has the server MD5(), which checksums are made with? From MySQL 9.6 on it is a component. */
bool source_mysql_server_has_md5(MysqlServer *server);
#define MYSQL_MD5_WAY_OUT                                               \
    "this MySQL has no MD5() without its component: INSTALL COMPONENT " \
    "'file://component_classic_hashing'"
/* Set *err from the connection's last error. Returns false. */
bool source_mysql_server_error(MysqlServer *server, Error *err);
/* For fault points: cut the connection, and fail as a connection that was lost does. */
bool source_mysql_server_lose(MysqlServer *server, Error *err);

/* Append text as an SQL string, quotes included; a name as a quoted identifier. */
void source_mysql_add_string(Buf *sql, Text text);
void source_mysql_add_name(Buf *sql, Text name);

/* Where the log ends now: all that is committed lies before it. As the options say, GTIDs or file
 * and offset. ERR_SOURCE with the way out where the server writes no log, or GTIDs are asked for
 * and switched off. */
BinlogPosition *source_mysql_server_position(
    MysqlServer *server, const MysqlSourceOptions *options, Error *err) MUST_CHECK;
/* The same as file and offset, whatever the options say. */
BinlogPosition *source_mysql_server_file_position(MysqlServer *server, Error *err) MUST_CHECK;
/* Where the oldest log begins that the server still has. */
BinlogPosition *source_mysql_server_oldest_position(
    MysqlServer *server, const MysqlSourceOptions *options, Error *err) MUST_CHECK;
