/*
 * packets.h - the binary log's commands and packets, as the client library at hand has them
 *
 *     COM_REGISTER_SLAVE      Int32 server_id   Int8 length, host   Int8 0 (user)   Int8 0
 *                             (password)   Int16 port   Int32 0   Int32 0
 *     COM_BINLOG_DUMP         Int32 offset   Int16 flags   Int32 server_id   bytes: file
 *     COM_BINLOG_DUMP_GTID    Int16 flags   Int32 server_id   Int32 length, file   Int64 offset
 *                             Int32 length, the set of GTIDs that we have
 *     answer                  packets: Int8 0, one event; Int8 0xfe: the end; Int8 0xff: an error
 *
 * packets_mariadb.c: MariaDB Connector/C sends a command as it is told, and reads a packet. Its own
 * mariadb_rpl_fetch() takes the events apart and refuses those it does not know, of which MySQL has
 * some. packets_mysql.c: libmysqlclient has mysql_binlog_open() and mysql_binlog_fetch() instead,
 * and registers no replica.
 *
 * Sources: MySQL source documentation, "COM_BINLOG_DUMP", "COM_BINLOG_DUMP_GTID",
 * "COM_REGISTER_SLAVE"; MariaDB documentation, "5-slave-registration", "COM_BINLOG_DUMP"; MySQL C
 * API developer guide, "C API Binary Log Interface".
 */
#pragma once

#include <mysql.h>

#include "base/text.h"

typedef struct MysqlAsk {
    uint32_t server_id;
    bool until_end;
    Text file;
    uint32_t offset;
    bool by_gtids; /* of MySQL: not file and offset count, but the set */
    Text set;      /* binary */
} MysqlAsk;

typedef struct MysqlPackets MysqlPackets;

/* Register and ask. mysql stays the caller's, and has the error where NULL is returned. */
MysqlPackets *source_mysql_packets_open(MYSQL *mysql, const MysqlAsk *ask) MUST_CHECK;
void source_mysql_packets_close(MysqlPackets *packets);
/* The next packet, without its first byte where that is 0; TEXT_NONE: the end. Valid until the next
 * call. False: mysql has the error. */
bool source_mysql_packets_read(MysqlPackets *packets, Text *ret_packet) MUST_CHECK;
