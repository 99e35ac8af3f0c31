/*
 * report.h - which settings of the server and which tables lose data, and why
 */
#pragma once

#include "source/mysql/tables.h"

/* For dray check and dray install: server, settings (log_bin, binlog_format, binlog_row_image,
 * binlog_row_metadata, retention, GTIDs, sql_mode, character sets, server_id, checksums,
 * max_allowed_packet), rights, then a line a table with its key and its problem. False with *err
 * where the service could not run at all. */
bool source_mysql_report(MysqlServer *server, const SourceStart *start, Buf *report, Error *err)
    MUST_CHECK;
