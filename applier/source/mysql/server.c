#include "source/mysql/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/stop.h"

#define OLDEST_MARIADB 100500
#define OLDEST_MYSQL   80000
/* The first MySQL with SHOW BINARY LOG STATUS, and the first of its kind (8.4) without SHOW MASTER
 * STATUS. */
#define NEW_STATUS_MYSQL 80200
/* Behind the four bytes that begin a log. */
#define FIRST_OFFSET 4

/* ---- errors ---- */

/* Rights are missing for so many things that only the server knows which; where they are given is
 * always the same. */
static const char *
way_out(unsigned number)
{
    switch (number) {
    case 1044:
    case 1142:
    case 1143:
    case 1227:
        return "; dray check lists the rights that the service's user needs";
    case 1045:
    case 1698:
        return "; user and password are those of source.connection, source.user, source.password "
               "or source.defaults_file";
    default:
        return "";
    }
}

bool
source_mysql_server_error(MysqlServer *server, Error *err)
{
    CLEANUP(buf_clear) Buf text = BUF_INIT;
    unsigned number = mysql_errno(server->mysql);
    const char *sqlstate = mysql_sqlstate(server->mysql);
    const char *message = mysql_error(server->mysql);
    bool retriable;

    (void)client_mysql_fault(number, sqlstate, message, &retriable);
    if (client_mysql_is_lost(number))
        server->lost = true;
    if (stop_level() >= STOP_NOW && (server->lost || number == 1317))
        return error_set(err, ERR_STOPPED, "stopped while the source was asked");
    client_mysql_add_message(&server->options, message, &text);
    (void)error_set(err, ERR_SOURCE, "%u: %s%s", number, buf_string(&text), way_out(number));
    err->retriable = retriable;
    if (!client_mysql_is_own_error(number))
        (void)snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", sqlstate);
    return false;
}

bool
source_mysql_server_lose(MysqlServer *server, Error *err)
{
    client_mysql_cut(server->mysql);
    server->lost = true;
    return error_set_retriable(err, ERR_SOURCE, "connection to the source lost: injected fault");
}

/* ---- statements ---- */

/* After a refused row the others are thrown away. */
static bool
take_rows(
    MysqlServer *server, MYSQL_RES *result, SnapshotRowFn *function, void *context, Error *err)
{
    bool ok = true;
    MYSQL_ROW row;

    while ((row = mysql_fetch_row(result)) != NULL)
        if (ok && function != NULL)
            ok = client_mysql_give_row(result, row, function, context, err);
    if (ok && mysql_errno(server->mysql) != 0)
        ok = source_mysql_server_error(server, err);
    mysql_free_result(result);
    return ok;
}

static bool
take_results(MysqlServer *server, SnapshotRowFn *row, void *context, Error *err)
{
    bool ok = true;
    int more;

    for (;;) {
        MYSQL_RES *result = mysql_use_result(server->mysql);
        Error ignored;

        if (result != NULL)
            ok = take_rows(server, result, row, context, ok ? err : &ignored) && ok;
        else if (mysql_field_count(server->mysql) != 0)
            return ok ? source_mysql_server_error(server, err) : false;
        more = mysql_next_result(server->mysql);
        if (more > 0)
            return ok ? source_mysql_server_error(server, err) : false;
        if (more < 0)
            return ok;
    }
}

bool
source_mysql_server_query(
    MysqlServer *server, Text sql, SnapshotRowFn *row, void *context, Error *err)
{
    if (FAULT("source.mysql.query"))
        return source_mysql_server_lose(server, err);
    if (server->lost)
        return error_set_retriable(err, ERR_SOURCE, "the connection to the source was lost before");
    if (!client_mysql_query(server->mysql, &server->options, sql))
        return source_mysql_server_error(server, err);
    return take_results(server, row, context, err);
}

typedef struct FirstValue {
    Buf *out;
    bool is_done;
    bool found;
} FirstValue;

static bool
take_value(void *context, const Value *values, size_t count, Error *err)
{
    FirstValue *first = context;

    (void)err;
    if (first->is_done || count == 0)
        return true;
    first->is_done = true;
    first->found = values[0].kind != VALUE_NULL;
    if (first->found)
        buf_add_text(first->out, values[0].text);
    return true;
}

bool
source_mysql_server_value(MysqlServer *server, Text sql, Buf *out, bool *ret_found, Error *err)
{
    FirstValue first = {.out = out};

    if (!source_mysql_server_query(server, sql, take_value, &first, err))
        return false;
    *ret_found = first.found;
    return true;
}

void
source_mysql_add_string(Buf *sql, Text text)
{
    buf_add_char(sql, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\'' || text.data[i] == '\\')
            buf_add_char(sql, text.data[i]);
        buf_add_char(sql, text.data[i]);
    }
    buf_add_char(sql, '\'');
}

void
source_mysql_add_name(Buf *sql, Text name)
{
    buf_add_char(sql, '`');
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '`')
            buf_add_char(sql, '`');
        buf_add_char(sql, name.data[i]);
    }
    buf_add_char(sql, '`');
}

/* ---- open and close ---- */

/*
 * What the server's configuration may say otherwise must not change values or end a long read. A
 * "?" begins a statement that not all servers know. net_write_timeout: a reader that waits for a
 * slow target is no reason to cut it off.
 */
static const char session_settings[] =
    "SET SESSION sql_mode = '', time_zone = '+00:00', autocommit = 1, sql_select_limit = DEFAULT,"
    " sql_auto_is_null = 0, sql_big_selects = 1, sql_quote_show_create = 1,"
    " group_concat_max_len = 67108864, wait_timeout = 31536000, net_write_timeout = 31536000";

static const char *const session_sql[] = {
    session_settings,
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "?SET SESSION max_statement_time = 0", /* MariaDB */
    "?SET SESSION idle_transaction_timeout = 0, idle_readonly_transaction_timeout = 0",
    "?SET SESSION max_execution_time = 0",              /* MySQL */
    "?SET SESSION information_schema_stats_expiry = 0", /* MySQL */
    NULL,
};

static bool
set_session(MysqlServer *server, Error *err)
{
    for (size_t i = 0; session_sql[i] != NULL; i++) {
        bool optional = session_sql[i][0] == '?';

        if (source_mysql_server_query(
                server, text_of(session_sql[i] + (optional ? 1 : 0)), NULL, NULL, err))
            continue;
        if (!optional || server->lost)
            return error_wrap(err, "session settings");
    }
    return true;
}

/* "10.11.19-MariaDB-0+deb12u1", "8.0.36-28", "9.7.4" */
static int
version_number(const char *text)
{
    unsigned numbers[3] = {0};

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        while (*text >= '0' && *text <= '9' && numbers[i] < 1000)
            numbers[i] = numbers[i] * 10 + (unsigned)(*text++ - '0');
        if (*text++ != '.')
            break;
    }
    return (int)(numbers[0] * 10000 + numbers[1] * 100 + numbers[2]);
}

/* A version may be hidden (--version), the comment as well, but hardly both. */
static bool
read_version(MysqlServer *server, Error *err)
{
    CLEANUP(buf_clear) Buf comment = BUF_INIT;
    bool found;

    if (!source_mysql_server_value(
            server, TEXT("SELECT VERSION()"), &server->version_text, &found, err) ||
        !source_mysql_server_value(server, TEXT("SELECT @@version_comment"), &comment, &found, err))
        return false;
    server->is_mariadb = strcasestr(buf_string(&server->version_text), "mariadb") != NULL ||
                         strcasestr(buf_string(&comment), "mariadb") != NULL;
    server->version = version_number(buf_string(&server->version_text));
    if (server->version < (server->is_mariadb ? OLDEST_MARIADB : OLDEST_MYSQL))
        return error_set(err, ERR_SOURCE, "the source is %s %s; %s is the oldest that is supported",
            server->is_mariadb ? "MariaDB" : "MySQL", buf_string(&server->version_text),
            server->is_mariadb ? "10.5" : "8.0");
    return true;
}

/* read_timeout_ms below 0: as the options say */
static bool
connect_server(MysqlServer *server, int64_t read_timeout_ms, Error *err)
{
    if (!client_mysql_read_connection(server->options.connection, "source's connection", NULL,
            server->arena, &server->options, err))
        return false;
    if (read_timeout_ms >= 0)
        server->options.read_timeout_ms = read_timeout_ms;
    if (FAULT("source.mysql.open"))
        return error_set_retriable(err, ERR_SOURCE, "cannot connect to the source: injected fault");
    server->mysql = client_mysql_new();
    client_mysql_watch_stop(server->mysql, true);
    if (!client_mysql_connect(server->mysql, &server->options, 0)) {
        (void)source_mysql_server_error(server, err);
        return error_wrap(err, "cannot connect to the source");
    }
    if (client_mysql_misses_tls(server->mysql, &server->options))
        return error_set(err, ERR_SOURCE,
            "the connection is without TLS, which ssl_mode asks for: the source has none");
    if (!client_mysql_undo_option_files(server->mysql))
        return source_mysql_server_error(server, err);
    return set_session(server, err) && read_version(server, err);
}

MysqlServer *
source_mysql_server_open_patient(
    const MysqlSourceOptions *options, int64_t read_timeout_ms, Error *err)
{
    CLEANUP(source_mysql_server_close) MysqlServer *server = calloc(1, sizeof(*server));

    if (server == NULL)
        abort();
    server->options = options->client;
    server->arena = arena_new();
    if (!connect_server(server, read_timeout_ms, err))
        return NULL;
    return STEAL(server);
}

MysqlServer *
source_mysql_server_open(const MysqlSourceOptions *options, Error *err)
{
    return source_mysql_server_open_patient(options, -1, err);
}

void
source_mysql_server_close(MysqlServer *server)
{
    if (server == NULL)
        return;
    if (server->mysql != NULL)
        mysql_close(server->mysql);
    buf_clear(&server->version_text);
    arena_free(server->arena);
    free(server);
}

/* ---- where the log ends, and begins ---- */

static bool
check_log_is_on(MysqlServer *server, Error *err)
{
    CLEANUP(buf_clear) Buf value = BUF_INIT;
    bool found;

    if (!source_mysql_server_value(server, TEXT("SELECT @@GLOBAL.log_bin"), &value, &found, err))
        return false;
    if (text_is(buf_text(&value), "1"))
        return true;
    return error_set(err, ERR_SOURCE,
        "the source writes no binary log: give its server log_bin and binlog_format = ROW, and "
        "start it again");
}

static bool
check_gtids_are_on(MysqlServer *server, Error *err)
{
    CLEANUP(buf_clear) Buf value = BUF_INIT;
    bool found;

    if (server->is_mariadb)
        return true;
    if (!source_mysql_server_value(server, TEXT("SELECT @@GLOBAL.gtid_mode"), &value, &found, err))
        return false;
    if (text_equal_nocase(buf_text(&value), TEXT("ON")))
        return true;
    return error_set(err, ERR_SOURCE,
        "the source's gtid_mode is %s: set it to ON (with enforce_gtid_consistency = ON), or give "
        "source.position: file",
        buf_string(&value));
}

typedef struct FilePosition {
    BinlogPosition *position;
    bool is_oldest;
    bool found;
} FilePosition;

/* File, Position, …; of a list of logs: Log_name, File_size, …, of which the first one counts */
static bool
take_file(void *context, const Value *values, size_t count, Error *err)
{
    FilePosition *file = context;
    uint64_t offset = FIRST_OFFSET;

    if (file->found)
        return true;
    file->found = true;
    if (count < 2 || values[0].kind == VALUE_NULL ||
        (!file->is_oldest && !text_to_u64(values[1].text, &offset)))
        return error_set(err, ERR_SOURCE, "the source does not tell where its log ends");
    binlog_position_set_file(file->position, values[0].text, offset);
    return true;
}

static BinlogPosition *
ask_file(MysqlServer *server, const char *sql, bool is_oldest, Error *err)
{
    CLEANUP(binlog_position_free)
    BinlogPosition *position = binlog_position_new(BINLOG_POSITION_FILE);
    FilePosition file = {.position = position, .is_oldest = is_oldest};

    if (!source_mysql_server_query(server, text_of(sql), take_file, &file, err)) {
        (void)error_wrap(err, "%s", sql);
        return NULL;
    }
    if (!file.found) {
        (void)error_set(err, ERR_SOURCE, "%s: the source has no binary log", sql);
        return NULL;
    }
    return STEAL(position);
}

static BinlogPosition *
ask_gtids(MysqlServer *server, Text sql, Error *err)
{
    CLEANUP(buf_clear) Buf value = BUF_INIT;
    BinlogPositionKind kind = server->is_mariadb ? BINLOG_POSITION_MARIADB : BINLOG_POSITION_MYSQL;
    bool found;

    if (!source_mysql_server_value(server, sql, &value, &found, err)) {
        (void)error_wrap(err, "%s", sql.data);
        return NULL;
    }
    if (!found) {
        (void)error_set(err, ERR_SOURCE, "%s: the source does not know", sql.data);
        return NULL;
    }
    if (value.len == 0)
        return binlog_position_new(kind);
    return binlog_position_parse(buf_text(&value), kind, err);
}

BinlogPosition *
source_mysql_server_file_position(MysqlServer *server, Error *err)
{
    bool is_new = !server->is_mariadb && server->version >= NEW_STATUS_MYSQL;

    if (!check_log_is_on(server, err))
        return NULL;
    return ask_file(server, is_new ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS", false, err);
}

BinlogPosition *
source_mysql_server_position(MysqlServer *server, const MysqlSourceOptions *options, Error *err)
{
    if (options->position == MYSQL_BY_FILE)
        return source_mysql_server_file_position(server, err);
    if (!check_log_is_on(server, err) || !check_gtids_are_on(server, err))
        return NULL;
    return ask_gtids(server,
        server->is_mariadb ? TEXT("SELECT @@GLOBAL.gtid_binlog_pos")
                           : TEXT("SELECT @@GLOBAL.gtid_executed"),
        err);
}

BinlogPosition *
source_mysql_server_oldest_position(
    MysqlServer *server, const MysqlSourceOptions *options, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(binlog_position_free) BinlogPosition *position = NULL;
    uint64_t offset;

    if (!check_log_is_on(server, err))
        return NULL;
    if (options->position == MYSQL_BY_GTID && !check_gtids_are_on(server, err))
        return NULL;
    if (options->position == MYSQL_BY_GTID && !server->is_mariadb)
        return ask_gtids(server, TEXT("SELECT @@GLOBAL.gtid_purged"), err);
    position = ask_file(server, "SHOW BINARY LOGS", true, err);
    if (position == NULL || options->position == MYSQL_BY_FILE)
        return STEAL(position);
    buf_add_string(&sql, "SELECT BINLOG_GTID_POS(");
    source_mysql_add_string(&sql, binlog_position_file(position, &offset));
    buf_addf(&sql, ", %" PRIu64 ")", offset);
    return ask_gtids(server, buf_text(&sql), err);
}

bool
source_mysql_server_has_md5(MysqlServer *server)
{
    Error ignored;

    return server->is_mariadb ||
           source_mysql_server_query(server, TEXT("SELECT MD5('')"), NULL, NULL, &ignored) ||
           server->lost;
}
