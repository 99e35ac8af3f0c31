/*
 * mysql.h - source "mysql": the row binary log of MariaDB and MySQL
 *
 * source/binlog/          the log's events, decoded; pure, without the client library
 * source/mysql/
 *   mysql.c               the driver: options, and the functions of the files below
 *   server.c              what kind of server it is, its settings, where its log ends
 *   stream.c              the dump connection: a thread that reads events, heartbeats
 *   dump.c, packets_*.c   asking for the log, and its packets; skip.c: places behind 4 GiB
 *   changes.c             events into BEGIN, CHANGE, TRUNCATE, COMMIT: transactions, statements, XA
 *   schema.c              table maps into Tables, with the schema as of the position
 *   lookahead.c           which DDL the log has between the stream and now
 *   tables.c, columns.c   the catalogue: SourceTable
 *   snapshot.c, rows.c    consistent snapshots, chunks of rows
 *   views.c               several connections that see the same place of the log
 *   report.c, problem.c   which settings and tables lose data, and why
 *   canonical.c           values as text in SQL, for checksums
 *
 * Position: source/binlog/position.h. A transaction's own place (EVENT_BEGIN) is the position
 * before it: the GTIDs of all before it, or file and offset of its first event. A snapshot's
 * position is the state of the log when the view was taken: it holds exactly the transactions whose
 * place is before it.
 *
 * The server keeps nothing for us: where a service stands is only in the target's position row, and
 * logs are purged by the server's own settings (SOURCE_PLACE_IN_TARGET).
 */
#pragma once

#include "client/mysql_client.h"
#include "source/mysql/driver.h"
#include "source/snapshot.h"
#include "source/source_table.h"

typedef enum MysqlPositionMode {
    MYSQL_BY_GTID,
    MYSQL_BY_FILE,
} MysqlPositionMode;

typedef enum MysqlStartAt {
    MYSQL_START_NOW,    /* a service without a position begins where the log ends now */
    MYSQL_START_OLDEST, /* … with the oldest log that the server still has */
} MysqlStartAt;

typedef enum MysqlStatements {
    MYSQL_STATEMENTS_REFUSE, /* rows changed by a statement in the log: stop, naming it */
    MYSQL_STATEMENTS_SKIP,   /* pass over it, count it, and tell */
} MysqlStatements;

typedef struct MysqlSourceOptions {
    MysqlClientOptions client;
    TextList tables;   /* globs over schema.table: source_mysql_carries(); none: all */
    int64_t server_id; /* ours, as a replica; 0: made of the service's name. The seven numbers
                          behind it are used as well: MysqlIdUse */
    int position;      /* MysqlPositionMode */
    int start;         /* MysqlStartAt */
    int statements;    /* MysqlStatements */
    TextList
        ignore_server_ids; /* events that were first written by these servers are passed over */
    int64_t heartbeat_ms;  /* the server tells where it is when it has nothing else to say */
    bool snapshot_lock; /* may a snapshot keep commits waiting for the moment in which its views are
                           taken? Without: one reader, from a view that needs no lock */
} MysqlSourceOptions;

/*
 * The options' server_id, or the one made of the service's name (2^31 and above); + use; + 4 for
 * what reads behind a snapshot. A server ends a replica's connection when another one of the same
 * number comes: what may be open at the same time has numbers of its own.
 */
typedef enum MysqlIdUse {
    MYSQL_ID_STREAM,    /* the service's stream */
    MYSQL_ID_BESIDE,    /* prepared and large transactions, read again */
    MYSQL_ID_LOOKAHEAD, /* DDL statements ahead of the stream */
    MYSQL_ID_CHECK,     /* dray check, beside a service that runs */
} MysqlIdUse;
#define MYSQL_ID_COUNT 8
uint32_t source_mysql_server_id(const SourceStart *start, MysqlIdUse use);

/* Does a service of these options carry the table? Never the server's own schemas. Of the globs the
 * last one that fits counts, and "!glob" leaves out; where the first one does so, all others are
 * carried. */
bool source_mysql_carries(const MysqlSourceOptions *options, Text schema, Text name);
