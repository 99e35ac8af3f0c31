/*
 * dump.h - asking a server for its binary log, and reading the packets it sends
 *
 * Below stream.h: the session variables by which a replica tells what it understands, the commands
 * (packets.h), and errors with what can be done about them. From then on the connection is good for
 * source_mysql_dump_read() only.
 *
 * Sources: MySQL source documentation, "Replication Protocol"; MariaDB documentation, "Replication
 * Protocol", "Replica registration".
 */
#pragma once

#include "source/mysql/stream.h"

typedef struct MysqlDump MysqlDump;

/* Connect and ask. */
MysqlDump *source_mysql_dump_open(const MysqlStreamStart *start, Error *err) MUST_CHECK;
void source_mysql_dump_close(MysqlDump *dump);
CLEANUP_DEFINE(MysqlDump *, source_mysql_dump_close);

/* The next event's bytes, valid until the next call. Waits for them without a limit but
 * source_mysql_dump_cut(). NEXT_END only with until_end. */
Next source_mysql_dump_read(MysqlDump *dump, Text *ret_event, Error *err);
/* From any thread, until source_mysql_dump_close(): end source_mysql_dump_read(), now and from now
 * on. */
void source_mysql_dump_cut(MysqlDump *dump);
