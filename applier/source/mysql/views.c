#include "source/mysql/views.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/stop.h"

/* For the lock that keeps commits waiting; the server's unit is a second. */
#define LOCK_WAIT_S 3
/* Rounds of beginning all views before commits are kept waiting, or where that must not be. */
#define FREE_TRIES   3
#define LONELY_TRIES 50
#define TRY_WAIT_MS  5
/* Who is in the way is told of so many connections and transactions. */
#define NAMED_MAX 3

/* Columns of SHOW FULL PROCESSLIST. */
enum {
    SHOWN_ID,
    SHOWN_USER,
    SHOWN_HOST,
    SHOWN_DATABASE,
    SHOWN_COMMAND,
    SHOWN_TIME,
    SHOWN_STATE,
    SHOWN_STATEMENT,
    SHOWN_COUNT,
};

typedef struct Opening {
    const MysqlSourceOptions *options;
    MysqlViews *views;
    MysqlServer *control; /* locks, and sees which XA transactions are prepared */
    bool may_lock;
} Opening;

static bool
ask(MysqlServer *server, const char *sql, Error *err)
{
    return source_mysql_server_query(server, text_of(sql), NULL, NULL, err);
}

/* ---- who is in the way ---- */

typedef struct Named {
    Buf *who;
    size_t count;
    unsigned long own_id;
} Named;

static bool
is_one_of(Text text, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++)
        if (text_starts_with(text, words[i]))
            return true;
    return false;
}

/* "UPDATE", "ALTER TABLE": a statement's values are nobody's business here. */
static void
add_first_words(Text statement, Buf *out)
{
    size_t len = 0;

    for (size_t words = 0; words < 2; words++) {
        while (len < statement.len && statement.data[len] == ' ')
            len++;
        while (len < statement.len && len < 40 &&
               (statement.data[len] == '_' || (statement.data[len] | 0x20) >= 'a') &&
               (statement.data[len] | 0x20) <= 'z')
            len++;
    }
    buf_add_text(out, text_trim((Text){statement.data, len}));
}

static bool
take_blocker(void *context, const Value *values, size_t count, Error *err)
{
    static const char *const idle[] = {"Sleep", "Daemon", "Binlog Dump", "Slave", NULL};
    static const char *const waiting[] = {"Waiting for backup lock", "Waiting for global read lock",
        "Waiting for commit lock", "Waiting for backup", NULL};
    Named *named = context;
    int64_t seconds = 0;
    uint64_t id = 0;

    (void)err;
    if (count < SHOWN_COUNT || named->count >= NAMED_MAX ||
        values[SHOWN_STATEMENT].kind != VALUE_TEXT || !text_to_u64(values[SHOWN_ID].text, &id) ||
        id == named->own_id || !text_to_i64(values[SHOWN_TIME].text, &seconds) ||
        seconds < LOCK_WAIT_S - 1 || is_one_of(values[SHOWN_COMMAND].text, idle) ||
        is_one_of(values[SHOWN_STATE].text, waiting))
        return true;
    buf_addf(named->who, "%s connection %" PRIu64 " of user " TEXT_FMT " (",
        named->count++ == 0 ? ":" : ",", id, TEXT_ARG(values[SHOWN_USER].text));
    add_first_words(values[SHOWN_STATEMENT].text, named->who);
    buf_addf(named->who, ", for %" PRId64 " s)", seconds);
    return true;
}

static bool
lock_error(Opening *opening, Error *err)
{
    CLEANUP(buf_clear) Buf who = BUF_INIT;
    Named named = {&who, 0, mysql_thread_id(opening->control->mysql)};
    unsigned number = mysql_errno(opening->control->mysql);
    Error ignored;

    if (number != 1205) /* lock wait timeout */
        return error_wrap(err, "keep commits waiting for a moment");
    if (!source_mysql_server_query(
            opening->control, TEXT("SHOW FULL PROCESSLIST"), take_blocker, &named, &ignored))
        who.len = 0;
    return error_set_retriable(err, ERR_SOURCE,
        "a snapshot keeps commits waiting for a moment, and the lock for it was not to be had "
        "within %d s%s%s; where that does not pass, end what holds it%s",
        LOCK_WAIT_S, named.count > 0 ? " because of" : "",
        named.count > 0 ? buf_string(&who)
                        : ": a connection holds FLUSH TABLES WITH READ LOCK or a backup's locks",
        opening->control->is_mariadb ? ", or give bootstrap.connections: 1, which needs no lock"
                                     : "");
}

/* ---- XA transactions ---- */

/* formatID, length of gtrid, of bqual, both one behind the other */
static bool
take_prepared(void *context, const Value *values, size_t count, Error *err)
{
    Named *named = context;
    Text name = count > 3 ? values[3].text : TEXT("");

    (void)err;
    if (named->count++ >= NAMED_MAX)
        return true;
    buf_add_string(named->who, named->count == 1 ? "'" : ", '");
    for (size_t i = 0; i < name.len && i < 128; i++)
        if (name.data[i] > ' ' && name.data[i] < 127)
            buf_add_char(named->who, name.data[i]);
        else
            buf_addf(named->who, "\\x%02X", (unsigned)(unsigned char)name.data[i]);
    buf_add_char(named->who, '\'');
    return true;
}

/* The server refuses: a right is missing. MySQL calls it XAER_RMERR where XA RECOVER is refused. */
static bool
is_refused(const Opening *opening)
{
    MYSQL *mysql = opening->control->mysql;
    unsigned number = mysql_errno(mysql);
    bool ignored;

    return !opening->control->lost &&
           (number == 1401 || client_mysql_fault(number, mysql_sqlstate(mysql), mysql_error(mysql),
                                  &ignored) == MYSQL_FAULT_RIGHTS);
}

static bool
check_prepared(Opening *opening, Error *err)
{
    CLEANUP(buf_clear) Buf who = BUF_INIT;
    Named named = {&who, 0, 0};

    if (!source_mysql_server_query(
            opening->control, TEXT("XA RECOVER"), take_prepared, &named, err))
        return is_refused(opening);
    if (named.count == 0)
        return true;
    return error_set_retriable(err, ERR_SOURCE,
        "%zu XA transaction%s prepared and not ended (%s%s): the rows are not in a snapshot, and "
        "come in the log before it: end %s (XA COMMIT or XA ROLLBACK; XA RECOVER lists them)",
        named.count, named.count == 1 ? " is" : "s are", buf_string(&who),
        named.count > NAMED_MAX ? ", …" : "", named.count == 1 ? "it" : "them");
}

/* ---- views ---- */

/* All at about the same time: the statements are sent before the first answer is read. */
static bool
begin_all(MysqlViews *views, Error *err)
{
    static const char sql[] = "START TRANSACTION WITH CONSISTENT SNAPSHOT";
    size_t sent = 0;
    bool ok = true;

    while (sent < views->count) {
        MysqlServer *server = views->servers[sent++];

        assert(server != NULL);
        if (server->lost || mysql_send_query(server->mysql, sql, sizeof(sql) - 1) != 0) {
            ok = source_mysql_server_error(server, err);
            break;
        }
    }
    for (size_t i = 0; i < sent && (ok || i + 1 < sent); i++)
        if (mysql_read_query_result(views->servers[i]->mysql) != 0 && ok)
            ok = source_mysql_server_error(views->servers[i], err);
    return ok || error_wrap(err, "%s", sql);
}

/* Behind it all locks of a table that was read are let go (ROLLBACK TO SAVEPOINT), while the view
 * stays. */
static bool
save_all(MysqlViews *views, Error *err)
{
    for (size_t i = 0; i < views->count; i++)
        if (!ask(views->servers[i], "SAVEPOINT dray", err))
            return false;
    return true;
}

static void
keep_one(MysqlViews *views)
{
    while (views->count > 1)
        source_mysql_server_close(views->servers[--views->count]);
    views->is_shared = true;
}

/*
 * MariaDB lets the locks on tables go only in sessions that write no log: with a log a rolled back
 * part may have to be written. Without the right to say so they stay until the snapshot ends.
 */
static bool
open_servers(Opening *opening, size_t count, Error *err)
{
    MysqlViews *views = opening->views;

    views->servers = calloc(count, sizeof(MysqlServer *));
    if (views->servers == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        MysqlServer *server = source_mysql_server_open(opening->options, err);

        if (server == NULL)
            return error_wrap(err, "connection %zu of %zu of a snapshot", i + 1, count);
        views->servers[i] = server;
        views->count = i + 1;
        if (server->is_mariadb && !ask(server, "SET SESSION sql_log_bin = 0", err) && server->lost)
            return false;
    }
    return true;
}

/* ---- MariaDB: each view tells its place ---- */

typedef struct ViewPlace {
    Buf file;
    uint64_t offset;
} ViewPlace;

static bool
take_status(void *context, const Value *values, size_t count, Error *err)
{
    ViewPlace *place = context;

    if (count >= 2 && text_equal_nocase(values[0].text, TEXT("Binlog_snapshot_file")))
        buf_add_text(&place->file, values[1].text);
    if (count >= 2 && text_equal_nocase(values[0].text, TEXT("Binlog_snapshot_position")) &&
        !text_to_u64(values[1].text, &place->offset))
        return error_set(err, ERR_SOURCE, "Binlog_snapshot_position is no number");
    return true;
}

static bool
read_place(MysqlServer *server, ViewPlace *place, Error *err)
{
    place->file.len = 0;
    place->offset = 0;
    if (!source_mysql_server_query(
            server, TEXT("SHOW SESSION STATUS LIKE 'Binlog_snapshot_%'"), take_status, place, err))
        return false;
    return (place->file.len > 0 && place->offset > 0) ||
           error_set(
               err, ERR_SOURCE, "the server does not tell at which place of its log a snapshot is");
}

/* *ret_same: all views are at the same place. */
static bool
read_places(MysqlViews *views, ViewPlace *first, bool *ret_same, Error *err)
{
    ViewPlace other = {.file = BUF_INIT};
    bool ok = read_place(views->servers[0], first, err);

    *ret_same = true;
    for (size_t i = 1; ok && *ret_same && i < views->count; i++) {
        ok = read_place(views->servers[i], &other, err);
        *ret_same = ok && other.offset == first->offset &&
                    text_equal(buf_text(&other.file), buf_text(&first->file));
    }
    buf_clear(&other.file);
    return ok;
}

static bool
begin_free(Opening *opening, ViewPlace *place, bool *ret_same, Error *err)
{
    return check_prepared(opening, err) && begin_all(opening->views, err) &&
           read_places(opening->views, place, ret_same, err) && check_prepared(opening, err);
}

/* Without a lock, as long as that may do. */
static bool
try_free(Opening *opening, ViewPlace *place, bool *ret_same, Error *err)
{
    size_t tries = opening->may_lock ? FREE_TRIES : LONELY_TRIES;

    *ret_same = false;
    if (FAULT("source.mysql.views"))
        return true;
    for (size_t i = 0; i < tries && !*ret_same; i++) {
        if (i > 0 && stop_wait(STOP_NOW, (int64_t)(i % TRY_WAIT_MS)))
            return error_set(err, ERR_STOPPED, "stopped while a snapshot was taken");
        if (!begin_free(opening, place, ret_same, err))
            return false;
    }
    return true;
}

/* Commits wait from BLOCK_COMMIT on; a connection that is closed ends the backup as well. */
static bool
begin_locked(Opening *opening, ViewPlace *place, Error *err)
{
    MysqlServer *control = opening->control;
    int64_t start_us;
    bool same = false;
    bool ok;
    Error ignored;

    if (!ask(control, "BACKUP STAGE START", err)) {
        opening->may_lock = !is_refused(opening);
        return lock_error(opening, err);
    }
    start_us = clock_monotonic_us();
    ok = ask(control, "BACKUP STAGE BLOCK_COMMIT", err);
    if (!ok) {
        (void)lock_error(opening, err);
    } else {
        ok = begin_all(opening->views, err) && check_prepared(opening, err);
    }
    if (control->lost || !ask(control, "BACKUP STAGE END", ok ? err : &ignored)) {
        source_mysql_server_close(STEAL(opening->control));
        return false;
    }
    opening->views->waited_us = clock_monotonic_us() - start_us;
    if (!ok || !read_places(opening->views, place, &same, err))
        return false;
    return same || error_set_retriable(err, ERR_SOURCE,
                       "the views of a snapshot are at different places of the log, although "
                       "commits had to wait for them");
}

static bool
begin_mariadb(Opening *opening, ViewPlace *place, Error *err)
{
    bool same = false;

    if (!try_free(opening, place, &same, err))
        return false;
    if (same)
        return true;
    if (opening->may_lock) {
        if (begin_locked(opening, place, err))
            return true;
        /* refused: then without */
        if (opening->may_lock)
            return false;
        if (!try_free(opening, place, &same, err))
            return false;
        if (same)
            return true;
    }
    keep_one(opening->views);
    return begin_free(opening, place, &same, err);
}

static bool
set_mariadb_position(Opening *opening, const ViewPlace *place, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(buf_clear) Buf gtids = BUF_INIT;
    MysqlViews *views = opening->views;
    bool found;

    if (opening->options->position == MYSQL_BY_FILE) {
        views->position = binlog_position_new(BINLOG_POSITION_FILE);
        binlog_position_set_file(views->position, buf_text(&place->file), place->offset);
        return true;
    }
    buf_add_string(&sql, "SELECT BINLOG_GTID_POS(");
    source_mysql_add_string(&sql, buf_text(&place->file));
    buf_addf(&sql, ", %" PRIu64 ")", place->offset);
    if (!source_mysql_server_value(opening->control, buf_text(&sql), &gtids, &found, err))
        return false;
    if (!found)
        return error_set_retriable(err, ERR_SOURCE,
            "the source does not tell the GTIDs of %s:%" PRIu64 ", where the snapshot is",
            buf_string(&place->file), place->offset);
    views->position = gtids.len == 0
                          ? binlog_position_new(BINLOG_POSITION_MARIADB)
                          : binlog_position_parse(buf_text(&gtids), BINLOG_POSITION_MARIADB, err);
    return views->position != NULL;
}

static bool
open_mariadb(Opening *opening, Error *err)
{
    ViewPlace place = {.file = BUF_INIT};
    bool ok = begin_mariadb(opening, &place, err) && set_mariadb_position(opening, &place, err) &&
              save_all(opening->views, err);

    buf_clear(&place.file);
    return ok;
}

/* ---- MySQL ---- */

static bool
open_mysql(Opening *opening, Error *err)
{
    MysqlViews *views = opening->views;
    MysqlServer *control = opening->control;
    int64_t start_us;
    bool ok;
    Error ignored;

    if (!opening->may_lock)
        return error_set(err, ERR_CONFIG,
            "source.snapshot_lock: no: MySQL tells the place of a snapshot only while commits wait "
            "for the moment in which it is taken; only MariaDB does without");
    start_us = clock_monotonic_us();
    if (!ask(control, "FLUSH TABLES WITH READ LOCK", err))
        return lock_error(opening, err);
    ok = begin_all(views, err) && check_prepared(opening, err);
    if (ok)
        views->position = source_mysql_server_position(control, opening->options, err);
    if (!ask(control, "UNLOCK TABLES", ok && views->position != NULL ? err : &ignored))
        return false;
    views->waited_us = clock_monotonic_us() - start_us;
    return ok && views->position != NULL && save_all(views, err);
}

/* ---- open and close ---- */

static bool
set_control(MysqlServer *control, const MysqlSourceOptions *options, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    /* says what is wrong with the server's log, before anything waits */
    CLEANUP(binlog_position_free)
    BinlogPosition *now = source_mysql_server_position(control, options, err);

    if (now == NULL)
        return false;
    buf_addf(&sql, "SET SESSION lock_wait_timeout = %d", LOCK_WAIT_S);
    return ask(control, buf_string(&sql), err);
}

bool
source_mysql_views_open(
    const MysqlSourceOptions *options, size_t count, MysqlViews *ret_views, Error *err)
{
    Opening opening = {.options = options, .views = ret_views, .may_lock = options->snapshot_lock};
    bool ok;

    *ret_views = (MysqlViews){.waited_us = -1};
    opening.control = source_mysql_server_open(options, err);
    ok = opening.control != NULL && set_control(opening.control, options, err) &&
         open_servers(&opening, MAX(count, (size_t)1), err) &&
         (opening.control->is_mariadb ? open_mariadb(&opening, err) : open_mysql(&opening, err));
    source_mysql_server_close(opening.control);
    if (!ok)
        source_mysql_views_clear(ret_views);
    return ok;
}

void
source_mysql_views_clear(MysqlViews *views)
{
    for (size_t i = 0; i < views->count; i++)
        source_mysql_server_close(views->servers[i]);
    free(views->servers);
    binlog_position_free(views->position);
    *views = (MysqlViews){.waited_us = -1};
}
