/*
 * mysql_client.h - connections to MariaDB and MySQL, for sources and targets
 *
 * Options, connecting (TLS, keepalive, option files), what an error number means, and passwords
 * kept out of texts. A session begins with utf8mb4, UTC and no statement pieces; the rest is its
 * user's. Belongs to one thread at a time.
 *
 * Works with MariaDB Connector/C and with libmysqlclient.
 */
#pragma once

#include <mysql.h>

#include "base/error.h"
#include "config/field.h"

typedef enum MysqlSslMode {
    SSL_DISABLED,
    SSL_PREFERRED,
    SSL_REQUIRED,
    SSL_VERIFY_CA,
    SSL_VERIFY_IDENTITY,
} MysqlSslMode;

typedef struct MysqlClientOptions {
    const char *connection; /* secret */
    const char *host;
    int64_t port;
    const char *socket;
    const char *user;
    const char *password; /* secret */
    const char *database;
    const char *defaults_file;
    const char *defaults_group;
    int64_t connect_timeout_ms;
    int64_t read_timeout_ms;
    int64_t write_timeout_ms;
    int64_t keepalive_idle_ms;
    int64_t keepalive_interval_ms;
    int64_t keepalive_count;
    int ssl_mode; /* MysqlSslMode */
    const char *ssl_ca;
    const char *ssl_cert;
    const char *ssl_key;
} MysqlClientOptions;

/* The entries of a Field table for a MysqlClientOptions that lies at offset in the options struct.
 */
#define MYSQL_CLIENT_FIELDS(offset) /* written by the first who needs it */
