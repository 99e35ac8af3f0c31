/*
 * log_query.h - a QUERY event: what it is, and whether it matters to this service
 *
 * Pure; one thread.
 */
#pragma once

#include "source/binlog/event.h"
#include "source/binlog/statement.h"
#include "source/mysql/mysql.h"

typedef struct LogQuery {
    Statement statement;
    Text sql;      /* in UTF-8, as far as it could be turned into it */
    Text database; /* the session's; "" none */
    Buf unpacked;
    Buf converted;
} LogQuery;

void log_query_clear(LogQuery *query);

/* QUERY, QUERY_COMPRESSED, or EXECUTE_LOAD_QUERY, which is STATEMENT_ROWS. *query was zeroed or
 * read before; its texts are valid as long as the event, until the next call. */
bool log_query_read(LogQuery *query, const BinlogFormat *format, const BinlogEvent *event,
    bool fold_names, Error *err) MUST_CHECK;
/* The schema of the table that the statement names, else the session's. */
Text log_query_schema(const LogQuery *query);
/*
 * Could the statement be about rows of a table that a service of these options carries? Certain of
 * tables that it names; of other statements no only where nothing in the text can be a carried
 * schema.
 */
bool log_query_concerns(const LogQuery *query, const MysqlSourceOptions *options);
