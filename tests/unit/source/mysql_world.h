/*
 * mysql_world.h - a server with a binary log for tests of the MySQL source: MariaDB, or MySQL where
 * the program gets the argument "mysql"
 */
#pragma once

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <unistd.h>

#include "../target/server.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/stop.h"
#include "source/binlog/event.h"
#include "source/mysql/stream.h"
#include "support/test.h"

static Server server;
static bool on_mysql;
static char socket_option[128];
static MysqlSourceOptions options;
static MysqlServer *admin;

static inline MysqlServer *
connect_server(void)
{
    Error err;
    MysqlServer *opened = source_mysql_server_open(&options, &err);

    if (opened == NULL)
        fail_msg("%s", err.text);
    assert_ok(source_mysql_server_query(
                  opened, TEXT("SET SESSION TRANSACTION READ WRITE"), NULL, NULL, &err),
        err);
    return opened;
}

static inline void
run(const char *sql)
{
    Error err;

    if (!source_mysql_server_query(admin, text_of(sql), NULL, NULL, &err))
        fail_msg("%s: %s", sql, err.text);
}

/* The first value of the first row; "" where there is none. Valid until the next call. */
static inline const char *
ask(const char *sql)
{
    static Buf value;
    Error err;
    bool found;

    buf_reset(&value, SIZE_MAX);
    if (!source_mysql_server_value(admin, text_of(sql), &value, &found, &err))
        fail_msg("%s: %s", sql, err.text);
    return buf_string(&value);
}

static inline void
set_options(void)
{
    options = (MysqlSourceOptions){
        .client =
            {
                .connection = "",
                .socket = server.socket,
                .user = "root",
                .connect_timeout_ms = 10000,
                .keepalive_idle_ms = 60000,
                .keepalive_interval_ms = 10000,
                .keepalive_count = 6,
            },
        .position = MYSQL_BY_FILE,
        .heartbeat_ms = 30000,
    };
}

/* Every test begins with an empty schema and options that work. */
static inline int
clean(void **state)
{
    (void)state;
    fault_arm(0);
    stop_reset();
    set_options();
    run("SET SESSION wait_timeout = 1000000");
    run("DROP DATABASE IF EXISTS s");
    run("CREATE DATABASE s");
    run("USE s");
    return 0;
}

static inline void
restart_server(void)
{
    source_mysql_server_close(admin);
    server_restart(&server);
    admin = connect_server();
}

/* Start the server, run the tests, stop it. */
static inline int
run_world(int argc, char **argv, const struct CMUnitTest *tests, size_t count)
{
    static const char *const mariadb_arguments[] = {"--log-bin=log", "--binlog-format=ROW",
        "--server-id=5", "--max-binlog-size=1G", "--slow-query-log=OFF", NULL};
    static const char *const mysql_arguments[] = {
        "--log-bin=log", "--server-id=5", "--gtid-mode=ON", "--enforce-gtid-consistency=ON", NULL};
    int failed;

    on_mysql = argc > 1 && strcmp(argv[1], "mysql") == 0;
    if (on_mysql ? !server_has_mysql() : !server_has_mariadb())
        return server_skip(on_mysql ? "MySQL" : "MariaDB");
    if (on_mysql)
        server_start_mysql_with(&server, mysql_arguments);
    else
        server_start_mariadb_with(&server, mariadb_arguments);
    (void)snprintf(socket_option, sizeof(socket_option), "socket=%s", server.socket);
    set_options();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    admin = connect_server();
    failed = _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
    source_mysql_server_close(admin);
    return failed;
}
