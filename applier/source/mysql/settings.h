/*
 * settings.h - which of a server's settings lose data or end the service one day, and why
 *
 * Pure: from the variables as SHOW GLOBAL VARIABLES shows them. A line each in the report; what
 * should be looked at begins with "warning: ".
 *
 * Sources: MySQL reference manual, "Binary Logging Options and Variables"; MariaDB documentation,
 * "Replication and Binary Log System Variables"; what MariaDB 10.11 and MySQL 9.7 write.
 */
#pragma once

#include "base/map.h"
#include "source/mysql/mysql.h"

typedef struct MysqlSettings {
    Map variables; /* name -> char* */
    bool is_mariadb;
    const MysqlSourceOptions *options;
    uint32_t server_id; /* ours: the first of MYSQL_ID_COUNT */
    Text do_db;         /* Binlog_Do_DB and Binlog_Ignore_DB of the log's status; "" none */
    Text ignore_db;
    int64_t sources;  /* of which the server is a replica; -1: not known */
    int64_t prepared; /* XA transactions that are prepared; -1: not known */
} MysqlSettings;

/* The variable's value, "" where the server has none of that name. */
Text source_mysql_settings_value(const MysqlSettings *settings, const char *name);

/* ERR_SOURCE where the service could not run at all: no log, statements in the log, no GTIDs, our
 * server_id. */
bool source_mysql_settings_require(const MysqlSettings *settings, Error *err) MUST_CHECK;
void source_mysql_settings_report(const MysqlSettings *settings, Buf *report);
