/*
 * postgres_world.h - a PostgreSQL server for tests of the source's catalogue and snapshots
 */
#pragma once

#include "source/postgres_snapshot.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "../target/server.h"
#include "base/map.h"
#include "base/stop.h"
#include "source/postgres.h"
#include "support/test.h"

#define WRITERS 3

static Server server;
static char conninfo[256];
static PostgresSourceOptions options = {.connection = conninfo,
    .slot = "dray_test",
    .publication = "pub",
    .connect_timeout_ms = 10000,
    .status_interval_ms = 10000};
static const SourceStart start = {.service = "test", .options = &options};
static PGconn *admin;

#define D source_postgres.snapshot

static inline PGconn *
connect_server(void)
{
    PGconn *pq = PQconnectdb(conninfo);

    if (PQstatus(pq) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(pq));
    return pq;
}

static inline void
run(const char *sql)
{
    PGresult *result = PQexec(admin, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(admin));
    PQclear(result);
}

/* Every test begins with an empty schema. */
static inline int
clean(void **state)
{
    (void)state;
    stop_reset();
    /* what a failed test has left open */
    run("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <>"
        " pg_backend_pid() AND backend_type IN ('client backend', 'walsender')");
    run("SET lock_timeout = '10s'; SET client_min_messages = warning; DROP SCHEMA IF EXISTS s "
        "CASCADE; CREATE SCHEMA s;"
        "DROP PUBLICATION IF EXISTS pub; SET search_path = s, public");
    options.connection = conninfo;
    return 0;
}

static inline Snapshot *
open_snapshot(void)
{
    Error err;
    Snapshot *snapshot = D->open(&start, &err);

    if (snapshot == NULL)
        fail_msg("%s", err.text);
    return snapshot;
}

static inline SnapshotReader *
open_reader(Snapshot *snapshot)
{
    Error err;
    SnapshotReader *reader = D->reader_open(snapshot, &err);

    if (reader == NULL)
        fail_msg("%s", err.text);
    return reader;
}

static inline SourceTable *
describe(SnapshotReader *reader, Arena *arena, const char *name)
{
    SourceTable *table = NULL;
    Error err;

    assert_ok(D->describe(reader, TEXT("s"), text_of(name), arena, &table, &err), err);
    assert_non_null(table);
    return table;
}

static inline void
begin(SnapshotReader *reader, const SnapshotChunk *chunk)
{
    Error err;

    assert_ok(D->read(reader, chunk, &err), err);
}

/* "a|b|~": the row as text, "~" for null; false at the end. */
static inline bool
next_row(SnapshotReader *reader, Buf *row, Change *ret_change)
{
    Error err;
    Next next = D->next(reader, ret_change, &err);

    buf_reset(row, SIZE_MAX);
    if (next == NEXT_END)
        return false;
    if (next != NEXT_ITEM)
        fail_msg("%s", err.text);
    assert_int_equal(ret_change->kind, CHANGE_INSERT);
    assert_null(ret_change->before);
    for (size_t i = 0; i < ret_change->table->column_count; i++) {
        buf_add_string(row, i == 0 ? "" : "|");
        if (ret_change->after[i].kind == VALUE_NULL)
            buf_add_char(row, '~');
        else
            buf_add_text(row, ret_change->after[i].text);
    }
    return true;
}

/* All rows of a chunk, a line each. */
static inline const char *
rows_of(SnapshotReader *reader, const SnapshotChunk *chunk)
{
    static Buf all;
    Buf row = BUF_INIT;
    Change change;

    buf_reset(&all, SIZE_MAX);
    begin(reader, chunk);
    while (next_row(reader, &row, &change)) {
        buf_add_text(&all, buf_text(&row));
        buf_add_char(&all, '\n');
    }
    buf_clear(&row);
    return buf_string(&all);
}

typedef struct View {
    Snapshot *snapshot;
    SnapshotReader *reader;
    Arena *arena;
} View;

static inline View
open_view(void)
{
    View view = {.arena = arena_new()};

    view.snapshot = open_snapshot();
    view.reader = open_reader(view.snapshot);
    return view;
}

static inline void
close_view(View *view)
{
    D->reader_close(view->reader);
    snapshot_close(view->snapshot);
    arena_free(view->arena);
}

/* What a table holds, as a new view sees it. */
static inline const char *
read_whole(const char *name)
{
    View view = open_view();
    SnapshotChunk chunk = {.table = describe(view.reader, view.arena, name)};
    const char *rows = rows_of(view.reader, &chunk);

    close_view(&view);
    return rows;
}

/* Start the server, run the tests, stop it. */
static inline int
run_world(const struct CMUnitTest *tests, size_t count)
{
    int failed;

    if (!server_has_postgres())
        return server_skip("PostgreSQL");
    server_start_postgres(&server);
    (void)snprintf(
        conninfo, sizeof(conninfo), "host=%s user=postgres dbname=postgres", server.socket);
    admin = connect_server();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
    PQfinish(admin);
    return failed;
}
