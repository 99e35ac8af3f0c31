/*
 * mysql_client.h - connections to MariaDB and MySQL, for sources and targets
 *
 * Options, connecting (TLS, keepalive, option files), what an error number means, and passwords
 * kept out of texts. Errors of the server are the caller's to make, as a source's and a target's
 * have other kinds; so is the session. Belongs to one thread at a time.
 *
 * Works with MariaDB Connector/C and with libmysqlclient.
 */
#pragma once

#include <mysql.h>

#include "base/error.h"
#include "config/field.h"
#include "event/value.h"

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

/* The option that holds the connection string; its words are the other options of the table. */
#define MYSQL_CLIENT_CONNECTION "connection"

#define MYSQL_CLIENT_AT(base, member) ((base) + offsetof(MysqlClientOptions, member))

/*
 * The entries of a Field table for a MysqlClientOptions that lies at base in the options struct.
 * example is a connection string, database_doc says what the database is for; both are literals.
 */
#define MYSQL_CLIENT_FIELDS(base, example, database_doc)                                           \
    {MYSQL_CLIENT_CONNECTION, FIELD_TEXT, MYSQL_CLIENT_AT(base, connection), "", 0, 0, NULL,       \
        FIELD_SECRET,                                                                              \
        "word=value pairs with blanks between them, such as \"" example "\"; "                     \
        "the words are the options below (dbname is database), and win over them."},               \
        {"host", FIELD_TEXT, MYSQL_CLIENT_AT(base, host), NULL, 0, 0, NULL, 0,                     \
            "Server's name or address; empty or localhost: the Unix socket."},                     \
        {"port", FIELD_INT, MYSQL_CLIENT_AT(base, port), "0", 0, 65535, NULL, 0,                   \
            "TCP port; 0: the library's own."},                                                    \
        {"socket", FIELD_PATH, MYSQL_CLIENT_AT(base, socket), NULL, 0, 0, NULL, 0,                 \
            "Unix socket."},                                                                       \
        {"user", FIELD_TEXT, MYSQL_CLIENT_AT(base, user), NULL, 0, 0, NULL, 0, "User."},           \
        {"password", FIELD_TEXT, MYSQL_CLIENT_AT(base, password), NULL, 0, 0, NULL, FIELD_SECRET,  \
            "Password; better kept in a defaults_file, or taken with ${file:PATH}."},              \
        {"database", FIELD_TEXT, MYSQL_CLIENT_AT(base, database), NULL, 0, 0, NULL, 0,             \
            database_doc},                                                                         \
        {"defaults_file", FIELD_PATH, MYSQL_CLIENT_AT(base, defaults_file), NULL, 0, 0, NULL, 0,   \
            "Option file in the form of my.cnf, for user, password and TLS files."},               \
        {"defaults_group", FIELD_TEXT, MYSQL_CLIENT_AT(base, defaults_group), NULL, 0, 0, NULL, 0, \
            "Group to read from the option files, beside [client]."},                              \
        {"connect_timeout", FIELD_TIME, MYSQL_CLIENT_AT(base, connect_timeout_ms), "10s", 1000,    \
            3600000, NULL, 0, "Give an attempt to connect up after this time."},                   \
        {"read_timeout", FIELD_TIME, MYSQL_CLIENT_AT(base, read_timeout_ms), "0s", 0, INT32_MAX,   \
            NULL, 0,                                                                               \
            "The connection is lost when a statement is not answered in this time; 0s: never."},   \
        {"write_timeout", FIELD_TIME, MYSQL_CLIENT_AT(base, write_timeout_ms), "10min", 0,         \
            INT32_MAX, NULL, 0,                                                                    \
            "The connection is lost when the server takes no data in this time; 0s: never."},      \
        {"keepalive_idle", FIELD_TIME, MYSQL_CLIENT_AT(base, keepalive_idle_ms), "60s", 1000,      \
            86400000, NULL, 0, "Ask a silent server after this time whether it is still there."},  \
        {"keepalive_interval", FIELD_TIME, MYSQL_CLIENT_AT(base, keepalive_interval_ms), "10s",    \
            1000, 86400000, NULL, 0, "Time between two such questions."},                          \
        {"keepalive_count", FIELD_INT, MYSQL_CLIENT_AT(base, keepalive_count), "6", 1, 100, NULL,  \
            0, "Unanswered questions after which the connection is lost."},                        \
        {"ssl_mode", FIELD_CHOICE, MYSQL_CLIENT_AT(base, ssl_mode), "preferred", 0, 0,             \
            "disabled|preferred|required|verify_ca|verify_identity", 0,                            \
            "TLS as MySQL's ssl-mode; with MariaDB's library verify_ca also verifies the host's "  \
            "name."},                                                                              \
        {"ssl_ca", FIELD_PATH, MYSQL_CLIENT_AT(base, ssl_ca), NULL, 0, 0, NULL, 0,                 \
            "Certificates of the authorities that may vouch for the server."},                     \
        {"ssl_cert", FIELD_PATH, MYSQL_CLIENT_AT(base, ssl_cert), NULL, 0, 0, NULL, 0,             \
            "Our own certificate."},                                                               \
    {                                                                                              \
        "ssl_key", FIELD_PATH, MYSQL_CLIENT_AT(base, ssl_key), NULL, 0, 0, NULL, 0,                \
            "The key of our certificate."                                                          \
    }

/*
 * Take the words of a connection string over into the options struct at options, which fields
 * describes; whose is "target" or the like, for the error. fields may be NULL: then options is a
 * MysqlClientOptions, and only its words are known. Texts go to the arena. Nothing of the string
 * but a known word is in the error (ERR_CONFIG): it may hold a password.
 */
bool client_mysql_read_connection(const char *connection, const char *whose, const Field *fields,
    Arena *arena, void *options, Error *err) MUST_CHECK;

/* A handle, to be closed with mysql_close(). Any thread. */
MYSQL *client_mysql_new(void) MUST_CHECK;
/*
 * Connect a handle, whose connection string is read already. flags: CLIENT_…;
 * without CLIENT_LOCAL_FILES the server gets no file. False: the handle has the error, and is
 * closed by the caller also then.
 */
bool client_mysql_connect(MYSQL *mysql, const MysqlClientOptions *options, unsigned long flags)
    MUST_CHECK;
/* Is the connection without TLS, which ssl_mode asks for? MariaDB's library does not refuse that.
 */
bool client_mysql_misses_tls(MYSQL *mysql, const MysqlClientOptions *options);
/* An option file may have switched on what must not be: reconnecting, several statements in a text,
 * another character set than utf8mb4. False: the handle has the error. */
bool client_mysql_undo_option_files(MYSQL *mysql) MUST_CHECK;
/* From now on (before or after connecting) no wait of the handle outlasts STOP_NOW: the connection
 * is lost instead. false: not any more. Nothing where the library cannot do it: libmysqlclient, and
 * with TLS it sees the request only when something comes. */
void client_mysql_watch_stop(MYSQL *mysql, bool watch);

/* mysql_real_query(), which gives up at STOP_NOW with both libraries, and after the read timeout:
 * the connection is cut then. False: the handle has the error. */
bool client_mysql_query(MYSQL *mysql, const MysqlClientOptions *options, Text sql) MUST_CHECK;

/* The socket's descriptor, or -1. */
int client_mysql_socket(MYSQL *mysql);
/* Cut the connection, from any thread: whoever waits for it finds it lost. */
void client_mysql_cut(MYSQL *mysql);

typedef enum MysqlFault {
    MYSQL_FAULT_CONNECTION, /* lost, or it cannot be made; or the server is busy, full, locked */
    MYSQL_FAULT_RIGHTS,     /* the user or his rights; the database is missing */
    MYSQL_FAULT_DATA,       /* a value */
    MYSQL_FAULT_STATEMENT,  /* everything else */
} MysqlFault;

/* What an error number means; message tells some of them apart. */
MysqlFault client_mysql_fault(
    unsigned number, const char *sqlstate, const char *message, bool *ret_retriable);
/* After this error the connection is of no use, and an unanswered COMMIT is open. */
bool client_mysql_is_lost(unsigned number);
/* Is it the library's own error, and not the server's? */
bool client_mysql_is_own_error(unsigned number);
/* Append a text of the server on one line and without the password. */
void client_mysql_add_message(const MysqlClientOptions *options, const char *message, Buf *text);

/* A row as values: VALUE_NULL, or the server's text. What the function returns. */
typedef bool MysqlRowFn(void *context, const Value *values, size_t count, Error *err);
bool client_mysql_give_row(
    MYSQL_RES *result, MYSQL_ROW row, MysqlRowFn *function, void *context, Error *err) MUST_CHECK;
