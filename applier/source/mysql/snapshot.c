#include "source/mysql/snapshot.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/fault.h"
#include "base/map.h"
#include "base/stop.h"
#include "source/mysql/canonical.h"
#include "source/mysql/rows.h"
#include "source/mysql/views.h"

/* Keys in one statement. */
#define KEYS_AT_ONCE  300
#define LEASE_POLL_MS 100

/* The server's errors that a changed table gives. */
enum {
    ERROR_NO_DATABASE = 1049,
    ERROR_NO_TABLE = 1146,
    ERROR_CHANGED = 1412, /* the table's definition is newer than the view */
};

/* Of the server's own error; a statement's later results have reset what the connection says. */
static unsigned long
error_number(const Error *err)
{
    return err->kind == ERR_SOURCE ? strtoul(err->text, NULL, 10) : 0;
}

/* A connection in the view. Whoever has the lease sends statements. */
typedef struct View {
    MysqlServer *server;
    bool is_taken; /* by a reader that has it for itself */
    bool is_leased;
    pthread_t holder;
} View;

/* The snapshot's connections. They outlive the snapshot where readers still have them. */
typedef struct ViewPool {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    View *views;
    size_t count;
    size_t users; /* readers, and the snapshot */
    bool is_shared;
    bool is_closed; /* the snapshot is gone: nobody takes a view any more */
    MysqlSourceOptions options;
} ViewPool;

typedef struct MysqlSnapshot {
    Snapshot base;
    ViewPool *pool;
    Buf position;
    Buf notice;
} MysqlSnapshot;

/* A table as this reader reads it. */
typedef struct ReaderTable {
    const MysqlTable *source;
    Table shape;
    size_t *columns; /* by index in shape.columns: the index in source->base.columns */
} ReaderTable;

struct SnapshotReader {
    ViewPool *pool;
    View *view;
    Arena *arena;
    Map tables; /* "schema.table" with a NUL between the names -> ReaderTable */
    BinlogMemory *memory;
    Value *values;
    size_t value_size;

    ReaderTable *table; /* of the chunk; NULL: none */
    SnapshotChunk chunk;
    Arena *chunk_arena; /* copies of its keys */
    size_t key_at;      /* keys that were asked for */
    MYSQL_RES *result;  /* of a statement whose rows are not all read; then the lease is ours */
};

/* ---- the connections -------------------------------------------------------------------------
 */

static void
pool_free(ViewPool *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        source_mysql_server_close(pool->views[i].server);
    free(pool->views);
    (void)pthread_mutex_destroy(&pool->mutex);
    (void)pthread_cond_destroy(&pool->changed);
    free(pool);
}

static void
pool_leave(ViewPool *pool)
{
    bool is_last;

    (void)pthread_mutex_lock(&pool->mutex);
    is_last = --pool->users == 0;
    (void)pthread_mutex_unlock(&pool->mutex);
    if (is_last)
        pool_free(pool);
}

static ViewPool *
pool_new(const MysqlSourceOptions *options, MysqlViews *views)
{
    ViewPool *pool = calloc(1, sizeof(*pool));

    if (pool == NULL)
        abort();
    pool->views = calloc(views->count, sizeof(*pool->views));
    if (pool->views == NULL)
        abort();
    for (size_t i = 0; i < views->count; i++)
        pool->views[i].server = STEAL(views->servers[i]);
    pool->count = views->count;
    pool->is_shared = views->is_shared;
    pool->users = 1;
    pool->options = *options;
    (void)pthread_mutex_init(&pool->mutex, NULL);
    (void)pthread_cond_init(&pool->changed, NULL);
    return pool;
}

static View *
pool_take(ViewPool *pool, Error *err)
{
    View *view = NULL;
    bool any_lost = false;

    (void)pthread_mutex_lock(&pool->mutex);
    for (size_t i = 0; i < pool->count && view == NULL; i++) {
        any_lost = any_lost || pool->views[i].server->lost;
        if (!pool->views[i].server->lost && (pool->is_shared || !pool->views[i].is_taken))
            view = &pool->views[i];
    }
    if (view != NULL) {
        view->is_taken = true;
        pool->users++;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    if (view == NULL && any_lost)
        (void)error_set_retriable(err, ERR_SOURCE,
            "a connection of the snapshot was lost: begin again with another snapshot");
    else if (view == NULL)
        (void)error_set(err, ERR_INTERNAL,
            "the snapshot has %zu connections, and all of them have readers", pool->count);
    return view;
}

/* The next statement of the connection is ours; where it has one reader, it always is. */
static bool
lease_begin(SnapshotReader *reader, Error *err)
{
    ViewPool *pool = reader->pool;
    View *view = reader->view;
    bool ok = true;

    if (!pool->is_shared)
        return true;
    (void)pthread_mutex_lock(&pool->mutex);
    while (ok && view->is_leased) {
        struct timespec until;

        if (pthread_equal(view->holder, pthread_self())) {
            ok = error_set(err, ERR_SOURCE,
                "two views of one place of the log are needed: give the service's user the right "
                "RELOAD and leave source.snapshot_lock on, or try again when less is committed");
            break;
        }
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LEASE_POLL_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&pool->changed, &pool->mutex, &until);
        if (stop_level() >= STOP_NOW)
            ok = error_set(err, ERR_STOPPED, "stopped while another table was read");
    }
    if (ok) {
        view->is_leased = true;
        view->holder = pthread_self();
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    return ok;
}

static void
lease_end(SnapshotReader *reader)
{
    ViewPool *pool = reader->pool;

    if (!pool->is_shared)
        return;
    (void)pthread_mutex_lock(&pool->mutex);
    reader->view->is_leased = false;
    (void)pthread_cond_broadcast(&pool->changed);
    (void)pthread_mutex_unlock(&pool->mutex);
}

/* ---- the snapshot -----------------------------------------------------------------------------
 */

static void
close_snapshot(Snapshot *base)
{
    MysqlSnapshot *snapshot = (MysqlSnapshot *)base;

    if (snapshot == NULL)
        return;
    if (snapshot->pool != NULL) {
        (void)pthread_mutex_lock(&snapshot->pool->mutex);
        snapshot->pool->is_closed = true;
        (void)pthread_mutex_unlock(&snapshot->pool->mutex);
        pool_leave(snapshot->pool);
    }
    buf_clear(&snapshot->position);
    buf_clear(&snapshot->notice);
    free(snapshot);
}

static void
add_notice(const MysqlViews *views, Buf *notice)
{
    if (views->is_shared)
        buf_add_string(notice,
            "one connection reads all tables, one after the other: several views of one place of "
            "the log need the right RELOAD and source.snapshot_lock, or a moment without a commit");
    else if (views->waited_us < 0)
        buf_addf(notice, "%zu connection%s of one view, without a lock", views->count,
            views->count == 1 ? "" : "s");
    else
        buf_addf(notice, "%zu connection%s of one view; commits were kept waiting for %.1f ms",
            views->count, views->count == 1 ? "" : "s", (double)views->waited_us / 1000);
}

static Snapshot *
open_snapshot(const SourceStart *start, Error *err)
{
    CLEANUP(source_mysql_views_clear) MysqlViews views = {.waited_us = -1};
    MysqlSnapshot *snapshot;

    if (!source_mysql_views_open(start->options, start->readers, &views, err))
        return NULL;
    snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot == NULL)
        abort();
    snapshot->base.driver = &mysql_snapshot;
    binlog_position_print(views.position, &snapshot->position);
    add_notice(&views, &snapshot->notice);
    snapshot->pool = pool_new(start->options, &views);
    return &snapshot->base;
}

static Text
snapshot_position(const Snapshot *base)
{
    return buf_text(&((const MysqlSnapshot *)base)->position);
}

static Text
snapshot_notice(const Snapshot *base)
{
    return buf_text(&((const MysqlSnapshot *)base)->notice);
}

/* ---- readers ----------------------------------------------------------------------------------
 */

static SnapshotReader *
reader_open(Snapshot *base, Error *err)
{
    ViewPool *pool = ((MysqlSnapshot *)base)->pool;
    View *view = pool_take(pool, err);
    SnapshotReader *reader;

    if (view == NULL)
        return NULL;
    reader = calloc(1, sizeof(*reader));
    if (reader == NULL)
        abort();
    reader->pool = pool;
    reader->view = view;
    reader->arena = arena_new();
    reader->memory = binlog_memory_new();
    return reader;
}

/* What fails here shows in the next statement. */
static bool
run_quietly(MysqlServer *server, const char *sql)
{
    Error ignored;

    return !server->lost && source_mysql_server_query(server, text_of(sql), NULL, NULL, &ignored);
}

/* The server need not send the rest of a large table. */
static void
cancel_statement(SnapshotReader *reader)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    CLEANUP(source_mysql_server_close) MysqlServer *other = NULL;
    MysqlServer *server = reader->view->server;
    Error ignored;

    if (stop_level() >= STOP_NOW) {
        (void)source_mysql_server_lose(server, &ignored);
        return;
    }
    other = source_mysql_server_open(&reader->pool->options, &ignored);
    buf_addf(&sql, "KILL QUERY %lu", mysql_thread_id(server->mysql));
    if (other == NULL || !source_mysql_server_query(other, buf_text(&sql), NULL, NULL, &ignored))
        (void)source_mysql_server_lose(server, &ignored);
}

/* Ready for a statement: what an unfinished chunk still has to say is thrown away. */
static void
give_up(SnapshotReader *reader)
{
    MysqlServer *server = reader->view->server;

    reader->table = NULL;
    if (reader->result == NULL)
        return;
    cancel_statement(reader);
    while (mysql_fetch_row(reader->result) != NULL)
        ;
    mysql_free_result(reader->result);
    reader->result = NULL;
    /* should the cancelling have come too late, it meets this one */
    if (!run_quietly(server, "DO 0"))
        (void)run_quietly(server, "DO 0");
    lease_end(reader);
}

/* Tables that were read may be changed from now on. */
static void
give_back(SnapshotReader *reader)
{
    ViewPool *pool = reader->pool;

    if (!pool->is_shared)
        (void)run_quietly(reader->view->server, "ROLLBACK TO SAVEPOINT dray");
    (void)pthread_mutex_lock(&pool->mutex);
    reader->view->is_taken = false;
    if (pool->is_closed && !pool->is_shared) {
        source_mysql_server_close(reader->view->server);
        reader->view->server = NULL;
    }
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void
reader_close(SnapshotReader *reader)
{
    if (reader == NULL)
        return;
    give_up(reader);
    give_back(reader);
    pool_leave(reader->pool);
    map_clear(&reader->tables);
    binlog_memory_free(reader->memory);
    arena_free(reader->arena);
    arena_free(reader->chunk_arena);
    free(reader->values);
    free(reader);
}

/* ---- tables -----------------------------------------------------------------------------------
 */

/*
 * Keep the table as it is: a statement that names it locks its definition until the savepoint is
 * gone back to. It reads a row, so that a definition that is newer than the view is found out.
 */
static bool
lock_table(SnapshotReader *reader, Text schema, Text name, bool *ret_found, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    MysqlServer *server = reader->view->server;
    unsigned long number;

    buf_add_string(&sql, "SELECT 1 FROM ");
    source_mysql_add_name(&sql, schema);
    buf_add_char(&sql, '.');
    source_mysql_add_name(&sql, name);
    buf_add_string(&sql, " LIMIT 1");
    *ret_found = true;
    if (source_mysql_server_query(server, buf_text(&sql), NULL, NULL, err))
        return true;
    number = error_number(err);
    if (!server->lost && (number == ERROR_NO_TABLE || number == ERROR_NO_DATABASE)) {
        *ret_found = false;
        return true;
    }
    return false;
}

/* A table that was changed since is read as a whole only by another snapshot. */
static bool
statement_error(Error *err)
{
    if (error_number(err) != ERROR_CHANGED)
        return false;
    return error_set_retriable(err, ERR_SOURCE,
        "its definition was changed after the snapshot was taken (ALTER TABLE, TRUNCATE, RENAME "
        "or OPTIMIZE TABLE), so that the snapshot does not show its rows: begin again with another "
        "snapshot");
}

static bool
check_table(const MysqlTable *table, Error *err)
{
    if (table->is_transactional)
        return true;
    return error_set(err, ERR_SOURCE,
        "its engine " TEXT_FMT " has no consistent views, so that its rows cannot be read as they "
        "were at one place of the log: ALTER TABLE … ENGINE = InnoDB, or leave it out (a table "
        "rule with skip: true)",
        TEXT_ARG(table->engine));
}

/* As the view has it, and kept so; *ret_table is NULL where there is none. */
static bool
look_up(SnapshotReader *reader, Text schema, Text name, Arena *arena, MysqlTable **ret_table,
    Error *err)
{
    bool found;

    *ret_table = NULL;
    if (!lock_table(reader, schema, name, &found, err)) {
        (void)statement_error(err);
        return false;
    }
    return !found || (source_mysql_tables_find(reader->view->server, &reader->pool->options, schema,
                          name, arena, ret_table, err) &&
                         (*ret_table == NULL || check_table(*ret_table, err)));
}

static bool
look_up_leased(SnapshotReader *reader, Text schema, Text name, Arena *arena, MysqlTable **ret_table,
    Error *err)
{
    bool ok;

    give_up(reader);
    if (!lease_begin(reader, err))
        return false;
    ok = look_up(reader, schema, name, arena, ret_table, err);
    lease_end(reader);
    return ok;
}

static bool
reader_describe(SnapshotReader *reader, Text schema, Text name, Arena *arena,
    SourceTable **ret_table, Error *err)
{
    MysqlTable *table = NULL;

    if (!look_up_leased(reader, schema, name, arena, &table, err))
        return false;
    *ret_table = table == NULL ? NULL : &table->base;
    return true;
}

/* The columns as the change stream tells them. */
static ReaderTable *
make_table(SnapshotReader *reader, const MysqlTable *source)
{
    const SourceTable *base = &source->base;
    ReaderTable *table = ARENA_NEW(reader->arena, ReaderTable);
    Column *columns = ARENA_ARRAY(reader->arena, Column, base->column_count + 1);
    size_t count = 0;

    table->source = source;
    table->columns = ARENA_ARRAY(reader->arena, size_t, base->column_count + 1);
    for (size_t i = 0; i < base->column_count; i++) {
        const SourceColumn *column = &base->columns[i];
        bool in_key = false;

        if (column->is_generated)
            continue;
        for (size_t j = 0; j < base->key_count; j++)
            in_key = in_key || base->key[j] == i;
        columns[count] =
            (Column){column->name, column->type, column->logical, in_key, column->may_omit};
        table->columns[count++] = i;
    }
    table->shape = (Table){.id = source_next_table_id(),
        .schema = base->schema,
        .name = base->name,
        .columns = columns,
        .column_count = count,
        .has_key = base->key_count > 0};
    if (count > reader->value_size) {
        free(reader->values);
        reader->values = calloc(count, sizeof(*reader->values));
        reader->value_size = count;
        if (reader->values == NULL)
            abort();
    }
    return table;
}

static bool
find_table(SnapshotReader *reader, Text schema, Text name, ReaderTable **ret_table, Error *err)
{
    CLEANUP(buf_clear) Buf key = BUF_INIT;
    MysqlTable *source = NULL;

    buf_add_text(&key, schema);
    buf_add_char(&key, '\0');
    buf_add_text(&key, name);
    *ret_table = map_get(&reader->tables, buf_text(&key));
    if (*ret_table != NULL)
        return true;
    if (!look_up_leased(reader, schema, name, reader->arena, &source, err))
        return error_wrap(err, "table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(schema), TEXT_ARG(name));
    if (source == NULL)
        return error_set(err, ERR_SOURCE,
            "table " TEXT_FMT "." TEXT_FMT " is not there in the snapshot", TEXT_ARG(schema),
            TEXT_ARG(name));
    *ret_table = make_table(reader, source);
    (void)map_put(&reader->tables, buf_text(&key), *ret_table);
    return true;
}

/* ---- chunks -----------------------------------------------------------------------------------
 */

/* Of reader->table. */
static bool
keep_chunk(SnapshotReader *reader, const SnapshotChunk *chunk, Error *err)
{
    CLEANUP(arena_free) Arena *arena = arena_new();

    if (!snapshot_chunk_copy(chunk, &reader->table->source->base, arena, &reader->chunk, err))
        return false;
    arena_free(reader->chunk_arena);
    reader->chunk_arena = STEAL(arena);
    reader->key_at = 0;
    return true;
}

static bool
send_statement(SnapshotReader *reader, Text sql, Error *err)
{
    MysqlServer *server = reader->view->server;

    if (FAULT("source.mysql.copy"))
        return source_mysql_server_lose(server, err);
    if (server->lost)
        return error_set_retriable(
            err, ERR_SOURCE, "the connection of the snapshot was lost before");
    if (!client_mysql_query(server->mysql, &server->options, sql) ||
        (reader->result = mysql_use_result(server->mysql)) == NULL) {
        (void)source_mysql_server_error(server, err);
        (void)statement_error(err);
        return false;
    }
    return true;
}

static bool
send_chunk(SnapshotReader *reader, Error *err)
{
    CLEANUP(buf_clear) Buf sql = BUF_INIT;
    size_t left = reader->chunk.key_total - reader->key_at;
    size_t count = MIN(left, (size_t)KEYS_AT_ONCE);

    source_mysql_rows_statement(reader->table->source, &reader->chunk, reader->key_at, count, &sql);
    reader->key_at += count;
    if (!lease_begin(reader, err))
        return false;
    if (send_statement(reader, buf_text(&sql), err))
        return true;
    lease_end(reader);
    return false;
}

static bool
reader_read(SnapshotReader *reader, const SnapshotChunk *chunk, Error *err)
{
    const SourceTable *wanted = chunk->table;
    ReaderTable *table;

    /* what the table is must be known before its rows are begun */
    give_up(reader);
    if (!find_table(reader, wanted->schema, wanted->name, &table, err))
        return false;
    reader->table = table;
    if (!keep_chunk(reader, chunk, err)) {
        reader->table = NULL;
        return false;
    }
    if ((chunk->keys == NULL || chunk->key_total > 0) && !send_chunk(reader, err)) {
        reader->table = NULL;
        return error_wrap(err, "read table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(wanted->schema),
            TEXT_ARG(wanted->name));
    }
    /* it was needed for the statement only, and may be gone soon */
    reader->chunk.after = NULL;
    return true;
}

/* ---- rows -------------------------------------------------------------------------------------
 */

static bool
decode_row(SnapshotReader *reader, MYSQL_ROW row, Error *err)
{
    const ReaderTable *table = reader->table;
    const unsigned long *lengths = mysql_fetch_lengths(reader->result);

    binlog_memory_reset(reader->memory);
    for (size_t i = 0; i < table->shape.column_count; i++) {
        const BinlogValueType *type = &table->source->types[table->columns[i]];
        Text shown = {row[i], lengths[i]};
        bool ok = true;

        reader->values[i] = (Value){.kind = VALUE_NULL};
        if (row[i] != NULL)
            ok = binlog_value_is_by_bytes(type)
                     ? binlog_value_from_bytes(type, shown, reader->memory, &reader->values[i], err)
                     : binlog_value_from_text(type, shown, reader->memory, &reader->values[i], err);
        if (!ok)
            return error_wrap(err, "column " TEXT_FMT, TEXT_ARG(table->shape.columns[i].name));
    }
    return true;
}

/* The next row of the statement; NEXT_END after the last one, without its lease. */
static Next
take_row(SnapshotReader *reader, Error *err)
{
    MysqlServer *server = reader->view->server;
    MYSQL_ROW row;
    bool ok = true;

    if (FAULT("source.mysql.copy"))
        (void)source_mysql_server_lose(server, err);
    row = server->lost ? NULL : mysql_fetch_row(reader->result);
    if (row != NULL) {
        if (decode_row(reader, row, err))
            return NEXT_ITEM;
        give_up(reader);
        return NEXT_FAILED;
    }
    if (!server->lost && mysql_errno(server->mysql) != 0) {
        ok = source_mysql_server_error(server, err);
        (void)statement_error(err);
    }
    ok = ok && !server->lost;
    mysql_free_result(reader->result);
    reader->result = NULL;
    lease_end(reader);
    return ok ? NEXT_END : NEXT_FAILED;
}

static Next
next_row(SnapshotReader *reader, Change *ret_change, Error *err)
{
    Next next = NEXT_END;

    for (;;) {
        if (reader->result != NULL)
            next = take_row(reader, err);
        if (next != NEXT_END || reader->key_at >= reader->chunk.key_total)
            break;
        if (!send_chunk(reader, err))
            return NEXT_FAILED;
    }
    if (next == NEXT_ITEM)
        *ret_change = (Change){
            .kind = CHANGE_INSERT, .table = &reader->table->shape, .after = reader->values};
    return next;
}

static Next
reader_next(SnapshotReader *reader, Change *ret_change, Error *err)
{
    const ReaderTable *table = reader->table;
    Next next;

    if (table == NULL)
        return NEXT_END;
    next = next_row(reader, ret_change, err);
    if (next == NEXT_FAILED)
        (void)error_wrap(err, "read table " TEXT_FMT "." TEXT_FMT, TEXT_ARG(table->shape.schema),
            TEXT_ARG(table->shape.name));
    if (next != NEXT_ITEM)
        reader->table = NULL;
    return next;
}

static bool
reader_query(SnapshotReader *reader, Text sql, SnapshotRowFn *row, void *context, Error *err)
{
    bool ok;

    give_up(reader);
    if (!lease_begin(reader, err))
        return false;
    ok = source_mysql_server_query(reader->view->server, sql, row, context, err);
    if (!ok) {
        (void)statement_error(err);
        /* the server's own words are of a function that it does not find in any database */
        if (!err->retriable && err->kind != ERR_STOPPED &&
            memmem(sql.data, sql.len, "MD5(", 4) != NULL &&
            !source_mysql_server_has_md5(reader->view->server))
            (void)error_set(err, ERR_SOURCE, "%s", MYSQL_MD5_WAY_OUT);
    }
    lease_end(reader);
    return ok;
}

static void
canonical(const SourceColumn *column, Canonical form, Buf *sql)
{
    CLEANUP(buf_clear) Buf name = BUF_INIT;

    source_mysql_add_name(&name, column->name);
    source_mysql_canonical(buf_string(&name), column->type, column->logical, form, sql);
}

const SnapshotDriver mysql_snapshot = {
    .open = open_snapshot,
    .close = close_snapshot,
    .position = snapshot_position,
    .notice = snapshot_notice,
    .reader_open = reader_open,
    .reader_close = reader_close,
    .describe = reader_describe,
    .read = reader_read,
    .next = reader_next,
    .query = reader_query,
    .canonical = canonical,
    .identifier_quote = '`',
};
