/*
 * dump.h - asking a server for its binary log, and reading the packets it sends
 *
 * The commands below stream.h: the session variables by which a replica tells what it understands,
 * COM_REGISTER_SLAVE (the server then shows us among its replicas), and COM_BINLOG_DUMP or
 * COM_BINLOG_DUMP_GTID. From then on the connection is good for mysql_dump_read() only.
 *
 *     COM_REGISTER_SLAVE      Int32 server_id   Int8 length, host   Int8 0 (user)   Int8 0
 *                             (password)   Int16 port   Int32 0   Int32 0
 *     COM_BINLOG_DUMP         Int32 offset   Int16 flags   Int32 server_id   bytes: file
 *     COM_BINLOG_DUMP_GTID    Int16 flags   Int32 server_id   Int32 length, file   Int64 offset
 *                             Int32 length, the set of GTIDs that we have
 *     answer                  packets: Int8 0, one event; Int8 0xfe: the end; Int8 0xff: an error
 *
 * The library's own mariadb_rpl_fetch() is not used: it takes the events apart and refuses those it
 * does not know, of which MySQL has some.
 *
 * Sources: MySQL source documentation, "COM_BINLOG_DUMP", "COM_BINLOG_DUMP_GTID",
 * "COM_REGISTER_SLAVE"; MariaDB documentation, "5-slave-registration", "COM_BINLOG_DUMP".
 */
#pragma once

#include "source/mysql/stream.h"

typedef struct MysqlDump MysqlDump;

/* Connect and ask. */
MysqlDump *mysql_dump_open(const MysqlStreamStart *start, Error *err) MUST_CHECK;
void mysql_dump_close(MysqlDump *dump);
CLEANUP_DEFINE(MysqlDump *, mysql_dump_close);

/* The next event's bytes, valid until the next call. Waits for them without a limit but
 * mysql_dump_cut(). NEXT_END only with until_end. */
Next mysql_dump_read(MysqlDump *dump, Text *ret_event, Error *err);
/* From any thread, until mysql_dump_close(): end mysql_dump_read(), now and from now on. */
void mysql_dump_cut(MysqlDump *dump);
