#include "client/mysql_client.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/stop.h"

/* Of the client library; the headers that have them differ. */
#define CLIENT_ERROR_FIRST 2000
#define CLIENT_ERROR_LAST  2999
/* How long a wait is blind to the stop request where no descriptor tells of it. */
#define POLL_MS 200

/* ---- the connection string ---- */

static const Field client_fields[] = {MYSQL_CLIENT_FIELDS(0, "", ""), {NULL}};

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

bool
client_mysql_read_connection(const char *connection, const char *whose, const Field *fields,
    Arena *arena, void *options, Error *err)
{
    CLEANUP(buf_clear) Buf value = BUF_INIT;
    CLEANUP(buf_clear) Buf reason = BUF_INIT;
    Text rest = text_trim(text_of(connection));

    while (rest.len > 0) {
        Text name;
        const Field *field;

        if (!next_pair(&rest, &name, &value))
            return error_set(err, ERR_CONFIG,
                "connection: not word=value pairs with blanks between them (values with blanks in "
                "single quotes); it is not shown, as it may hold a password");
        field = field_find(fields == NULL ? client_fields : fields,
            text_is(name, "dbname") ? TEXT("database") : name);
        if (field == NULL || strcmp(field->name, MYSQL_CLIENT_CONNECTION) == 0)
            return error_set(err, ERR_CONFIG,
                "connection: one of its words is not an option of the %s; it is not shown, as "
                "it may be part of a password",
                whose);
        buf_reset(&reason, 1024);
        if (!field_parse(field, buf_text(&value), ".", arena, options, &reason))
            return error_set(
                err, ERR_CONFIG, "connection: %s: its value %s", field->name, buf_string(&reason));
        rest = text_trim(rest);
    }
    return true;
}

/* ---- connecting ---- */

static void
start_library(void)
{
    if (mysql_library_init(0, NULL, NULL) != 0)
        abort();
}

/* mysql_init() starts the library, too, but not for two threads at once */
MYSQL *
client_mysql_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    MYSQL *mysql;

    (void)pthread_once(&once, start_library);
    mysql = mysql_init(NULL);
    if (mysql == NULL)
        abort();
    return mysql;
}

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
 * client_mysql_misses_tls(). */
static void
set_tls(MYSQL *mysql, const MysqlClientOptions *options)
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
set_options(MYSQL *mysql, const MysqlClientOptions *options, unsigned long flags)
{
    unsigned local_files = (flags & CLIENT_LOCAL_FILES) != 0 ? 1 : 0;

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

static void
set_keepalive(MYSQL *mysql, const MysqlClientOptions *options)
{
    int fd = client_mysql_socket(mysql);
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

bool
client_mysql_connect(MYSQL *mysql, const MysqlClientOptions *options, unsigned long flags)
{
    set_options(mysql, options, flags);
    if (mysql_real_connect(mysql, filled(options->host), filled(options->user),
            filled(options->password), filled(options->database), (unsigned)options->port,
            filled(options->socket), flags) == NULL)
        return false;
    set_keepalive(mysql, options);
    return true;
}

bool
client_mysql_misses_tls(MYSQL *mysql, const MysqlClientOptions *options)
{
    return options->ssl_mode >= SSL_REQUIRED && mysql_get_ssl_cipher(mysql) == NULL;
}

bool
client_mysql_undo_option_files(MYSQL *mysql)
{
#ifdef MARIADB_PACKAGE_VERSION
    char no = 0;

    (void)mysql_options(mysql, MYSQL_OPT_RECONNECT, &no);
#endif
    return mysql_set_server_option(mysql, MYSQL_OPTION_MULTI_STATEMENTS_OFF) == 0 &&
           mysql_set_character_set(mysql, "utf8mb4") == 0;
}

/* ---- the socket ---- */

int
client_mysql_socket(MYSQL *mysql)
{
#ifdef MARIADB_PACKAGE_VERSION
    return (int)mysql_get_socket(mysql);
#else
    return (int)mysql->net.fd;
#endif
}

void
client_mysql_cut(MYSQL *mysql)
{
    int fd = client_mysql_socket(mysql);

    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
}

/* As the library's poll(): 1 ready, 0 too late, -1 failed. timeout_ms below 1: no limit. */
static int
wait_for_socket(int fd, bool is_read, int timeout_ms)
{
    int64_t end_ms = timeout_ms > 0 ? clock_monotonic_ms() + timeout_ms : INT64_MAX;

    for (;;) {
        /* once a stop was requested its descriptor stays readable: watch the level in short waits
         */
        bool watch = stop_level() == STOP_NONE && stop_fd() >= 0;
        struct pollfd fds[2] = {{.fd = fd, .events = is_read ? POLLIN : POLLOUT},
            {.fd = watch ? stop_fd() : -1, .events = POLLIN}};
        int64_t left_ms = end_ms - clock_monotonic_ms();
        int ready;

        if (stop_level() >= STOP_NOW) {
            errno = ECANCELED;
            return -1;
        }
        if (left_ms <= 0) {
            errno = ETIMEDOUT;
            return 0;
        }
        ready = poll(fds, 2, (int)MIN(left_ms, (int64_t)(watch ? INT32_MAX : POLL_MS)));
        if (ready < 0 && errno != EINTR)
            return -1;
        if (ready > 0 && fds[0].revents != 0)
            return 1;
    }
}

bool
client_mysql_query(MYSQL *mysql, const MysqlClientOptions *options, Text sql)
{
    /* an empty text is a server error, as it should be */
    if (mysql_send_query(mysql, sql.data == NULL ? "" : sql.data, sql.len) != 0)
        return false;
    /* with TLS the library waits where nothing watches */
    if (wait_for_socket(client_mysql_socket(mysql), true, (int)options->read_timeout_ms) < 1)
        client_mysql_cut(mysql);
    return mysql_read_query_result(mysql) == 0;
}

#ifdef MARIADB_PACKAGE_VERSION
static int
wait_watching_stop(my_socket fd, my_bool is_read, int timeout_ms)
{
    return wait_for_socket((int)fd, is_read != 0, timeout_ms);
}
#endif

void
client_mysql_watch_stop(MYSQL *mysql, bool watch)
{
#ifdef MARIADB_PACKAGE_VERSION
    (void)mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, watch ? wait_watching_stop : NULL);
#else
    (void)mysql;
    (void)watch;
#endif
}

/* ---- errors ---- */

static bool
is_one_of(unsigned number, const unsigned *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

bool
client_mysql_is_own_error(unsigned number)
{
    return number >= CLIENT_ERROR_FIRST && number <= CLIENT_ERROR_LAST;
}

bool
client_mysql_is_lost(unsigned number)
{
    static const unsigned numbers[] = {1053, /* server shutdown in progress */
        1152, 1158, 1159, 1160, 1161, 1184,  /* aborted connection, network errors */
        1927, 3169, 4031};                   /* connection was killed, idle too long */

    return client_mysql_is_own_error(number) || is_one_of(number, numbers, ARRAY_LEN(numbers));
}

/* A TLS error is one of settings, but for these texts of the TLS libraries: the peer was gone. */
static bool
is_tls_cut(unsigned number, const char *message)
{
    static const char *const texts[] = {
        "unexpected eof", "reset by peer", "broken pipe", "non-properly terminated"};

    for (size_t i = 0; number == 2026 && i < ARRAY_LEN(texts); i++)
        if (strcasestr(message, texts[i]) != NULL)
            return true;
    return false;
}

MysqlFault
client_mysql_fault(unsigned number, const char *sqlstate, const char *message, bool *ret_retriable)
{
    static const unsigned passing[] = {
        1021, 1037, 1038, 1041, 1114,       /* disk, memory, table space are full */
        1040, 1203, 1226,                   /* too many connections */
        1205, 1206, 1213, 1614, 3058, 3572, /* lock wait, lock table full, deadlock, nowait */
        1290, 1792, 1836, 3100,             /* read only; 1290 see below */
        1317, 1969, 3024,                   /* interrupted by a person, statement timed out */
        1047, 1412,                         /* cluster node not ready; definition has changed */
    };
    static const unsigned permanent_client[] = {
        2007, 2008, 2014, 2019, 2020, 2026, 2027, 2036, 2047, 2049, 2054, 2058, 2059, 2061, 2068};
    static const unsigned rights[] = {
        1044, 1045, 1049, 1129, 1130, 1142, 1143, 1227, 1370, 1410, 1698, 1820, 3118, 4151};
    static const unsigned data[] = {1048, 1062, 1216, 1217, 1261, 1262, 1263, 1264, 1265, 1292,
        1300, 1364, 1365, 1366, 1367, 1406, 1411, 1416, 1441, 1451, 1452, 1526, 1557, 1569, 1586,
        1690, 1748, 1761, 1762, 1859, 3140, 3141, 3819, 4025, 4079, 4161};

    *ret_retriable = false;
    /* 1290 is also what --secure-file-priv, --skip-grant-tables and others say */
    if (number == 1290 && strcasestr(message, "read-only") == NULL &&
        strcasestr(message, "read_only") == NULL)
        return MYSQL_FAULT_STATEMENT;
    if (client_mysql_is_lost(number) || is_one_of(number, passing, ARRAY_LEN(passing))) {
        *ret_retriable = !is_one_of(number, permanent_client, ARRAY_LEN(permanent_client)) ||
                         is_tls_cut(number, message);
        return MYSQL_FAULT_CONNECTION;
    }
    if (is_one_of(number, rights, ARRAY_LEN(rights)) || strncmp(sqlstate, "28", 2) == 0)
        return MYSQL_FAULT_RIGHTS;
    if (is_one_of(number, data, ARRAY_LEN(data)) || strncmp(sqlstate, "22", 2) == 0 ||
        strncmp(sqlstate, "23", 2) == 0)
        return MYSQL_FAULT_DATA;
    return MYSQL_FAULT_STATEMENT;
}

void
client_mysql_add_message(const MysqlClientOptions *options, const char *message, Buf *text)
{
    const char *password = options->password;
    size_t len = password == NULL ? 0 : strlen(password);

    for (const char *at = message; *at != '\0';) {
        /* a word of a few letters is no secret, and stands in too many texts */
        if (len >= 4 && strncmp(at, password, len) == 0) {
            buf_add_string(text, "****");
            at += len;
            continue;
        }
        buf_add_char(text, iscntrl((unsigned char)*at) ? ' ' : *at);
        at++;
    }
}

/* ---- rows ---- */

bool
client_mysql_give_row(
    MYSQL_RES *result, MYSQL_ROW row, MysqlRowFn *function, void *context, Error *err)
{
    unsigned count = mysql_num_fields(result);
    const unsigned long *lengths = mysql_fetch_lengths(result);
    Value few[16];
    Value *values = few;
    bool ok;

    if (count > ARRAY_LEN(few)) {
        values = calloc(count, sizeof(*values));
        if (values == NULL)
            abort();
    }
    for (unsigned i = 0; i < count; i++) {
        values[i] = (Value){.kind = VALUE_NULL};
        if (row[i] != NULL)
            values[i] = (Value){VALUE_TEXT, {row[i], lengths[i]}};
    }
    ok = function(context, values, count, err);
    if (values != few)
        free(values);
    return ok;
}
