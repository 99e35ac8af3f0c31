#include "target/mysql.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fault.h"

#define OPTION(member) offsetof(MysqlOptions, member)

static const Field fields[] = {
    {"connection", FIELD_TEXT, OPTION(connection), "", 0, 0, NULL, FIELD_SECRET,
        "word=value pairs with blanks between them, such as \"host=warehouse user=dray "
        "dbname=dw\"; "
        "the words are the options below (dbname is database), and win over them."},
    {"host", FIELD_TEXT, OPTION(host), NULL, 0, 0, NULL, 0,
        "Server's name or address; empty or localhost: the Unix socket."},
    {"port", FIELD_INT, OPTION(port), "0", 0, 65535, NULL, 0, "TCP port; 0: the library's own."},
    {"socket", FIELD_PATH, OPTION(socket), NULL, 0, 0, NULL, 0, "Unix socket."},
    {"user", FIELD_TEXT, OPTION(user), NULL, 0, 0, NULL, 0, "User."},
    {"password", FIELD_TEXT, OPTION(password), NULL, 0, 0, NULL, FIELD_SECRET,
        "Password; better kept in a defaults_file, or taken with ${file:PATH}."},
    {"database", FIELD_TEXT, OPTION(database), NULL, 0, 0, NULL, 0,
        "Database of tables that are named without one, and of dray_position."},
    {"defaults_file", FIELD_PATH, OPTION(defaults_file), NULL, 0, 0, NULL, 0,
        "Option file in the form of my.cnf, for user, password and TLS files."},
    {"defaults_group", FIELD_TEXT, OPTION(defaults_group), NULL, 0, 0, NULL, 0,
        "Group to read from the option files, beside [client]."},
    {"connect_timeout", FIELD_TIME, OPTION(connect_timeout_ms), "10s", 1000, 3600000, NULL, 0,
        "Give an attempt to connect up after this time."},
    {"read_timeout", FIELD_TIME, OPTION(read_timeout_ms), "0s", 0, INT32_MAX, NULL, 0,
        "The connection is lost when a statement is not answered in this time; 0s: never."},
    {"write_timeout", FIELD_TIME, OPTION(write_timeout_ms), "10min", 0, INT32_MAX, NULL, 0,
        "The connection is lost when the server takes no data in this time; 0s: never."},
    {"lock_timeout", FIELD_TIME, OPTION(lock_timeout_ms), "0s", 0, INT32_MAX, NULL, 0,
        "innodb_lock_wait_timeout: give up waiting for a row after this time, and try the block "
        "again; 0s: the server's own."},
    {"isolation", FIELD_CHOICE, OPTION(isolation), "read-committed", 0, 0,
        "read-committed|repeatable-read", 0,
        "Isolation of transactions; repeatable-read where binlog_format is STATEMENT."},
    {"keepalive_idle", FIELD_TIME, OPTION(keepalive_idle_ms), "60s", 1000, 86400000, NULL, 0,
        "Ask a silent server after this time whether it is still there."},
    {"keepalive_interval", FIELD_TIME, OPTION(keepalive_interval_ms), "10s", 1000, 86400000, NULL,
        0, "Time between two such questions."},
    {"keepalive_count", FIELD_INT, OPTION(keepalive_count), "6", 1, 100, NULL, 0,
        "Unanswered questions after which the connection is lost."},
    {"ssl_mode", FIELD_CHOICE, OPTION(ssl_mode), "preferred", 0, 0,
        "disabled|preferred|required|verify_ca|verify_identity", 0,
        "TLS as MySQL's ssl-mode; with MariaDB's library verify_ca also verifies the host's name."},
    {"ssl_ca", FIELD_PATH, OPTION(ssl_ca), NULL, 0, 0, NULL, 0,
        "Certificates of the authorities that may vouch for the server."},
    {"ssl_cert", FIELD_PATH, OPTION(ssl_cert), NULL, 0, 0, NULL, 0, "Our own certificate."},
    {"ssl_key", FIELD_PATH, OPTION(ssl_key), NULL, 0, 0, NULL, 0, "The key of our certificate."},
    {NULL},
};

/* What the server's configuration may say otherwise must not change values or end a merge.
 * NO_AUTO_VALUE_ON_ZERO: a 0 stays 0. */
static const char *const session_sql[] = {
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00', autocommit = 1,"
    " sql_safe_updates = 0, sql_select_limit = DEFAULT, max_error_count = 64, sql_notes = 0,"
    " sql_auto_is_null = 0, sql_big_selects = 1, completion_type = 0, wait_timeout = 2000000",
    /* may be read-only, or a right of its own: then the default of the server's version stays */
    "?SET SESSION explicit_defaults_for_timestamp = 1",
    NULL,
};

/* ---- the connection string ---- */

/* The next word of "a=b c='d e\'f'"; *rest goes on behind it. False: no pair. */
static bool
next_pair(Text *rest, Text *ret_name, Buf *value)
{
    size_t at = 0;
    bool quoted;

    *rest = text_trim(*rest);
    while (at < rest->len && rest->data[at] != '=')
        at++;
    if (at == 0 || at == rest->len)
        return false;
    *ret_name = text_trim((Text){rest->data, at});
    *rest = text_trim((Text){rest->data + at + 1, rest->len - at - 1});
    buf_reset(value, 1024);
    quoted = rest->len > 0 && rest->data[0] == '\'';
    for (at = quoted ? 1 : 0; at < rest->len; at++) {
        char c = rest->data[at];

        if (quoted ? c == '\'' : (c == ' ' || c == '\t' || c == '\n'))
            break;
        if (c == '\\' && at + 1 < rest->len)
            c = rest->data[++at];
        buf_add_char(value, c);
    }
    if (quoted && at == rest->len)
        return false;
    at += quoted ? 1 : 0;
    *rest = (Text){rest->data + at, rest->len - at};
    return true;
}

/* Nothing of the string is quoted in an error but a known word: it may hold a password. */
static bool
read_connection(MysqlTarget *target, Error *err)
{
    CLEANUP(buf_clear) Buf value = BUF_INIT;
    CLEANUP(buf_clear) Buf reason = BUF_INIT;
    Text rest = text_trim(text_of(target->options.connection));

    while (rest.len > 0) {
        Text name;
        const Field *field;

        if (!next_pair(&rest, &name, &value))
            return error_set(err, ERR_CONFIG,
                "connection: not word=value pairs with blanks between them (values with blanks in "
                "single quotes); it is not shown, as it may hold a password");
        field = field_find(fields, text_is(name, "dbname") ? TEXT("database") : name);
        if (field == NULL || field->offset == OPTION(connection))
            return error_set(err, ERR_CONFIG,
                "connection: one of its words is not an option of the target; it is not shown, as "
                "it may be part of a password");
        buf_reset(&reason, 1024);
        if (!field_parse(field, buf_text(&value), ".", target->arena, &target->options, &reason))
            return error_set(
                err, ERR_CONFIG, "connection: %s: its value %s", field->name, buf_string(&reason));
        rest = text_trim(rest);
    }
    return true;
}

/* ---- open and close ---- */

static void
set_seconds(MYSQL *mysql, enum mysql_option option, int64_t time_ms)
{
    unsigned seconds = (unsigned)((time_ms + 999) / 1000);

    if (time_ms > 0)
        (void)mysql_options(mysql, option, &seconds);
}

static void
set_text(MYSQL *mysql, enum mysql_option option, const char *value)
{
    if (value != NULL && *value != '\0')
        (void)mysql_options(mysql, option, value);
}

/* MariaDB's library knows only yes and no, and does without TLS where the server has none: see
 * check_tls(). */
static void
set_tls(MYSQL *mysql, const MysqlOptions *options)
{
#ifdef MARIADB_PACKAGE_VERSION
    char yes = options->ssl_mode != SSL_DISABLED ? 1 : 0;
    char verify = options->ssl_mode >= SSL_VERIFY_CA ? 1 : 0;

    (void)mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
    (void)mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
#else
    static const unsigned modes[] = {SSL_MODE_DISABLED, SSL_MODE_PREFERRED, SSL_MODE_REQUIRED,
        SSL_MODE_VERIFY_CA, SSL_MODE_VERIFY_IDENTITY};

    (void)mysql_options(mysql, MYSQL_OPT_SSL_MODE, &modes[options->ssl_mode]);
#endif
    if (options->ssl_mode == SSL_DISABLED)
        return;
    set_text(mysql, MYSQL_OPT_SSL_CA, options->ssl_ca);
    set_text(mysql, MYSQL_OPT_SSL_CERT, options->ssl_cert);
    set_text(mysql, MYSQL_OPT_SSL_KEY, options->ssl_key);
}

static void
set_options(MYSQL *mysql, const MysqlOptions *options)
{
    unsigned local_files = 1;

    set_text(mysql, MYSQL_READ_DEFAULT_FILE, options->defaults_file);
    set_text(mysql, MYSQL_READ_DEFAULT_GROUP, options->defaults_group);
    (void)mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    (void)mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &local_files);
    (void)mysql_options4(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "dray");
    set_seconds(mysql, MYSQL_OPT_CONNECT_TIMEOUT, options->connect_timeout_ms);
    set_seconds(mysql, MYSQL_OPT_READ_TIMEOUT, options->read_timeout_ms);
    set_seconds(mysql, MYSQL_OPT_WRITE_TIMEOUT, options->write_timeout_ms);
    set_tls(mysql, options);
}

static const char *
filled(const char *text)
{
    return text == NULL || *text == '\0' ? NULL : text;
}

/* The handle is freed by the caller also when this fails. */
static bool
connect_handle(MYSQL *mysql, const MysqlOptions *options)
{
    set_options(mysql, options);
    return mysql_real_connect(mysql, filled(options->host), filled(options->user),
               filled(options->password), filled(options->database), (unsigned)options->port,
               filled(options->socket), CLIENT_FOUND_ROWS | CLIENT_LOCAL_FILES) != NULL;
}

static void
set_keepalive(MYSQL *mysql, const MysqlOptions *options)
{
    int fd = target_mysql_socket(mysql);
    int yes = 1;
    int idle = (int)(options->keepalive_idle_ms / 1000);
    int interval = (int)(options->keepalive_interval_ms / 1000);
    int count = (int)options->keepalive_count;

    /* a Unix socket refuses them, and needs none */
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static bool
check_tls(MysqlTarget *target, Error *err)
{
    if (target->options.ssl_mode < SSL_REQUIRED || mysql_get_ssl_cipher(target->mysql) != NULL)
        return true;
    return error_set(err, ERR_TARGET,
        "the connection is without TLS, which ssl_mode asks for: the server has none");
}

/* An option file may have switched on what must not be. */
static bool
undo_option_files(MysqlTarget *target, Error *err)
{
    MYSQL *mysql = target->mysql;

#ifdef MARIADB_PACKAGE_VERSION
    char no = 0;

    (void)mysql_options(mysql, MYSQL_OPT_RECONNECT, &no);
#endif
    if (mysql_set_server_option(mysql, MYSQL_OPTION_MULTI_STATEMENTS_OFF) != 0 ||
        mysql_set_character_set(mysql, "utf8mb4") != 0)
        return target_mysql_error(target, mysql, err);
    return true;
}

static bool
set_session(MysqlTarget *target, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    int64_t rows;

    for (size_t i = 0; session_sql[i] != NULL; i++) {
        bool optional = session_sql[i][0] == '?';
        Error ignored;

        if (!target_mysql_run(target, text_of(session_sql[i] + (optional ? 1 : 0)), NULL, &rows,
                optional ? &ignored : err) &&
            (!optional || target->lost))
            return optional ? error_set_retriable(err, ERR_TARGET, "connection lost") : false;
    }
    buf_addf(&sql, "SET SESSION TRANSACTION ISOLATION LEVEL %s",
        target->options.isolation == ISOLATION_READ_COMMITTED ? "READ COMMITTED"
                                                              : "REPEATABLE READ");
    if (!target_mysql_run(target, buf_text(&sql), NULL, &rows, err))
        return false;
    if (target->options.lock_timeout_ms == 0)
        return true;
    buf_reset(&sql, 1024);
    buf_addf(&sql, "SET SESSION innodb_lock_wait_timeout = %" PRId64,
        (target->options.lock_timeout_ms + 999) / 1000);
    return target_mysql_run(target, buf_text(&sql), NULL, &rows, err);
}

static void
target_mysql_close(Target *base)
{
    MysqlTarget *target = (MysqlTarget *)base;

    if (target == NULL)
        return;
    if (target->mysql != NULL)
        mysql_close(target->mysql);
    arena_free(target->arena);
    free(target);
}

static bool
connect_target(MysqlTarget *target, Error *err)
{
    if (!read_connection(target, err))
        return false;
    if (FAULT("mysql.open"))
        return error_set_retriable(err, ERR_TARGET, "cannot connect: injected fault");
    target->mysql = mysql_init(NULL);
    if (target->mysql == NULL)
        abort();
    target_mysql_serve_files(target);
    if (!connect_handle(target->mysql, &target->options)) {
        (void)target_mysql_error(target, target->mysql, err);
        err->kind = ERR_TARGET;
        return error_wrap(err, "cannot connect");
    }
    target->thread_id = mysql_thread_id(target->mysql);
    set_keepalive(target->mysql, &target->options);
    if (!check_tls(target, err))
        return false;
    if (!undo_option_files(target, err) || !set_session(target, err))
        return error_wrap(err, "session settings");
    return true;
}

static Target *
target_mysql_open(const void *given, Error *err)
{
    MysqlTarget *target = calloc(1, sizeof(*target));

    if (target == NULL)
        abort();
    target->base.driver = &target_mysql;
    target->options = *(const MysqlOptions *)given;
    target->arena = arena_new();
    if (!connect_target(target, err)) {
        target_mysql_close(&target->base);
        return NULL;
    }
    return &target->base;
}

/* ---- transactions ---- */

static bool
target_mysql_in_transaction(Target *base)
{
    const MysqlTarget *target = (const MysqlTarget *)base;

    return !target->lost && (target->mysql->server_status & SERVER_STATUS_IN_TRANS) != 0;
}

static bool
target_mysql_begin(Target *base, Error *err)
{
    MysqlTarget *target = (MysqlTarget *)base;
    int64_t rows;

    if (FAULT("mysql.begin"))
        return target_mysql_lose(target, err);
    if (target_mysql_in_transaction(base))
        return error_set(err, ERR_SCRIPT,
            "START TRANSACTION: a transaction is already open: an earlier statement began it");
    return target_mysql_run(target, TEXT("START TRANSACTION"), NULL, &rows, err);
}

static bool
target_mysql_commit(Target *base, bool *ret_unknown, Error *err)
{
    MysqlTarget *target = (MysqlTarget *)base;
    int64_t rows;

    *ret_unknown = false;
    if (FAULT("mysql.commit"))
        return target_mysql_lose(target, err);
    if (target->lost)
        return error_set_retriable(err, ERR_TARGET, "the connection was lost before COMMIT");
    if (!target_mysql_in_transaction(base))
        return error_set(
            err, ERR_SCRIPT, "COMMIT: no transaction is open: an earlier statement ended it");
    CRASH_POINT("mysql.before_commit");
    if (FAULT("mysql.commit_unsent")) {
        *ret_unknown = true;
        return target_mysql_lose(target, err);
    }
    if (!target_mysql_run(target, TEXT("COMMIT"), NULL, &rows, err)) {
        *ret_unknown = target->lost;
        return false;
    }
    if (FAULT("mysql.commit_sent")) {
        *ret_unknown = true;
        return target_mysql_lose(target, err);
    }
    CRASH_POINT("mysql.after_commit");
    return true;
}

static void
target_mysql_rollback(Target *base)
{
    MysqlTarget *target = (MysqlTarget *)base;
    Error ignored;
    int64_t rows;

    if (!target->lost)
        (void)!target_mysql_run(target, TEXT("ROLLBACK"), NULL, &rows, &ignored);
}

static bool
target_mysql_execute(Target *base, Text sql, LoadFeed *feed, int64_t *ret_rows, Error *err)
{
    MysqlTarget *target = (MysqlTarget *)base;

    if (FAULT("mysql.execute"))
        return target_mysql_lose(target, err);
    return target_mysql_run(target, sql, feed, ret_rows, err);
}

static bool
target_mysql_query(Target *base, Text sql, TargetRowFn *row, void *context, Error *err)
{
    MysqlTarget *target = (MysqlTarget *)base;

    if (FAULT("mysql.query"))
        return target_mysql_lose(target, err);
    if (target->lost)
        return error_set_retriable(err, ERR_TARGET, "the connection was lost before");
    return target_mysql_rows(target, sql, row, context, err);
}

/* The connection itself is busy: a second one asks. Options are read only. */
static void
target_mysql_cancel(Target *base)
{
    const MysqlTarget *target = (const MysqlTarget *)base;
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    MYSQL *mysql = mysql_init(NULL);

    if (mysql == NULL)
        return;
    buf_addf(&sql, "KILL QUERY %lu", target->thread_id);
    if (connect_handle(mysql, &target->options))
        (void)mysql_real_query(mysql, buf_string(&sql), sql.len);
    mysql_close(mysql);
    mysql_thread_end();
}

const TargetDriver target_mysql = {
    .name = "mysql",
    .summary = "MySQL and MariaDB",
    .fields = fields,
    .options_size = sizeof(MysqlOptions),
    .abilities = TARGET_TRANSACTIONS | TARGET_PARALLEL_LOAD,
    .sql = &sql_dialect_mysql,
    .null_word = {"NULL", 4},
    .null_word_fixed = true,
    .notation =
        {
            .bytes = BYTES_HEX,
            .bools = BOOL_DIGITS,
            .zone = ZONE_UTC,
            .numeric_nan = false,
            .numeric_infinity = false,
            .float_special = false,
            .infinite_dates = false,
            .bc_dates = false,
            .zero_dates = false,
            .max_year = 9999,
            .fraction_digits = 6,
            .max_hours = 838,
        },
    .open = target_mysql_open,
    .close = target_mysql_close,
    .begin = target_mysql_begin,
    .commit = target_mysql_commit,
    .rollback = target_mysql_rollback,
    .in_transaction = target_mysql_in_transaction,
    .execute = target_mysql_execute,
    .query = target_mysql_query,
    .describe = target_mysql_describe,
    .check = target_mysql_check,
    .cancel = target_mysql_cancel,
};
