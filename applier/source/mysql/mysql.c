#include "source/mysql/mysql.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/stop.h"
#include "source/mysql/changes.h"
#include "source/mysql/report.h"
#include "source/mysql/server.h"
#include "source/mysql/snapshot.h"
#include "source/mysql/tables.h"

#define OPTION(member) offsetof(MysqlSourceOptions, member)

static const Field fields[] = {
    MYSQL_CLIENT_FIELDS(OPTION(client), "host=db dbname=shop user=dray",
        "The session's database; it does not matter for what is carried."),
    {"tables", FIELD_LIST, OPTION(tables), NULL, 0, 0, NULL, 0,
        "Globs over schema.table: the tables that the service carries; one with ! in front leaves "
        "out, and the last one that fits counts. None, or a first one with !: all but those of the "
        "server's own schemas."},
    {"server_id", FIELD_INT, OPTION(server_id), "0", 0, UINT32_MAX - MYSQL_ID_COUNT, NULL, 0,
        "Our number as a replica, which no other replica of the server may have, nor the seven "
        "numbers behind it; transactions of this server are passed over. 0: made of the service's "
        "name, 2147483648 or above."},
    {"position", FIELD_CHOICE, OPTION(position), "gtid", 0, 0, "gtid|file", 0,
        "How the place in the log is kept: gtid can go on with another server of the same history, "
        "file (name and offset) needs no GTIDs. Not to be changed once the service has begun."},
    {"start", FIELD_CHOICE, OPTION(start), "now", 0, 0, "now|oldest", 0,
        "Where a service without a position begins: where the log ends now, or with the oldest log "
        "that the server still has."},
    {"statements", FIELD_CHOICE, OPTION(statements), "refuse", 0, 0, "refuse|skip", 0,
        "What to do with statements of the log that change rows without telling which "
        "(binlog_format other than ROW, DDL of partitions): stop, or pass over them and tell how "
        "many."},
    {"ignore_server_ids", FIELD_LIST, OPTION(ignore_server_ids), NULL, 0, 0, NULL, 0,
        "Transactions that were first written by servers of these numbers are passed over: so that "
        "two directions of replication do not go round in circles."},
    {"heartbeat", FIELD_TIME, OPTION(heartbeat_ms), "10s", 100, 3600000, NULL, 0,
        "The server says this often where its log ends while it has nothing to send; without a "
        "word for three times that, the connection is lost."},
    {"snapshot_lock", FIELD_BOOL, OPTION(snapshot_lock), "true", 0, 0, NULL, 0,
        "Whether a snapshot may make commits wait for the moment in which several readers begin "
        "their views; false: one reader at a time, MariaDB only."},
    {NULL},
};

typedef struct Mysql {
    Source base;
    SourceStart start; /* ours: the caller's is gone when open() returns */
    Buf position;      /* start.position's bytes */
    MysqlStream *stream;
    MysqlSchema *schema;
    MysqlChanges *changes;
} Mysql;

/* ---- options -------------------------------------------------------------------------------- */

/* Replicas that people number have small numbers. */
#define MADE_ID_BASE UINT32_C(0x80000000)

uint32_t
source_mysql_server_id(const SourceStart *start, MysqlIdUse use)
{
    const MysqlSourceOptions *options = start->options;
    uint32_t more = (uint32_t)use + (start->snapshot != NULL ? MYSQL_ID_COUNT / 2 : 0);
    uint32_t hash = UINT32_C(2166136261);

    if (options->server_id > 0)
        return (uint32_t)options->server_id + more;
    /* FNV-1a */
    for (const char *at = start->service; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT32_C(16777619);
    return MADE_ID_BASE | (hash & UINT32_C(0x7ffffff8)) | more;
}

bool
source_mysql_carries(const MysqlSourceOptions *options, Text schema, Text name)
{
    static const char *const own[] = {"mysql", "information_schema", "performance_schema", "sys"};
    CLEANUP(buf_clear) Buf full = BUF_INIT;
    bool carries = true;

    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (text_equal_nocase(schema, text_of(own[i])))
            return false;
    buf_addf(&full, TEXT_FMT "." TEXT_FMT, TEXT_ARG(schema), TEXT_ARG(name));
    for (size_t i = 0; i < options->tables.count; i++) {
        const char *glob = options->tables.items[i];
        bool excludes = *glob == '!';

        if (i == 0)
            carries = excludes;
        if (text_glob(buf_text(&full), glob + (excludes ? 1 : 0)))
            carries = !excludes;
    }
    return carries;
}

/* ---- positions ------------------------------------------------------------------------------ */

static const char *const kind_names[] = {[BINLOG_POSITION_FILE] = "a file's name and an offset",
    [BINLOG_POSITION_MARIADB] = "GTIDs of MariaDB",
    [BINLOG_POSITION_MYSQL] = "GTIDs of MySQL"};

/* A position that was kept must be one for this server, as the options want it. */
static BinlogPosition *
read_position(const MysqlServer *server, const MysqlSourceOptions *options, Text text, Error *err)
{
    BinlogPositionKind gtids = server->is_mariadb ? BINLOG_POSITION_MARIADB : BINLOG_POSITION_MYSQL;
    BinlogPositionKind wanted = options->position == MYSQL_BY_FILE ? BINLOG_POSITION_FILE : gtids;
    CLEANUP(binlog_position_free)
    BinlogPosition *position = binlog_position_parse(text, gtids, err);
    BinlogPositionKind kind;

    if (position == NULL) {
        (void)error_wrap(err, "the target's position");
        return NULL;
    }
    kind = binlog_position_kind(position);
    if (kind == wanted)
        return STEAL(position);
    (void)error_set(err, ERR_SOURCE,
        "the target's position \"" TEXT_FMT "\" is %s, but %s would be needed: %s", TEXT_ARG(text),
        kind_names[kind], kind_names[wanted],
        kind == BINLOG_POSITION_FILE || wanted == BINLOG_POSITION_FILE
            ? "set source.position back to what it was"
            : "the source is a server of another kind now, copy the tables again in a new service");
    return NULL;
}

static bool
count_prepared(void *context, const Value *values, size_t count, Error *err)
{
    (void)values;
    (void)count;
    (void)err;
    (*(size_t *)context)++;
    return true;
}

/* Transactions that are prepared already have their rows in the log before the place where we
 * begin: they could not be carried when they commit. */
static bool
check_prepared(MysqlServer *server, Error *err)
{
    size_t count = 0;
    Error denied;

    /* MySQL tells it only to those with XA_RECOVER_ADMIN; others are told at the XA COMMIT */
    if (!source_mysql_server_query(server, TEXT("XA RECOVER"), count_prepared, &count, &denied)) {
        if (!denied.retriable)
            return true;
        *err = denied;
        return false;
    }
    if (count == 0)
        return true;
    return error_set(err, ERR_SOURCE,
        "%zu XA transactions are prepared at the server and not ended (XA RECOVER shows them): "
        "their rows stand in the log before the place where this service would begin; end them, "
        "and start again",
        count);
}

static BinlogPosition *
first_position(MysqlServer *server, const MysqlSourceOptions *options, Error *err)
{
    CLEANUP(binlog_position_free) BinlogPosition *position = NULL;

    if (options->start == MYSQL_START_OLDEST)
        return source_mysql_server_oldest_position(server, options, err);
    position = source_mysql_server_position(server, options, err);
    if (position == NULL || !check_prepared(server, err))
        return NULL;
    return STEAL(position);
}

/* Where to go on, or to begin. */
static BinlogPosition *
start_position(MysqlServer *server, const SourceStart *start, Error *err)
{
    Text text = start->position;

    if (start->snapshot != NULL) {
        Text view = start->snapshot->driver->position(start->snapshot);

        if (binlog_position_compare(text, view) < 0)
            text = view;
    }
    return text.len > 0 ? read_position(server, start->options, text, err)
                        : first_position(server, start->options, err);
}

/* Names in statements are to be compared with those in table maps. */
static bool
folds_names(MysqlServer *server, bool *ret_folds, Error *err)
{
    CLEANUP(buf_clear) Buf value = BUF_INIT;
    bool found;

    if (!source_mysql_server_value(
            server, TEXT("SELECT @@lower_case_table_names"), &value, &found, err))
        return false;
    *ret_folds = found && text_is(buf_text(&value), "1");
    return true;
}

/* ---- the driver ----------------------------------------------------------------------------- */

static void
close_source(Source *base)
{
    Mysql *mysql = (Mysql *)base;

    if (mysql == NULL)
        return;
    source_mysql_stream_close(mysql->stream);
    source_mysql_changes_free(mysql->changes);
    source_mysql_schema_free(mysql->schema);
    buf_clear(&mysql->position);
    free(mysql);
}

static bool
open_stream(Mysql *mysql, Error *err)
{
    const SourceStart *start = &mysql->start;
    CLEANUP(source_mysql_server_close)
    MysqlServer *server = source_mysql_server_open(start->options, err);
    CLEANUP(binlog_position_free) BinlogPosition *position = NULL;
    MysqlChangesStart changes = {.source = start};
    MysqlStreamStart stream = {.options = start->options,
        .server_id = source_mysql_server_id(start, MYSQL_ID_STREAM),
        .until_end = start->until_end};

    if (server == NULL || !folds_names(server, &changes.fold_names, err))
        return false;
    position = start_position(server, start, err);
    if (position == NULL)
        return false;
    mysql->schema = source_mysql_schema_new(start);
    if (!source_mysql_schema_open(mysql->schema, err))
        return false;
    changes.position = position;
    changes.schema = mysql->schema;
    mysql->changes = source_mysql_changes_new(&changes);
    stream.position = position;
    mysql->stream = source_mysql_stream_open(&stream, err);
    return mysql->stream != NULL;
}

static Source *
open_source(const SourceStart *start, Error *err)
{
    Mysql *mysql = calloc(1, sizeof(*mysql));

    if (mysql == NULL)
        abort();
    mysql->base.driver = &source_mysql;
    mysql->start = *start;
    buf_add_text(&mysql->position, start->position);
    mysql->start.position = buf_text(&mysql->position);
    if (open_stream(mysql, err))
        return &mysql->base;
    close_source(&mysql->base);
    return NULL;
}

static Next
next_event(Source *base, int64_t wait_ms, Event *ret_event, Error *err)
{
    Mysql *mysql = (Mysql *)base;
    int64_t end_ms = -1;

    for (;;) {
        Text bytes;
        Next next = source_mysql_changes_next(mysql->changes, ret_event, err);

        if (next != NEXT_IDLE)
            return next;
        next = source_mysql_stream_next(mysql->stream, 0, &bytes, err);
        if ((next == NEXT_IDLE || next == NEXT_END) &&
            source_mysql_changes_position(mysql->changes, ret_event))
            return NEXT_ITEM;
        if (next == NEXT_IDLE) {
            /* events that come to nothing must not make the wait longer */
            if (end_ms < 0)
                end_ms = clock_monotonic_ms() + wait_ms;
            next = source_mysql_stream_next(
                mysql->stream, MAX(end_ms - clock_monotonic_ms(), (int64_t)0), &bytes, err);
        }
        if (next != NEXT_ITEM)
            return next;
        if (!source_mysql_changes_take(mysql->changes, bytes, err))
            return NEXT_FAILED;
        /* a large transaction of which nothing is for us */
        if (stop_level() >= STOP_NOW)
            return NEXT_IDLE;
    }
}

static Text
next_notice(Source *base)
{
    return source_mysql_changes_notice(((Mysql *)base)->changes);
}

/* The position that the service has must still be in the log. */
static bool
check_position(const SourceStart *start, MysqlServer *server, Error *err)
{
    CLEANUP(binlog_position_free) BinlogPosition *position = NULL;
    CLEANUP(source_mysql_stream_close) MysqlStream *stream = NULL;
    MysqlStreamStart wanted = {.options = start->options,
        .server_id = source_mysql_server_id(start, MYSQL_ID_CHECK),
        .until_end = true};
    Text bytes;

    position = start_position(server, start, err);
    if (position == NULL)
        return false;
    wanted.position = position;
    stream = source_mysql_stream_open(&wanted, err);
    if (stream == NULL)
        return error_wrap(err, "reading the log");
    /* the server looks for the place before it sends the first event of it */
    for (int i = 0; i < 4; i++) {
        Next next = source_mysql_stream_next(stream, 10000, &bytes, err);

        if (next == NEXT_FAILED)
            return error_wrap(err, "reading the log");
        if (next != NEXT_ITEM)
            break;
    }
    return true;
}

static bool
check_source(const SourceStart *start, Buf *report, Error *err)
{
    CLEANUP(source_mysql_server_close)
    MysqlServer *server = source_mysql_server_open(start->options, err);

    return server != NULL && source_mysql_report(server, start, report, err) &&
           check_position(start, server, err);
}

/* Nothing is made at the server: what has to be set there is the administrator's. */
static bool
install_source(const SourceInstall *install, Buf *report, Error *err)
{
    MysqlSourceOptions options = *(const MysqlSourceOptions *)install->options;
    SourceStart start = {.service = install->service, .options = &options, .position = TEXT("")};
    CLEANUP(source_mysql_server_close)
    MysqlServer *server = source_mysql_server_open(&options, err);
    CLEANUP(arena_free) Arena *arena = arena_new();
    size_t count = 0;

    if (server == NULL)
        return false;
    while (install->tables != NULL && install->tables[count] != NULL)
        count++;
    if (count > 0) {
        options.tables.items = ARENA_ARRAY(arena, const char *, count);
        memcpy(options.tables.items, install->tables, count * sizeof(*install->tables));
        options.tables.count = count;
    }
    return source_mysql_report(server, &start, report, err);
}

const SourceDriver source_mysql = {
    .name = "mysql",
    .summary = "the row binary log of MariaDB and MySQL",
    .fields = fields,
    .options_size = sizeof(MysqlSourceOptions),
    .abilities = SOURCE_OMITS_VALUES | SOURCE_PLACE_IN_TARGET,
    .open = open_source,
    .close = close_source,
    .next = next_event,
    .check = check_source,
    .notice = next_notice,
    .compare = binlog_position_compare,
    .install = install_source,
    .tables_open = source_mysql_tables_open,
    .snapshot = &mysql_snapshot,
};
